/* The page that is seen first: the timeline, and below it the lines of a moment or span. */
#ifndef HAK_VIEWER_VIEW_MAIN_PAGE_H
#define HAK_VIEWER_VIEW_MAIN_PAGE_H

#include "viewer/view/browser.h"
#include "viewer/view/columns.h"
#include "viewer/view/lines.h"
#include "viewer/view/time_pane.h"

enum tab { TAB_TOP, TAB_TREE, TAB_CALLERS, TAB_FINDINGS, TABS };

struct main_page {
    struct page page; /* its list: the lines */
    struct lines lines;
    struct time_pane time;
    struct columns columns;
    enum tab tab;
    bool is_time; /* the timeline has the keys */
    int shift;    /* of the names, in columns */
    int tabs_row, heading_row, list_row;
};

struct lines *main_page_lines(struct page *page);
/* Makes the lines anew, for another moment, filter or order; the cursor stays on its line. */
void main_page_make_lines(struct main_page *m, struct browser *b, bool is_refresh);
/* main_draw.c */
void main_page_draw(struct page *page, struct browser *b, int row, int end);
/* The tab whose name stands at this column of the screen, TABS = none. */
enum tab main_page_tab_at(const struct browser *b, int column);

/* Appends what search looks at: a finding's headline, or a line's name and place. */
void main_page_add_line(struct page *page, struct browser *b, int line, struct hak_text *text);

#endif

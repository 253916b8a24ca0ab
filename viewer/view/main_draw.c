/* Draws the main page. */
#include "viewer/view/main_page.h"

#include <string.h>
#include "report/words/words.h"

#define TREE_DEPTH_MAX 30 /* columns that the tree goes to the right */

static const char *const tab_names[TABS] = {" 1 Top ", " 2 Tree ", " 3 Callers ", " 4 Faults "};

/* ---- the moment --------------------------------------------------------------------------------
 */

/* Draws the totals of the moment or span. */
static void draw_moment(struct browser *b, int row) {
    const struct data *d = &b->data;
    struct canvas *c = &b->canvas;
    struct hak_text text = {0};
    if (d->is_span) {
        hak_text_add(&text, "%s to %s: ", hak_words_time(data_time(d, &d->from)),
                     hak_words_time(data_time(d, &d->at)));
        int64_t grown = profile_growth_bytes(&d->all);
        uint64_t size = grown < 0 ? -(uint64_t)grown : (uint64_t)grown;
        hak_text_add(&text, "%s by %s; %s allocated, %s freed, %s of them short-lived",
                     grown < 0 ? "shrunk" : "grown", hak_words_bytes(size),
                     hak_words_number(d->all.came.blocks), hak_words_number(d->all.went.blocks),
                     hak_words_number(d->all.brief.blocks));
    } else {
        hak_text_add(&text, "%s live in %s ", hak_words_bytes(d->all.live.bytes),
                     hak_words_count(d->all.live.blocks, "block", "blocks"));
        data_add_moment(&text, d, &d->at);
    }
    canvas_put(c, row, 1, c->columns, CANVAS_BOLD, hak_text_string(&text));
    hak_text_free(&text);
}

/* ---- tabs --------------------------------------------------------------------------------------
 */

enum tab main_page_tab_at(const struct browser *b, int column) {
    int at = 0;
    for (int i = 0; i < TABS; i++) {
        int end = at + (int)strlen(tab_names[i]);
        if (column >= at && column < end)
            return (enum tab)i;
        at = end + 1;
    }
    (void)b;
    return TABS;
}

/* Draws "7 of 185" at the right; returns where it begins. */
static int draw_place(const struct main_page *m, struct canvas *c, int row) {
    struct hak_text text = {0};
    if (m->page.list.rows)
        hak_text_add(&text, "%s of %s", hak_words_number((uint64_t)m->page.list.cursor + 1),
                     hak_words_number((uint64_t)m->page.list.rows));
    canvas_put_right(c, row, 0, c->columns - 1, CANVAS_DIM, hak_text_string(&text));
    int width = canvas_width(c, hak_text_string(&text), text.length);
    hak_text_free(&text);
    return c->columns - 1 - width;
}

/* Draws the tabs' names and, to the right, keys, filter and place in the list. */
static void draw_tabs(const struct main_page *m, struct browser *b, int row) {
    struct canvas *c = &b->canvas;
    struct hak_text text = {0};
    int at = 0;
    for (int i = 0; i < TABS; i++) {
        enum canvas_style style = i == (int)m->tab ? CANVAS_BAR : CANVAS_PLAIN;
        if (i == TAB_FINDINGS && b->data.findings.count && m->tab != TAB_FINDINGS)
            style = CANVAS_RED;
        at = canvas_put(c, row, at, c->columns, style, tab_names[i]) + 1;
    }
    if (m->tab != TAB_FINDINGS)
        hak_text_add(&text, "by %s%s", profile_key_name(m->lines.query.per),
                     b->data.query.shows_all ? ", all frames" : "");
    if (b->data.filter && m->tab != TAB_FINDINGS)
        hak_text_add(&text, ", only %s", b->data.filter);
    int end = draw_place(m, c, row) - 2;
    int width = canvas_width(c, hak_text_string(&text), text.length);
    canvas_put(c, row, end - width > at ? end - width : at + 1, end, CANVAS_DIM,
               hak_text_string(&text));
    hak_text_free(&text);
}

/* ---- lines -------------------------------------------------------------------------------------
 */

/* Text from its column `shift` on. */
static int put_shifted(struct canvas *c, int row, int at, enum canvas_style style,
                       const struct hak_text *text, int shift) {
    const char *from = hak_text_string(text);
    return canvas_put(c, row, at, c->columns, style, from + canvas_skip(c, from, shift));
}

/* Adds the indentation and the sign of an open or closed node. */
static void add_tree_begin(struct hak_text *text, const struct line *line) {
    int depth = line->depth > TREE_DEPTH_MAX ? TREE_DEPTH_MAX : line->depth;
    hak_text_fill(text, ' ', 2 * depth);
    hak_text_add(text, "%s%s ", line->is_only ? ">" : "",
                 !line->has_children ? (line->is_only ? "" : " ")
                 : line->is_open     ? "-"
                                     : "+");
}

/* Draws a line of a list or tree: its columns, name and place. */
static void draw_line(struct main_page *m, struct browser *b, uint32_t i, int row) {
    struct canvas *c = &b->canvas;
    struct lines *l = &m->lines;
    const struct line *line = &l->line[i];
    bool is_chosen = (int)i == m->page.list.cursor;
    enum canvas_style style = !is_chosen   ? CANVAS_PLAIN
                              : m->is_time ? CANVAS_MARKED
                                           : CANVAS_SELECTED;
    struct hak_text name = {0}, where = {0};
    if (is_chosen)
        canvas_fill(c, row, 0, c->columns, style, ' ');
    if (line->is_new)
        canvas_put_char(c, row, 0, is_chosen ? style : CANVAS_NEW, '+');
    int at = columns_draw(c, row, &m->columns, lines_sums(l, i), &b->data.all, style);
    if (l->kind != LINES_TOP)
        add_tree_begin(&name, line);
    lines_add_name(&name, l, i);
    lines_add_where(&where, l, i);
    int width = canvas_width(c, hak_text_string(&name), name.length);
    at = put_shifted(c, row, at, style, &name, m->shift);
    int behind = m->shift > width + 1 ? m->shift - width - 1 : 0;
    put_shifted(c, row, at + 1, is_chosen ? style : CANVAS_PLACE, &where, behind);
    hak_text_free(&name);
    hak_text_free(&where);
}

/* Draws a finding's time and headline. */
static void draw_finding(struct main_page *m, struct browser *b, int i, int row) {
    struct canvas *c = &b->canvas;
    const struct finding *one = &b->data.findings.list[i];
    struct hak_text text = {0};
    bool is_chosen = i == m->page.list.cursor;
    enum canvas_style style = !is_chosen   ? CANVAS_PLAIN
                              : m->is_time ? CANVAS_MARKED
                                           : CANVAS_SELECTED;
    if (is_chosen)
        canvas_fill(c, row, 0, c->columns, style, ' ');
    hak_text_add(&text, "%11s  ", one->ns ? hak_words_time(one->ns) : "");
    int at = canvas_put(c, row, 1, c->columns, style, hak_text_string(&text));
    hak_text_free(&text);
    hak_text_add(&text, "%s", one->headline);
    put_shifted(c, row, at, style, &text, m->shift);
    hak_text_free(&text);
}

void main_page_add_line(struct page *page, struct browser *b, int line, struct hak_text *text) {
    struct main_page *m = (struct main_page *)page;
    if (m->tab == TAB_FINDINGS) {
        hak_text_add(text, "%s", b->data.findings.list[line].headline);
        return;
    }
    lines_add_name(text, &m->lines, (uint32_t)line);
    hak_text_add(text, " ");
    lines_add_where(text, &m->lines, (uint32_t)line);
}

/* Draws the columns' headings, after it chose the columns by the screen's width. */
static void draw_tab_headings(struct main_page *m, struct browser *b, int row) {
    struct canvas *c = &b->canvas;
    canvas_fill(c, row, 0, c->columns, CANVAS_HEADING, ' ');
    if (m->tab == TAB_FINDINGS) {
        canvas_put(c, row, 1, c->columns, CANVAS_HEADING, "       time  what");
        return;
    }
    columns_choose(&m->columns, c->columns, b->data.is_span, m->lines.sort);
    int at = columns_draw(c, row, &m->columns, NULL, NULL, CANVAS_HEADING);
    canvas_put(c, row, at, c->columns, CANVAS_HEADING,
               m->lines.query.per == PROFILE_STACK ? "allocated by < called by"
                                                   : profile_key_name(m->lines.query.per));
}

/* Draws the chosen line in full: its name and its exact numbers. */
static void draw_chosen(struct main_page *m, struct browser *b, int row) {
    struct canvas *c = &b->canvas;
    struct hak_text text = {0};
    canvas_fill(c, row, 0, c->columns, CANVAS_DIM, c->is_utf8 ? 0x2500 : '-');
    if (!m->page.list.rows)
        return;
    main_page_add_line(&m->page, b, m->page.list.cursor, &text);
    canvas_put(c, row, 1, c->columns - 1, CANVAS_BOLD, hak_text_string(&text));
    hak_text_free(&text);
    if (m->tab == TAB_FINDINGS)
        hak_text_add(&text, "%s", b->data.findings.list[m->page.list.cursor].meaning);
    else
        columns_add_exact(&text, lines_sums(&m->lines, (uint32_t)m->page.list.cursor),
                          b->data.is_span);
    canvas_put(c, row + 1, 1, c->columns, CANVAS_PLAIN, hak_text_string(&text));
    hak_text_free(&text);
}

/* The words for an empty list of findings. */
static const char *nothing_found(const struct browser *b) {
    return b->data.unreported > 0
               ? "No leak, and no report of a fault; `hakmem-trace events --kind FAULT` lists "
                 "faults."
               : "No fault and no leak was found in this capture.";
}

/* Draws why the list is empty. */
static void draw_nothing(struct main_page *m, struct browser *b, int row) {
    const char *text = m->tab == TAB_FINDINGS ? nothing_found(b)
                       : b->data.filter ? "No stack of this moment matches; F4 changes the filter."
                                        : "Nothing was allocated up to here.";
    canvas_put(&b->canvas, row, 1, b->canvas.columns, CANVAS_DIM, text);
}

/* Draws the main page: of 24 lines five for the picture, then its axis, the moment, tabs, headings,
 * ten lines, two below. */
void main_page_draw(struct page *page, struct browser *b, int row, int end) {
    struct main_page *m = (struct main_page *)page;
    int height = end - row, picture = height * 3 / 10;
    picture = picture < 4 ? 4 : picture > 16 ? 16 : picture;
    time_pane_draw(&m->time, b, row, picture, m->is_time);
    draw_moment(b, row + picture);
    m->tabs_row = row + picture + 1;
    m->heading_row = m->tabs_row + 1;
    m->list_row = m->heading_row + 1;
    page->list.height = end - 2 - m->list_row;
    list_settle(&page->list);
    draw_tab_headings(m, b, m->heading_row);
    draw_tabs(m, b, m->tabs_row);
    for (int i = 0; i < page->list.height && page->list.top + i < page->list.rows; i++) {
        int line = page->list.top + i;
        if (m->tab == TAB_FINDINGS)
            draw_finding(m, b, line, m->list_row + i);
        else
            draw_line(m, b, (uint32_t)line, m->list_row + i);
    }
    if (!page->list.rows)
        draw_nothing(m, b, m->list_row);
    draw_chosen(m, b, end - 2);
}

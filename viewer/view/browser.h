/* The pages that lie on each other, the line at the foot, searching, and what is done each second:
 * all of `view` but the terminal.
 *
 *   browser_key ----> the prompt, or the page on top, or keys that all pages have
 *   browser_tick ---> a capture that is written: its new data
 *   browser_draw ---> canvas: first line | page | a message or prompt | keys
 *
 * For one thread. */
#ifndef HAK_VIEWER_VIEW_BROWSER_H
#define HAK_VIEWER_VIEW_BROWSER_H

#include "viewer/view/canvas.h"
#include "viewer/view/chart.h"
#include "viewer/view/data.h"
#include "viewer/view/keys.h"
#include "viewer/view/list.h"

#define BROWSER_PAGES         16
#define BROWSER_COLUMNS       60 /* of the smallest screen */
#define BROWSER_SHIFT_COLUMNS 8  /* of one key to the side */
#define BROWSER_ROWS          16
#define PAGE_KEYS             10 /* F1 to F10 */

struct browser;
struct page;

struct page_kind {
    const char *const *keys; /* what F1 to F10 are called; "" = nothing */
    void (*draw)(struct page *page, struct browser *b, int row, int end);
    /* False: the key means nothing here. */
    bool (*key)(struct page *page, struct browser *b, const struct key *key);
    /* Appends the text of a line that is searched for; NULL = it cannot be searched. */
    void (*add_line)(struct page *page, struct browser *b, int line, struct hak_text *text);
    void (*go_to)(struct page *page, struct browser *b, int line); /* a line that was found */
    /* The data are new, or shown in another way; may be NULL. `is_more`: the capture has grown. */
    void (*refresh)(struct page *page, struct browser *b, bool is_more);
    void (*free)(struct page *page);
};

/* The head of each kind of page. */
struct page {
    const struct page_kind *kind;
    struct list list;
};

enum browser_prompt { PROMPT_NONE, PROMPT_SEARCH, PROMPT_FILTER };

struct browser {
    struct data data;
    struct canvas canvas;
    struct page *page[BROWSER_PAGES]; /* the last one is seen */
    int pages;
    enum chart_kind chart;
    struct hak_text message;
    bool is_error;
    enum browser_prompt prompt;
    char typed[256], sought[256];
    bool is_done; /* the person wants to leave */
    uint64_t refreshed_ns;
    /* While a question is answered: shows progress, looks for Esc; see browser_watch. */
    uint64_t busy_since_ns, shown_ns;
    void (*show)(void *context);
    bool (*is_escape_typed)(void *context);
    void *context;
    struct page *(*make_main)(struct browser *b);
    struct page *(*make_help)(void);
};

/* Reads the capture that is open in `view` and opens the main page. 0 or a status; then the message
 * says why. */
int browser_open(struct browser *b, struct view *view);

/* Frees all pages, the data and the canvas of a browser. */
void browser_free(struct browser *b);
bool browser_resize(struct browser *b, int rows, int columns);
void browser_draw(struct browser *b);
void browser_key(struct browser *b, const struct key *key);
/* Looks for new events, each quarter of a second, when no key comes. */
void browser_tick(struct browser *b);

/* For hak_store_watch: shows how far a long read is, once each LOOK_NS. Returns whether Esc was
 * typed, which ends it. */
int browser_watch(void *context, const struct hak_progress *progress);
bool browser_is_stopped(void *context);
/* Shows an error line as the message, for view_redirect_errors. */
void browser_take_error(void *context, const char *line);

/* Opens a page, which it takes over; false: there is no room, or it is NULL. */
bool browser_push(struct browser *b, struct page *page);
void browser_back(struct browser *b);
void browser_say(struct browser *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void browser_prompt(struct browser *b, enum browser_prompt prompt);
/* Ends a question: a status other than 0 is shown, unless a message is there already. True: it was
 * 0. */
bool browser_end_question(struct browser *b, int status);
/* Makes all pages anew. */
void browser_refresh_pages(struct browser *b, bool is_more);

/* Makes the main page with its first lines. NULL without memory. */
struct page *main_page_make(struct browser *b);
struct page *stacks_page_make(struct browser *b, struct page *main); /* of the line of its cursor */
/* Makes the page of a stack's live blocks, of a kind where that is not NULL; NULL on an error,
 * which is shown. */
struct page *blocks_page_make(struct browser *b, uint32_t stack, const struct data_kind *kind);
struct page *text_page_make(const char *title, struct hak_text *text); /* takes the text */
struct page *help_page_make(void);

#endif

/* A stack of pages, and what they share. */
#include "viewer/view/browser.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"

#define REFRESH_NS   1000000000ull
#define REFRESH_REST 5            /* a read that took long is done that many times as seldom */
#define QUIET_NS     150000000ull /* what is answered sooner shows no progress */
#define LOOK_NS      50000000ull

static struct page *top_page(struct browser *b) {
    return b->pages ? b->page[b->pages - 1] : NULL;
}

/* ---- messages ----------------------------------------------------------------------------------
 */

/* Puts a message on the screen's last line in place of the one before. */
void browser_say(struct browser *b, const char *format, ...) {
    va_list list;
    hak_text_free(&b->message);
    b->is_error = false;
    va_start(list, format);
    hak_text_vadd(&b->message, format, list);
    va_end(list);
}

void browser_take_error(void *context, const char *line) {
    struct browser *b = context;
    struct hak_text text = {0};
    hak_text_add(&text, "%s", line);
    hak_text_free(&b->message);
    b->message = text;
    b->is_error = true;
}

bool browser_end_question(struct browser *b, int status) {
    if (status == VIEW_INTERRUPTED)
        browser_say(b, "Stopped. The list may not be whole; r reads it again.");
    else if (status != 0 && !b->message.length)
        browser_say(b, "This could not be read.");
    return status == 0;
}

/* ---- long reads --------------------------------------------------------------------------------
 */

/* Shows, while a question takes long, how much was read and that Esc stops it. */
static void show_progress(struct browser *b, const struct hak_progress *p, uint64_t now) {
    if (now - b->busy_since_ns < QUIET_NS || !b->show)
        return;
    struct hak_text text = {0};
    hak_text_add(&text, "%s%s", p && p->doing[0] ? p->doing : "reading", p ? ": " : " ");
    if (p && p->total)
        hak_text_add(&text, "%s of %s events, %u %%  ", hak_words_number(p->done),
                     hak_words_number(p->total), (unsigned)(p->done * 100 / p->total));
    hak_text_add(&text, "(Esc stops)");
    int row = b->canvas.rows - 2;
    canvas_fill(&b->canvas, row, 0, b->canvas.columns, CANVAS_PLAIN, ' ');
    canvas_put(&b->canvas, row, 1, b->canvas.columns, CANVAS_BOLD, hak_text_string(&text));
    hak_text_free(&text);
    b->show(b->context);
}

int browser_watch(void *context, const struct hak_progress *progress) {
    struct browser *b = context;
    uint64_t now = view_now_ns();
    if (now - b->shown_ns < LOOK_NS)
        return 0;
    b->shown_ns = now;
    show_progress(b, progress, now);
    return b->is_escape_typed && b->is_escape_typed(b->context);
}

bool browser_is_stopped(void *context) {
    return browser_watch(context, NULL);
}

static void begin_question(struct browser *b) {
    b->busy_since_ns = b->shown_ns = view_now_ns();
}

/* ---- pages -------------------------------------------------------------------------------------
 */

static void free_page(struct page *page) {
    page->kind->free(page);
    free(page);
}

bool browser_push(struct browser *b, struct page *page) {
    if (!page)
        return false;
    if (b->pages == BROWSER_PAGES) {
        free_page(page);
        return false;
    }
    b->page[b->pages++] = page;
    return true;
}

void browser_back(struct browser *b) {
    if (b->pages > 1)
        free_page(b->page[--b->pages]);
}

void browser_refresh_pages(struct browser *b, bool is_more) {
    for (int i = 0; i < b->pages; i++)
        if (b->page[i]->kind->refresh)
            b->page[i]->kind->refresh(b->page[i], b, is_more);
}

int browser_open(struct browser *b, struct view *view) {
    b->data.is_stopped = browser_is_stopped;
    b->data.context = b;
    begin_question(b);
    int status = data_open(&b->data, view);
    if (status == 0 && !browser_push(b, b->make_main(b)))
        status = VIEW_USAGE;
    b->refreshed_ns = view_now_ns();
    return status;
}

void browser_free(struct browser *b) {
    while (b->pages)
        free_page(b->page[--b->pages]);
    data_free(&b->data);
    canvas_free(&b->canvas);
    hak_text_free(&b->message);
}

bool browser_resize(struct browser *b, int rows, int columns) {
    return canvas_resize(&b->canvas, rows, columns);
}

void browser_tick(struct browser *b) {
    uint64_t now = view_now_ns(), rest = (b->data.read_ns + b->data.group_ns) * REFRESH_REST;
    bool is_new;
    if (!b->data.view->summary.being_written || b->prompt ||
        now - b->refreshed_ns < (rest > REFRESH_NS ? rest : REFRESH_NS))
        return;
    begin_question(b);
    int status = data_refresh(&b->data, &is_new);
    if (browser_end_question(b, status) && is_new)
        browser_refresh_pages(b, true);
    b->refreshed_ns = view_now_ns();
}

/* ---- searching ---------------------------------------------------------------------------------
 */

struct search {
    struct browser *b;
    struct page *page;
    bool is_any_case, is_ended;
};

/* Whether a line of the page has the text that is searched for; false for all once Esc was
 * pressed. */
static bool has_sought(void *context, int line) {
    struct search *s = context;
    struct hak_text text = {0};
    if (s->is_ended || (line % 256 == 0 && (s->is_ended = browser_is_stopped(s->b))))
        return false;
    s->page->kind->add_line(s->page, s->b, line, &text);
    const char *in = hak_text_string(&text);
    bool is_found = s->is_any_case ? strcasestr(in, s->b->sought) : strstr(in, s->b->sought);
    hak_text_free(&text);
    return is_found;
}

/* Whether the text has a large letter; small ones stand for large ones, too, as in less -i. */
static bool has_large_letter(const char *text) {
    for (; *text; text++)
        if (isupper((unsigned char)*text))
            return true;
    return false;
}

/* Goes to the next (or, with -1, the one before) line that has the text searched for. */
static void find_next(struct browser *b, int direction) {
    struct page *page = top_page(b);
    if (!page->kind->add_line || !b->sought[0]) {
        browser_say(b, "Nothing is searched for yet: / begins.");
        return;
    }
    struct search s = {b, page, !has_large_letter(b->sought), false};
    int from = page->list.is_text ? page->list.top : page->list.cursor;
    int found = page->list.rows ? list_find(&page->list, from, direction, has_sought, &s) : -1;
    if (found < 0)
        browser_say(b, "Not found: %s", b->sought);
    else
        page->kind->go_to(page, b, found);
}

/* ---- the prompt --------------------------------------------------------------------------------
 */

/* Opens a prompt in the last line; the filter's begins with the filter that is set. */
void browser_prompt(struct browser *b, enum browser_prompt prompt) {
    b->prompt = prompt;
    b->typed[0] = '\0';
    if (prompt == PROMPT_FILTER && b->data.filter)
        snprintf(b->typed, sizeof b->typed, "%s", b->data.filter);
}

/* Closes the prompt and does what was typed into it: searches, or sets the filter. */
static void apply_prompt(struct browser *b) {
    enum browser_prompt prompt = b->prompt;
    b->prompt = PROMPT_NONE;
    if (prompt == PROMPT_SEARCH) {
        if (b->typed[0])
            memcpy(b->sought, b->typed, sizeof b->sought);
        find_next(b, 1);
        return;
    }
    struct hak_text error = {0};
    if (data_set_filter(&b->data, b->typed, &error)) {
        browser_refresh_pages(b, false);
    } else {
        browser_say(b, "%s", "");
        hak_text_add_text(&b->message, &error);
        b->is_error = true;
    }
    hak_text_free(&error);
}

/* Appends a character to what is typed at the prompt, as UTF-8. */
static void type_character(struct browser *b, uint32_t c) {
    size_t length = strlen(b->typed);
    if (c < 0x20 || c == 0x7f || length + 5 > sizeof b->typed)
        return;
    char *to = b->typed + length;
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    *to = '\0';
}

/* Handles a key while a prompt is open: Enter applies it, Esc leaves it. */
static void prompt_key(struct browser *b, const struct key *key) {
    size_t length = strlen(b->typed);
    switch (key->name) {
    case KEY_NAME_ENTER:
        apply_prompt(b);
        return;
    case KEY_NAME_ESCAPE:
        b->prompt = PROMPT_NONE;
        return;
    case KEY_NAME_BACKSPACE:
        while (length > 0 && (b->typed[--length] & 0xc0) == 0x80)
            continue; /* whole characters */
        b->typed[length] = '\0';
        return;
    case KEY_NAME_CHARACTER:
        if (key->character == 0x15) /* Ctrl-U */
            b->typed[0] = '\0';
        type_character(b, key->character);
        return;
    default:
        return;
    }
}

/* ---- keys --------------------------------------------------------------------------------------
 */

/* Reads what was written to the capture since, and makes the pages anew. */
static void read_again(struct browser *b) {
    bool is_new;
    if (browser_end_question(b, data_refresh(&b->data, &is_new)))
        browser_refresh_pages(b, b->data.new_events > 0);
}

/* Handles a character that does the same on every page: q, /, n, ?, r. */
static void all_pages_character(struct browser *b, uint32_t character) {
    switch (character) {
    case 'q':
        if (b->pages > 1)
            browser_back(b);
        else
            b->is_done = true;
        return;
    case 'Q':
        b->is_done = true;
        return;
    case '/':
        browser_prompt(b, PROMPT_SEARCH);
        return;
    case 'n':
        find_next(b, 1);
        return;
    case 'N':
        find_next(b, -1);
        return;
    case '?':
    case 'h':
        browser_push(b, b->make_help());
        return;
    case 'r':
    case 0x0c: /* Ctrl-L */
        read_again(b);
        return;
    default:
        return;
    }
}

/* Handles a key that does the same on every page: back, help, search, or the character's
 * function. */
static void all_pages_key(struct browser *b, const struct key *key) {
    switch (key->name) {
    case KEY_NAME_CHARACTER:
        all_pages_character(b, key->character);
        return;
    case KEY_NAME_ESCAPE:
    case KEY_NAME_BACKSPACE:
        browser_back(b);
        return;
    case KEY_NAME_F1:
        browser_push(b, b->make_help());
        return;
    case KEY_NAME_F3:
        browser_prompt(b, PROMPT_SEARCH);
        return;
    case KEY_NAME_F10:
        b->is_done = true;
        return;
    default:
        return;
    }
}

/* A click on the last line is the key that stands there. */
static struct key key_of_click(const struct browser *b, const struct key *key) {
    bool is_click = key->name == KEY_NAME_CLICK || key->name == KEY_NAME_DOUBLE_CLICK;
    if (!is_click || key->row != b->canvas.rows - 1)
        return *key;
    int number = key->column * PAGE_KEYS / b->canvas.columns;
    return (struct key){.name = (enum key_name)(KEY_NAME_F1 + number)};
}

/* Handles a key: the prompt has it first, then the page, then what all pages share. */
void browser_key(struct browser *b, const struct key *typed) {
    struct key key = key_of_click(b, typed);
    struct page *page = top_page(b);
    bool is_small = b->canvas.rows < BROWSER_ROWS || b->canvas.columns < BROWSER_COLUMNS;
    begin_question(b);
    if (is_small && !(key.name == KEY_NAME_CHARACTER && (key.character | 0x20) == 'q') &&
        key.name != KEY_NAME_F10)
        return;
    if (b->prompt) {
        prompt_key(b, &key);
        return;
    }
    browser_say(b, "%s", "");
    if (!page->kind->key(page, b, &key))
        all_pages_key(b, &key);
}

/* ---- the screen --------------------------------------------------------------------------------
 */

/* Draws the capture's name, process and events, and what it lost or found. */
static void draw_first_line(struct browser *b) {
    const struct hak_store_summary *s = &b->data.view->summary;
    struct hak_text left = {0}, right = {0};
    struct canvas *c = &b->canvas;
    hak_text_add(&left, " %s  ", hak_words_path(b->data.view->store_path, 1, false));
    if (b->data.query.process || s->processes == 1)
        view_add_process(&left, b->data.view, b->data.query.process ? b->data.query.process : 1);
    else
        hak_text_add(&left, "%s", hak_words_count(s->processes, "process", "processes"));
    hak_text_add(&left, "  ");
    if (view_sampled_rate(b->data.view))
        view_add_sampled(&left, b->data.view);
    else
        hak_text_add(&left, "%s events", hak_words_number(s->events));
    if (s->lost_events)
        hak_text_add(&right, "%s LOST  ", hak_words_number(s->lost_events));
    if (s->trimmed_events)
        hak_text_add(&right, "%s dropped  ", hak_words_number(s->trimmed_events));
    if (s->stops)
        hak_text_add(&right, "STOPPED %s  ", hak_words_count(s->stops, "time", "times"));
    if (b->data.damage)
        hak_text_add(&right, "DAMAGED  ");
    if (s->unseen || s->ended_early)
        hak_text_add(&right, "CUT OFF  ");
    if (b->data.findings.count)
        hak_text_add(&right, "%s  ",
                     hak_words_count(b->data.findings.count, "finding", "findings"));
    if (b->data.zooms)
        hak_text_add(&right, "ZOOM %d  ", b->data.zooms);
    if (s->being_written)
        hak_text_add(&right, "LIVE +%s  ", hak_words_number(b->data.new_events));
    if (c->columns >= 80)
        hak_text_add(&right, "hakmem view ");
    canvas_fill(c, 0, 0, c->columns, CANVAS_BAR, ' ');
    int width = canvas_width(c, hak_text_string(&right), strlen(hak_text_string(&right)));
    canvas_put(c, 0, 0, c->columns - width - 1, CANVAS_BAR, hak_text_string(&left));
    canvas_put(c, 0, c->columns - width, c->columns, CANVAS_BAR, hak_text_string(&right));
    hak_text_free(&left);
    hak_text_free(&right);
}

/* Draws the names of the ten function keys in the width of the screen, as in htop. */
static void draw_keys(struct browser *b, const struct page *page) {
    struct canvas *c = &b->canvas;
    int row = c->rows - 1;
    for (int i = 0; i < PAGE_KEYS; i++) {
        int at = i * c->columns / PAGE_KEYS, end = (i + 1) * c->columns / PAGE_KEYS;
        char name[8];
        if (!page->kind->keys[i][0])
            continue;
        snprintf(name, sizeof name, "F%d", i + 1);
        at = canvas_put(c, row, at, end, CANVAS_PLAIN, name);
        canvas_fill(c, row, at, end, CANVAS_BAR, ' ');
        size_t room = (size_t)(end - at), length = strlen(page->kind->keys[i]);
        canvas_put_bytes(c, row, at, end, CANVAS_BAR, page->kind->keys[i],
                         length < room ? length : room);
    }
}

/* Draws the prompt with what is typed; of a long text the end is seen. */
static void draw_prompt(struct browser *b) {
    struct canvas *c = &b->canvas;
    int row = c->rows - 2;
    const char *typed = b->typed;
    int width = canvas_width(c, typed, strlen(typed)), room = c->columns - 30;
    canvas_fill(c, row, 0, c->columns, CANVAS_PLAIN, ' ');
    int at = canvas_put(c, row, 0, c->columns, CANVAS_BOLD,
                        b->prompt == PROMPT_SEARCH ? "Search: " : "Only stacks that match: ");
    if (width > room)
        typed += canvas_skip(c, typed, width - room);
    at = canvas_put(c, row, at, c->columns - 1, CANVAS_PLAIN, typed);
    canvas_put_char(c, row, at, CANVAS_SELECTED, ' ');
}

/* Draws only that the terminal is too small. */
static void draw_too_small(struct browser *b) {
    struct hak_text text = {0};
    hak_text_add(&text, "too small: %dx%d of %dx%d", b->canvas.columns, b->canvas.rows,
                 BROWSER_COLUMNS, BROWSER_ROWS);
    canvas_put(&b->canvas, 0, 0, b->canvas.columns, CANVAS_BOLD, hak_text_string(&text));
    hak_text_free(&text);
}

/* Draws the page, the first and last lines and the message or prompt on the canvas. */
void browser_draw(struct browser *b) {
    struct canvas *c = &b->canvas;
    struct page *page = top_page(b);
    canvas_clear(c);
    if (c->rows < BROWSER_ROWS || c->columns < BROWSER_COLUMNS) {
        draw_too_small(b);
        return;
    }
    if (!page)
        return;
    begin_question(b);
    draw_first_line(b);
    page->kind->draw(page, b, 1, c->rows - 1);
    if (b->message.length) {
        canvas_fill(c, c->rows - 2, 0, c->columns, CANVAS_PLAIN, ' ');
        canvas_put(c, c->rows - 2, 1, c->columns, b->is_error ? CANVAS_RED : CANVAS_BOLD,
                   hak_text_string(&b->message));
    }
    if (b->prompt)
        draw_prompt(b);
    draw_keys(b, page);
}

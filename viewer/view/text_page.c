/* A text to read: `why`, a report, help. Keys as in less -S. */
#include "viewer/view/browser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/view/coded.h"

struct text_page {
    struct page page;
    char *title;
    char *text;
    size_t *begin; /* of each line */
    int width;     /* for which they were cut */
    int shift;
};

/* Whether a text has a capital letter, so that a search is exact. */
static bool has_large(const char *text) {
    for (; *text; text++)
        if (isupper((unsigned char)*text))
            return true;
    return false;
}

/* Cuts the text into lines for another width of the screen: the same text stays at its top. Without
 * memory the lines stay. */
static void cut_lines(struct text_page *t, int width) {
    struct list *list = &t->page.list;
    int count = 0, top = 0;
    if (t->width == width)
        return;
    size_t *begin = coded_find_lines(t->text, width, &count);
    if (!begin)
        return;
    size_t at = list->rows ? t->begin[list->top] : 0;
    while (top + 1 < count && begin[top + 1] <= at)
        top++;
    free(t->begin);
    t->begin = begin;
    t->width = width;
    list->rows = count;
    list->top = top;
}

/* Draws the title, the place in the text and the visible lines with the sought text marked. */
static void draw_text(struct page *page, struct browser *b, int row, int end) {
    struct text_page *t = (struct text_page *)page;
    struct canvas *c = &b->canvas;
    char place[64];
    cut_lines(t, c->columns);
    page->list.height = end - row - 1;
    list_settle(&page->list);
    int last = page->list.top + page->list.height;
    last = last > page->list.rows ? page->list.rows : last;
    snprintf(place, sizeof place, "%d-%d of %d", page->list.rows ? page->list.top + 1 : 0, last,
             page->list.rows);
    canvas_fill(c, row, 0, c->columns, CANVAS_HEADING, ' ');
    canvas_put(c, row, 1, c->columns - (int)strlen(place) - 2, CANVAS_HEADING, t->title);
    canvas_put_right(c, row, 0, c->columns - 1, CANVAS_HEADING, place);
    for (int i = page->list.top; i < last; i++)
        coded_put(c, row + 1 + i - page->list.top, 0, c->columns, t->shift, t->text + t->begin[i],
                  coded_length(t->text, t->begin, page->list.rows, i), b->sought,
                  !has_large(b->sought));
}

/* Handles a key of the page: left and right shift the text; false if it is none of its keys. */
static bool text_key(struct page *page, struct browser *b, const struct key *key) {
    struct text_page *t = (struct text_page *)page;
    (void)b;
    bool is_right = key->name == KEY_NAME_RIGHT;
    if (is_right || key->name == KEY_NAME_LEFT) {
        t->shift += is_right ? BROWSER_SHIFT_COLUMNS : -BROWSER_SHIFT_COLUMNS;
        t->shift = t->shift < 0 ? 0 : t->shift;
        return true;
    }
    if (key->name == KEY_NAME_ENTER) {
        const struct key down = {.name = KEY_NAME_DOWN};
        return list_key(&page->list, &down);
    }
    return list_key(&page->list, key);
}

/* Adds a line without its color codes, in which a search looks. */
static void add_text_line(struct page *page, struct browser *b, int line, struct hak_text *text) {
    struct text_page *t = (struct text_page *)page;
    size_t length = coded_length(t->text, t->begin, page->list.rows, line);
    char *stripped = malloc(length + 1);
    (void)b;
    if (stripped) {
        coded_strip(stripped, t->text + t->begin[line], length);
        hak_text_add(text, "%s", stripped);
    }
    free(stripped);
}

static void go_to_text(struct page *page, struct browser *b, int line) {
    (void)b;
    list_go_to(&page->list, line);
}

/* Frees the title, text and lines, not the page. */
static void free_text(struct page *page) {
    struct text_page *t = (struct text_page *)page;
    free(t->title);
    free(t->text);
    free(t->begin);
}

static const char *const text_keys[PAGE_KEYS] = {"Help", "", "Search", "", "",
                                                 "",     "", "",       "", "Quit"};
static const struct page_kind text_kind = {.keys = text_keys,
                                           .draw = draw_text,
                                           .key = text_key,
                                           .add_line = add_text_line,
                                           .go_to = go_to_text,
                                           .free = free_text};

/* Makes a page of the text, which it takes over; NULL where memory ends. */
struct page *text_page_make(const char *title, struct hak_text *text) {
    struct text_page *t = calloc(1, sizeof *t);
    char *bytes = hak_text_take(text);
    if (!t || !bytes) {
        free(t);
        free(bytes);
        return NULL;
    }
    t->page.kind = &text_kind;
    t->page.list.is_text = true;
    t->text = bytes;
    t->title = strdup(title);
    t->begin = coded_find_lines(bytes, 0, &t->page.list.rows);
    if (!t->title || !t->begin) {
        free_text(&t->page);
        free(t);
        return NULL;
    }
    return &t->page;
}

/* ---- help --------------------------------------------------------------------------------------
 */

static const char help[] =
    "\033[1mThe timeline\033[0m shows live bytes. Below it stand the holders of one moment, the\n"
    "marked column; of a span, the bytes allocated and freed by each.\n"
    "\n"
    "\033[1mMove\033[0m\n"
    "  up down j k       one line\n"
    "  PgUp PgDn b Space one screen               d u  half a screen\n"
    "  g G Home End      first, last line\n"
    "  Enter             into it: its stacks, their blocks, the story of one (why)\n"
    "  Esc Backspace q   back; q leaves at last   Q F10  leave at once\n"
    "  Tab               to the timeline and back\n"
    "  left right        a column of the timeline, where it has the keys; in a tree\n"
    "                    close and open; else to the side of long names\n"
    "\n"
    "\033[1mMoments\033[0m\n"
    "  [ ]  { }          one, ten columns to the left or right    , .  one step\n"
    "  p F7              the peak                                 ( )  start, end\n"
    "  s F8              a span begins here: move on to its end; again: no span\n"
    "  z Z               the timeline of the span alone (without one: of a quarter,\n"
    "                    around the moment); the one before\n"
    "  m M F9            next mark of the program, the one before\n"
    "\n"
    "\033[1mLines\033[0m\n"
    "  1 2 3 4           list, tree of calls from main on, tree of callers, faults\n"
    "  t F5              list, tree, callers in turn\n"
    "  v F2, V           by function, line, file, module, stack, class, size, lifetime,\n"
    "                    thread, process in turn; V: the one before\n"
    "  > < F6            sort by the next column, the one before\n"
    "  \\ F4              only stacks that match a regular expression\n"
    "  / n N F3          search, next, one before; small letters find large ones\n"
    "  a                 frames of libraries and starts of threads, too\n"
    "  + - *             open, close a node of a tree; open all below it\n"
    "  r                 read again; a capture that is written: by itself\n"
    "\n"
    "\033[1mColumns\033[0m\n"
    "  live, blocks      live bytes and blocks at the moment\n"
    "  calls, alloc      blocks and bytes allocated since the start, or in the span\n"
    "  short             of these calls, freed before the same thread's next one\n"
    "  freed             bytes freed since the start, or in the span\n"
    "  grown             net growth over the span, in bytes\n"
    "  share             of the whole, of the column that is sorted by\n"
    "Below the lines stands one of them in full: bytes, and blocks in brackets. A +\n"
    "before a line: it has more calls than when the capture was read last.\n"
    "\n"
    "\033[1mMouse\033[0m\n"
    "  A click chooses a line, a moment, a heading to sort by, a key; two are Enter.\n"
    "  The wheel moves through lines, and over the timeline through moments.\n";

struct page *help_page_make(void) {
    struct hak_text text = {0};
    hak_text_add(&text, "%s", help);
    return text_page_make("Help", &text);
}

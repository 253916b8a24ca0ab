/* The blocks of one stack that are live at the moment; Enter: the story of one. */
#include "viewer/view/browser.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/block/block.h"

#define THREAD_AT 66 /* its column */

enum order { BY_SIZE, BY_AGE, BY_ADDRESS, ORDERS };

struct blocks_page {
    struct page page;
    struct data_blocks blocks;
    uint64_t bytes;
    uint64_t at_ns; /* the moment */
    char *when, *where;
    enum order order;
};

static int compare_values(uint64_t x, uint64_t y) {
    return x < y ? -1 : x > y;
}

/* Orders blocks by the chosen column, then by address, then by process. */
static int compare_blocks(const void *a, const void *b, void *context) {
    const struct data_block *x = a, *y = b;
    enum order order = *(const enum order *)context;
    int result = order == BY_SIZE  ? compare_values(y->size, x->size)
                 : order == BY_AGE ? compare_values(x->birth, y->birth)
                                   : 0;
    if (result == 0)
        result = compare_values(x->user, y->user);
    return result ? result : compare_values(x->process, y->process);
}

/* Sorts the blocks in the page's order. */
static void sort_blocks(struct blocks_page *p) {
    if (p->blocks.count)
        qsort_r(p->blocks.block, p->blocks.count, sizeof *p->blocks.block, compare_blocks,
                &p->order);
}

/* Adds a block's size, address, time, age, event, thread and, among several, process. */
static void add_block_line(struct page *page, struct browser *b, int line, struct hak_text *text) {
    const struct blocks_page *p = (struct blocks_page *)page;
    const struct data_block *block = &p->blocks.block[line];
    uint64_t age = p->at_ns > block->ns ? p->at_ns - block->ns : 0;
    hak_text_add(text, "%11s  0x%-14" PRIx64, hak_words_number(block->size), block->user);
    if (block->birth)
        hak_text_add(text, " %10s %9s %12s", hak_words_time(block->ns), view_span(age),
                     hak_words_number(block->birth));
    else
        hak_text_add(text, " %10s %9s %12s", "?", "?", "?");
    hak_text_add(text, "  %s", view_thread_label(b->data.view, block->thread));
    if (b->data.view->summary.processes > 1)
        hak_text_add(text, "  %s", view_process_label(b->data.view, block->process));
}

/* Draws how many blocks are live when, and below it where they were allocated. */
static void draw_title(const struct blocks_page *p, struct canvas *c, int row) {
    struct hak_text text = {0};
    hak_text_add(&text, "%s of %s live ", hak_words_count(p->blocks.count, "block", "blocks"),
                 hak_words_size(p->bytes));
    hak_text_add(&text, "%s", p->when);
    if (p->blocks.left_out)
        hak_text_add(&text, ", %s more are not shown", hak_words_number(p->blocks.left_out));
    canvas_put(c, row, 1, c->columns, CANVAS_BOLD, hak_text_string(&text));
    hak_text_free(&text);
    canvas_put(c, row + 1, 1, c->columns, CANVAS_PLACE, p->where);
}

/* Draws the columns' headings; that of the order is marked. */
static void draw_block_headings(const struct blocks_page *p, struct canvas *c, int row) {
    static const struct {
        int column, end;
        const char *name;
        enum order order;
    } headings[] = {{1, 12, "bytes", BY_SIZE},     {14, 30, "address", BY_ADDRESS},
                    {31, 41, "allocated", ORDERS}, {42, 51, "age", BY_AGE},
                    {52, 64, "event", ORDERS},     {THREAD_AT, 79, "thread", ORDERS}};
    canvas_fill(c, row, 0, c->columns, CANVAS_HEADING, ' ');
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++) {
        enum canvas_style style = headings[i].order == p->order ? CANVAS_SELECTED : CANVAS_HEADING;
        if (headings[i].order == BY_ADDRESS || headings[i].column == THREAD_AT)
            canvas_put(c, row, headings[i].column, c->columns, style, headings[i].name);
        else
            canvas_put_right(c, row, headings[i].column, headings[i].end, style, headings[i].name);
    }
}

/* Draws the page: title, headings and the visible blocks. */
static void draw_blocks(struct page *page, struct browser *b, int row, int end) {
    struct blocks_page *p = (struct blocks_page *)page;
    struct canvas *c = &b->canvas;
    draw_title(p, c, row);
    draw_block_headings(p, c, row + 2);
    page->list.height = end - row - 4; /* the last line is for messages */
    list_settle(&page->list);
    for (int i = 0; i < page->list.height && page->list.top + i < page->list.rows; i++) {
        int line = page->list.top + i, at = row + 3 + i;
        bool is_chosen = line == page->list.cursor;
        struct hak_text text = {0};
        add_block_line(page, b, line, &text);
        if (is_chosen)
            canvas_fill(c, at, 0, c->columns, CANVAS_SELECTED, ' ');
        canvas_put(c, at, 1, c->columns, is_chosen ? CANVAS_SELECTED : CANVAS_PLAIN,
                   hak_text_string(&text));
        hak_text_free(&text);
    }
    if (!page->list.rows)
        canvas_put(c, row + 3, 1, c->columns, CANVAS_DIM, "None of its blocks is live here.");
}

/* Opens a page that explains the chosen block, as `why` does; has_stacks with whole stacks. */
static void show_block(struct blocks_page *p, struct browser *b, bool has_stacks) {
    if (!p->page.list.rows)
        return;
    const struct data_block *block = &p->blocks.block[p->page.list.cursor];
    struct hak_text text = {0};
    char title[64];
    snprintf(title, sizeof title, "why 0x%" PRIx64, block->user);
    int status =
        block_add_why(&text, b->data.view, block->user, block->process, block->birth, has_stacks);
    if (browser_end_question(b, status))
        browser_push(b, text_page_make(title, &text));
    hak_text_free(&text);
}

/* Sorts the blocks in another order and goes to the first. */
static void sort_blocks_by(struct blocks_page *p, enum order order) {
    p->order = order;
    sort_blocks(p);
    list_go_to(&p->page.list, 0);
}

/* Chooses the line that was clicked; false outside of the lines. */
static bool click_block(struct blocks_page *p, const struct key *key) {
    int line = p->page.list.top + key->row - 4;
    if (key->row < 4 || line >= p->page.list.rows || key->row >= 4 + p->page.list.height)
        return false;
    list_go_to(&p->page.list, line);
    return true;
}

/* Handles a key of the page; false if it is none of its keys. */
static bool blocks_key(struct page *page, struct browser *b, const struct key *key) {
    struct blocks_page *p = (struct blocks_page *)page;
    uint32_t character = key->name == KEY_NAME_CHARACTER ? key->character : 0;
    if (key->name == KEY_NAME_ENTER || key->name == KEY_NAME_RIGHT) {
        show_block(p, b, false);
        return true;
    }
    if (key->name == KEY_NAME_CLICK)
        return click_block(p, key);
    if (key->name == KEY_NAME_DOUBLE_CLICK) {
        if (click_block(p, key))
            show_block(p, b, false);
        return true;
    }
    if (character == 's' || key->name == KEY_NAME_F5) {
        show_block(p, b, true);
        return true;
    }
    if (character == '>' || key->name == KEY_NAME_F6) {
        sort_blocks_by(p, (p->order + 1) % ORDERS);
        return true;
    }
    if (character == '<') {
        sort_blocks_by(p, (p->order + ORDERS - 1) % ORDERS);
        return true;
    }
    return list_key(&page->list, key);
}

static void go_to_block(struct page *page, struct browser *b, int line) {
    (void)b;
    list_go_to(&page->list, line);
}

/* Frees the page's blocks and texts, not the page. */
static void free_blocks(struct page *page) {
    struct blocks_page *p = (struct blocks_page *)page;
    free(p->blocks.block);
    free(p->when);
    free(p->where);
}

static const char *const blocks_keys[PAGE_KEYS] = {"Help", "", "Search", "", "Stacks",
                                                   "Sort", "", "",       "", "Quit"};
static const struct page_kind blocks_kind = {.keys = blocks_keys,
                                             .draw = draw_blocks,
                                             .key = blocks_key,
                                             .add_line = add_block_line,
                                             .go_to = go_to_block,
                                             .free = free_blocks};

struct page *blocks_page_make(struct browser *b, uint32_t stack, const struct data_kind *kind) {
    struct blocks_page *p = calloc(1, sizeof *p);
    struct hak_text when = {0}, where = {0};
    if (!p)
        return NULL;
    if (b->data.is_alone) {
        browser_say(b, "--profile-only keeps no blocks: a stack is as far as it goes.");
        free(p);
        return NULL;
    }
    p->page.kind = &blocks_kind;
    data_add_moment(&when, &b->data, &b->data.at);
    view_add_stack_line(&where, b->data.view, stack, 8);
    p->when = hak_text_take(&when);
    p->where = hak_text_take(&where);
    p->at_ns = data_time(&b->data, &b->data.at);
    bool is_good = browser_end_question(b, data_read_blocks(&b->data, stack, kind, &p->blocks));
    if (!p->when || !p->where || !is_good) {
        free_blocks(&p->page);
        free(p);
        return NULL;
    }
    for (uint32_t i = 0; i < p->blocks.count; i++)
        p->bytes += p->blocks.block[i].size;
    p->page.list.rows = (int)p->blocks.count;
    sort_blocks(p);
    return &p->page;
}

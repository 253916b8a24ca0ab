/* The stacks that a line is made of, above the frames of the one that is chosen; Enter: its blocks.
 */
#include "viewer/view/browser.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/view/coded.h"
#include "viewer/view/columns.h"
#include "viewer/view/main_page.h"

struct stacks_page {
    struct page page;
    char *title;
    struct profile_query query;
    struct profile_groups groups;
    struct columns columns;
    uint32_t frames_of; /* the stack of `frames` + 1, 0 = none yet */
    char *frames;
    size_t *begin;
    int frame_count, frame_top;
    int list_row; /* of the screen */
    bool has_kind;
    struct data_kind kind; /* of the blocks of the line */
};

static const struct profile_group *group_at(const struct stacks_page *p, int line) {
    return &p->groups.group[line];
}

/* Adds a stack's text, in which a search looks. */
static void add_stack_line(struct page *page, struct browser *b, int line, struct hak_text *text) {
    struct stacks_page *p = (struct stacks_page *)page;
    (void)b;
    profile_add_group_name(text, &p->groups, group_at(p, line));
}

/* Frees the frames that were read and forgets which stack's they are. */
static void free_frames(struct stacks_page *p) {
    free(p->frames);
    free(p->begin);
    p->frames = NULL;
    p->begin = NULL;
    p->frames_of = 0;
    p->frame_count = p->frame_top = 0;
}

/* Reads the frames of the chosen stack, unless they are read already. */
static void load_frames(struct stacks_page *p, struct browser *b, uint32_t stack) {
    struct hak_text text = {0};
    if (p->frames_of == stack + 1)
        return;
    free_frames(p);
    view_add_stack(&text, b->data.view, stack, 1);
    p->frames = hak_text_take(&text);
    p->begin = p->frames ? coded_find_lines(p->frames, 0, &p->frame_count) : NULL;
    p->frames_of = stack + 1;
}

/* Draws the frames of the chosen stack below the list, with a title of the part that is shown;
 * keeps frame_top within them. */
static void draw_frames(struct stacks_page *p, struct browser *b, int row, int end) {
    struct canvas *c = &b->canvas;
    char title[64];
    load_frames(p, b, (uint32_t)group_at(p, p->page.list.cursor)->key);
    if (!p->begin)
        return;
    int room = end - row - 1, most = p->frame_count - room;
    p->frame_top = p->frame_top > most ? most : p->frame_top;
    p->frame_top = p->frame_top < 0 ? 0 : p->frame_top;
    canvas_fill(c, row, 0, c->columns, CANVAS_HEADING, ' ');
    canvas_put(c, row, 1, c->columns, CANVAS_HEADING, "allocated from");
    if (p->frame_count > room) {
        snprintf(title, sizeof title, "%d-%d of %d, { } moves", p->frame_top + 1,
                 p->frame_top + room, p->frame_count);
        canvas_put_right(c, row, 0, c->columns - 1, CANVAS_HEADING, title);
    }
    for (int i = 0; i < room && p->frame_top + i < p->frame_count; i++) {
        int line = p->frame_top + i;
        coded_put(c, row + 1 + i, 0, c->columns, 0, p->frames + p->begin[line],
                  coded_length(p->frames, p->begin, p->frame_count, line), "", false);
    }
}

/* Draws a stack's line: its columns and its functions. */
static void draw_stack(struct stacks_page *p, struct browser *b, int line, int row) {
    struct canvas *c = &b->canvas;
    struct hak_text name = {0};
    bool is_chosen = line == p->page.list.cursor;
    enum canvas_style style = is_chosen ? CANVAS_SELECTED : CANVAS_PLAIN;
    add_stack_line(&p->page, b, line, &name);
    if (is_chosen)
        canvas_fill(c, row, 0, c->columns, style, ' ');
    int at = columns_draw(c, row, &p->columns, &group_at(p, line)->self, &p->groups.all, style);
    canvas_put(c, row, at, c->columns, style, hak_text_string(&name));
    hak_text_free(&name);
}

/* Draws the page: title, sums, the visible stacks and the frames of the chosen one. */
static void draw_stacks(struct page *page, struct browser *b, int row, int end) {
    struct stacks_page *p = (struct stacks_page *)page;
    struct canvas *c = &b->canvas;
    struct hak_text text = {0};
    end--; /* for messages */
    canvas_put(c, row, 1, c->columns, CANVAS_BOLD, p->title);
    hak_text_add(&text, "%s  ", hak_words_count(p->groups.groups, "stack", "stacks"));
    columns_add_exact(&text, &p->groups.all, b->data.is_span);
    canvas_put(c, row + 1, 1, c->columns, CANVAS_PLAIN, hak_text_string(&text));
    hak_text_free(&text);
    canvas_fill(c, row + 2, 0, c->columns, CANVAS_HEADING, ' ');
    columns_choose(&p->columns, c->columns, b->data.is_span, p->columns.sort);
    int at = columns_draw(c, row + 2, &p->columns, NULL, NULL, CANVAS_HEADING);
    canvas_put(c, row + 2, at, c->columns, CANVAS_HEADING, "allocated by < called by");
    p->list_row = row + 3;
    int half = (end - p->list_row) / 2;
    page->list.height = page->list.rows < half ? page->list.rows : half;
    list_settle(&page->list);
    for (int i = 0; i < page->list.height && page->list.top + i < page->list.rows; i++)
        draw_stack(p, b, page->list.top + i, p->list_row + i);
    if (page->list.rows)
        draw_frames(p, b, p->list_row + page->list.height, end);
    else
        canvas_put(c, p->list_row, 1, c->columns, CANVAS_DIM, "Nothing is left of it here.");
}

/* Orders stacks by a column, largest first. */
static int compare_stacks(const void *a, const void *b, void *context) {
    enum column sort = *(const enum column *)context;
    const struct profile_group *x = a, *y = b;
    int64_t x_value = column_value(sort, &x->self), y_value = column_value(sort, &y->self);
    if (x_value != y_value)
        return x_value < y_value ? 1 : -1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* Sorts the stacks by a column. */
static void sort_stacks_by(struct stacks_page *p, enum column sort) {
    p->columns.sort = sort;
    if (p->groups.groups)
        qsort_r(p->groups.group, p->groups.groups, sizeof *p->groups.group, compare_stacks,
                &p->columns.sort);
}

/* Chooses the stack that was clicked; false beside the list. */
static bool click_stack(struct stacks_page *p, const struct key *key) {
    int line = p->page.list.top + key->row - p->list_row;
    if (key->row < p->list_row || key->row >= p->list_row + p->page.list.height ||
        line >= p->page.list.rows)
        return false;
    list_go_to(&p->page.list, line);
    return true;
}

/* Opens a page with the chosen stack's live blocks. */
static void show_blocks(struct stacks_page *p, struct browser *b) {
    if (p->page.list.rows)
        browser_push(b, blocks_page_make(b, (uint32_t)group_at(p, p->page.list.cursor)->key,
                                         p->has_kind ? &p->kind : NULL));
}

/* Handles a character that sorts or moves the frames; false for another. */
static bool stacks_character(struct stacks_page *p, uint32_t character) {
    switch (character) {
    case '>':
        sort_stacks_by(p, columns_next(p->columns.sort, 1));
        return true;
    case '<':
        sort_stacks_by(p, columns_next(p->columns.sort, -1));
        return true;
    case '{':
        p->frame_top--;
        return true;
    case '}':
        p->frame_top++;
        return true;
    default:
        return false;
    }
}

/* Handles a key of the page; false if it is none of its keys. */
static bool stacks_key(struct page *page, struct browser *b, const struct key *key) {
    struct stacks_page *p = (struct stacks_page *)page;
    if (key->name == KEY_NAME_CHARACTER && stacks_character(p, key->character))
        return true;
    switch (key->name) {
    case KEY_NAME_F6:
        sort_stacks_by(p, columns_next(p->columns.sort, 1));
        return true;
    case KEY_NAME_ENTER:
    case KEY_NAME_RIGHT:
        show_blocks(p, b);
        return true;
    case KEY_NAME_CLICK:
        return click_stack(p, key);
    case KEY_NAME_DOUBLE_CLICK:
        if (click_stack(p, key))
            show_blocks(p, b);
        return true;
    default:
        return list_key(&page->list, key);
    }
}

static void go_to_stack(struct page *page, struct browser *b, int line) {
    (void)b;
    list_go_to(&page->list, line);
}

/* Frees the groups, frames and title, not the page. */
static void free_stacks(struct page *page) {
    struct stacks_page *p = (struct stacks_page *)page;
    profile_free_groups(&p->groups);
    free_frames(p);
    free(p->title);
}

static const char *const stacks_keys[PAGE_KEYS] = {"Help", "", "Search", "", "",
                                                   "Sort", "", "",       "", "Quit"};
static const struct page_kind stacks_kind = {.keys = stacks_keys,
                                             .draw = draw_stacks,
                                             .key = stacks_key,
                                             .add_line = add_stack_line,
                                             .go_to = go_to_stack,
                                             .free = free_stacks};

/* Makes the page of the stacks through the main page's chosen line; NULL on an error, which is
 * shown. */
struct page *stacks_page_make(struct browser *b, struct page *main) {
    struct stacks_page *p = calloc(1, sizeof *p);
    struct lines *lines = main_page_lines(main);
    struct lines_chain *chain = malloc(sizeof *chain);
    struct hak_text title = {0};
    int status = VIEW_USAGE;
    if (p && chain) {
        p->page.kind = &stacks_kind;
        lines_add_name(&title, lines, (uint32_t)main->list.cursor);
        hak_text_add(&title, "  ");
        lines_add_where(&title, lines, (uint32_t)main->list.cursor);
        p->title = hak_text_take(&title);
        p->has_kind = lines_kind_of(lines, (uint32_t)main->list.cursor, &p->kind);
        if (!p->has_kind)
            lines_make_chain(lines, (uint32_t)main->list.cursor, chain);
        status = p->has_kind
                     ? data_group_blocks(&b->data, PROFILE_STACK, &p->kind, &p->query, &p->groups)
                     : data_group(&b->data, PROFILE_STACK, &p->query, &p->groups, lines_has, chain);
    }
    free(chain);
    if (!p || !p->title || !browser_end_question(b, status)) {
        if (p)
            free_stacks(&p->page);
        free(p);
        return NULL;
    }
    p->page.list.rows = (int)p->groups.groups;
    sort_stacks_by(p, lines->sort);
    return &p->page;
}

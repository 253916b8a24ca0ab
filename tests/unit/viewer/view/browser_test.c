/* The pages without a terminal: keys in, cells out. The lines of each moment are the whole, a
 * line's stacks are the line, a stack's blocks the stack, down to the story of one block; the
 * cursor stays on its line while a capture grows; a question is ended by Esc. */
#include <malloc.h>
#include "unit/store/capture.h"
#include "viewer/view/browser.h"
#include "viewer/view/main_page.h"

enum { STACKS = 12, FUNCTIONS = 6, BLOCKS_HELD = 200 };

static struct view view;
static struct browser b;
static bool wants_escape;

static void show_nothing(void *context) {
    (void)context;
}

static bool is_escape(void *context) {
    (void)context;
    return wants_escape;
}

/* Stacks 101 to 112 allocate in turn; each second block is freed soon, more of the first stacks. */
static void put_work(int from, int to) {
    for (int i = from; i < to; i++) {
        block_malloc(i, 101 + (uint32_t)(i % STACKS), 1 + (uint32_t)(i % 3));
        if (i % 2)
            block_free(i, 40, 1);
        if (i % 7 == 0 && i > 20)
            block_free(i - i % 2 - 20, 41, 2);
    }
}

static void open_view(void) {
    memset(&view, 0, sizeof view);
    memset(&b, 0, sizeof b);
    view.store_path = strdup(capture.path);
    must(hak_store_open(capture.path, &view.reader));
    must(hak_store_summarise(view.reader, &view.summary));
    wants_escape = false;
    b.is_escape_typed = is_escape;
    b.show = show_nothing;
    b.make_main = main_page_make;
    b.make_help = help_page_make;
    b.canvas.is_utf8 = true;
    view_redirect_errors(browser_take_error, &b);
    ck_assert(browser_resize(&b, 24, 80));
    ck_assert_int_eq(browser_open(&b, &view), 0);
    browser_draw(&b);
}

static void start(void) {
    capture_start();
    for (uint32_t i = 1; i <= STACKS; i++) /* two stacks of each of six functions below main */
        must(hak_store_put_node(capture.w,
                                &(struct hak_node_row){.id = 100 + i,
                                                       .process = 1,
                                                       .parent = 90,
                                                       .ip = 0x400000 + 16 * (i % FUNCTIONS + 1)}));
    put_work(0, BLOCKS_HELD);
}

static void stop(void) {
    view_redirect_errors(NULL, NULL);
    browser_free(&b);
    view_close(&view);
    capture_clean(capture.path);
}

/* ---- what a person does and sees ---------------------------------------------------------------
 */

static void press(enum key_name name) {
    browser_key(&b, &(struct key){.name = name});
    browser_draw(&b);
}

static void type(const char *characters) {
    for (; *characters; characters++) {
        browser_key(
            &b, &(struct key){.name = KEY_NAME_CHARACTER, .character = (unsigned char)*characters});
        browser_draw(&b);
    }
}

/* The screen as ASCII, a row a line. */
static const char *screen(void) {
    static char text[100 * 300];
    char *to = text;
    for (int row = 0; row < b.canvas.rows; row++) {
        for (int column = 0; column < b.canvas.columns; column++) {
            uint32_t ch = b.canvas.cell[row * b.canvas.columns + column].ch[0];
            *to++ = ch < 0x80 && ch ? (char)ch : '#';
        }
        *to++ = '\n';
    }
    *to = '\0';
    return text;
}

static void sees(const char *what) {
    ck_assert_msg(strstr(screen(), what) != NULL, "\"%s\" is not on the screen:\n%s", what,
                  screen());
}

static struct main_page *main_page(void) {
    return (struct main_page *)b.page[0];
}

static struct list *list(void) {
    return &b.page[b.pages - 1]->list;
}

/* ---- cases -------------------------------------------------------------------------------------
 */

static void lines_are_the_whole(void) {
    const struct lines *l = &main_page()->lines;
    struct profile_sums sum = {0};
    for (uint32_t i = 0; i < l->count; i++)
        profile_add_sums(&sum, lines_sums(l, i));
    ck_assert_int_eq(memcmp(&sum, &b.data.all, sizeof sum), 0);
    struct hak_flow_query q = {.to = b.data.at.at.event};
    struct hak_flow due = {0};
    if (b.data.at.at.kind != VIEW_AT_START) {
        must(hak_flow_read(view.reader, &q, &due));
        ck_assert_uint_eq(sum.live.bytes, due.live.bytes);
        ck_assert_uint_eq(sum.live.blocks, due.live.blocks);
        ck_assert_uint_eq(sum.came.bytes, due.came.bytes);
        ck_assert_uint_eq(sum.went.blocks, due.went.blocks);
        ck_assert_uint_eq(sum.brief.blocks, due.brief.blocks);
    } else {
        ck_assert_uint_eq(sum.live.blocks + sum.came.blocks, 0);
    }
    hak_flow_free(&due);
}

TEST(the_lines_of_each_moment_are_the_whole) {
    capture_finish();
    open_view();
    sees("at the peak");
    lines_are_the_whole();
    type("(");
    for (int i = 0; i < 90; i++) {
        lines_are_the_whole();
        type("]");
    }
    ck_assert_int_eq(b.data.at.at.kind, VIEW_AT_END);
    for (int i = 0; i < 90; i++)
        type("[");
    ck_assert_int_eq(b.data.at.step, -1);
    sees("before the first event");
    press(KEY_NAME_F7);
    for (int i = 0; i < 10; i++) { /* by each key */
        type("v");
        lines_are_the_whole();
    }
}

TEST(a_span_has_what_came_in_it) {
    capture_finish();
    open_view();
    type("(]]]]]]]]]]");
    struct profile_sums before = b.data.all;
    uint64_t from = b.data.at.at.event;
    type("s}}");
    ck_assert(b.data.is_span);
    sees("grown by");
    ck_assert_uint_eq(b.data.all.before.bytes, before.live.bytes);
    struct hak_flow_query q = {.from = from, .to = b.data.at.at.event};
    struct hak_flow due;
    must(hak_flow_read(view.reader, &q, &due));
    ck_assert_uint_eq(b.data.all.came.bytes, due.came.bytes);
    ck_assert_uint_eq(b.data.all.live.bytes, due.live.bytes);
    hak_flow_free(&due);
    type("((");
    ck_assert_uint_eq(b.data.all.came.blocks, 0); /* its end before its begin: both are there */
    type(")s");
    ck_assert(!b.data.is_span);
}

TEST(a_line_leads_to_the_story_of_a_block) {
    capture_finish();
    open_view();
    struct profile_sums line = *lines_sums(&main_page()->lines, 0);
    press(KEY_NAME_ENTER);
    ck_assert_int_eq(b.pages, 2);
    sees("allocated from");
    sees("#0");
    press(KEY_NAME_ENTER);
    ck_assert_int_eq(b.pages, 3);
    ck_assert_int_eq((uint64_t)list()->rows <= line.live.blocks, 1);
    ck_assert_int_gt(list()->rows, 0);
    press(KEY_NAME_ENTER);
    ck_assert_int_eq(b.pages, 4);
    sees("why 0x7f21c4a1");
    sees("malloc(24)");
    sees("NEXT");
    press(KEY_NAME_ESCAPE);
    ck_assert_int_eq(b.pages, 3);
    press(KEY_NAME_BACKSPACE);
    type("q");
    ck_assert_int_eq(b.pages, 1);
    ck_assert(!b.is_done);
    type("q");
    ck_assert(b.is_done);
}

TEST(the_blocks_of_all_stacks_are_those_that_are_live) {
    capture_finish();
    open_view();
    type("vvvv"); /* by stack */
    const struct lines *l = &main_page()->lines;
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        struct data_blocks found;
        ck_assert_int_eq(data_read_blocks(&b.data, (uint32_t)l->groups.group[l->line[i].number].key,
                                          NULL, &found),
                         0);
        ck_assert_uint_eq(found.count, lines_sums(l, i)->live.blocks);
        blocks += found.count;
        free(found.block);
    }
    ck_assert_uint_eq(blocks, b.data.all.live.blocks);
    ck_assert_uint_gt(blocks, 10);
    press(KEY_NAME_ENTER); /* to the blocks at once */
    sees("address");
}

/* Checks the page of stacks on top, and below it the blocks of each stack. */
static void stacks_are(const struct profile_sums *line, const struct data_kind *kind) {
    struct profile_query query;
    struct profile_groups stacks;
    struct profile_sums sum = {0};
    uint64_t blocks = 0;
    ck_assert_int_eq(data_group_blocks(&b.data, PROFILE_STACK, kind, &query, &stacks), 0);
    for (uint32_t i = 0; i < stacks.groups; i++) {
        struct data_blocks found;
        profile_add_sums(&sum, &stacks.group[i].self);
        ck_assert_int_eq(data_read_blocks(&b.data, (uint32_t)stacks.group[i].key, kind, &found), 0);
        ck_assert_uint_eq(found.count, stacks.group[i].self.live.blocks);
        blocks += found.count;
        free(found.block);
    }
    ck_assert_int_eq(memcmp(&sum, line, sizeof sum), 0);
    ck_assert_uint_eq(blocks, line->live.blocks);
    ck_assert_int_eq(list()->rows, (int)stacks.groups);
    profile_free_groups(&stacks);
}

TEST(what_blocks_have_in_common_leads_to_them) {
    static const char *const names[] = {"by class", "by size", "by lifetime", "by thread"};
    capture_finish();
    open_view();
    type("(]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]vvvv");
    const struct lines *l = &main_page()->lines;
    for (int key = 0; key < 4; key++) {
        type("v");
        sees(names[key]);
        lines_are_the_whole();
        ck_assert_uint_gt(l->count, 0);
        for (uint32_t i = 0; i < l->count; i++) {
            struct data_kind kind;
            struct profile_sums line = *lines_sums(l, i);
            ck_assert(lines_kind_of(l, i, &kind));
            list_go_to(&main_page()->page.list, (int)i);
            press(KEY_NAME_ENTER);
            ck_assert_int_eq(b.pages, 2);
            stacks_are(&line, &kind);
            press(KEY_NAME_ESCAPE);
        }
    }
    ck_assert_uint_eq(l->count, 3); /* threads */
    type("V");
    sees("by lifetime");
    type("vv"); /* one process: it is left out */
    sees("by function");
    type("V");
    sees("by thread");
    type("2v");
    sees("by line"); /* a tree is one of places */
}

/* The same moment before and after. */
static void zooms_to_the_same(const char *keys) {
    struct profile_sums before = b.data.all;
    uint64_t at = data_time(&b.data, &b.data.at);
    uint64_t from = b.data.is_span ? data_time(&b.data, &b.data.from) : 0;
    type(keys);
    ck_assert_int_eq(memcmp(&before, &b.data.all, sizeof before), 0);
    ck_assert_uint_eq(data_time(&b.data, &b.data.at), at);
    ck_assert(!b.data.is_span || data_time(&b.data, &b.data.from) == from);
}

TEST(zooming_changes_no_sum) {
    capture_finish();
    open_view();
    type("Z");
    sees("This is the whole time");
    type("(]]]]]]]]]]s}}}");
    uint64_t from = b.data.from.at.event, to = b.data.at.at.event;
    zooms_to_the_same("z");
    sees("ZOOM 1");
    ck_assert_uint_eq(b.data.zoom[0].from, from);
    ck_assert_uint_eq(b.data.zoom[0].to, to);
    ck_assert_int_eq(b.data.from.step, -1);
    ck_assert_int_eq(b.data.at.step, (int64_t)b.data.timeline.steps - 1);
    type("z");
    sees("nothing more");
    type("s(");
    ck_assert_uint_eq(b.data.at.at.event, from);
    for (uint32_t i = 0; i < b.data.timeline.steps; i++) { /* each event is a step now */
        lines_are_the_whole();
        type(".");
    }
    ck_assert_uint_eq(b.data.at.at.event, to);
    type("p");
    lines_are_the_whole();
    zooms_to_the_same("z");
    sees("ZOOM 2");
    lines_are_the_whole();
    zooms_to_the_same("Z");
    zooms_to_the_same("Z");
    ck_assert_int_eq(b.data.zooms, 0);
    type(")");
    zooms_to_the_same("z"); /* up to the end, which stays the end */
    ck_assert_int_eq(b.data.at.at.kind, VIEW_AT_END);
    ck_assert_uint_eq(b.data.zoom[0].to, 0);
    type("[");
    lines_are_the_whole();
    zooms_to_the_same("Z");
    type("(");
    zooms_to_the_same("z");
    ck_assert_int_eq(b.data.at.at.kind, VIEW_AT_START);
}

TEST(each_column_sorts) {
    capture_finish();
    open_view();
    const struct lines *l = &main_page()->lines;
    for (int i = 0; i < COLUMNS; i++) {
        for (uint32_t k = 1; k < l->count; k++)
            ck_assert_int_ge(column_value(l->sort, lines_sums(l, k - 1)),
                             column_value(l->sort, lines_sums(l, k)));
        sees(column_name(l->sort));
        type(">");
    }
    ck_assert_int_eq(l->sort, COLUMN_LIVE);
    type("<");
    ck_assert_int_eq(l->sort, COLUMN_GROWN);
}

TEST(a_tree_opens_and_closes) {
    capture_finish();
    open_view();
    type("2");
    struct lines *l = &main_page()->lines;
    uint32_t open = l->count;
    ck_assert_int_eq(l->kind, LINES_TREE);
    ck_assert_uint_gt(open, 0);
    type("g*G");
    ck_assert_uint_ge(l->count, open);
    type("t");
    ck_assert_int_eq(l->kind, LINES_CALLERS);
    for (uint32_t i = 0; i < l->count; i++)
        if (l->line[i].depth == 0 && !l->line[i].is_only) {
            list_go_to(&main_page()->page.list, (int)i);
            press(KEY_NAME_ENTER);
            ck_assert_int_eq(b.pages, 2);
            press(KEY_NAME_ESCAPE);
        }
    type("4");
    sees("No fault");
    type("t");
    ck_assert_int_eq(l->kind, LINES_TOP);
}

TEST(words_are_found_and_stacks_filtered) {
    capture_finish();
    open_view();
    type("/FUNCTION_5");
    press(KEY_NAME_ENTER);
    sees("Not found"); /* a large letter finds large ones alone */
    type("/nction_5");
    press(KEY_NAME_ENTER);
    struct hak_text name = {0};
    lines_add_name(&name, &main_page()->lines, (uint32_t)list()->cursor);
    ck_assert_str_eq(hak_text_string(&name), "function_5");
    hak_text_free(&name);
    int found = list()->cursor;
    type("n");
    ck_assert_int_eq(list()->cursor, found); /* there is no other */
    type("\\(");
    press(KEY_NAME_ENTER);
    ck_assert(b.is_error);
    type("\\function_3$");
    press(KEY_NAME_ENTER);
    ck_assert_uint_eq(main_page()->lines.count, 1);
    sees("only function_3$");
    press(KEY_NAME_F4);
    type("\x15");
    press(KEY_NAME_ENTER);
    ck_assert_uint_eq(main_page()->lines.count, FUNCTIONS);
    lines_are_the_whole();
}

TEST(a_click_is_what_stands_there) {
    capture_finish();
    open_view();
    struct main_page *m = main_page();
    browser_key(&b, &(struct key){KEY_NAME_CLICK, 0, m->list_row + 3, 20});
    ck_assert_int_eq(list()->cursor, 3);
    browser_key(&b, &(struct key){KEY_NAME_WHEEL_DOWN, 0, m->list_row + 3, 20});
    ck_assert_int_eq(list()->cursor, FUNCTIONS - 1);
    browser_key(&b, &(struct key){KEY_NAME_CLICK, 0, m->heading_row, 18});
    ck_assert_int_eq(m->lines.sort, COLUMN_BLOCKS);
    browser_key(&b, &(struct key){KEY_NAME_CLICK, 0, m->tabs_row, 9});
    ck_assert_int_eq(m->tab, TAB_TREE);
    browser_key(&b, &(struct key){KEY_NAME_CLICK, 0, m->time.row + 1, m->time.column});
    ck_assert(m->is_time);
    int64_t step = b.data.at.step;
    browser_key(&b, &(struct key){KEY_NAME_WHEEL_DOWN, 0, m->time.row, 40});
    ck_assert_int_gt(b.data.at.step, step);
    browser_key(&b, &(struct key){KEY_NAME_CLICK, 0, m->tabs_row, 2});
    browser_key(&b, &(struct key){KEY_NAME_DOUBLE_CLICK, 0, m->list_row, 20});
    ck_assert_int_eq(b.pages, 2);
    browser_key(&b, &(struct key){KEY_NAME_CLICK, 0, 23, 2});
    browser_draw(&b);
    sees("Help");
    browser_key(&b, &(struct key){KEY_NAME_CLICK, 0, 23, 79});
    ck_assert(b.is_done);
}

TEST(every_size_of_screen_is_drawn) {
    capture_finish();
    open_view();
    static const char *const pages[] = {"", "2", "3", "4", "1\r", "\r", "\r", "?"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        for (const char *key = pages[i]; *key; key++)
            if (*key == '\r')
                press(KEY_NAME_ENTER);
            else
                type((const char[]){*key, '\0'});
        for (int rows = 1; rows < 60; rows += 3)
            for (int columns = 1; columns < 200; columns += 13) {
                ck_assert(browser_resize(&b, rows, columns));
                browser_draw(&b);
            }
        ck_assert(browser_resize(&b, 24, 80));
        browser_draw(&b);
    }
    ck_assert(browser_resize(&b, 10, 50));
    browser_draw(&b);
    sees("too small: 50x10 of 60x16");
    type("2?");
    ck_assert_int_eq(main_page()->tab, TAB_TOP); /* keys that are not seen do nothing */
    type("Q");
    ck_assert(b.is_done);
}

TEST(a_capture_that_grows_keeps_the_cursor) {
    capture_cut();
    open_view();
    view.summary.being_written = true;
    type(")jjj");
    uint64_t id = main_page()->lines.line[3].id, all = b.data.all.came.blocks;
    for (int i = 0; i < 40; i++) /* other lines come before it */
        block_malloc(BLOCKS_HELD + i, 104, 1);
    capture_cut();
    bool is_new;
    ck_assert_int_eq(data_refresh(&b.data, &is_new), 0);
    ck_assert(is_new);
    browser_refresh_pages(&b, true);
    browser_draw(&b);
    ck_assert_uint_eq(b.data.all.came.blocks, all + 40);
    ck_assert_uint_eq(main_page()->lines.line[list()->cursor].id, id);
    uint32_t marked = 0;
    for (uint32_t i = 0; i < main_page()->lines.count; i++)
        marked += main_page()->lines.line[i].is_new;
    ck_assert_uint_eq(marked, 1);
    lines_are_the_whole();
    type("[[[[[[[[[[");
    struct profile_sums then = b.data.all;
    uint64_t event = b.data.at.at.event;
    view.summary.being_written = true;
    put_work(300, 400);
    capture_finish();
    ck_assert_int_eq(data_refresh(&b.data, &is_new), 0);
    browser_refresh_pages(&b, true);
    browser_draw(&b);
    ck_assert_uint_eq(b.data.at.at.event, event); /* a moment of the past stays */
    ck_assert_int_eq(memcmp(&then, &b.data.all, sizeof then), 0);
    lines_are_the_whole();
}

/* Its step is one of a timeline that had more of them: memory behind the steps is not zero here. */
TEST(the_begin_of_a_span_that_is_closed_is_not_looked_up) {
    mallopt(M_PERTURB, 0x5a);
    capture_cut();
    open_view();
    view.summary.being_written = true;
    type(")ss[[[[[[z");
    struct data_moment from = b.data.from;
    ck_assert_int_eq(b.data.zooms, 1);
    ck_assert(!b.data.is_span);
    ck_assert_int_gt(from.step, b.data.timeline.steps);
    block_malloc(BLOCKS_HELD, 104, 1);
    capture_cut();
    bool is_new;
    ck_assert_int_eq(data_refresh(&b.data, &is_new), 0);
    ck_assert(is_new);
    ck_assert_uint_eq(b.data.from.at.event, from.at.event);
    ck_assert_uint_eq(b.data.from.at.ns, from.at.ns);
}

TEST(escape_ends_a_question) {
    capture_finish();
    open_view();
    wants_escape = true;
    b.shown_ns = 0;
    b.busy_since_ns = 0;
    ck_assert_int_eq(browser_watch(&b, &(struct hak_progress){.doing = "", .done = 1, .total = 2}),
                     1);
    sees("reading");
    b.shown_ns = 0;
    main_page_make_lines(main_page(), &b, false);
    browser_draw(&b);
    sees("Stopped.");
    ck_assert_uint_eq(main_page()->lines.count, 0);
    wants_escape = false;
    press(KEY_NAME_F7);
    ck_assert_uint_eq(main_page()->lines.count, FUNCTIONS);
    lines_are_the_whole();
}

RUN_TESTS(.set_up = start, .tear_down = stop)

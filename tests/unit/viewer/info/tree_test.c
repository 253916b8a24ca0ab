/* The process that is meant, and how the tree of processes is linked, also where the rows are odd.
 */
#include "viewer/commands.h"
#include "viewer/capture/capture.h"
#include "viewer/info/tree.h"
#include "unit/store/capture.h"

static struct view view;

static void put(uint32_t id, uint32_t parent, int pid, uint64_t start_ns, int end_kind) {
    must(hak_store_put_process(capture.w, &(struct hak_process_row){.id = id,
                                                                    .parent = parent,
                                                                    .pid = pid,
                                                                    .session = id,
                                                                    .start_time = (uint64_t)pid,
                                                                    .start_ns = start_ns,
                                                                    .end_kind = end_kind,
                                                                    .program = "/bin/app",
                                                                    .command_line = "app go"}));
}

static void start(void) {
    capture_start();
    put(2, 1, 20, 10, 3);
    put(3, 1, 20, 20, 3);
    put(4, 1, 20, 30, 1);
    put(5, 4, 21, 40, 2);
    put(6, 1, 20, 50, 1); /* the pid again, long after */
    put(7, 7, 30, 60, 1); /* its own parent */
    put(8, 9, 31, 70, 1); /* a younger parent */
    put(9, 8, 32, 80, 1);
    put(10, 99, 33, 90, 1); /* a parent that is not there */
    block_malloc(1, 10, 1);
    capture_finish();
    memset(&view, 0, sizeof view);
}

static void stop(void) {
    view_close(&view);
    capture_clean(capture.path);
}

static void ask(char *process) {
    char *words[] = {"hakmem-trace", "threads", "--process", process, "-s", capture.path, NULL};
    view_close(&view);
    memset(&view, 0, sizeof view);
    ck_assert_int_eq(view_parse(&view, view_commands, 6, words), -1);
    ck_assert_int_eq(view_open(&view), 0);
}

static uint32_t row_of(char *process) {
    uint32_t row = 0;
    ask(process);
    return view_choose_process(&view, &row) ? row : 0;
}

TEST(a_process_is_named_by_pid_order_or_row) {
    ck_assert_uint_eq(row_of("4711"), 1);
    ck_assert_uint_eq(row_of("20"), 6);
    ck_assert_uint_eq(row_of("20#1"), 2);
    ck_assert_uint_eq(row_of("20#4"), 6);
    ck_assert_uint_eq(row_of("#5"), 5);
    ck_assert_uint_eq(row_of("21"), 5);
    ck_assert_uint_eq(row_of("7"), 7); /* no such pid, but a row */
    static char *const wrong[] = {
        "",   "x",   "20#", "20#0", "20#5", "#",   "#99",
        "99", "-20", "20 ", "0x14", "#2#1", "7#1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(row_of(wrong[i]) == 0, "'%s' was taken", wrong[i]);
}

TEST(a_name_means_exactly_its_row) {
    ask("4711");
    for (uint32_t row = 1; row <= 10; row++) {
        struct hak_text name = {0};
        view_add_process_name(&name, &view, row);
        char *copy = hak_text_take(&name);
        ck_assert_uint_eq(row_of(copy), row);
        free(copy);
    }
}

TEST(the_tree_has_every_process_once) {
    struct tree tree;
    struct hak_text text = {0};
    ask("4711");
    ck_assert_int_eq(tree_load(&tree, &view), 0);
    ck_assert_int_eq(tree.count, 10);
    ck_assert_int_eq(tree.list[tree_find(&tree, 2)].became, tree_find(&tree, 3));
    ck_assert_int_eq(tree.list[tree_find(&tree, 3)].became, tree_find(&tree, 4));
    ck_assert_int_eq(tree.list[tree_find(&tree, 4)].became, -1);
    ck_assert_int_eq(tree.list[tree_find(&tree, 6)].was, -1);
    ck_assert_int_eq(tree_find(&tree, 99), -1);
    tree_add_table(&text, &view, &tree, -1, true);
    ck_assert_int_eq(hak_text_lines(&text), 11);
    for (uint32_t row = 1; row <= 10; row++) {
        char number[16];
        snprintf(number, sizeof number, "\n#%u ", row);
        char *at = strstr(text.bytes, number);
        ck_assert_msg(at && !strstr(at + 1, number), "%s in\n%s", number, text.bytes);
    }
    ck_assert_ptr_nonnull(strstr(text.bytes, "became #3"));
    hak_text_free(&text);
    tree_free(&tree);
}

RUN_TESTS(.set_up = start, .tear_down = stop)

/* Counts the places that called a piece of code, by the nodes of stacks. */
#include "store/stacks/callers.h"
#include "../capture.h"

static uint32_t last;

static uint32_t put(struct hak_store_writer *w, uint32_t parent, uint64_t ip) {
    must(hak_store_put_node(
        w, &(struct hak_node_row){.id = ++last, .parent = parent, .process = 1, .ip = ip}));
    return last;
}

TEST(places_are_counted_and_not_stacks) {
    struct hak_store_writer *w;
    struct hak_store_reader *r;
    must(hak_store_create(capture.path, 0, &w));
    must(hak_store_begin(w));
    last = 0;
    uint32_t root = put(w, 0, 0x1);
    for (uint64_t i = 0; i < 9; i++) {
        uint32_t caller = put(w, root, 0x100 + i); /* nine places */
        put(w, caller, 0x10);
        uint32_t same = put(w, caller, 0x200); /* one place in nine stacks */
        put(w, same, 0x20);
        if (i < 3)
            put(w, caller, 0x30);
    }
    must(hak_store_commit(w));
    must(hak_store_finish(w));
    must(hak_store_open(capture.path, &r));
    struct hak_callers of[] = {{.ip = 0x10}, {.ip = 0x20}, {.ip = 0x30}, {.ip = 0x1}, {.ip = 0x9}};
    ck_assert_int_eq(hak_store_count_callers(r, of, 5), 0);
    ck_assert_int_eq(of[0].count, HAK_CALLERS_COUNTED);
    ck_assert_int_eq(of[1].count, 1);
    ck_assert_int_eq(of[2].count, 3);
    ck_assert_int_eq(of[3].count, 0); /* nobody's callee */
    ck_assert_int_eq(of[4].count, 0); /* not there */
    hak_store_close(r);
}

RUN_TESTS(.set_up = capture_name, .tear_down = capture_end)

/* The blocks that were held at a moment are the same whether the stored profile says which
 * processes hold something, or the events do; over forks, ends and losses. */
#include "unit/store/family.h"
#include "viewer/profile/held.h"

enum { ROUNDS = 60 };

struct total {
    uint64_t blocks, bytes, classes;
};

static void add(void *context, uint8_t class_index, struct hak_heap_sum held) {
    struct total *t = context;
    t->blocks += held.blocks;
    t->bytes += held.bytes;
    t->classes += held.blocks * (class_index + 1u) + held.bytes * class_index;
}

static void add_life(void *context, const struct hak_flow_life *life) {
    if (!life->end_ns)
        add(context, life->class_index, (struct hak_heap_sum){1, life->size});
}

static void compare(uint64_t event, uint32_t only) {
    struct total got = {0}, due = {0};
    struct hak_flow_query q = {
        .from = event, .to = event, .process = only, .life = add_life, .context = &due};
    struct hak_flow flow;
    must(hak_flow_read(r, &q, &flow));
    hak_flow_free(&flow);
    must(profile_read_held(r, event, only, add, &got));
    ck_assert_msg(got.blocks == due.blocks && got.bytes == due.bytes && got.classes == due.classes,
                  "event %lu: %lu blocks of %lu bytes; due %lu of %lu", (unsigned long)event,
                  (unsigned long)got.blocks, (unsigned long)got.bytes, (unsigned long)due.blocks,
                  (unsigned long)due.bytes);
}

START_TEST(the_profile_and_the_events_say_the_same) {
    struct hak_heap heap;
    run_events = _i < 2 ? 200 : 1000;
    has_odd_classes = _i >= 4; /* they contradict each other: all is read block by block */
    begin_family(_i % 2);
    ck_assert_int_eq(hak_heap_read_classes(r, 0, &heap), 1);
    ck_assert_int_eq(heap.has_classes, !has_odd_classes);
    hak_heap_free(&heap);
    compare(0, 0);
    for (uint32_t p = 1; p <= PROCESSES; p++) {
        compare(process[p].fork ? process[p].fork : 1, 0);
        compare(process[p].first, 0);
        compare(process[p].last, 0);
        if (process[p].last < c.id)
            compare(process[p].last + 1, 0);
    }
    for (int i = 0; i < ROUNDS; i++)
        compare(1 + draw(c.id), (uint32_t)(draw(3) ? 0 : 1 + draw(PROCESSES)));
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("held");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, NULL, end_family);
    tcase_add_loop_test(cases, the_profile_and_the_events_say_the_same, 0, 6);
    return run_cases("held", cases);
}

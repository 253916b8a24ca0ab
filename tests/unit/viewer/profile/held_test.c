/* The blocks that were held at a moment are the same whether the stored profile says which
 * processes hold something, or the events do; over forks, ends and losses. */
#include "unit/store/family.h"
#include "viewer/profile/held.h"

enum { ROUNDS = 60 };

struct total {
    uint64_t blocks, bytes, classes;
};

static void add(void *context, uint8_t class_index, struct hak_amount held) {
    struct total *t = context;
    t->blocks += held.blocks;
    t->bytes += held.bytes;
    t->classes += held.blocks * (class_index + 1u) + held.bytes * class_index;
}

static void add_life(void *context, const struct hak_flow_life *life) {
    if (!life->end_ns)
        add(context, life->class_index, (struct hak_amount){1, life->size});
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

TEST(the_profile_and_the_events_say_the_same, .until = 6) {
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
        if (process[p].last < capture.id)
            compare(process[p].last + 1, 0);
    }
    for (int i = 0; i < ROUNDS; i++)
        compare(1 + draw(capture.id), (uint32_t)(draw(3) ? 0 : 1 + draw(PROCESSES)));
}

static void change(const char *sql) {
    hak_store_close(r);
    capture_change(sql);
    must(hak_store_open(capture.path, &r));
}

#define OF_FIRST " WHERE run = (SELECT min(run) FROM profile_class WHERE process = 1)"

/* Rows that no writer stores are not used: the held blocks are those of the events. */
TEST(hostile_rows_are_not_believed) {
    static const char *const hostile[] = {
        "UPDATE profile_class SET class = -1 - class",
        "UPDATE profile_class SET class = 1000000000 + class",
        "UPDATE profile_class SET class = class + 4294967296",
        "UPDATE profile_class SET class = class + 64" OF_FIRST,
        "UPDATE profile_class SET blocks = -5, bytes = -bytes",
        "UPDATE profile_class SET bytes = bytes + 1" OF_FIRST,
        "UPDATE profile_class SET bytes = 9223372036854775807",
        "UPDATE profile_class SET bytes = 'text', blocks = x'00'",
        "DELETE FROM profile_class" OF_FIRST,
        "INSERT INTO profile_class VALUES(0, -7, -7, -7, -7)",
        "DROP TABLE profile_class",
    };
    struct hak_heap heap;
    uint64_t moment;
    run_events = 200;
    begin_family(0);
    moment = hak_database_number(hak_store_database(r), "SELECT min(run) FROM profile_class", 0);
    change("CREATE TABLE sound AS SELECT * FROM profile_class");
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        change(hostile[i]);
        ck_assert_int_eq(hak_heap_read_classes(r, moment, &heap), 1);
        ck_assert_msg(!heap.has_classes, "%s", hostile[i]);
        hak_heap_free(&heap);
        compare(moment, 0);
        compare(0, 0);
        if (i + 1 < sizeof hostile / sizeof *hostile)
            change("DELETE FROM profile_class; INSERT INTO profile_class SELECT * FROM sound");
    }
}

RUN_TESTS(.seconds = 300, .tear_down = end_family)

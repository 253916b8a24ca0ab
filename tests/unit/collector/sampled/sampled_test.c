/* Stores made of heap profiles that were read out of a program. */
#include "unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "collector/sampled/sampled.h"
#include "store/history/history.h"
#include "store/reader/reader.h"

static char path[64];
static struct hak_store_reader *reader;

static const struct hak_sampled_node nodes[] = {
    {0}, {.address = 0x1000}, {.address = 0x2000, .parent = 1}, {.address = 0, .parent = 1}};

/* Sites of two stacks, one of them twice, and the one without. */
static struct hak_sampled_site early[] = {{.node = 0, .came = {1, 100}},
                                          {.node = 2, .came = {10, 1000}, .went = {4, 300}},
                                          {.node = 2, .came = {1, 50}},
                                          {.node = 1, .came = {5, 5000}}};
static struct hak_sampled_site late[] = {{.node = 0, .came = {1, 100}},
                                         {.node = 2, .came = {12, 1200}, .went = {10, 1000}},
                                         {.node = 2, .came = {1, 50}},
                                         {.node = 1, .came = {2, 2000}, .went = {2, 2000}},
                                         {.node = 3, .came = {3, 30}}};

static struct hak_sampled_pull pull_of(struct hak_sampled_site *site, uint32_t sites, uint64_t ns) {
    return (struct hak_sampled_pull){.node = (struct hak_sampled_node *)(uintptr_t)nodes,
                                     .site = site,
                                     .nodes = 4,
                                     .sites = sites,
                                     .rate = 524288,
                                     .start_ns = 1000,
                                     .ns = ns,
                                     .came_samples = sites,
                                     .went_samples = 1};
}

/* Makes and opens the store of some pulls; the first one's last event. */
static uint64_t store(const struct hak_sampled_pull *pull, int pulls) {
    const struct hak_sampled_program program = {.pid = 4711,
                                                .monotonic_ns = 9000,
                                                .realtime_ns = 100000,
                                                .program = "/srv/server",
                                                .command_line = "server -x",
                                                .level = "light"};
    uint64_t first_end = 0;
    snprintf(path, sizeof path, "/tmp/sampled_test.%d.db", (int)getpid());
    unlink(path);
    ck_assert_int_eq(hak_sampled_store(&program, pull, pulls, path, false, &first_end), 0);
    ck_assert_int_eq(hak_store_open(path, &reader), 0);
    return first_end;
}

static void end_store(void) {
    hak_store_close(reader);
    unlink(path);
}

/* The sums of all stacks whose innermost address is `address`, 0 = of no stack. */
static struct hak_heap_row sum_of(uint64_t from, uint64_t to, uint64_t address) {
    struct hak_heap heap;
    struct hak_heap_row sum = {0};
    ck_assert_int_eq(hak_heap_read(reader, from, to, 0, &heap), 1);
    for (uint32_t i = 0; i < heap.rows; i++) {
        struct hak_node_row node = {0};
        const struct hak_heap_row *row = &heap.row[i];
        if (row->stack)
            ck_assert_int_eq(hak_store_node(reader, row->stack, &node), 1);
        if (node.ip != address)
            continue;
        hak_amount_add(&sum.came, row->came);
        hak_amount_add(&sum.went, row->went);
        hak_amount_add(&sum.live, row->live);
    }
    hak_heap_free(&heap);
    return sum;
}

static void check_amount(struct hak_amount is, uint64_t blocks, uint64_t bytes) {
    ck_assert_uint_eq(is.blocks, blocks);
    ck_assert_uint_eq(is.bytes, bytes);
}

TEST(sites_of_one_stack_are_one_sum) {
    struct hak_sampled_pull pull = pull_of(early, 4, 5000);
    struct hak_store_summary summary;
    store(&pull, 1);
    ck_assert_int_eq(hak_store_summarise(reader, &summary), 0);
    ck_assert_uint_eq(hak_store_sampled_rate(reader), 524288);
    ck_assert(hak_store_is_profile_only(reader));
    ck_assert_uint_eq(summary.events, 5);
    ck_assert_uint_eq(summary.last_ns, 4000);
    ck_assert_uint_eq(summary.processes, 1);
    check_amount(sum_of(0, 0, 0x2000).came, 11, 1050);
    check_amount(sum_of(0, 0, 0x2000).live, 7, 750);
    check_amount(sum_of(0, 0, 0x1000).live, 5, 5000);
    check_amount(sum_of(0, 0, 0).live, 1, 100);
    end_store();
}

TEST(a_second_reading_is_a_run_of_its_own) {
    struct hak_sampled_pull pulls[] = {pull_of(early, 4, 5000), pull_of(late, 5, 7000)};
    uint64_t first = store(pulls, 2);
    ck_assert_uint_eq(first, 5);
    check_amount(sum_of(0, first, 0x2000).live, 7, 750);
    check_amount(sum_of(first, 0, 0x2000).came, 2, 200);
    check_amount(sum_of(first, 0, 0x2000).went, 6, 700);
    check_amount(sum_of(0, 0, 0x2000).live, 3, 250);
    end_store();
}

/* A program may write anything: its sums shrink here, and no row has less than nothing. */
TEST(sums_that_shrink_do_not_go_below_nothing) {
    struct hak_sampled_pull pulls[] = {pull_of(early, 4, 5000), pull_of(late, 5, 7000)};
    uint64_t first = store(pulls, 2);
    struct hak_heap_row row = sum_of(first, 0, 0x1000);
    check_amount(row.came, 0, 0); /* 5 before and after, with the one whose own frame has none */
    check_amount(row.went, 2, 2000);
    check_amount(sum_of(0, 0, 0x1000).live, 3, 3000);
    end_store();
}

TEST(the_peak_is_the_reading_with_the_most) {
    struct hak_sampled_pull pulls[] = {pull_of(early, 4, 5000), pull_of(late, 5, 7000)};
    struct hak_heap heap;
    struct hak_heap_peak peak;
    uint64_t first = store(pulls, 2);
    ck_assert_int_eq(hak_heap_read_peak(reader, &peak, &heap), 1);
    ck_assert_uint_eq(peak.event, first);
    ck_assert_uint_eq(peak.bytes, 5850);
    ck_assert_uint_eq(peak.ns, 4000);
    hak_heap_free(&heap);
    end_store();
}

TEST(missing_samples_are_lost_events) {
    struct hak_sampled_pull pull = pull_of(early, 4, 5000);
    struct hak_store_summary summary;
    pull.unsampled = 7;
    store(&pull, 1);
    ck_assert_int_eq(hak_store_summarise(reader, &summary), 0);
    ck_assert_uint_eq(summary.lost_events, 7);
    end_store();
}

RUN_TESTS()

/* Sites of the heap profile: one for each stack, chains of shared frames, a table that gets full.
 */
#include "heap_profile/heap_profile.h"
#include <pthread.h>
#include <unistd.h>
#include "unit/suite.h"

static void begin(void) {
    hak_heap_profile_start(1 << 19);
}

static void come(const uintptr_t *ips, size_t count) {
    struct hak_heap_sample sample = {.bytes = 8, .weight = 1};
    ck_assert_uint_ne(hak_heap_profile_came(&sample, ips, count, 1), 0);
}

TEST(stacks_share_their_outer_frames) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    const uintptr_t one[] = {11, 20, 30}, other[] = {12, 20, 30}, outer[] = {20, 30};
    come(one, 3);
    come(other, 3);
    come(one, 3);
    come(outer, 2);
    ck_assert_uint_eq(table->site_count, 4);
    ck_assert_uint_eq(table->node_count, 5);
    ck_assert_uint_eq(table->sites[1].came_samples, 2);
    ck_assert_uint_eq(table->sites[2].came_samples, 1);
    uint32_t node = table->sites[1].node;
    for (int i = 0; i < 3; i++, node = table->nodes[node].parent)
        ck_assert_uint_eq(table->nodes[node].address, one[i]);
    ck_assert_uint_eq(node, 0);
    ck_assert_uint_eq(table->sites[3].node, table->nodes[table->sites[2].node].parent);
    ck_assert_uint_eq(table->unplaced, 0);
}

TEST(a_stack_that_is_not_known_is_of_site_0) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    come(NULL, 0);
    ck_assert_uint_eq(table->sites[0].came_samples, 1);
    ck_assert_uint_eq(table->sites[0].node, 0);
    ck_assert_uint_eq(table->unplaced, 1);
}

TEST(a_long_stack_loses_its_outer_frames) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    uintptr_t ips[HAK_HEAP_PROFILE_DEPTH + 9];
    for (size_t i = 0; i < HAK_HEAP_PROFILE_DEPTH + 9; i++)
        ips[i] = 100 + i;
    come(ips, HAK_HEAP_PROFILE_DEPTH + 9);
    ck_assert_uint_eq(table->node_count, 1 + HAK_HEAP_PROFILE_DEPTH);
    ck_assert_uint_eq(table->nodes[table->sites[1].node].address, 100);
}

TEST(a_full_table_knows_the_stacks_that_it_has) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    const uintptr_t first[] = {1, 2};
    come(first, 2);
    uint64_t stacks = 1;
    for (; table->unplaced == 0; stacks++) {
        const uintptr_t ips[] = {1000 + stacks, 2};
        come(ips, 2);
    }
    ck_assert_uint_eq(table->site_count, table->site_capacity);
    ck_assert_uint_eq(table->unplaced, 1);
    ck_assert_uint_eq(table->sites[0].came_samples, 1);
    ck_assert_uint_eq(stacks, table->site_capacity); /* site 0 is none, and one had no place */
    uint32_t nodes = table->node_count;
    come(first, 2);
    ck_assert_uint_eq(table->sites[1].came_samples, 2);
    const uintptr_t later[] = {5, 6, 7};
    come(later, 3);
    ck_assert_uint_eq(table->unplaced, 2);
    ck_assert_uint_eq(table->node_count, nodes); /* frames of no site are not kept */
}

TEST(frames_fill_the_table_as_well) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    uintptr_t ips[HAK_HEAP_PROFILE_DEPTH];
    for (uintptr_t turn = 1; table->unplaced == 0; turn++) {
        for (int i = 0; i < HAK_HEAP_PROFILE_DEPTH; i++)
            ips[i] = turn << 16 | (uintptr_t)i;
        come(ips, HAK_HEAP_PROFILE_DEPTH);
    }
    ck_assert_uint_eq(table->node_count, table->node_capacity);
    ck_assert_uint_lt(table->site_count, table->site_capacity);
    ck_assert_uint_eq(table->sites[0].came_samples, 1);
}

/* Takes the lock again and again, for stacks that have no place. */
static void *knock(void *unused) {
    const uintptr_t ip = 1;
    struct hak_heap_sample sample = {.bytes = 8, .weight = 1};
    for (;;)
        hak_heap_profile_went(hak_heap_profile_came(&sample, &ip, 1, 1), 2);
    return unused;
}

TEST(the_lock_of_a_thread_that_is_not_there_is_free_in_a_child) {
    enum { CHILDREN = 100 };
    const struct hak_heap_profile *table = hak_heap_profile_table();
    uintptr_t ips[HAK_HEAP_PROFILE_DEPTH];
    pthread_t thread;
    for (uintptr_t turn = 1; table->unplaced == 0; turn++) {
        for (int i = 0; i < HAK_HEAP_PROFILE_DEPTH; i++)
            ips[i] = turn << 16 | (uintptr_t)i;
        come(ips, HAK_HEAP_PROFILE_DEPTH);
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, knock, NULL), 0);
    const uintptr_t outer = 1 << 16 | (HAK_HEAP_PROFILE_DEPTH - 1); /* a known frame, a new stack */
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            hak_heap_profile_after_fork();
            uint64_t unplaced = table->unplaced;
            come(&outer, 1);
            _exit(table->unplaced == unplaced ? 0 : 1);
        }
        ck_assert_int_eq(status_of(child), 0);
    }
}

TEST(what_mlockall_fills_goes_back_and_the_table_stays) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    const uintptr_t one[] = {11}, other[] = {12};
    come(one, 1);
    hak_heap_profile_empty();
    ck_assert_uint_eq(table->sites[1].came_samples, 1);
    come(one, 1);
    come(other, 1);
    ck_assert_uint_eq(table->sites[1].came_samples, 2);
    ck_assert_uint_eq(table->sites[2].came_samples, 1);
}

RUN_TESTS(.set_up = begin, .seconds = 60)

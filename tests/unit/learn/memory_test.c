/* Memory learning: pages of slabs that are not needed go back, later where that was too early; huge
 * pages are asked for while SuperSlabs are full of use. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "pool/pool.h"
#include "unit/learn/learning.h"

static void start(const char *first, const char *second) {
    char *environment[] = {"HAKMEM_MEM_LEARN=1", "HAKMEM_MEM_LEARN_WINDOW=1000", (char *)first,
                           (char *)second, NULL};
    hak_options_read(environment);
    hak_registry_start(true);
    hak_learn_start();
    hak_route_start();
    hak_front_start();
    hak_slab_set_purge_delay(UINT64_MAX); /* nothing goes by the clock */
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        (void)take(c); /* a SuperSlab that is never empty, so that its slabs stay */
}

/* A burst of blocks that fill about `slabs` slabs, all given back. */
static void burst(unsigned slabs) {
    use(HAK_CLASS_OF_1024, slabs * 63, 1);
}

TEST(pages_of_a_burst_go_back_when_they_are_not_needed) {
    start(NULL, NULL);
    burst(25);
    unsigned after_burst = hak_thread.heap->dirty_slabs;
    ck_assert_uint_gt(after_burst, 10);
    use(HAK_CLASS_OF_64, 400, 200);
    ck_assert_uint_lt(hak_thread.heap->dirty_slabs, after_burst / 2);
    ck_assert_uint_gt(hak_thread.heap->slabs_purged, 0);
}

TEST(what_is_needed_again_and_again_keeps_its_pages) {
    start(NULL, NULL);
    const struct hak_learner *learner = NULL;
    for (unsigned round = 0; round < 400; round++) {
        burst(25);
        use(HAK_CLASS_OF_64, 400, 20);
    }
    learner = *hak_front_learner();
    ck_assert_uint_gt(learner->patience, 4);
    uint64_t purged = hak_thread.heap->slabs_purged;
    for (unsigned round = 0; round < 20; round++) {
        burst(25);
        use(HAK_CLASS_OF_64, 400, 20);
    }
    ck_assert_uint_le(hak_thread.heap->slabs_purged - purged, 20 * 5);
}

TEST(advanced_changes_the_delay_of_the_clock_within_its_bounds) {
    start("HAKMEM_LEARN_ADVANCED=1", NULL);
    hak_slab_set_purge_delay((uint64_t)1 << 28);
    for (unsigned round = 0; round < 100; round++) {
        burst(25);
        use(HAK_CLASS_OF_64, 400, 60);
        uint64_t delay = hak_purge_delay_ticks;
        ck_assert(delay >= (uint64_t)1 << 24 && delay <= (uint64_t)1 << 31);
    }
    ck_assert_uint_ne(hak_purge_delay_ticks, (uint64_t)1 << 28);
}

/* The advice that the kernel got for the mapping that holds `address`: "hg" = huge pages, "nh" =
 * none. */
static bool has_advice(const void *address, const char *flag) {
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long start, end;
    bool is_it = false, found = false;
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            is_it = (uintptr_t)address >= start && (uintptr_t)address < end;
        else if (is_it && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line + 8, flag) != NULL;
    }
    fclose(maps);
    return found;
}

/* Fills 10 SuperSlabs with live blocks, then gives nine of ten back. */
TEST(full_superslabs_ask_for_huge_pages_and_empty_ones_do_not) {
    static base_t blocks[MOST_BLOCKS];
    start("HAKMEM_MEM_LEARN_THRESHOLD=0.7", "HAKMEM_DEBUG_LEVEL=2");
    unsigned count = 10 * 31 * 8, taken = 0;
    int saved = dup(2), ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], 2);
    while (taken < count)
        blocks[taken++] = take(HAK_CLASS_OF_8192);
    use(HAK_CLASS_OF_64, 400, 20);
    while (taken-- > 0)
        if (taken % 10)
            give(HAK_CLASS_OF_8192, blocks[taken]);
    use(HAK_CLASS_OF_64, 400, 20);
    dup2(saved, 2);
    close(ends[1]);
    static char told[65536];
    ssize_t length = read(ends[0], told, sizeof told - 1);
    told[length > 0 ? length : 0] = 0;
    const char *on = strstr(told, ": huge pages for SuperSlabs, 0 or 1: 1\n");
    ck_assert_msg(on != NULL, "not asked for: %s", told);
    ck_assert_msg(strstr(on + 1, ": huge pages for SuperSlabs, 0 or 1: 0\n") != NULL,
                  "not declined again: %s", told);
    ck_assert_ptr_nonnull(hak_thread.heap->cooled);
    for (const struct hak_superslab *s = hak_thread.heap->cooled; s; s = s->next)
        ck_assert_msg(has_advice(s, "nh"), "not declined in a SuperSlab that drains");
}

RUN_TESTS()

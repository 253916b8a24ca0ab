/* The page arena: aligned, zeroed pieces, side by side; what comes back is unmapped, the rest of a
 * range too; single mappings under a limit; no memory is NULL. */
#include "platform/arena.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "unit/platform/mapped.h"
#include "unit/suite.h"

enum { MANY = 200 };
static char *pieces[MANY];

static void take_many(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        pieces[i] = hak_arena_take();
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % HAK_ARENA_PIECE_BYTES, 0);
    }
}

TEST(pieces_are_aligned_zeroed_and_apart) {
    take_many(MANY);
    for (unsigned i = 0; i < MANY; i++) {
        for (size_t at = 0; at < HAK_ARENA_PIECE_BYTES; at += 4096)
            if (pieces[i][at] != 0)
                ck_abort_msg("piece %u is not zeroed or taken twice", i);
        memset(pieces[i], 1, 1);
        pieces[i][HAK_ARENA_PIECE_BYTES - 1] = 1;
    }
}

TEST(most_pieces_lie_side_by_side) {
    take_many(MANY);
    unsigned neighbours = 0;
    for (unsigned i = 1; i < MANY; i++)
        neighbours += pieces[i] == pieces[i - 1] + HAK_ARENA_PIECE_BYTES;
    ck_assert_uint_gt(neighbours, MANY * 3 / 4);
}

TEST(addresses_grow_with_use_and_come_back_with_it) {
    size_t before = mapped_bytes();
    take_many(MANY);
    size_t at_most = MANY * HAK_ARENA_PIECE_BYTES * 5 / 4 + (1 << 20);
    ck_assert_uint_le(mapped_bytes() - before, at_most);
    for (unsigned i = 0; i < MANY; i++) {
        hak_arena_give(pieces[i]);
        ck_assert(!hak_is_mapped(pieces[i]));
        size_t in_use_bytes = (MANY - 1 - i) * HAK_ARENA_PIECE_BYTES;
        ck_assert_uint_le(mapped_bytes() - before, in_use_bytes / 32 * 33 + (1 << 20));
    }
    ck_assert_uint_le(mapped_bytes(), before + (1 << 20));
    take_many(1); /* and one piece costs one piece again */
    ck_assert_uint_le(mapped_bytes(), before + HAK_ARENA_PIECE_BYTES + (1 << 20));
}

TEST(under_a_limit_each_piece_is_a_mapping_of_its_own) {
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = (rlim_t)1 << 40;
    setrlimit(RLIMIT_AS, &limit);
    size_t before = mapped_bytes();
    take_many(20);
    ck_assert_uint_le(mapped_bytes() - before, 20 * HAK_ARENA_PIECE_BYTES + (1 << 20));
}

TEST(no_memory_is_null_and_may_come_back) {
    take_many(13); /* part of a range is held */
    struct rlimit limit, none = {(rlim_t)1 << 20, RLIM_INFINITY};
    getrlimit(RLIMIT_AS, &limit);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    unsigned had = 0;
    while (hak_arena_take())
        ck_assert_uint_lt(had++, HAK_ARENA_RANGE_BYTES / HAK_ARENA_PIECE_BYTES);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_ptr_nonnull(hak_arena_take());
}

/* True when the kernel marks the mapping that holds `piece` with the flag ("hg", "nh"). */
static bool has_flag(const char *piece, const char *flag) {
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    bool is_it = false, found = false;
    while (fgets(line, sizeof line, file)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            is_it = (uintptr_t)piece >= start && (uintptr_t)piece < end;
        if (is_it && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(file);
    return found;
}

TEST(huge_pages_are_declined_until_they_are_asked_for) {
    take_many(6);
    for (unsigned i = 0; i < 6; i++)
        ck_assert(has_flag(pieces[i], " nh"));
    hak_arena_set_huge(true);
    char *huge = hak_arena_take();
    ck_assert(has_flag(huge, " hg"));
    hak_arena_advise_huge(huge, false);
    ck_assert(has_flag(huge, " nh"));
    hak_arena_set_huge(false);
    ck_assert(has_flag(hak_arena_take(), " nh"));
}

static void *churn(void *unused) {
    for (int i = 0; i < 300; i++) {
        char *mine[5];
        for (int k = 0; k < 5; k++) {
            mine[k] = hak_arena_take();
            if (!mine[k] || *mine[k] != 0)
                return "a piece was not zeroed: two threads have it";
            *mine[k] = 1;
        }
        for (int k = 0; k < 5; k++) {
            if (*mine[k] != 1)
                return "a piece was unmapped under its owner";
            hak_arena_give(mine[k]);
        }
    }
    return unused;
}

TEST(threads_never_get_the_same_piece) {
    pthread_t threads[4];
    size_t before = mapped_bytes();
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_msg(!wrong, "%s", (char *)wrong);
    }
    ck_assert_uint_le(mapped_bytes(), before + ((size_t)512 << 20)); /* stacks, glibc's arenas */
}

RUN_TESTS()

/* The L2.5 pool: runs that never overlap and merge again, pages that are zero where they are said
 * to be, shards that nobody waits for. */
#include "large/l25.h"
#include <sys/mman.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/large/large_world.h"

enum { PLACES = 80 };

struct block {
    base_t base;
    size_t bytes;
    char mark;
};

static void fill(struct block *block, char mark) {
    block->mark = mark;
    for (size_t at = 0; at < block->bytes; at += HAK_PAGE_BYTES)
        block->base.p[at] = mark;
    block->base.p[block->bytes - 1] = mark;
}

static bool is_whole(const struct block *block) {
    for (size_t at = 0; at < block->bytes; at += HAK_PAGE_BYTES)
        if (block->base.p[at] != block->mark)
            return false;
    return block->base.p[block->bytes - 1] == block->mark;
}

static size_t pick_bytes(uint32_t *state) {
    return 32 * 1024 + 1 + next_random(state) % (MIB - 32 * 1024);
}

/* One step of a program: gives, takes or resizes the block of one place. */
static const char *step(struct block *block, uint32_t *state) {
    if (block->base.p && !is_whole(block))
        return "a block was written by another";
    if (block->base.p && next_random(state) % 3 == 0) {
        size_t bytes = pick_bytes(state);
        if (!hak_large_resize(block->base, bytes))
            return NULL;
        size_t kept = bytes < block->bytes ? bytes : block->bytes;
        block->bytes = kept;
        if (kept != bytes)
            fill(block, block->mark);
        block->base.p[kept - 1] = block->mark;
        block->bytes = bytes;
    } else if (block->base.p) {
        if (!hak_large_give(block->base))
            return "a block was not taken back";
        block->base.p = NULL;
        return NULL;
    } else {
        block->bytes = pick_bytes(state);
        block->base = hak_large_take(block->bytes, 16, NULL);
        if (!block->base.p)
            return "no memory";
        if (hak_large_is_fresh(block->base) && !is_zero(block->base.p, block->bytes))
            return "a fresh block is not zero";
    }
    fill(block, (char)(1 + next_random(state) % 100));
    return NULL;
}

static const char *work(struct block *blocks, uint32_t seed, int steps) {
    uint32_t state = seed;
    for (int i = 0; i < steps; i++) {
        const char *wrong = step(&blocks[next_random(&state) % PLACES], &state);
        if (wrong)
            return wrong;
    }
    for (int i = 0; i < PLACES; i++) {
        if (blocks[i].base.p && !hak_large_give(blocks[i].base))
            return "a block was not taken back at the end";
        blocks[i].base.p = NULL;
    }
    return NULL;
}

TEST(runs_do_not_overlap_and_merge_again, .until = 2) {
    struct block blocks[PLACES] = {0};
    keep_up_to(_i == 0 ? 0 : 8 * MIB);
    for (uint32_t seed = 1; seed <= 4; seed++) {
        const char *wrong = work(blocks, seed, rounds_of(500));
        if (wrong)
            ck_abort_msg("%s", wrong);
        look();
    }
    hak_large_trim();
    struct hak_large_totals totals = look();
    ck_assert_uint_eq(totals.live_blocks + totals.kept_blocks, 0);
    ck_assert_uint_eq(totals.pool_used_bytes + totals.pool_free_bytes, 0);
}

TEST(a_run_grows_into_what_is_free_behind_it) {
    keep_up_to(0);
    base_t first = take(100 * 4096, NULL), second = take(100 * 4096, NULL);
    ck_assert_ptr_eq(second.p, first.p + 100 * 4096);
    ck_assert(!hak_large_resize(first, 101 * 4096));
    ck_assert(hak_large_give(second));
    ck_assert(hak_large_resize(first, 200 * 4096));
    ck_assert(!hak_large_resize(first, 300 * 4096)); /* above 1 MiB there is no L2.5 */
    ck_assert(hak_large_resize(first, 10 * 4096));
    base_t third = take(50 * 4096, NULL);
    ck_assert_ptr_eq(third.p, first.p + 10 * 4096);
    ck_assert_uint_eq(look().pool_used_bytes, 60 * 4096);
    ck_assert(hak_large_give(first));
    ck_assert(hak_large_give(third));
}

TEST(empty_chunks_go_back_but_for_four) {
    enum { COUNT = 64 };
    base_t blocks[COUNT];
    keep_up_to(0);
    for (int i = 0; i < COUNT; i++)
        blocks[i] = take(MIB, NULL);
    ck_assert_uint_eq(look().pool_used_bytes, COUNT * MIB);
    size_t mapped = 0;
    for (int i = 0; i < COUNT; i++)
        ck_assert(hak_large_give(blocks[i]));
    for (int i = 0; i < COUNT; i++)
        mapped += hak_is_mapped(blocks[i].p) ? MIB : 0;
    ck_assert_uint_eq(mapped, 4 * 4 * MIB);
    ck_assert_uint_eq(look().pool_used_bytes, 0);
    ck_assert(hak_l25_covers(blocks[0].p) == hak_is_mapped(blocks[0].p));
}

static size_t count_resident(const char *start, size_t bytes) {
    static unsigned char in_core[4096];
    size_t count = 0;
    ck_assert_int_eq(mincore((void *)(uintptr_t)start, bytes, in_core), 0);
    for (size_t page = 0; page < bytes / 4096; page++)
        count += in_core[page] & 1;
    return count;
}

/* Where one block stays in each chunk, the free pages between do not: no later call is needed. */
TEST(a_burst_leaves_few_pages_resident) {
    enum { COUNT = 80 };
    base_t blocks[COUNT];
    size_t resident = 0;
    keep_up_to(8 * MIB);
    hak_bigcache_set_least(MIB);
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = take(MIB, NULL);
        memset(blocks[i].p, 1, MIB);
    }
    for (int i = 0; i < COUNT; i++)
        if (i % 4 != 0)
            ck_assert(hak_large_give(blocks[i]));
    for (int i = 0; i < COUNT; i++)
        if (i % 4 != 0)
            resident += count_resident(blocks[i].p, MIB);
    ck_assert_uint_le(resident * 4096, 6 * MIB + COUNT / 4 * MIB / 8);
    for (int i = 0; i < COUNT; i += 4)
        ck_assert_uint_eq(count_resident(blocks[i].p, MIB), MIB / 4096);
    (void)look();
}

/* Freed in any order, a few of each chunk stay. On the average a call gives back what it frees, and
 * other pages once; never more than a chunk beside three blocks, its own and two of the BigCache.
 */
TEST(a_call_gives_back_few_pages) {
    enum { COUNT = 1600, BYTES = 25 * 4096, STEP = 7 * 97 };
    static base_t blocks[COUNT];
    uint64_t first = hak_given_back_bytes, before = first, most = 0;
    keep_up_to(8 * MIB);
    hak_bigcache_set_least(MIB);
    for (int i = 0; i < COUNT; i++)
        blocks[i] = take(BYTES, NULL);
    for (int i = 0; i < COUNT; i++) {
        int at = (int)((size_t)i * STEP % COUNT);
        if (at % 10 == 0)
            continue;
        ck_assert(hak_large_give(blocks[at]));
        most = hak_given_back_bytes - before > most ? hak_given_back_bytes - before : most;
        before = hak_given_back_bytes;
    }
    ck_assert_uint_le(most, 4 * MIB + 3 * BYTES);
    ck_assert_uint_ge(before - first, (uint64_t)COUNT * BYTES / 2);
    ck_assert_uint_le(before - first, (uint64_t)COUNT * BYTES * 2);
}

static pthread_t in_background(void *(*function)(void *), void *argument) {
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, function, argument), 0);
    return thread;
}

static void *kept_block;
static volatile sig_atomic_t interrupted, missed;

static void ask_again(int unused) {
    (void)unused;
    missed += !hak_l25_covers(kept_block);
    interrupted++;
}

static void *interrupt_askers(void *main_thread) {
    for (int told = 0; told < 100; told++) {
        int before = interrupted;
        pthread_kill(*(pthread_t *)main_thread, SIGUSR1);
        while (interrupted == before)
            sched_yield();
    }
    return NULL;
}

TEST(a_kept_chunk_is_found_while_others_ask) {
    pthread_t self = pthread_self();
    keep_up_to(0);
    base_t block = take(200000, NULL);
    ck_assert(hak_large_give(block));
    kept_block = block.p;
    signal(SIGUSR1, ask_again);
    pthread_t other = in_background(interrupt_askers, &self);
    while (interrupted < 100)
        missed += !hak_l25_covers(kept_block);
    pthread_join(other, NULL);
    ck_assert_int_eq(missed, 0);
    while (hak_l25_trim() > 0)
        continue;
    ck_assert(!hak_l25_covers(block.p));
}

enum { GIVEN = 20 };

static void *give_all(void *blocks) {
    for (int i = 0; i < GIVEN; i++)
        if (!hak_large_give(((base_t *)blocks)[i]))
            return blocks;
    return NULL;
}

static base_t given[GIVEN];

/* The shard is held while it shows its free pages. */
static void give_from_behind(void *start, size_t bytes, void *is_done) {
    (void)start, (void)bytes;
    if (*(bool *)is_done)
        return;
    *(bool *)is_done = true;
    void *wrong;
    ck_assert_int_eq(pthread_join(in_background(give_all, given), &wrong), 0);
    ck_assert_ptr_null(wrong);
    for (int i = 0; i < GIVEN; i++) {
        ck_assert_ptr_null(hak_large_find(given[i].p));
        ck_assert(!hak_large_give(given[i]));
    }
}

TEST(a_shard_that_is_held_takes_blocks_back_later) {
    bool is_done = false;
    keep_up_to(0);
    for (int i = 0; i < GIVEN; i++)
        given[i] = take(100000, NULL);
    hak_l25_each_free(give_from_behind, &is_done);
    ck_assert(is_done);
    ck_assert_uint_eq(look().pool_used_bytes, 0);
}

static void *work_in_thread(void *number) {
    struct block blocks[PLACES] = {0};
    const char *wrong = work(blocks, (uint32_t)(uintptr_t)number, rounds_of(375));
    hak_large_thread_end();
    return (void *)wrong;
}

/* Blocks go from hand to hand, so that each shard is given to by all. */
static _Atomic(char *) mailbox[PLACES];

static void *pass_on(void *number) {
    uint32_t state = (uint32_t)(uintptr_t)number;
    for (int i = 0, steps = rounds_of(1500); i < steps; i++) {
        base_t mine = hak_large_take(pick_bytes(&state), 16, NULL);
        if (!mine.p)
            return mailbox;
        mine.p[0] = 1;
        char *other = atomic_exchange(&mailbox[next_random(&state) % PLACES], mine.p);
        if (other && (*other != 1 || !hak_large_give(base_from(other))))
            return mailbox;
    }
    hak_large_thread_end();
    return NULL;
}

enum { THREADS = 8 };

static void run_threads(void *(*function)(void *)) {
    pthread_t threads[THREADS];
    void *wrong;
    for (int i = 0; i < THREADS; i++)
        threads[i] = in_background(function, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &wrong);
        if (wrong)
            ck_abort_msg("thread %d: %s", i, wrong == mailbox ? "a passed block" : (char *)wrong);
    }
}

TEST(threads_work_side_by_side, .until = 4) {
    keep_up_to(_i % 2 ? 8 * MIB : 0);
    run_threads(_i < 2 ? work_in_thread : pass_on);
    for (int i = 0; i < PLACES; i++)
        if (mailbox[i])
            ck_assert(hak_large_give(base_from(mailbox[i])));
    ck_assert_uint_le(hak_l25_shards(), THREADS + 1);
    struct hak_large_totals totals = look();
    ck_assert_uint_eq(totals.live_blocks, 0);
    ck_assert_uint_eq(totals.pool_used_bytes, totals.kept_bytes);
}

static _Atomic bool is_over;

static void *work_until_over(void *number) {
    struct block blocks[PLACES] = {0};
    uint32_t seed = (uint32_t)(uintptr_t)number;
    while (!is_over)
        if (work(blocks, seed++, 200))
            return number;
    return NULL;
}

/* As entry does it. */
static pid_t fork_once(void) {
    pid_t child = fork();
    if (child == 0)
        hak_large_after_fork();
    return child;
}

static void await(pid_t child) {
    ck_assert_int_eq(status_of(child), 0);
}

static pthread_barrier_t is_held, may_go;

static void hold_on(void *start, size_t bytes, void *is_done) {
    (void)start, (void)bytes;
    if (*(bool *)is_done)
        return;
    *(bool *)is_done = true;
    pthread_barrier_wait(&is_held);
    pthread_barrier_wait(&may_go);
}

static void *hold_shard(void *nothing) {
    bool is_done = false;
    hak_l25_each_free(hold_on, &is_done);
    return nothing;
}

/* A fork does not wait for the thread that is at work in the shard; the child takes the shard from
 * it, gives back what it inherited, and begins again. */
TEST(a_child_takes_over_a_shard_that_was_held, .until = 2) {
    base_t blocks[GIVEN], returned;
    keep_up_to(0);
    for (int i = 0; i < GIVEN; i++)
        blocks[i] = take(100000 + 30000 * (size_t)i, NULL);
    for (int i = 0; i < GIVEN; i += 3)
        ck_assert(hak_large_give(blocks[i]));
    returned = take(50000, NULL);
    size_t free_bytes = look().pool_free_bytes;
    pthread_barrier_init(&is_held, NULL, 2);
    pthread_barrier_init(&may_go, NULL, 2);
    pthread_t holder = in_background(hold_shard, NULL);
    pthread_barrier_wait(&is_held);
    ck_assert(hak_large_give(returned)); /* waits for the holder */
    if (_i)
        hak_l25_in_hand++; /* as in a signal handler that forks in the middle of a call */
    pid_t child = fork_once();
    if (child == 0) {
        struct block others[PLACES] = {0};
        ck_assert_uint_eq(look().pool_free_bytes, _i ? 0 : free_bytes + HAK_PAGES_OF(50000));
        const char *wrong = work(others, 5, 300);
        for (int i = 0; i < GIVEN; i++)
            if (i % 3)
                ck_assert(hak_large_give(blocks[i]));
        if (!_i)
            ck_assert_uint_eq(look().pool_used_bytes, look().live_bytes);
        _exit(wrong ? 1 : 0);
    }
    await(child);
    pthread_barrier_wait(&may_go);
    pthread_join(holder, NULL);
    look();
}

TEST(a_child_goes_on_with_what_threads_left, .until = 2) {
    pthread_t threads[3];
    keep_up_to(_i ? 8 * MIB : 0);
    for (int i = 0; i < 3; i++)
        threads[i] = in_background(work_until_over, (void *)(uintptr_t)(i + 1));
    for (int i = 0, forks = rounds_of(8); i < forks; i++) {
        sched_yield();
        pid_t child = fork_once();
        if (child == 0) {
            struct block blocks[PLACES] = {0};
            const char *wrong = work(blocks, (uint32_t)i + 9, 100);
            look();
            _exit(wrong ? 1 : 0);
        }
        await(child);
    }
    is_over = true;
    for (int i = 0; i < 3; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}

RUN_TESTS()

/* The pool: SuperSlabs are aligned, registered, kept in a bounded reserve, unmapped beyond it. */
#include "pool/pool.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "options.h"
#include "unit/suite.h"

static void set_up(void) {
    hak_options_read(NULL);
    hak_registry_start(true);
}

static struct hak_superslab *acquire(hak_owner_t owner) {
    struct hak_superslab *superslab = hak_pool_claim(owner);
    return superslab ? superslab : hak_pool_map(owner);
}

TEST(a_superslab_is_aligned_registered_and_free) {
    for (int i = 0; i < 20; i++) {
        struct hak_superslab *superslab = acquire(7);
        ck_assert_ptr_nonnull(superslab);
        ck_assert_ptr_eq(hak_superslab_of(superslab), superslab);
        ck_assert_uint_eq(hak_registry_owner((char *)superslab + HAK_SUPERSLAB_BYTES - 1), 7);
        ck_assert_uint_eq(superslab->owner, 7);
        for (unsigned slab = 0; slab < HAK_SLABS; slab++)
            ck_assert_uint_eq(superslab->class_of_slab[slab], HAK_CLASS_NONE);
        memset((char *)superslab + HAK_SLAB_BYTES, 1, HAK_SUPERSLAB_BYTES - HAK_SLAB_BYTES);
    }
}

/* As the slow paths of a thread do. */
static void go_on(void) {
    while (hak_pool_unmap_some()) {
    }
}

TEST(the_reserve_is_bounded) {
    enum { COUNT = 3 * HAK_POOL_RESERVE };
    struct hak_superslab *superslabs[COUNT];
    for (int i = 0; i < COUNT; i++)
        superslabs[i] = acquire(7);
    for (int i = 0; i < COUNT; i++)
        hak_pool_release(superslabs[i]);
    go_on();
    int reserved = 0, mapped = 0;
    for (int i = 0; i < COUNT; i++) {
        reserved += hak_registry_owner(superslabs[i]) == HAK_OWNER_RESERVE;
        mapped += hak_is_mapped(superslabs[i]);
    }
    ck_assert_int_eq(reserved, HAK_POOL_RESERVE);
    ck_assert_int_eq(mapped, HAK_POOL_RESERVE);
    struct hak_superslab *again = acquire(9);
    ck_assert_uint_eq(hak_registry_owner(again), 9);
    ck_assert_uint_eq(again->owner, 9);
}

/* One that the reserve has no place for, and that has all its pages, goes in steps. */
TEST(no_call_gives_back_a_whole_superslab) {
    enum { COUNT = HAK_POOL_RESERVE + 1, STEP = 4 };
    struct hak_superslab *superslabs[COUNT];
    for (int i = 0; i < COUNT; i++)
        superslabs[i] = acquire(7);
    for (int i = 0; i < COUNT; i++) {
        superslabs[i]->dirty_slabs = HAK_ALL_SLABS_FREE;
        hak_pool_release(superslabs[i]);
    }
    struct hak_superslab *left = superslabs[COUNT - 1];
    unsigned steps = 0;
    while (left->dirty_slabs != 0) {
        unsigned before = (unsigned)__builtin_popcount(left->dirty_slabs);
        ck_assert(hak_pool_unmap_some());
        ck_assert(hak_is_mapped(left));
        ck_assert_uint_le(before - (unsigned)__builtin_popcount(left->dirty_slabs), STEP);
        steps++;
    }
    ck_assert_uint_eq(steps, 8);
    ck_assert_int_eq(*((char *)left + HAK_SLAB_BYTES), 0);
    ck_assert(hak_pool_unmap_some());
    ck_assert(!hak_is_mapped(left));
    ck_assert(!hak_pool_unmap_some());
}

/* The child has as many that wait as its reserve holds, not those that its parent's threads had in
 * their hands. */
TEST(after_fork_nothing_waits_that_is_lost) {
    enum { COUNT = HAK_POOL_RESERVE + 2 };
    struct hak_superslab *superslabs[COUNT];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            superslabs[i] = acquire(7);
            superslabs[i]->dirty_slabs = HAK_ALL_SLABS_FREE;
        }
        for (int i = 0; i < COUNT; i++)
            hak_pool_release(superslabs[i]);
        ck_assert(hak_is_mapped(superslabs[COUNT - 1])); /* 2 wait */
        if (round == 0) {
            for (unsigned place = HAK_POOL_RESERVE; place < COUNT; place++)
                superslabs[place]->waits = false; /* as of another thread that took it out */
            hak_pool_after_fork();
        }
    }
    ck_assert_uint_eq(hak_pool_moves_begun(), hak_pool_moves_ended());
}

TEST(no_memory_is_null_and_leaves_no_entry) {
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = (rlim_t)1 << 20;
    setrlimit(RLIMIT_AS, &limit);
    ck_assert_ptr_null(acquire(7));
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
    ck_assert_ptr_nonnull(acquire(7));
}

static void *churn(void *owner) {
    for (int i = 0; i < 2000; i++) {
        struct hak_superslab *superslab = acquire((hak_owner_t)(uintptr_t)owner);
        if (!superslab || hak_registry_owner(superslab) != (uintptr_t)owner)
            return superslab ? superslab : owner;
        hak_pool_release(superslab);
    }
    return NULL;
}

TEST(threads_never_get_the_same_superslab) {
    pthread_t threads[8];
    for (uintptr_t i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    for (int i = 0; i < 8; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}

TEST(without_reuse_all_is_unmapped_at_once) {
    hak_options.superslab_reuse = 0;
    struct hak_superslab *superslab = acquire(7);
    hak_pool_release(superslab);
    ck_assert_uint_eq(hak_registry_owner(superslab), HAK_OWNER_NOBODY);
    ck_assert(!hak_is_mapped(superslab));
}

static unsigned reserved;

static void count_reserved(struct hak_superslab *superslab, void *context) {
    (void)context;
    reserved += hak_registry_owner(superslab) == HAK_OWNER_RESERVE;
}

static unsigned count_reserve(void) {
    reserved = 0;
    hak_lock(&hak_registry_lock);
    hak_pool_each_reserved(count_reserved, NULL);
    hak_unlock(&hak_registry_lock);
    return reserved;
}

TEST(what_nobody_claims_is_unmapped_after_the_delay) {
    struct hak_superslab *superslabs[3];
    for (int i = 0; i < 3; i++)
        superslabs[i] = acquire(7);
    for (int i = 0; i < 3; i++)
        hak_pool_release(superslabs[i]);
    ck_assert_uint_eq(count_reserve(), 3);
    uint64_t now = hak_ticks(), hour = (uint64_t)1 << 44;
    hak_pool_decay(now, hour);
    go_on();
    ck_assert_uint_eq(count_reserve(), 3);
    hak_pool_decay(now + 2 * hour, hour);
    go_on();
    ck_assert_uint_eq(count_reserve(), 0);
    for (int i = 0; i < 3; i++)
        ck_assert(!hak_is_mapped(superslabs[i]));
}

TEST(prewarmed_superslabs_wait_and_stay) {
    hak_options.superslab_prewarm = 6;
    hak_pool_prewarm();
    ck_assert_uint_eq(count_reserve(), 6);
    hak_pool_decay(hak_ticks() + ((uint64_t)1 << 60), 1);
    go_on();
    ck_assert_uint_eq(count_reserve(), 6);
    struct hak_superslab *superslab = hak_pool_claim(9);
    ck_assert_ptr_nonnull(superslab);
    ck_assert_uint_eq(superslab->owner, 9);
    ck_assert_uint_eq(superslab->dirty_slabs, 0);
    ck_assert_uint_eq(hak_pool_trim(), 5 * HAK_SUPERSLAB_BYTES);
    ck_assert_uint_eq(count_reserve(), 0);
}

static _Atomic bool is_done;
static void *empty_until_done(void *unused) {
    while (!atomic_load(&is_done)) {
        (void)mlock((void *)hak_registry.flat, HAK_REGISTRY_ENTRIES * sizeof(hak_owner_t));
        hak_pool_empty_registry();
    }
    return unused;
}

/* An entry in each part, which becomes writable by that. */
TEST(entries_that_are_made_while_the_registry_is_emptied_stay) {
    enum { STEP = HAK_REGISTRY_PART_ENTRIES, COUNT = HAK_REGISTRY_ENTRIES / STEP };
    pthread_t thread;
    unsigned wrong = 0;
    ck_assert_int_eq(pthread_create(&thread, NULL, empty_until_done, NULL), 0);
    for (uintptr_t i = 0; i < COUNT; i++) {
        hak_lock(&hak_registry_lock);
        wrong += !hak_registry_set((void *)(i * STEP << HAK_REGISTRY_SHIFT), (hak_owner_t)(i + 1));
        hak_unlock(&hak_registry_lock);
    }
    atomic_store(&is_done, true);
    pthread_join(thread, NULL);
    for (uintptr_t i = 0; i < COUNT; i++)
        wrong += hak_registry_owner((void *)(i * STEP << HAK_REGISTRY_SHIFT)) != i + 1;
    ck_assert_uint_eq(wrong, 0);
}

/* Runs `work` with stderr in a file and returns what it wrote. */
static const char *stderr_of(void (*work)(void)) {
    static char text[4096];
    FILE *file = tmpfile();
    int before = dup(2);
    dup2(fileno(file), 2);
    work();
    dup2(before, 2);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void live_once(void) {
    struct hak_superslab *superslab = acquire(7);
    hak_pool_release(superslab);
    hak_pool_release(acquire(8));
    (void)hak_pool_trim();
}

TEST(each_superslab_tells_its_life_when_asked) {
    ck_assert_str_eq(stderr_of(live_once), "");
    hak_options.acquire_debug = 1;
    const char *text = stderr_of(live_once), *line = text;
    const char *due[] = {" mapped by heap 7\n", " kept\n", " taken by heap 8\n", " kept\n",
                         " unmapped\n"};
    for (unsigned i = 0; i < sizeof due / sizeof *due; i++) {
        ck_assert_msg(strncmp(line, "hakmem: SuperSlab 0x", 20) == 0, "%s", text);
        line += 20 + strspn(line + 20, "0123456789abcdef");
        ck_assert_msg(strncmp(line, due[i], strlen(due[i])) == 0, "%s", text);
        line = strchr(line, '\n') + 1;
    }
    ck_assert_str_eq(line, "");
}

RUN_TESTS(.set_up = set_up)

/* The registry in both forms: whole address space, any garbage, millions of SuperSlabs. */
#include "platform/registry.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "unit/suite.h"

/* _i 1: flat, 0: two-level. */
static void start(int flat) {
    hak_registry_start(flat);
    ck_assert_int_eq(hak_registry.entries != 0, flat);
}

static void *superslab_at(uintptr_t index) {
    return (void *)(index << HAK_REGISTRY_SHIFT);
}

TEST(nothing_is_ours_at_first, .until = 2) {
    start(_i);
    const uintptr_t garbage[] = {0,
                                 1,
                                 4096,
                                 ~0ull,
                                 1ull << 63,
                                 1ull << 47,
                                 (1ull << 47) - 1,
                                 0xdeadbeefdeadbeef,
                                 1ull << 46,
                                 0x800000000};
    for (unsigned i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        ck_assert_uint_eq(hak_registry_owner((void *)garbage[i]), HAK_OWNER_NOBODY);
        ck_assert_uint_eq(hak_registry_owner_fast((void *)garbage[i]), HAK_OWNER_NOBODY);
        ck_assert_ptr_null(hak_registry_find((void *)garbage[i]));
    }
}

TEST(an_entry_covers_its_superslab_and_no_byte_more, .until = 2) {
    start(_i);
    char *superslab = superslab_at(12345);
    ck_assert(hak_registry_set(superslab, 7));
    ck_assert_uint_eq(hak_registry_owner(superslab), 7);
    ck_assert_uint_eq(hak_registry_owner(superslab + HAK_SUPERSLAB_BYTES - 1), 7);
    ck_assert_uint_eq(hak_registry_owner(superslab - 1), 0);
    ck_assert_uint_eq(hak_registry_owner(superslab + HAK_SUPERSLAB_BYTES), 0);
    ck_assert_uint_eq(hak_registry_owner_fast(superslab), _i ? 7 : 0);
    ck_assert_ptr_eq(hak_registry_find(superslab + 4711), superslab);
    ck_assert(hak_registry_set(superslab, HAK_OWNER_NOBODY));
    ck_assert_ptr_null(hak_registry_find(superslab));
}

TEST(it_holds_millions_without_a_miss, .until = 2) {
    start(_i);
    enum { STEP = 16, COUNT = 3000000 };
    unsigned long wrong = 0; /* asserted once: millions of assertions take minutes */
    for (uintptr_t i = 1; i <= COUNT; i++)
        wrong += !hak_registry_set(superslab_at(i * STEP), (hak_owner_t)(i % 60000 + 1));
    for (uintptr_t i = 1; i <= COUNT; i++) {
        wrong += hak_registry_owner(superslab_at(i * STEP)) != i % 60000 + 1;
        wrong += hak_registry_owner(superslab_at(i * STEP + 1)) != 0;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert(hak_registry_set(superslab_at(HAK_REGISTRY_ENTRIES - 1), 9));
    ck_assert_uint_eq(hak_registry_owner((void *)(((uintptr_t)1 << HAK_ADDRESS_BITS) - 1)), 9);
    ck_assert(!hak_registry_set(superslab_at(HAK_REGISTRY_ENTRIES), 9));
}

/* 64 MiB would refuse the flat form's reserve; 1 GiB would grant it, at the program's cost. */
static const rlim_t limits[] = {64 << 20, 1 << 30};

TEST(a_limit_on_address_space_gives_the_two_level_form, .until = sizeof limits / sizeof *limits) {
    struct rlimit limit = {limits[_i], limits[_i]};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    hak_registry_start(true);
    ck_assert_uint_eq(hak_registry.entries, 0);
    ck_assert(hak_registry_set(superslab_at(77), 5));
    ck_assert_uint_eq(hak_registry_owner(superslab_at(77)), 5);
}

/* Pages that nobody set must stay read-only: mlockall fills every page that can be written. */
TEST(what_was_never_set_cannot_be_written, .signal = SIGSEGV) {
    start(1);
    ck_assert(hak_registry_set(superslab_at(77), 5));
    hak_registry.flat[HAK_REGISTRY_ENTRIES / 2] = 1;
}

enum { PAGE = 4096, BYTES = HAK_REGISTRY_ENTRIES * sizeof(hak_owner_t) };

/* Pages of the registry that have memory. */
static size_t count_pages(void) {
    static unsigned char in_core[BYTES / PAGE];
    size_t count = 0;
    ck_assert_int_eq(mincore((void *)hak_registry.flat, BYTES, in_core), 0);
    for (size_t i = 0; i < BYTES / PAGE; i++)
        count += in_core[i] & 1;
    return count;
}

/* As mlockall does it; by reading where that much may not be locked. */
static void fill(void) {
    if (mlock((void *)hak_registry.flat, BYTES) != 0)
        for (size_t at = 0; at < HAK_REGISTRY_ENTRIES; at += PAGE / sizeof(hak_owner_t))
            (void)hak_registry_owner_fast(superslab_at(at));
    ck_assert_uint_eq(count_pages(), BYTES / PAGE);
}

TEST(what_was_filled_and_never_set_is_given_back) {
    static const uintptr_t indexes[] = {0, 77, HAK_REGISTRY_ENTRIES / 2, HAK_REGISTRY_ENTRIES - 1};
    enum { COUNT = sizeof indexes / sizeof *indexes, PARTS = 3 };
    start(1);
    for (int i = 0; i < COUNT; i++)
        ck_assert(hak_registry_set(superslab_at(indexes[i]), (hak_owner_t)(i + 1)));
    for (int round = 0; round < 2; round++) {
        fill();
        hak_registry_empty();
        ck_assert_uint_eq(count_pages(),
                          PARTS * HAK_REGISTRY_PART_ENTRIES * sizeof(hak_owner_t) / PAGE);
        for (int i = 0; i < COUNT; i++)
            ck_assert_uint_eq(hak_registry_owner(superslab_at(indexes[i])), i + 1);
        ck_assert_uint_eq(hak_registry_owner(superslab_at(1 << 20)), HAK_OWNER_NOBODY);
    }
    ck_assert(hak_registry_set(superslab_at(1 << 20), 9));
    ck_assert_uint_eq(hak_registry_owner(superslab_at(1 << 20)), 9);
}

TEST(the_two_level_form_has_nothing_to_give_back) {
    start(0);
    ck_assert(hak_registry_set(superslab_at(77), 5));
    hak_registry_empty();
    ck_assert_uint_eq(hak_registry_owner(superslab_at(77)), 5);
}

struct seen {
    unsigned count;
    uintptr_t starts, owners; /* sums */
};

static void see(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct seen *seen = context;
    seen->count++;
    seen->starts += (uintptr_t)superslab;
    seen->owners += owner;
}

TEST(a_walk_sees_each_superslab_once, .until = 2) {
    static const uintptr_t indexes[] = {1, 2, 77, 40000, 1 << 20, HAK_REGISTRY_ENTRIES - 1};
    enum { COUNT = sizeof indexes / sizeof *indexes };
    struct seen seen = {0}, due = {.count = COUNT - 1};
    start(_i);
    hak_registry_each(see, &seen);
    ck_assert_uint_eq(seen.count, 0);
    for (unsigned i = 0; i < COUNT; i++)
        ck_assert(hak_registry_set(superslab_at(indexes[i]), (hak_owner_t)(i + 1)));
    ck_assert(hak_registry_set(superslab_at(indexes[2]), HAK_OWNER_NOBODY));
    for (unsigned i = 0; i < COUNT; i++)
        if (i != 2) {
            due.starts += (uintptr_t)superslab_at(indexes[i]);
            due.owners += i + 1;
        }
    hak_registry_each(see, &seen);
    ck_assert_uint_eq(seen.count, due.count);
    ck_assert_uint_eq(seen.starts, due.starts);
    ck_assert_uint_eq(seen.owners, due.owners);
}

RUN_TESTS()

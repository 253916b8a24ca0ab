/* The way of a size and of a pointer: which layer serves, which layer gets it back, what is
 * refused. */
#include "route/route.h"
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include "unit/suite.h"

static bool is_flat = true; /* form of the registry */

static void set_up(void) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* one case ends by SIGABRT */
    hak_options_read(NULL);
    hak_registry_start(is_flat);
    hak_front_start();
}

TEST(every_size_is_served_and_taken_back) {
    for (size_t bytes = 0; bytes <= 40000; bytes++) {
        struct hak_taken taken = hak_route_take(bytes, 0, NULL);
        if (!taken.base.p || hak_route_slot_bytes(taken.base) < bytes ||
            (taken.class_index == HAK_CLASS_NONE) != (bytes > HAK_CLASS_MAX_BYTES))
            ck_abort_msg("%zu bytes: base %p class %u", bytes, (void *)taken.base.p,
                         taken.class_index);
        memset(taken.base.p, 1, bytes);
        if (!hak_route_give(taken.base, HAK_FREE))
            ck_abort_msg("%zu bytes were not taken back", bytes);
    }
}

TEST(every_alignment_is_kept) {
    for (size_t alignment = 1; alignment <= (size_t)4 << 20; alignment *= 2)
        for (size_t bytes = 0; bytes <= 70000; bytes = bytes * 3 / 2 + 1) {
            struct hak_taken taken = hak_route_take(bytes, alignment, NULL);
            if (!taken.base.p || base_address(taken.base) % alignment != 0 ||
                hak_route_slot_bytes(taken.base) < bytes)
                ck_abort_msg("%zu bytes at %zu: %p", bytes, alignment, (void *)taken.base.p);
            ck_assert(hak_route_give(taken.base, HAK_FREE));
        }
}

TEST(what_is_not_ours_is_said_so) {
    int local;
    ck_assert(!hak_route_give(HAK_NO_BASE, HAK_FREE));
    ck_assert(!hak_route_give(base_from(&local), HAK_FREE));
    ck_assert(!hak_route_give(base_from((void *)~0ull), HAK_FREE));
    ck_assert_uint_eq(hak_route_slot_bytes(base_from(&local)), 0);
    struct hak_taken large = hak_route_take(100000, 0, NULL);
    ck_assert(!hak_route_give(base_from(large.base.p + 4096), HAK_FREE));
    ck_assert(hak_route_give(large.base, HAK_FREE));
    ck_assert(!hak_route_give(large.base, HAK_FREE));
}

TEST(a_pointer_into_a_block_ends_the_program, .signal = SIGABRT) {
    struct hak_taken taken = hak_route_take(48, 0, NULL);
    (void)hak_route_give(base_from(taken.base.p + 16), HAK_FREE);
}

TEST(the_head_of_a_superslab_is_no_block, .signal = SIGABRT) {
    struct hak_taken taken = hak_route_take(48, 0, NULL);
    (void)hak_route_give(base_from((char *)hak_superslab_of(taken.base.p)), HAK_FREE);
}

static void *give(void *block) {
    hak_front_start();
    return hak_route_give(base_from(block), HAK_FREE) ? NULL : block;
}

TEST(a_block_of_another_thread_goes_home) {
    struct hak_taken taken = hak_route_take(100, 0, NULL);
    pthread_t thread;
    void *refused;
    ck_assert_int_eq(pthread_create(&thread, NULL, give, taken.base.p), 0);
    pthread_join(thread, &refused);
    ck_assert_ptr_null(refused);
}

static int run_twice(const struct suite *suite, int count CK_ATTRIBUTE_UNUSED,
                     char **arguments CK_ATTRIBUTE_UNUSED) {
    int status = run_suite(suite);
    is_flat = false;
    return status | run_suite(suite);
}
RUN_TESTS(.run = run_twice, .set_up = set_up)

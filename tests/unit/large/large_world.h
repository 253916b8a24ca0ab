/* Helpers for the tests of the large layer: settings, and a look at whether all of it agrees. */
#ifndef TESTS_UNIT_LARGE_LARGE_WORLD_H
#define TESTS_UNIT_LARGE_LARGE_WORLD_H

#include <stdint.h>
#include <string.h>
#include "large/bigcache.h"
#include "large/totals.h"
#include "options.h"
#include "platform/platform.h"
#include "unit/suite.h"

#define MIB ((size_t)1 << 20)

static inline struct hak_large_totals look(void) {
    struct hak_large_totals totals;
    const char *wrong = hak_large_verify(&totals);
    if (wrong)
        ck_abort_msg("%s", wrong);
    return totals;
}

/* Sets what BigCaches may keep, also where little is in use. */
static inline void keep_up_to(size_t bytes) {
    hak_options.bigcache_max_bytes = bytes;
    hak_bigcache_set_least(bytes);
}

/* A use that swings: what went back is missed each time, so that more of it stays from now on. */
static inline void let_use_swing(void) {
    for (int i = 0; i < 5; i++) {
        base_t base = hak_large_take(64 * MIB, 16, NULL);
        ck_assert_ptr_nonnull(base.p);
        ck_assert(hak_large_give(base));
    }
}

static inline base_t take(size_t bytes, const void *caller) {
    base_t base = hak_large_take(bytes, 16, caller);
    ck_assert_ptr_nonnull(base.p);
    return base;
}

static inline bool is_zero(const char *start, size_t bytes) {
    return *start == 0 && memcmp(start, start + 1, bytes - 1) == 0;
}

static inline uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

#endif

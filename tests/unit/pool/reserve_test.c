/* The reserve: what is kept can be claimed once, places are bounded, the old ones can be told. */
#include "pool/reserve.h"
#include <pthread.h>
#include <string.h>
#include "unit/suite.h"

static struct hak_reserve reserve;

static struct hak_superslab *nth(unsigned n) {
    return (struct hak_superslab *)((uintptr_t)(n + 1) * HAK_SUPERSLAB_BYTES);
}

TEST(what_is_kept_comes_out_once) {
    memset(&reserve, 0, sizeof reserve);
    ck_assert_ptr_null(hak_reserve_claim(&reserve));
    for (unsigned i = 0; i < 3; i++)
        ck_assert(hak_reserve_keep(&reserve, 3, nth(i), 0));
    ck_assert(!hak_reserve_has_place(&reserve, 3));
    ck_assert(!hak_reserve_keep(&reserve, 3, nth(9), 0));
    ck_assert_ptr_eq(hak_reserve_claim(&reserve), nth(2)); /* the last kept has its pages still */
    ck_assert(hak_reserve_has_place(&reserve, 3));
    ck_assert_ptr_eq(hak_reserve_claim(&reserve), nth(1));
    ck_assert_ptr_eq(hak_reserve_claim(&reserve), nth(0));
    ck_assert_ptr_null(hak_reserve_claim(&reserve));
}

TEST(what_is_kept_from_a_place_on_leaves_those_below) {
    memset(&reserve, 0, sizeof reserve);
    ck_assert(hak_reserve_keep_from(&reserve, 2, 3, nth(0), 0));
    ck_assert(!hak_reserve_keep_from(&reserve, 2, 3, nth(1), 0));
    ck_assert(hak_reserve_has_place(&reserve, 1));
    ck_assert_ptr_eq(hak_reserve_claim_from(&reserve, 2), nth(0));
}

TEST(only_what_was_kept_long_ago_is_old) {
    memset(&reserve, 0, sizeof reserve);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(hak_reserve_keep(&reserve, 4, nth(i), 100 * i));
    ck_assert_ptr_null(hak_reserve_claim_old(&reserve, 0, 350, 400));
    ck_assert_ptr_eq(hak_reserve_claim_old(&reserve, 1, 350, 200), nth(1)); /* from place 1 on */
    ck_assert_ptr_null(hak_reserve_claim_old(&reserve, 1, 350, 200));
    ck_assert_ptr_eq(hak_reserve_claim_old(&reserve, 0, 350, 200), nth(0));
    /* A clock that is a little behind is not taken for one that is far ahead. */
    ck_assert_ptr_null(hak_reserve_claim_old(&reserve, 0, 150, 200));
}

enum { THREADS = 4, SUPERSLABS = 10, ROUNDS = 200000 };
static _Atomic int holders[SUPERSLABS + 1];
static _Atomic int wrong;

static void *pass_around(void *superslab) {
    struct hak_superslab *mine = superslab;
    for (int i = 0; i < ROUNDS; i++) {
        if (mine) {
            atomic_fetch_sub(&holders[(uintptr_t)mine / HAK_SUPERSLAB_BYTES], 1);
            if (hak_reserve_keep(&reserve, 3, mine, (uint64_t)i))
                mine = NULL;
            else
                atomic_fetch_add(&holders[(uintptr_t)mine / HAK_SUPERSLAB_BYTES], 1);
        } else {
            mine = i % 3 ? hak_reserve_claim(&reserve)
                         : hak_reserve_claim_old(&reserve, 0, (uint64_t)i, 0);
            if (mine && atomic_fetch_add(&holders[(uintptr_t)mine / HAK_SUPERSLAB_BYTES], 1) != 0)
                wrong++;
        }
    }
    return mine;
}

TEST(no_superslab_has_two_owners_and_none_is_lost) {
    memset(&reserve, 0, sizeof reserve);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        holders[i + 1] = 1;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pass_around, nth(i)), 0);
    }
    unsigned seen = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        void *left;
        pthread_join(threads[i], &left);
        if (left)
            seen |= 1u << (uintptr_t)left / HAK_SUPERSLAB_BYTES;
    }
    for (struct hak_superslab *s; (s = hak_reserve_claim(&reserve)) != NULL;)
        seen |= 1u << (uintptr_t)s / HAK_SUPERSLAB_BYTES;
    ck_assert_int_eq(wrong, 0);
    ck_assert_uint_eq(seen, 0x1e); /* numbers 1 to 4 */
}

RUN_TESTS()

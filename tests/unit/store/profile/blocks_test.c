/* Tables of blocks that forks share, against plain arrays. */
#include "store/profile/blocks.h"

#include <stdlib.h>
#include <string.h>
#include "unit/suite.h"

enum { BASES = 3000, FORKS = 40, CHANGES = 50, CHAIN_MOST = 14 };

/* The blocks of a process, in the table and as a plain array of keys by base. */
struct holder {
    struct hak_profile_layer *top;
    uint32_t key[BASES];
};
static struct holder parent, child[FORKS];

static void hold(struct holder *h, uint64_t base, uint32_t key) {
    struct hak_profile_block block = {.base = base, .size = 16, .key = key};
    ck_assert(hak_profile_hold(&h->top, &block, sizeof block));
    h->key[base] = key;
}

static void change(struct holder *h, unsigned seed, uint64_t first, uint64_t bases) {
    for (uint64_t i = 0; i < CHANGES; i++) {
        uint64_t base = first + (seed * 7919 + i * 31) % bases;
        hold(h, base, (seed + i) % 3 ? (uint32_t)(seed + i) : 0);
    }
}

static void fork_holder(struct holder *from, struct holder *to) {
    memcpy(to->key, from->key, sizeof to->key);
    to->top = hak_profile_share(from->top);
}

static uint32_t left[BASES];
static void take(void *context, const struct hak_profile_block *block) {
    ck_assert_ptr_null(context);
    ck_assert_uint_eq(left[block->base], block->key);
    left[block->base] = 0;
}

static unsigned chain(const struct hak_profile_layer *l) {
    unsigned layers = 0;
    for (; l; l = l->below)
        layers++;
    return layers;
}

static void compare(const struct holder *h) {
    for (uint64_t base = 1; base < BASES; base++) {
        const struct hak_profile_block *b = hak_profile_find(h->top, base);
        ck_assert_uint_eq(b ? b->key : 0, h->key[base]);
    }
    memcpy(left, h->key, sizeof left);
    hak_profile_each(h->top, take, NULL);
    for (uint64_t base = 1; base < BASES; base++)
        ck_assert_uint_eq(left[base], 0);
    ck_assert_uint_le(chain(h->top), CHAIN_MOST);
}

static void begin(void) {
    memset(&parent, 0, sizeof parent);
    memset(child, 0, sizeof child);
    for (uint64_t base = 1; base < BASES; base++)
        hold(&parent, base, (uint32_t)base);
}

static void end(void) {
    hak_profile_drop(parent.top);
    for (int i = 0; i < FORKS; i++)
        hak_profile_drop(child[i].top);
}

static const struct hak_profile_layer *lowest(const struct hak_profile_layer *l) {
    while (l->below)
        l = l->below;
    return l;
}

/* 0: children live on; 1: each ends before the next fork; 2: every second. */
TEST(forks_share_and_see_their_own_blocks, .until = 3) {
    const struct hak_profile_layer *first = parent.top;
    for (int i = 0; i < FORKS; i++) {
        fork_holder(&parent, &child[i]);
        change(&parent, (unsigned)i, 1, 500);
        change(&child[i], (unsigned)i + 100, 200, 600);
        compare(&parent);
        compare(&child[i]);
        if (_i == 1 || (_i == 2 && i % 2)) {
            hak_profile_drop(child[i].top);
            child[i].top = NULL;
        }
    }
    ck_assert_ptr_eq(lowest(parent.top), first); /* it was never copied */
    for (int i = 0; i < FORKS; i++)
        if (child[i].top)
            compare(&child[i]);
}

TEST(a_child_of_a_child_stands_on_all_of_them) {
    fork_holder(&parent, &child[0]);
    for (int i = 1; i < FORKS; i++) {
        change(&child[i - 1], (unsigned)i, 1, BASES - 1);
        fork_holder(&child[i - 1], &child[i]);
    }
    for (int i = 0; i < FORKS; i++)
        compare(&child[i]);
    compare(&parent);
}

TEST(a_cut_layer_has_room_for_what_is_kept) {
    uint32_t bits = parent.top->bits;
    ck_assert(hak_profile_cut(parent.top, BASES / 8));
    memset(parent.key + BASES / 8, 0, sizeof parent.key - BASES / 8 * sizeof *parent.key);
    compare(&parent);
    ck_assert_uint_lt(parent.top->bits, bits);
    ck_assert_uint_eq(parent.top->used, BASES / 8 - 1);
}

RUN_TESTS(.set_up = begin, .tear_down = end)

/* Live blocks by address and free slots, beside plain arrays. */
#include "viewer/replay/blocks.h"

#include <stdlib.h>
#include "unit/suite.h"

enum { ADDRESSES = 3000, STEPS = 60000 };

static unsigned state = 1;

static unsigned next_number(unsigned below) {
    state = state * 1103515245u + 12345u;
    return (state >> 8) % below;
}

static uint64_t address_of(unsigned i) {
    return 0x7f0000000000 + 16 * (uint64_t)i;
}

/* Blocks are found until they are taken, whatever lies beside them. */
TEST(blocks_are_found_by_address) {
    static struct replay_block due[ADDRESSES];
    struct replay_blocks blocks = {0};
    struct replay_block out;
    uint64_t bytes = 0, most = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned at = next_number(ADDRESSES);
        if (due[at].address) {
            ck_assert(blocks_take(&blocks, address_of(at), &out));
            ck_assert_uint_eq(out.slot, due[at].slot);
            bytes -= due[at].bytes;
            due[at].address = 0;
        } else {
            due[at] = (struct replay_block){.address = address_of(at), .bytes = at, .slot = i};
            ck_assert(blocks_add(&blocks, &due[at]));
            bytes += at;
        }
        most = bytes > most ? bytes : most;
        unsigned other = next_number(ADDRESSES);
        struct replay_block *found = blocks_find(&blocks, address_of(other));
        ck_assert_int_eq(found != NULL, due[other].address != 0);
        ck_assert(!found || found->slot == due[other].slot);
    }
    ck_assert_uint_eq(blocks.live_bytes, bytes);
    ck_assert_uint_eq(blocks.most_bytes, most);
    ck_assert(!blocks_take(&blocks, 0, &out));
    blocks_free(&blocks);
}

/* A slot is used again two epochs later at the earliest, and then before new ones. */
TEST(slots_rest_for_two_epochs) {
    struct replay_blocks blocks = {0};
    for (unsigned i = 0; i < 100; i++)
        ck_assert_uint_eq(slots_take(&blocks, 0), i);
    for (unsigned i = 0; i < 100; i++)
        ck_assert(slots_give(&blocks, i, i / 50));
    ck_assert_uint_eq(slots_take(&blocks, 1), 100);
    for (unsigned i = 0; i < 50; i++)
        ck_assert_uint_eq(slots_take(&blocks, 2), i);
    ck_assert_uint_eq(slots_take(&blocks, 2), 101);
    ck_assert_uint_eq(slots_take(&blocks, 3), 50);
    blocks_free(&blocks);
}

/* The queue of free slots does not grow with the calls. */
TEST(slots_take_bounded_memory) {
    struct replay_blocks blocks = {0};
    for (uint32_t epoch = 0; epoch < 20000; epoch++) {
        uint32_t slot = slots_take(&blocks, epoch);
        ck_assert_uint_lt(slot, 3);
        ck_assert(slots_give(&blocks, slot, epoch));
    }
    ck_assert_uint_lt(blocks.freed_room, 1000);
    blocks_free(&blocks);
}

RUN_TESTS()

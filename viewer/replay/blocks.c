/* Keeps live blocks by address in a table with open places, and free slots in a queue. */
#include "viewer/replay/blocks.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "base/index.h"
#include "player/play.h"

struct free_slot {
    uint32_t slot, epoch;
};

enum { FIRST_ROOM = 1 << 12 };

static uint64_t home_of(const struct replay_blocks *b, uint64_t address) {
    return hak_index_mix(0, address) & (b->room - 1);
}

/* The place of the address, or the free one where it would go. */
static uint64_t place_of(const struct replay_blocks *b, uint64_t address) {
    uint64_t at = home_of(b, address);
    while (b->place[at].address && b->place[at].address != address)
        at = (at + 1) & (b->room - 1);
    return at;
}

/* Doubles the table. False: no memory. */
static bool grow(struct replay_blocks *b) {
    struct replay_blocks bigger = *b;
    bigger.room = b->room ? b->room * 2 : FIRST_ROOM;
    bigger.place = calloc(bigger.room, sizeof *bigger.place);
    if (!bigger.place)
        return false;
    for (uint64_t i = 0; i < b->room; i++)
        if (b->place[i].address)
            bigger.place[place_of(&bigger, b->place[i].address)] = b->place[i];
    free(b->place);
    *b = bigger;
    return true;
}

bool blocks_add(struct replay_blocks *b, const struct replay_block *block) {
    if (b->count * 4 >= b->room * 3 && !grow(b))
        return false;
    b->place[place_of(b, block->address)] = *block;
    b->count++;
    b->live_bytes += block->bytes;
    b->most_bytes = b->live_bytes > b->most_bytes ? b->live_bytes : b->most_bytes;
    b->most_blocks = b->count > b->most_blocks ? b->count : b->most_blocks;
    return true;
}

struct replay_block *blocks_find(struct replay_blocks *b, uint64_t address) {
    uint64_t at = b->room && address ? place_of(b, address) : 0;
    return b->room && address && b->place[at].address ? &b->place[at] : NULL;
}

bool blocks_take(struct replay_blocks *b, uint64_t address, struct replay_block *out) {
    struct replay_block *found = blocks_find(b, address);
    if (!found)
        return false;
    *out = *found;
    b->count--;
    b->live_bytes -= out->bytes;
    /* Blocks behind the gap, up to the next free place, move into it unless they would stand before
     * their home. */
    uint64_t gap = (uint64_t)(found - b->place), mask = b->room - 1;
    for (uint64_t at = (gap + 1) & mask; b->place[at].address; at = (at + 1) & mask) {
        uint64_t home = home_of(b, b->place[at].address);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            b->place[gap] = b->place[at];
            gap = at;
        }
    }
    b->place[gap].address = 0;
    return true;
}

uint32_t slots_take(struct replay_blocks *b, uint32_t epoch) {
    struct free_slot *oldest = b->freed_count ? &b->freed[b->freed_first] : NULL;
    if (!oldest || oldest->epoch + 2 > epoch)
        return b->slots < PLAY_SLOTS_MAX ? b->slots++ : UINT32_MAX;
    b->freed_first++;
    b->freed_count--;
    return oldest->slot;
}

bool slots_give(struct replay_blocks *b, uint32_t slot, uint32_t epoch) {
    if (b->freed_first > b->freed_count + 64) { /* most of the array lies before the queue */
        memmove(b->freed, b->freed + b->freed_first, b->freed_count * sizeof *b->freed);
        b->freed_first = 0;
    }
    if (!hak_growing_make_room(&b->freed, b->freed_first + b->freed_count, &b->freed_room,
                               sizeof *b->freed))
        return false;
    b->freed[b->freed_first + b->freed_count++] = (struct free_slot){slot, epoch};
    return true;
}

void blocks_free(struct replay_blocks *b) {
    free(b->place);
    free(b->freed);
    *b = (struct replay_blocks){0};
}

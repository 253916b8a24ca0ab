/* Tables of live blocks in layers; forks share the lower ones. */
#include "store/profile/blocks.h"

#include <stdlib.h>
#include <string.h>

#define LAYER_BITS_MIN 7
#define LAYER_BITS_MAX 31
#define ALIGNED        sizeof(struct hak_profile_block)
#define ROOM_STEP      64 /* bases */

const struct hak_profile_block *hak_profile_find(const struct hak_profile_layer *l, uint64_t base) {
    for (; l; l = l->below) {
        const struct hak_profile_block *b = hak_profile_at(l, hak_profile_slot(l, base));
        if (b->base)
            return b;
    }
    return NULL;
}

/* An empty table for about `bases` blocks, aligned to cache lines. NULL without memory. */
static struct hak_profile_layer *make_layer(uint64_t bases, uint32_t slot_bytes) {
    struct hak_profile_layer *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    for (l->bits = LAYER_BITS_MIN; l->bits < LAYER_BITS_MAX && (uint64_t)1 << l->bits < 2 * bases;)
        l->bits++;
    l->holders = 1;
    l->slot_bytes = slot_bytes;
    l->room = calloc(((size_t)1 << l->bits) + 1, slot_bytes);
    l->slot = (char *)(((uintptr_t)l->room + ALIGNED - 1) & ~(uintptr_t)(ALIGNED - 1));
    if (l->room)
        return l;
    free(l);
    return NULL;
}

void hak_profile_drop(struct hak_profile_layer *l) {
    while (l && --l->holders == 0) {
        struct hak_profile_layer *below = l->below;
        free(l->room);
        free(l);
        l = below;
    }
}

struct hak_profile_layer *hak_profile_share(struct hak_profile_layer *l) {
    if (l)
        l->holders++;
    return l;
}

void hak_profile_put(struct hak_profile_layer *top, const struct hak_profile_block *block) {
    struct hak_profile_block *to = hak_profile_at(top, hak_profile_slot(top, block->base));
    top->used += !to->base;
    top->held += (block->key != 0) - (to->key != 0);
    memcpy(to, block, top->slot_bytes);
}

/* Brings the entries of `from` into `to`. An entry without a key is needed where `to` or a layer
 * below it may have the block. */
static void add_all(struct hak_profile_layer *to, const struct hak_profile_layer *from) {
    for (size_t i = 0; i < (size_t)1 << from->bits; i++) {
        const struct hak_profile_block *b = hak_profile_at(from, i);
        if (b->base &&
            (b->key || to->below || hak_profile_at(to, hak_profile_slot(to, b->base))->base))
            hak_profile_put(to, b);
    }
}

/* Adds all entries of the layers from `from` down to `end`, which is left out, to one; the lowest
 * first. */
static void add_chain(struct hak_profile_layer *to, const struct hak_profile_layer *from,
                      const struct hak_profile_layer *end) {
    if (from == end)
        return;
    add_chain(to, from->below, end);
    add_all(to, from);
}

/* The layer below those that become one with the chain's first, and their bases. A layer is joined
 * that nobody else stands on, or that is not more than twice as large as all above it: so each
 * layer of a chain is more than twice as large as the one above it, and a large one that children
 * share is copied only once as much has changed. */
static struct hak_profile_layer *end_of_joined(const struct hak_profile_layer *first,
                                               uint64_t *bases) {
    struct hak_profile_layer *end = first->below;
    bool is_own = first->holders == 1;
    for (*bases = first->used; end; end = end->below) {
        is_own = is_own && end->holders == 1;
        if (!is_own && end->used > 2 * *bases)
            break;
        *bases += end->used;
    }
    return end;
}

static bool has_room(const struct hak_profile_layer *l, uint64_t more) {
    return l->used + more <= ((uint64_t)1 << l->bits) / 3 * 2;
}

/* Lets a lower layer that nobody else holds any more take the entries of the one above it, if they
 * fit. Returns the top. */
static struct hak_profile_layer *sink(struct hak_profile_layer *top) {
    struct hak_profile_layer *below;
    while (top && top->holders == 1 && (below = top->below) && below->holders == 1 &&
           has_room(below, top->used)) {
        add_all(below, top);
        top->below = NULL;
        hak_profile_drop(top);
        top = below;
    }
    return top;
}

bool hak_profile_make_room(struct hak_profile_layer **top, uint32_t more, uint32_t slot_bytes) {
    struct hak_profile_layer *old = *top = sink(*top), *end = NULL, *l;
    uint64_t bases = 0;
    bool is_own = old && old->holders == 1;
    if (is_own && has_room(old, more))
        return true;
    if (old)
        end = end_of_joined(old, &bases);
    if (old && !is_own && end == old->below) { /* a frozen one by itself stays */
        end = old;
        bases = 0;
    } else if (is_own && !old->below) {
        bases = old->held;
    }
    if (!(l = make_layer(bases + bases / 4 + more, slot_bytes)))
        return false;
    l->below = hak_profile_share(end);
    add_chain(l, old, end);
    hak_profile_drop(old);
    *top = l;
    return true;
}

bool hak_profile_hold(struct hak_profile_layer **top, const struct hak_profile_block *block,
                      uint32_t slot_bytes) {
    bool is_ready = *top && (*top)->holders == 1 && has_room(*top, 1);
    if (!is_ready && !hak_profile_make_room(top, ROOM_STEP, slot_bytes))
        return false;
    hak_profile_put(*top, block);
    return true;
}

void hak_profile_each(const struct hak_profile_layer *top,
                      void (*each)(void *context, const struct hak_profile_block *block),
                      void *context) {
    for (const struct hak_profile_layer *l = top; l; l = l->below)
        for (size_t i = 0; i < (size_t)1 << l->bits; i++) {
            const struct hak_profile_block *b = hak_profile_at(l, i);
            if (b->key && hak_profile_find(top, b->base) == b)
                each(context, b);
        }
}

bool hak_profile_cut(struct hak_profile_layer *l, uint64_t below) {
    uint64_t bases = 0;
    for (size_t i = 0; i < (size_t)1 << l->bits; i++) {
        const struct hak_profile_block *b = hak_profile_at(l, i);
        bases += b->base && b->base < below;
    }
    struct hak_profile_layer *kept = make_layer(bases, l->slot_bytes);
    if (!kept)
        return false;
    for (size_t i = 0; i < (size_t)1 << l->bits; i++) {
        const struct hak_profile_block *b = hak_profile_at(l, i);
        if (b->base && b->base < below)
            hak_profile_put(kept, b);
    }
    free(l->room);
    l->room = kept->room;
    l->slot = kept->slot;
    l->bits = kept->bits;
    l->used = kept->used;
    l->held = kept->held;
    free(kept);
    return true;
}

/* Tables of live blocks in layers; forks share the lower ones. */
#include "store/profile/blocks.h"

#include <stdlib.h>
#include <string.h>

#define LAYER_BITS_MIN 10
#define LAYER_BITS_MAX 31
#define LAYERS_MAX     6 /* above so many, they are joined into one */
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

/* All layers as one, the lowest first. */
static void add_chain(struct hak_profile_layer *to, const struct hak_profile_layer *from) {
    if (from->below)
        add_chain(to, from->below);
    add_all(to, from);
}

static uint64_t chain_bases(const struct hak_profile_layer *l, uint32_t *layers) {
    uint64_t bases = 0;
    for (*layers = 0; l; l = l->below, ++*layers)
        bases += l->used;
    return bases;
}

static bool has_room(const struct hak_profile_layer *l, uint64_t more) {
    return l->used + more <= ((uint64_t)1 << l->bits) / 3 * 2;
}

/* A lower layer that nobody else holds any more takes the entries of the one above it. */
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
    struct hak_profile_layer *old = *top = sink(*top), *l;
    uint32_t layers;
    uint64_t bases = chain_bases(old, &layers);
    bool is_own = old && old->holders == 1;
    if (is_own && layers <= LAYERS_MAX && has_room(old, more))
        return true;
    if (layers > LAYERS_MAX || (is_own && old->below && old->below->holders == 1)) {
        if (!(l = make_layer(bases + more, slot_bytes)))
            return false;
        add_chain(l, old);
    } else if (is_own) {
        uint64_t kept = old->below ? old->used : old->held;
        if (!(l = make_layer(kept + kept / 4 + more, slot_bytes)))
            return false;
        l->below = hak_profile_share(old->below);
        add_all(l, old);
    } else {
        if (!(l = make_layer(more, slot_bytes)))
            return false;
        l->below = hak_profile_share(old);
    }
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
    struct hak_profile_layer *kept = make_layer(l->used, l->slot_bytes);
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

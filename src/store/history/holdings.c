/* Blocks by base in layers of open addressing, the lower ones shared among forked processes. */
#include "store/history/holdings.h"

#include <stdlib.h>
#include <string.h>
#include "base/index.h"
#include "base/sorted.h"

#define ROOM_LEAST 256

struct hak_holdings_layer {
    struct hak_holdings_layer *below;
    struct hak_holdings_family *family;
    struct hak_holdings_layer *next, **to_here; /* in the family's list */
    uint32_t holders;                           /* layers and processes that stand on it */
    uint64_t room;                              /* a power of two, or 0 */
    uint64_t used;
    struct hak_held_block *block;
};

struct hak_holdings {
    struct hak_holdings_layer *top; /* its own */
};

/* ---- one layer ---------------------------------------------------------------------------------
 */

static uint64_t home_of(const struct hak_holdings_layer *l, uint64_t base) {
    return hak_index_mix(0, base) & (l->room - 1);
}

/* The place of `base`, or the free one where it would lie. The layer has room. */
static uint64_t place_of(const struct hak_holdings_layer *l, uint64_t base) {
    uint64_t at = home_of(l, base);
    while (l->block[at].base && l->block[at].base != base)
        at = (at + 1) & (l->room - 1);
    return at;
}

static struct hak_held_block *find_in_layer(const struct hak_holdings_layer *l, uint64_t base) {
    if (!l->used)
        return NULL;
    struct hak_held_block *found = &l->block[place_of(l, base)];
    return found->base ? found : NULL;
}

static bool grow_layer(struct hak_holdings_layer *l) {
    struct hak_holdings_layer bigger = {.room = l->room ? 2 * l->room : ROOM_LEAST};
    bigger.block = calloc(bigger.room, sizeof *bigger.block);
    if (!bigger.block)
        return false;
    for (uint64_t i = 0; i < l->room; i++)
        if (l->block[i].base)
            bigger.block[place_of(&bigger, l->block[i].base)] = l->block[i];
    free(l->block);
    l->block = bigger.block;
    l->room = bigger.room;
    return true;
}

static bool put_into_layer(struct hak_holdings_layer *l, const struct hak_held_block *block) {
    struct hak_held_block copy = *block; /* it may lie in the array that grows */
    if (3 * (l->used + 1) > 2 * l->room && !grow_layer(l))
        return false;
    struct hak_held_block *to = &l->block[place_of(l, copy.base)];
    l->used += !to->base;
    l->family->blocks += !to->base;
    *to = copy;
    return true;
}

/* Closes the gap: what lies behind it and belongs further in front moves there. */
static void remove_from_layer(struct hak_holdings_layer *l, uint64_t base) {
    if (!find_in_layer(l, base))
        return;
    uint64_t mask = l->room - 1, gap = place_of(l, base);
    for (uint64_t at = (gap + 1) & mask; l->block[at].base; at = (at + 1) & mask) {
        uint64_t home = home_of(l, l->block[at].base);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            l->block[gap] = l->block[at];
            gap = at;
        }
    }
    l->block[gap].base = 0;
    l->used--;
    l->family->blocks--;
}

static struct hak_holdings_layer *make_layer(struct hak_holdings_family *family,
                                             struct hak_holdings_layer *below) {
    struct hak_holdings_layer *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->holders = 1;
    l->family = family;
    l->below = below;
    if (below)
        below->holders++;
    l->next = family->first;
    l->to_here = &family->first;
    if (l->next)
        l->next->to_here = &l->next;
    family->first = l;
    return l;
}

static void drop_layer(struct hak_holdings_layer *l) {
    while (l && --l->holders == 0) {
        struct hak_holdings_layer *below = l->below;
        l->family->blocks -= l->used;
        *l->to_here = l->next;
        if (l->next)
            l->next->to_here = l->to_here;
        free(l->block);
        free(l);
        l = below;
    }
}

static struct hak_holdings_layer *copy_layer(const struct hak_holdings_layer *from) {
    struct hak_holdings_layer *l = make_layer(from->family, from->below);
    if (!l || !from->room)
        return l;
    l->block = malloc(from->room * sizeof *l->block);
    if (!l->block) {
        drop_layer(l);
        return NULL;
    }
    memcpy(l->block, from->block, from->room * sizeof *l->block);
    l->room = from->room;
    l->used = from->used;
    l->family->blocks += l->used;
    return l;
}

/* The layer that `l`, which has one holder, and the one below it make together; NULL without
 * memory: `l` is as it was. */
static struct hak_holdings_layer *join_with_below(struct hak_holdings_layer *l) {
    struct hak_holdings_layer *below = l->below,
                              *to = below->holders == 1 ? below : copy_layer(below);
    if (!to)
        return NULL;
    bool has_memory = true;
    for (uint64_t i = 0; i < l->room && has_memory; i++) {
        if (!l->block[i].base)
            continue;
        if (l->block[i].is_gone && !to->below)
            remove_from_layer(to, l->block[i].base);
        else
            has_memory = put_into_layer(to, &l->block[i]);
    }
    if (!has_memory) {
        if (to != below)
            drop_layer(to);
        return NULL; /* what was put below says the same as what lies above it */
    }
    if (to == below)
        l->below = NULL; /* its hold goes over to the caller */
    drop_layer(l);
    return to;
}

/* ---- holdings of a process ---------------------------------------------------------------------
 */

struct hak_holdings *hak_holdings_make(struct hak_holdings_family *family) {
    struct hak_holdings *held = calloc(1, sizeof *held);
    if (held && !(held->top = make_layer(family, NULL))) {
        free(held);
        return NULL;
    }
    return held;
}

void hak_holdings_free(struct hak_holdings *held) {
    if (!held)
        return;
    drop_layer(held->top);
    free(held);
}

struct hak_holdings *hak_holdings_fork(struct hak_holdings *parent) {
    struct hak_holdings *child = calloc(1, sizeof *child);
    if (!child)
        return NULL;
    struct hak_holdings_layer *shared = parent->top;
    while (shared->below &&
           (shared->below->holders == 1 || 2 * shared->used >= shared->below->used)) {
        struct hak_holdings_layer *joined = join_with_below(shared);
        if (!joined)
            break; /* two layers do as well */
        parent->top = shared = joined;
    }
    struct hak_holdings_layer *own = make_layer(shared->family, shared);
    child->top = own ? make_layer(shared->family, shared) : NULL;
    if (!child->top) {
        drop_layer(own);
        free(child);
        return NULL;
    }
    shared->holders--; /* the parent stands on its new one */
    parent->top = own;
    return child;
}

const struct hak_held_block *hak_holdings_find(const struct hak_holdings *held, uint64_t base) {
    for (const struct hak_holdings_layer *l = held->top; l; l = l->below) {
        const struct hak_held_block *found = find_in_layer(l, base);
        if (found)
            return found->is_gone ? NULL : found;
    }
    return NULL;
}

bool hak_holdings_put(struct hak_holdings *held, const struct hak_held_block *block) {
    return put_into_layer(held->top, block);
}

bool hak_holdings_remove(struct hak_holdings *held, uint64_t base) {
    if (!held->top->below) {
        remove_from_layer(held->top, base);
        return true;
    }
    struct hak_held_block gone = {.base = base, .is_gone = true};
    return put_into_layer(held->top, &gone);
}

static bool is_covered(const struct hak_holdings_layer *top, const struct hak_holdings_layer *l,
                       uint64_t base) {
    for (; top != l; top = top->below)
        if (find_in_layer(top, base))
            return true;
    return false;
}

void hak_holdings_each(const struct hak_holdings *held,
                       void (*each)(void *context, const struct hak_held_block *block),
                       void *context) {
    for (const struct hak_holdings_layer *l = held->top; l; l = l->below)
        for (uint64_t i = 0; i < l->room; i++)
            if (l->block[i].base && !l->block[i].is_gone &&
                !is_covered(held->top, l, l->block[i].base))
                each(context, &l->block[i]);
}

/* ---- all of a family ---------------------------------------------------------------------------
 */

bool hak_holdings_find_middle(const struct hak_holdings_family *family, uint64_t *out) {
    uint64_t *base = malloc((size_t)family->blocks * sizeof *base + sizeof *base);
    uint32_t count = 0;
    *out = 0;
    if (!base || family->blocks > UINT32_MAX) {
        free(base);
        return false;
    }
    for (const struct hak_holdings_layer *l = family->first; l; l = l->next)
        for (uint64_t i = 0; i < l->room; i++)
            if (l->block[i].base)
                base[count++] = l->block[i].base;
    count = hak_sort_distinct(base, count);
    *out = count > 1 ? base[(count + 1) / 2] : 0;
    free(base);
    return true;
}

bool hak_holdings_drop_from(struct hak_holdings_family *family, uint64_t below) {
    for (struct hak_holdings_layer *l = family->first; l; l = l->next) {
        struct hak_holdings_layer kept = {.family = family};
        bool has_memory = true;
        family->blocks -= l->used; /* those that stay are counted again */
        for (uint64_t i = 0; i < l->room && has_memory; i++)
            if (l->block[i].base && l->block[i].base < below)
                has_memory = put_into_layer(&kept, &l->block[i]);
        free(l->block);
        l->block = kept.block;
        l->room = kept.room;
        l->used = kept.used;
        if (!has_memory)
            return false;
    }
    return true;
}

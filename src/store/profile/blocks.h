/* The blocks that each process holds while the log is written, or read one event after the other:
 * one table a process, by base.
 *
 *   process -> top layer (its own, changes) -> frozen layer (shared with a child) -> ...
 *
 * A fork freezes the parent's layers: parent and child go on above them with layers of their own,
 * so that a fork costs about what changed since the one before it, and a child's frees are not its
 * parent's. An entry without a key says that the block is given back; it stays, since bases come
 * again. For one thread. */
#ifndef HAK_STORE_PROFILE_BLOCKS_H
#define HAK_STORE_PROFILE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An entry, or the begin of a longer one. */
struct hak_profile_block {
    uint64_t base; /* 0 = a free slot */
    uint64_t size;
    uint64_t birth;       /* event id */
    uint32_t key;         /* group and stack of the birth (keys.h); 0 = given back */
    uint32_t thread : 24; /* of the birth, row id */
    uint32_t class_index : 8;
};

/* A table; of several holders one that nobody changes any more. */
struct hak_profile_layer {
    char *slot;          /* of 32 bytes each none lies in two cache lines */
    void *room;          /* where they were allocated */
    uint32_t slot_bytes; /* of an entry, the same in all layers below */
    uint32_t bits, used; /* 2^bits slots; those with a base */
    uint32_t held;       /* those with a key */
    uint32_t holders;
    uint32_t visit;                  /* the caller's */
    struct hak_profile_layer *below; /* held by this one; NULL = none */
};

static inline struct hak_profile_block *hak_profile_at(const struct hak_profile_layer *l,
                                                       size_t at) {
    return (struct hak_profile_block *)(void *)(l->slot + at * l->slot_bytes);
}

/* Where it is looked for first. */
static inline uint32_t hak_profile_home(const struct hak_profile_layer *l, uint64_t base) {
    return (uint32_t)(base * 0x9e3779b97f4a7c15ull >> (64 - l->bits));
}
/* The slot at which `base` lies, or the free one where it would be put. */
static inline uint32_t hak_profile_slot(const struct hak_profile_layer *l, uint64_t base) {
    uint32_t mask = (uint32_t)(((uint64_t)1 << l->bits) - 1);
    uint32_t at = hak_profile_home(l, base);
    for (uint64_t there; (there = hak_profile_at(l, at)->base) != base && there;)
        at = (at + 1) & mask;
    return at;
}
static inline void hak_profile_prefetch(const struct hak_profile_layer *l, uint64_t base) {
    if (l)
        __builtin_prefetch(hak_profile_at(l, hak_profile_home(l, base)));
}
/* The entry of `base` in the layers from `l` on; NULL = none. */
const struct hak_profile_block *hak_profile_find(const struct hak_profile_layer *l, uint64_t base);

/* Makes sure that `*top` is the holder's own (there may be none yet) and has room for `more` bases
 * with entries of `slot_bytes`: no slot moves before the next call. False when memory is out: all
 * is as it was. */
bool hak_profile_make_room(struct hak_profile_layer **top, uint32_t more, uint32_t slot_bytes);
/* Puts the block, with or without a key, into the top layer that has room for it. */
void hak_profile_put(struct hak_profile_layer *top, const struct hak_profile_block *block);
/* Holds a block as hak_profile_put, after making room where there is none, by which slots may move.
 * False when memory is out. */
bool hak_profile_hold(struct hak_profile_layer **top, const struct hak_profile_block *block,
                      uint32_t slot_bytes);
/* Adds a holder to a layer and returns it. NULL stays NULL. */
struct hak_profile_layer *hak_profile_share(struct hak_profile_layer *l);
/* Takes one holder from a layer and those below it, and frees those that nobody holds. */
void hak_profile_drop(struct hak_profile_layer *l);
/* Calls `each` for every block that is held, in no order. */
void hak_profile_each(const struct hak_profile_layer *top,
                      void (*each)(void *context, const struct hak_profile_block *block),
                      void *context);
/* Forgets the entries of one layer with bases from `below` on. False when memory is out. */
bool hak_profile_cut(struct hak_profile_layer *l, uint64_t below);

#endif

/* The door of the room that locates a pointer: finds the slot or the large block of ours that
 * covers it, and tells whether the block has a border.
 *
 *   pointer --registry--> SuperSlab --class of its slab--> slot index --> state of the slot
 *           --large-----> large block and its state
 *           --former.c--> large block that was freed lately
 *
 * The registry is asked before any memory behind the pointer is read, so any value may be asked
 * about. The room owns the facts of former blocks alone, and calls nothing but large_map and the
 * platform. Thread and signal safety: no lock, no allocation, no system call. */
#ifndef HAK_GUARD_LOCATE_LOCATE_H
#define HAK_GUARD_LOCATE_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "large_map/large_map.h"
#include "options.h"
#include "platform/registry.h"
#include "size_class.h"
#include "superslab.h"

#define HAK_HEADER_BYTES 16

struct hak_located;

/* locate.c: finds the large block that covers `p`. */
HAK_HIDDEN bool hak_locate_large(const void *p, struct hak_located *at);

/* locate.c: finds the slot that covered `p`, which lies in a slab of ours that serves no class any
 * more: its states stand until the slab is acquired again. */
HAK_HIDDEN bool hak_locate_former_slot(const void *p, struct hak_located *at);

/* locate.c: a layer keeps the memory at `p` for its next blocks (hak_layer_keeps). */
HAK_HIDDEN bool hak_is_kept(const void *p);

/* The slot or block that covers a pointer. `slot` is NULL when no slot and no large block of ours
 * does; `superslab` may be set all the same (its head, a slab without a class, the bytes around its
 * slots). */
struct hak_located {
    struct hak_slot *slot;
    char *base;                      /* first byte of the slot */
    size_t slot_bytes;               /* of a large block: its whole mapping */
    struct hak_superslab *superslab; /* NULL for a large block */
    struct hak_large *large;         /* NULL for a slot */
    uint32_t epoch;
    unsigned class_index; /* HAK_CLASS_NONE for a large block */
};

/* A large block that is known already. */
HAK_IN_PLACE struct hak_located hak_located_as_large(struct hak_large *large) {
    return (struct hak_located){.slot = &large->slot,
                                .base = large->base.p,
                                .slot_bytes = large->mapped_bytes,
                                .large = large,
                                .epoch = large->epoch,
                                .class_index = HAK_CLASS_NONE};
}

/* The states of a slab's slots: slot i's is number i + hak_first_state(class), since in every class
 * the slots are the multiples of the slot size. Slab 0 has none. */
static inline struct hak_slot *hak_states_of(const struct hak_superslab *superslab,
                                             unsigned slab_index) {
    return superslab->slots + (size_t)(slab_index - 1) * HAK_SLOTS_OF_SLAB;
}
static inline unsigned hak_first_state(unsigned class_index) {
    return hak_slot_index(class_index, hak_first_slot_offset(class_index));
}

/* Finds the slot of `class_index` that covers `p` in a slab that serves, or served, that class. */
HAK_IN_PLACE bool hak_locate_in_slab(const void *p, unsigned class_index, struct hak_located *at) {
    unsigned slab_index = hak_slab_index_of(p);
    char *start = (char *)at->superslab + slab_index * HAK_SLAB_BYTES;
    size_t slot_bytes = hak_class_bytes(class_index);
    unsigned state = hak_slot_index(class_index, (size_t)((const char *)p - start));
    size_t offset = state * slot_bytes;
    if (HAK_UNLIKELY(offset < hak_first_slot_offset(class_index) ||
                     offset + slot_bytes > HAK_SLAB_BYTES))
        return false;
    at->slot_bytes = slot_bytes;
    at->base = start + offset;
    at->slot = hak_states_of(at->superslab, slab_index) + state;
    at->epoch = at->superslab->slabs[slab_index].epoch;
    at->class_index = class_index;
    return true;
}

/* Finds the slot that covers `p`. Returns false when `p` is in none; `at` then tells at most the
 * SuperSlab. */
HAK_IN_PLACE bool hak_locate_slot(const void *p, struct hak_located *at) {
    at->slot = NULL;
    at->superslab = NULL;
    at->large = NULL;
    at->class_index = HAK_CLASS_NONE;
    if (HAK_UNLIKELY(hak_registry_owner_fast(p) == HAK_OWNER_NOBODY) &&
        (HAK_LIKELY(hak_registry.entries != 0) || !hak_registry_find(p)))
        return false;
    at->superslab = hak_superslab_of(p);
    unsigned class_index = at->superslab->class_of_slab[hak_slab_index_of(p)];
    return HAK_LIKELY(class_index != HAK_CLASS_NONE) && hak_locate_in_slab(p, class_index, at);
}

/* Finds the slot or large block that has `p`; false: none. */
HAK_IN_PLACE bool hak_locate(const void *p, struct hak_located *at) {
    if (HAK_LIKELY(hak_locate_slot(p, at)))
        return true;
    struct hak_located large; /* so that the address of `at` goes nowhere */
    if (at->superslab || !hak_locate_large(p, &large))
        return false;
    *at = large;
    return true;
}

/* The block lies alone between closed pages (guarded/guarded.h). */
static inline bool hak_is_guarded(const struct hak_located *at) {
    return HAK_UNLIKELY(at->large != NULL) && at->large->guarded_side != HAK_NOT_GUARDED;
}

/* Bytes asked for and distance of the first byte from the base, of the slot's present or last life.
 * A slot holds them in few bits, a large block in full. */
static inline size_t hak_asked_bytes_of(const struct hak_located *at) {
    return at->large ? at->large->asked_bytes : at->slot->asked_bytes;
}
static inline size_t hak_delta_bytes_of(const struct hak_located *at) {
    return at->large ? at->large->user_delta : (size_t)at->slot->user_delta * 8;
}
static inline char *hak_user_in(const struct hak_located *at) {
    return at->base + hak_delta_bytes_of(at);
}

/* Notes the bytes asked for, in the slot's state or the large block's struct. */
static inline void hak_set_asked_bytes(const struct hak_located *at, size_t asked_bytes) {
    if (at->large)
        at->large->asked_bytes = asked_bytes;
    else
        at->slot->asked_bytes = (uint16_t)asked_bytes;
}

/* Notes how far the user pointer lies behind the base. */
static inline void hak_set_delta_bytes(const struct hak_located *at, size_t delta_bytes) {
    if (at->large)
        at->large->user_delta = delta_bytes;
    else
        at->slot->user_delta = (uint16_t)(delta_bytes / 8);
}

/* ---- the border of a block ------------------------------------------------------------------- */

static inline bool hak_layout_has_header(void) {
    return HAK_LIKELY(hak_options.layout == HAK_LAYOUT_HEADER);
}
static inline bool hak_stops_at_illegal_hop(void) {
    return hak_options.check != HAK_CHECK_TRACE;
}
/* Header and canary lie around a guarded block of level normal in layout same as well: its address
 * is another one than without the checks anyway. */
static inline bool hak_guarded_have_border(void) {
    return hak_layout_has_header() || hak_stops_at_illegal_hop();
}
static inline bool hak_has_border(const struct hak_located *at) {
    return hak_layout_has_header() || (hak_is_guarded(at) && hak_stops_at_illegal_hop());
}
/* Of a block that has a border: nothing of it lies in front. */
static inline bool hak_has_no_header(const struct hak_located *at) {
    return HAK_UNLIKELY(at->large != NULL) && at->large->guarded_side == HAK_GUARDED_BEFORE;
}

/* ---- large blocks that were freed lately ---------------------------------------------------- */

/* former.c: keeps the facts of a large block that is being freed. */
HAK_HIDDEN void hak_remember_large(const struct hak_large *large);
/* former.c: finds those facts again by the block's user pointer. */
HAK_HIDDEN bool hak_recall_large(const void *user, struct hak_large *large);
/* As hak_recall_large, by any address in the block's pages. */
HAK_HIDDEN bool hak_recall_large_around(uintptr_t address, struct hak_large *large);
/* The same of one that had the memory tag `tag`. */
HAK_HIDDEN bool hak_recall_large_tagged(uintptr_t address, unsigned tag, struct hak_large *large);
/* The memory tags of those that lay in [start, start + bytes), a bit for each. */
HAK_HIDDEN unsigned hak_recall_tags(const char *start, size_t bytes);

#endif

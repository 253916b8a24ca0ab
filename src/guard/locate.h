/* Where a pointer points: the slot or the large block of ours that covers it.
 *
 *   pointer --registry--> SuperSlab --class of its slab--> slot index --> state of the slot
 *           --large-----> large block and its state
 *
 * The registry is asked before any memory behind the pointer is read, so any value may be asked
 * about. Thread and signal safety: no lock, no allocation, no system call. */
#ifndef HAK_GUARD_LOCATE_H
#define HAK_GUARD_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "large/large.h"
#include "platform/registry.h"
#include "size_class.h"
#include "superslab.h"

#define HAK_HEADER_BYTES 16

/* What covers a pointer. `slot` is NULL when no slot and no large block of ours does; `superslab`
 * may be set all the same (its head, a slab without a class, the bytes before the first slot). */
struct hak_located {
    struct hak_slot *slot;
    char *base;                      /* first byte of the slot */
    size_t slot_bytes;               /* of a large block: its whole mapping */
    struct hak_superslab *superslab; /* NULL for a large block */
    struct hak_large *large;         /* NULL for a slot */
    uint32_t slab_index;
    uint32_t slot_index;
    uint32_t epoch;
    unsigned class_index; /* HAK_CLASS_NONE for a large block */
};

/* Where the states of a slab's slots begin in its SuperSlab's `slots`; slab 0 has none. */
static inline size_t hak_first_state_of(unsigned slab_index) {
    return (size_t)(slab_index - 1) * HAK_SLOTS_OF_SLAB;
}

/* Finds the slot that covers `p`. Returns false when `p` is in none; `at` then tells at most the
 * SuperSlab. */
static inline bool hak_locate_slot(const void *p, struct hak_located *at) {
    *at = (struct hak_located){.class_index = HAK_CLASS_NONE};
    struct hak_superslab *superslab = hak_registry_find(p);
    if (HAK_UNLIKELY(!superslab))
        return false;
    unsigned slab_index = hak_slab_index_of(p);
    unsigned class_index = superslab->class_of_slab[slab_index];
    at->superslab = superslab;
    at->slab_index = slab_index;
    if (HAK_UNLIKELY(slab_index == 0 || class_index == HAK_CLASS_NONE))
        return false;
    const struct hak_slab *slab = &superslab->slabs[slab_index];
    char *first =
        (char *)superslab + slab_index * HAK_SLAB_BYTES + hak_first_slot_offset(class_index);
    uint32_t slot_index = hak_slot_index(class_index, (size_t)((const char *)p - first));
    if (HAK_UNLIKELY((const char *)p < first || slot_index >= slab->capacity))
        return false;
    at->slot_bytes = hak_class_bytes(class_index);
    at->base = first + slot_index * at->slot_bytes;
    at->slot = superslab->slots + hak_first_state_of(slab_index) + slot_index;
    at->slot_index = slot_index;
    at->epoch = slab->epoch;
    at->class_index = class_index;
    return true;
}

/* The same for a slot or a large block. */
static inline bool hak_locate(const void *p, struct hak_located *at) {
    if (HAK_LIKELY(hak_locate_slot(p, at)))
        return true;
    if (at->superslab)
        return false;
    struct hak_large *large = hak_large_find((const void *)((uintptr_t)p & ~(uintptr_t)4095));
    if (HAK_UNLIKELY(!large))
        large = hak_large_containing(p);
    if (!large)
        return false;
    at->large = large;
    at->slot = &large->slot;
    at->base = large->base.p;
    at->slot_bytes = large->mapped_bytes;
    at->epoch = large->epoch;
    return true;
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
static inline void hak_set_asked_bytes(const struct hak_located *at, size_t asked_bytes) {
    if (at->large)
        at->large->asked_bytes = asked_bytes;
    else
        at->slot->asked_bytes = (uint32_t)asked_bytes;
}
static inline void hak_set_delta_bytes(const struct hak_located *at, size_t delta_bytes) {
    if (at->large)
        at->large->user_delta = delta_bytes;
    else
        at->slot->user_delta = (uint16_t)(delta_bytes / 8);
}

#endif

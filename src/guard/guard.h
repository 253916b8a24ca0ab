/* The checks of the debug build: where each block is, whether its move is allowed, whether its
 * bytes are whole. This header is for this folder only; the layers know hop.h and check.h.
 *
 *   hop()        --> state.c    slot state, legality by hops.def, one record for each move
 *   check_*()    --> border.c   the block's way to the program and back
 *                    layout.c   the bytes around it: header and canary
 *                    list.c     the head of a TLS SLL before it is popped
 *                    inject.c   our own faults on purpose (HAKMEM_INJECT)
 *                    former.c   large blocks that were freed lately
 *                    moments.c  start, end of a thread, fork
 *                    fault.c    --> trace: the facts of a fault
 *                    locate.h   pointer -> slot or large block, by registry, slab and large
 *
 * Who owns what: the state of a slot (struct hak_slot) belongs to whoever has the block: the thread
 * whose cache holds it, or the thread that gives it back once its compare-and-swap of `place` from
 * LIVE won. There is no lock here. A pointer of the program is looked up in the registry before
 * anything behind it is read. */
#ifndef HAK_GUARD_GUARD_H
#define HAK_GUARD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "check.h"
#include "guard/locate.h"
#include "options.h"
#include "trace/record.h"
#include "trace/session.h"
#include "trace/trace.h"

enum hak_fault_code {
#define FAULT(name, number, text, bracket, injection, sentence, advice) HAK_FAULT_##name = number,
#include "faults.def"
};

/* Set in hak_slot.subkind once the slot was handed out in its present epoch, so that a second free
 * and the free of a block that never was can be told apart. */
#define HAK_SLOT_LIVED 0x80

static inline bool hak_layout_has_header(void) {
    return HAK_LIKELY(hak_options.layout == HAK_LAYOUT_HEADER);
}
static inline bool hak_stops_at_illegal_hop(void) {
    return hak_options.check == HAK_CHECK_NORMAL;
}

/* The stack of the calling thread; what is to be said about it is added to `flags`. */
static inline uint32_t hak_take_stack(bool keep_own_frames, uint8_t *flags) {
    uint8_t said = 0;
    uint32_t stack = hak_stack_here(keep_own_frames, &said);
    *flags |= said;
    return stack;
}

/* state.c: hops.def as sets of places, one bit for each. Moves have numbers below 64. */
#define HAK_MOVE_KINDS 64
struct hak_move {
    uint32_t from, to;
};
HAK_HIDDEN extern const struct hak_move hak_moves[HAK_MOVE_KINDS];

/* Where a large block may be; nothing of a slab ever is. */
#define HAK_PLACES_OF_LARGE (1u << HAK_PLACE_LARGE | 1u << HAK_PLACE_L25 | 1u << HAK_PLACE_BIGCACHE)

/* True when hops.def lets a block that is at `place` move as `kind` says. */
static inline bool hak_move_is_allowed(enum hak_record_kind kind, unsigned place) {
    return (hak_moves[kind & (HAK_MOVE_KINDS - 1)].from >> (place & 31) & 1) != 0;
}
/* layout.c: the bytes of a live block of layout header. All of them take what the slot's state says
 * as truth and compare memory with it. */
struct hak_damage {
    const uint8_t *first; /* first byte that differs */
    const uint8_t *end;   /* end of the region that was compared */
    uint32_t bytes;       /* how many differ, 0 = whole */
};
struct hak_damage hak_header_damage(const struct hak_located *at) HAK_HIDDEN;
struct hak_damage hak_canary_damage(const struct hak_located *at) HAK_HIDDEN;
void hak_write_header(const struct hak_located *at) HAK_HIDDEN;
void hak_write_canary(const struct hak_located *at) HAK_HIDDEN;
/* The header that a free block carries at its slot's start while it is in a linked list. */
void hak_write_list_header(char *base, unsigned class_index) HAK_HIDDEN;
bool hak_list_header_stands(const char *base, unsigned class_index) HAK_HIDDEN;
/* A block that lies in a list carries a header at its slot's start, whatever its last life was:
 * none yet, or an aligned one with its header further in. For a block that has just come to its
 * place. */
#define HAK_PLACES_OF_LISTS (1u << HAK_PLACE_SLL | 1u << HAK_PLACE_SFC | 1u << HAK_PLACE_MID_LIFO)
static inline void hak_enter_list(const struct hak_located *at) {
    if (HAK_UNLIKELY(HAK_PLACES_OF_LISTS >> at->slot->place & 1) && hak_layout_has_header() &&
        at->slot->user_delta * 8 != HAK_HEADER_BYTES)
        hak_write_list_header(at->base, at->class_index);
}
/* First byte of a block in the slot at `base`, by layout and alignment (0: none asked). */
char *hak_place_user(char *base, size_t alignment) HAK_HIDDEN;

/* former.c: keeps what is known of a large block that is being freed; tells it again. */
void hak_remember_large(const struct hak_large *large) HAK_HIDDEN;
bool hak_recall_large(const void *user, struct hak_large *large) HAK_HIDDEN;

/* inject.c: reads HAKMEM_INJECT. */
void hak_inject_start(void) HAK_HIDDEN;

/* fault.c: tells the tracer of a fault; returns under HAKMEM_ON_FAULT=continue only. */
struct hak_finding {
    enum hak_fault_code code;
    enum hak_record_kind kind; /* move or call at which it was found; FREE by hak_free_by */
    const void *pointer;       /* the pointer in question */
    int64_t offset_bytes;      /* found - due */
    unsigned class_found;      /* of the list or the caller; HAK_CLASS_NONE = not about classes */
    enum hak_memory memory;
    const struct hak_damage *damage; /* NULL = not about bytes */
};
void hak_report_fault(const struct hak_located *at, const struct hak_finding *finding) HAK_HIDDEN;

#endif

/* The one-line event that every move of a block between layers makes: hop(KIND, block, class).
 *
 * A block changes layer only inside a transfer function, and each transfer function holds exactly
 * one hop(), or one hop_all() where it moves several at once. In the plain build hop() is a
 * constant condition around nothing, so it leaves no instruction (tests/unit/disassembly_test.sh
 * compares). In the debug build it checks the move against hops.def, keeps the slot's state and
 * writes one record (guard/state.c).
 *
 * Thread and signal safety: all of these may be called on any thread, inside a signal handler and
 * between fork and exec; they allocate nothing, take no lock and keep errno. */
#ifndef HAK_HOP_H
#define HAK_HOP_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

#ifndef HAK_DEBUG
#define HAK_DEBUG 0
#endif

/* True in hakmem-debug.so, false in libhakmem: a constant, so that dead branches vanish. */
enum { hak_is_debug_build = HAK_DEBUG };

/* True in the plain allocator that hakmem-debug.so holds besides (light.h), where the other is
 * false. */
#ifndef HAK_LIGHT
#define HAK_LIGHT 0
#endif
enum { hak_is_light_build = HAK_LIGHT };
/* True in the family that libhakmem.so holds a second time (entry/counted/counted.h). */
#ifndef HAK_COUNTED
#define HAK_COUNTED 0
#endif
/* Calls that allocate, and their bytes, are counted for the heap profile. */
enum { hak_counts_calls = HAK_LIGHT || HAK_COUNTED };
/* The plain library alone has nobody who tells it of the program's sandboxes (tree/sandbox.c). */
enum { hak_sees_sandboxes = HAK_DEBUG || HAK_LIGHT };

/* True in hakmem-record.so, which has no allocator (entry/keep/keep.h). */
#ifndef HAK_KEEP
#define HAK_KEEP 0
#endif
enum { hak_is_keep_build = HAK_KEEP };

/* Level light: the program gave `pointer` back, which is free already (`what` is "double-free") or
 * no block ("bad-free"). It is reported (guard/light.c); returns where the program is to go on. */
HAK_HIDDEN void hak_light_blame(const char *what, const void *pointer);

enum hak_place {
#define PLACE(name, number, text, sentence) HAK_PLACE_##name = number,
#include "hops.def"
    HAK_PLACE_COUNT
};

enum hak_record_kind {
#define HOP(name, number, from, to, sentence) HAK_##name = number,
#define NOTE(name, number, sentence)          HAK_##name = number,
#include "hops.def"
};

/* Kinds of records are below it. */
#define HAK_RECORD_KINDS 128

/* Events that are counted only; the numbers go on after those of the records. */
enum hak_counted {
#define COUNT(name, number, sentence) HAK_COUNTED_##name = number,
#include "hops.def"
};

/* guard/state.c: moves a block from layer to layer: checks that the move is allowed, notes its new
 * place and records it. False: it must not be done. Only the inlines below call it and the next
 * two. */
HAK_HIDDEN bool hak_hop_block(enum hak_record_kind kind, base_t block, unsigned class_index);
HAK_HIDDEN void hak_hop_blocks(enum hak_record_kind kind, const base_t *first, unsigned count,
                               int step, unsigned class_index);
/* Records an event of a slab or SuperSlab, with a value; an acquired slab gets a new generation. */
HAK_HIDDEN void hak_hop_note(enum hak_record_kind kind, unsigned class_index, const void *address,
                             uint64_t value);
/* trace/ring/ring.c: counts an event that gives no record, once the thread may write into the
 * session. Code of the debug build alone calls it directly. */
HAK_HIDDEN void hak_hop_count(enum hak_counted which, unsigned class_index, uint64_t amount);

/* Tells that `block`, of size class `class_index`, moves as `kind` says. Call it before the block
 * can be seen at its new place. False: do not carry the move out. That happens for SLL_PUSH only,
 * which would write a link into memory that is not a free block's (reported, and the program goes
 * on under HAKMEM_ON_FAULT=continue); every other mover may leave the result alone. */
static inline bool hop(enum hak_record_kind kind, base_t block, unsigned class_index) {
    return hak_is_debug_build ? hak_hop_block(kind, block, class_index) : true;
}

/* The same for each of `count` blocks of one class that move together, the first one first: for
 * less than as many calls of hop(), since one look at a slab, one stack and one record serve
 * neighbours. Not for moves into linked lists, whose results matter. */
static inline void hop_all(enum hak_record_kind kind, const base_t *blocks, unsigned count,
                           unsigned class_index) {
    if (hak_is_debug_build)
        hak_hop_blocks(kind, blocks, count, 1, class_index);
}
/* And the last one first. */
static inline void hop_all_down(enum hak_record_kind kind, const base_t *blocks, unsigned count,
                                unsigned class_index) {
    if (hak_is_debug_build)
        hak_hop_blocks(kind, blocks + count - 1, count, -1, class_index);
}

/* Tells of a change that moves no block: slab and SuperSlab events. `value` is the kind's own
 * number (docs/specs/event-log.md), for example a size in bytes. */
static inline void hop_note(enum hak_record_kind kind, unsigned class_index, const void *address,
                            uint64_t value) {
    if (hak_is_debug_build)
        hak_hop_note(kind, class_index, address, value);
}

/* Counts what gives no record (hops.def, COUNT). `class_index` may be HAK_CLASS_NONE. */
static inline void hop_count(enum hak_counted which, unsigned class_index, uint64_t amount) {
    if (hak_is_debug_build)
        hak_hop_count(which, class_index, amount);
}

#endif

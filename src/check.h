/* The border between the layers and the program: how a block's bytes are laid out, and what is
 * verified there. In the plain build every function here is the identity or nothing.
 *
 *   plain, layout same:   base == user   | bytes asked ......... slack |
 *   layout header:        base | header, 16 bytes | bytes asked | canary to the slot's end |
 *
 * entry calls these around a block's life, in this order:
 *
 *   malloc    check_slot_bytes -> (front or large hands over a base) -> check_hand_out
 *   free      check_take_back -> (route decides the place) -> check_freed -> (layer takes the base)
 *   realloc   check_take_back -> stays: check_resize; moves: as malloc, copy, then as free
 *   start     check_start, once, after hak_options_read and before the first block
 *   fork      check_fork_prepare -> fork(2) -> check_fork_parent or check_fork_child
 *
 * Thread and signal safety: all of these may be called on any thread and between fork and exec;
 * they allocate nothing, take no lock that fork or dlopen may hold, and keep errno. */
#ifndef HAK_CHECK_H
#define HAK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "hop.h"

/* Which call of the malloc family made a block (hops.def). Written into records; numbers never
 * change. */
enum hak_subkind {
#define TAKEN(name, number, words) HAK_BY_##name = number,
#include "hops.def"
};

/* Which call gave it back. */
enum hak_given {
#define GIVEN(name, number, words) HAK_GIVEN_BY_##name = number,
#include "hops.def"
};

/* FREE with the call that gave the block back, as entry hands it through route to check_freed; the
 * layers between pass it on as it is. */
static inline enum hak_record_kind hak_free_by(enum hak_given by) {
    return (enum hak_record_kind)((unsigned)HAK_FREE | (unsigned)by << 8);
}
static inline enum hak_record_kind hak_kind_of(enum hak_record_kind kind) {
    return (enum hak_record_kind)((unsigned)kind & 0xff);
}
static inline enum hak_given hak_given_of(enum hak_record_kind kind) {
    return (enum hak_given)((unsigned)kind >> 8);
}

/* How a block comes to the program. */
struct hak_hand_out {
    size_t asked_bytes;
    size_t alignment;     /* a power of two; 0 where nothing special was asked */
    unsigned class_index; /* HAK_CLASS_NONE (superslab.h) for a large block */
    enum hak_subkind subkind;
    user_t moved_from;  /* realloc: the old block (HAK_NO_USER when there is none) */
    const void *caller; /* where the program goes on after its call */
};

/* What entry learns when the program gives a pointer back. */
enum hak_verdict {
    HAK_TAKE,    /* ours and live: go on with the base */
    HAK_REFUSE,  /* a fault was reported and the program goes on (HAKMEM_ON_FAULT=continue) */
    HAK_FOREIGN, /* not ours; another allocator's, or nobody's */
};

/* Implemented by guard/ for the debug build; called through the inlines below only. */
HAK_HIDDEN size_t hak_check_slot_bytes(size_t asked_bytes, size_t alignment);
HAK_HIDDEN user_t hak_check_hand_out(base_t base, const struct hak_hand_out *how);
HAK_HIDDEN enum hak_verdict hak_check_take_back(user_t user, enum hak_record_kind kind,
                                                base_t *base);
HAK_HIDDEN bool hak_check_freed(base_t base, enum hak_record_kind kind, enum hak_place to);
HAK_HIDDEN void hak_check_resize(user_t user, size_t asked_bytes);
HAK_HIDDEN size_t hak_check_usable(user_t user, size_t slot_bytes);
HAK_HIDDEN base_t hak_check_base_of(user_t user);
HAK_HIDDEN user_t hak_check_user_of(base_t base);
HAK_HIDDEN void **hak_check_link_of(base_t base);
HAK_HIDDEN bool hak_check_inject_push(base_t *block, unsigned *class_index);
HAK_HIDDEN bool hak_check_pop(enum hak_record_kind kind, enum hak_place place, base_t block,
                              unsigned class_index);
HAK_HIDDEN void hak_check_call_without_record(size_t asked_bytes, bool failed);
HAK_HIDDEN bool hak_check_aligns(void);
HAK_HIDDEN void hak_check_start(void);
HAK_HIDDEN void hak_check_thread_end(void);
HAK_HIDDEN void hak_check_fork_prepare(void);
HAK_HIDDEN void hak_check_fork_parent(void);
HAK_HIDDEN void hak_check_fork_child(void);
HAK_HIDDEN void hak_check_mark(const char *name);

/* The base of a live block from what the program holds, and back: the only place where the two
 * meet. In layout header they differ by at least 16 bytes. */
static inline base_t base_of(user_t user) {
    return hak_is_debug_build ? hak_check_base_of(user) : base_from(user.p);
}
static inline user_t user_of(base_t base) {
    return hak_is_debug_build ? hak_check_user_of(base) : user_from(base.p);
}

/* Bytes that the slot must hold so that `asked_bytes` at `alignment` (0: none) fit with header,
 * padding and canary; SIZE_MAX if that overflows. The plain build aligns by choosing the class. */
static inline size_t check_slot_bytes(size_t asked_bytes, size_t alignment) {
    return hak_is_debug_build ? hak_check_slot_bytes(asked_bytes, alignment) : asked_bytes;
}

/* True when the border itself aligns a block inside its slot (layout header): check_slot_bytes then
 * has room for that, and route chooses the class by bytes alone. */
static inline bool check_aligns(void) {
    return hak_is_debug_build ? hak_check_aligns() : false;
}

/* The block goes to the program: header and canary are written, the slot becomes LIVE, one MALLOC
 * (or REALLOC when how->subkind is HAK_BY_REALLOC) is recorded with the place it came from. */
static inline user_t check_hand_out(base_t base, const struct hak_hand_out *how) {
    return hak_is_debug_build ? hak_check_hand_out(base, how) : user_from(base.p);
}

/* The program gives `user` back (kind FREE, by hak_free_by) or has it resized (kind REALLOC): is it
 * a live block of ours, are header and canary whole? Changes no state. `base` is set on HAK_TAKE.
 * Plain build: always HAK_TAKE; entry has asked the registry before. */
static inline enum hak_verdict check_take_back(user_t user, enum hak_record_kind kind,
                                               base_t *base) {
    if (hak_is_debug_build)
        return hak_check_take_back(user, kind, base);
    *base = base_from(user.p);
    return HAK_TAKE;
}

/* The block leaves the program for layer `to`; kind is FREE, by hak_free_by, or REALLOC_FROM.
 * Recorded before the block can be handed out again. False: another thread freed it in the meantime
 * (reported), leave the block alone. */
static inline bool check_freed(base_t base, enum hak_record_kind kind, enum hak_place to) {
    return hak_is_debug_build ? hak_check_freed(base, kind, to) : true;
}

/* A live block was resized in place to `asked_bytes`: header and canary move, REALLOC is recorded.
 */
static inline void check_resize(user_t user, size_t asked_bytes) {
    if (hak_is_debug_build)
        hak_check_resize(user, asked_bytes);
}

/* What malloc_usable_size tells: the slot's bytes in layout same, the bytes asked in header. */
static inline size_t check_usable(user_t user, size_t slot_bytes) {
    return hak_is_debug_build ? hak_check_usable(user, slot_bytes) : slot_bytes;
}

/* Where a free block of a linked list holds its link: its first word, behind the header. */
static inline void **check_link_of(base_t base) {
    return hak_is_debug_build ? hak_check_link_of(base) : (void **)(void *)base.p;
}

/* The place where HAKMEM_INJECT puts a fault of our own into a push on the TLS SLL
 * (guard/inject.c): may change the pointer or the class; true asks for a second push of the same
 * block. */
static inline bool check_inject_push(base_t *block, unsigned *class_index) {
    return hak_is_debug_build ? hak_check_inject_push(block, class_index) : false;
}

/* Called with the head of a list whose links lie in its blocks (place SLL, SFC, MID_LIFO) before
 * the link is read: is it a slot of this class, is its state at this place, does its header stand?
 * `kind` is what the block is popped for (SLL_POP, PROMOTE, MALLOC). False: reported, and the
 * caller drops the whole list (the program goes on). */
static inline bool check_list_pop(enum hak_record_kind kind, enum hak_place place, base_t block,
                                  unsigned class_index) {
    return hak_is_debug_build ? hak_check_pop(kind, place, block, class_index) : true;
}

/* The same for a TLS SLL, for a pop and for a spill alike. */
static inline bool check_pop(base_t block, unsigned class_index) {
    return check_list_pop(HAK_SLL_POP, HAK_PLACE_SLL, block, class_index);
}

/* A call that gives no record: free(NULL), or one that failed. Counted only. */
static inline void check_call_without_record(size_t asked_bytes, bool failed) {
    if (hak_is_debug_build)
        hak_check_call_without_record(asked_bytes, failed);
}

/* The moments of a process and a thread of which the checks and the tracer must hear. check_start
 * comes after hak_options_read and before the first block; the end of a thread after the last of
 * its blocks has moved. The fork functions stand directly around fork(2), on the thread that forks.
 */
static inline void check_start(void) {
    if (hak_is_debug_build)
        hak_check_start();
}
static inline void check_thread_end(void) {
    if (hak_is_debug_build)
        hak_check_thread_end();
}
static inline void check_fork_prepare(void) {
    if (hak_is_debug_build)
        hak_check_fork_prepare();
}
static inline void check_fork_parent(void) {
    if (hak_is_debug_build)
        hak_check_fork_parent();
}
static inline void check_fork_child(void) {
    if (hak_is_debug_build)
        hak_check_fork_child();
}

/* The program sets a mark in its recording (hakmem.h). */
static inline void check_mark(const char *name) {
    if (hak_is_debug_build)
        hak_check_mark(name);
}

#endif

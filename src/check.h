/* The border between the layers and the program: lays out a block's bytes, and verifies them. In
 * the plain build every function here is the identity or nothing.
 *
 *   plain, layout same:   base == user   | bytes asked ......... slack |
 *   layout header:        base | header, 16 bytes | bytes asked | canary to the slot's end |
 *
 * entry calls these around a block's life, in this order:
 *
 *   malloc    (the thread has a block at hand) -> check_take
 *             or: check_slot_bytes -> (front or large hands over a base) -> check_hand_out
 *             or: check_take_guarded -> check_hand_out
 *   free      check_give -> (the thread's array takes the base, or quarantine did)
 *             or: check_take_back -> (route decides the place) -> check_freed -> (layer takes it)
 *             in level normal: check_take_back -> check_keep; later, for the blocks whose time
 *             is up: check_leaving -> (route decides the place) -> check_freed -> (layer)
 *   realloc   check_take_back -> stays: check_resize, in front of it check_resizing where a layer
 *             changes the block's pages; moves: as malloc, copy, then as free
 *   start     check_start, once, after hak_options_read; only calls of ld.so may come before
 *   fork      check_fork_prepare -> fork(2) -> check_fork_parent or check_fork_child
 *
 * Thread and signal safety: all of these may be called on any thread and between fork and exec;
 * they allocate nothing, take no lock that fork or dlopen may hold, and keep errno. */
#ifndef HAK_CHECK_H
#define HAK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "hop.h"

/* The call of the malloc family that made a block (hops.def). Written into records; numbers never
 * change. */
enum hak_subkind {
#define TAKEN(name, number, words) HAK_BY_##name = number,
#include "hops.def"
};

/* The call that gave it back. */
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
    user_t moved_from; /* realloc: the old block (HAK_NO_USER when there is none) */
    size_t room_bytes; /* realloc: a large block that grows again may go on for so many; else 0 */
    hak_call_t call;   /* of the program */
};

/* The verdict on a pointer that the program gives back, for entry. */
enum hak_verdict {
    HAK_TAKE,    /* ours and live: go on with the base */
    HAK_REFUSE,  /* a fault was reported and the program goes on (HAKMEM_ON_FAULT=continue) */
    HAK_FOREIGN, /* not ours; another allocator's, or nobody's */
};

/* The outcome for a block that might be kept in quarantine. */
enum hak_kept {
    HAK_NOT_KEPT,  /* it goes to its layer now */
    HAK_KEPT,      /* nothing is left to be done (also where a fault was reported) */
    HAK_KEPT_OVER, /* the same, and others have to leave */
};

/* Contents of the quarantines of all threads: the layers count all of it as live. */
struct hak_quarantined {
    size_t slot_bytes, large_blocks, large_bytes;
};

/* The path of most calls (guard/path.h): a block of a slab of the calling thread's heap, and all is
 * well. Made at the start, as level, layout and recording say; all zero before and where there is
 * no such path. */
struct hak_check_path {
    bool (*take)(base_t base, unsigned class_index, uint32_t asked_bytes, enum hak_subkind subkind,
                 hak_call_t call);
    enum hak_kept (*give)(base_t base, unsigned class_index, enum hak_given by, enum hak_place to,
                          hak_call_t call);
    uint32_t limit_bytes; /* fewer may be asked for */
    uint8_t around_bytes; /* a slot holds so many more than are asked for */
    uint8_t user_delta;   /* from the base to the program's first byte */
    bool keeps;           /* what the program gives back goes into quarantine */
    bool is_recorded;
};
HAK_HIDDEN extern struct hak_check_path hak_check_path;

/* Blocks may be taken from hak_check_take_guarded. */
HAK_HIDDEN extern bool hak_check_guards;

/* Implemented by guard/ for the debug build; called through the inlines below only. */
HAK_HIDDEN size_t hak_check_slot_bytes(size_t asked_bytes, size_t alignment);
HAK_HIDDEN base_t hak_check_take_guarded(const struct hak_hand_out *how);
HAK_HIDDEN user_t hak_check_hand_out(base_t base, const struct hak_hand_out *how);
HAK_HIDDEN enum hak_verdict hak_check_take_back(user_t user, enum hak_record_kind kind,
                                                base_t *base);
HAK_HIDDEN bool hak_check_freed(base_t base, enum hak_record_kind kind, enum hak_place to);
HAK_HIDDEN enum hak_kept hak_check_keep(base_t base, enum hak_record_kind kind, unsigned heap_id);
HAK_HIDDEN base_t hak_check_leaving(bool all);
HAK_HIDDEN base_t hak_check_leave_to_array(unsigned heap_id, const uint8_t *places,
                                           unsigned *class_index);
HAK_HIDDEN struct hak_quarantined hak_check_quarantined(void);
HAK_HIDDEN bool hak_check_open_pages(void);
HAK_HIDDEN bool hak_check_asked_bytes(user_t user, size_t *bytes);
HAK_HIDDEN void hak_check_resizing(user_t user, bool begins);
HAK_HIDDEN void hak_check_resize(user_t user, size_t asked_bytes);
HAK_HIDDEN void hak_check_asked_about(user_t user);
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
HAK_HIDDEN void hak_check_pool_name(const void *block, const char *name);
HAK_HIDDEN void hak_check_claim(user_t user, enum hak_given by, size_t bytes, size_t alignment);
HAK_HIDDEN void hak_check_kinds_start(bool has_own_operators);
HAK_HIDDEN size_t hak_check_sweep(void);

/* The calling thread's place in the malloc family (guard/nested.c): its stack pointer there, 0 when
 * it is not there; and whether its call is a nested one, that of a signal handler which interrupted
 * another. */
struct hak_inside {
    volatile uintptr_t stack_pointer;
    volatile bool is_nested;
};
HAK_HIDDEN extern _Thread_local struct hak_inside hak_inside
    __attribute__((tls_model("initial-exec")));

/* True when the call that hak_inside speaks of will never go on: a handler left it by longjmp. */
HAK_HIDDEN HAK_COLD bool hak_check_was_left(void);

static inline bool hak_check_enter(void) {
    if (HAK_UNLIKELY(hak_inside.stack_pointer != 0) && !hak_check_was_left())
        return false;
    __asm__ volatile("movq %%rsp, %0" : "=m"(hak_inside.stack_pointer) : : "memory");
    return true;
}
static inline void hak_check_leave(void) {
    __asm__ volatile("" : : : "memory");
    hak_inside.stack_pointer = 0;
}

/* The calling thread comes into the malloc family, until check_leave. False: it is there already,
 * in a call that a signal handler interrupted, and what belongs to the thread may be half-changed
 * (entry/nested/nested.h). */
static inline bool check_enter(void) {
    return hak_is_debug_build ? hak_check_enter() : true;
}
static inline void check_leave(void) {
    if (hak_is_debug_build)
        hak_check_leave();
}
static inline bool check_is_nested(void) {
    return hak_is_debug_build ? HAK_UNLIKELY(hak_inside.is_nested) : false;
}

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

/* Does HAKMEM_GUARD want some blocks alone between closed pages? */
static inline bool check_guards(void) {
    return hak_is_debug_build ? HAK_UNLIKELY(hak_check_guards) : false;
}

/* Such a block, of no class, where it wants this one there and there is room; else HAK_NO_BASE. It
 * is handed out by check_hand_out, and goes back as any other: check_freed keeps it. */
static inline base_t check_take_guarded(const struct hak_hand_out *how) {
    return hak_is_debug_build ? hak_check_take_guarded(how) : HAK_NO_BASE;
}

/* The block goes to the program (HAK_NO_USER: its page was closed, and the kernel does not open it;
 * nothing changed): header and canary are written, the slot becomes LIVE, one MALLOC
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

/* May such a call take the path? Then its slot holds so many bytes. Not a realloc that is recorded
 * and moves a block: that needs a wide record. */
static inline bool check_takes(const struct hak_hand_out *how) {
    return hak_is_debug_build
               ? HAK_LIKELY(how->asked_bytes < hak_check_path.limit_bytes) && how->alignment == 0 &&
                     (!how->moved_from.p || !hak_check_path.is_recorded)
               : false;
}
static inline size_t check_taken_bytes(const struct hak_hand_out *how) {
    return how->asked_bytes + hak_check_path.around_bytes;
}

/* check_hand_out of a block of a slab of this thread's heap, of the class that `class_index` is,
 * where check_takes(how). HAK_NO_USER: nothing was done, it has to be handed out the other way. */
static inline user_t check_take(base_t base, unsigned class_index, const struct hak_hand_out *how) {
    bool is_taken =
        hak_check_path.take(base, class_index, (uint32_t)how->asked_bytes, how->subkind, how->call);
    return HAK_LIKELY(is_taken) ? user_from(base.p + hak_check_path.user_delta) : HAK_NO_USER;
}

/* May `user` come back by the path? Then its block starts at check_given(), if it is one. */
static inline bool check_gives(void) {
    return hak_is_debug_build ? HAK_LIKELY(hak_check_path.give != NULL) : false;
}
static inline base_t check_given(user_t user) {
    return base_from(user.p - hak_check_path.user_delta);
}

/* True: check_give puts the block into quarantine, else the caller has a place for it. */
static inline bool check_keeps(void) {
    return hak_check_path.keeps;
}

/* check_take_back and check_keep or check_freed in one, where check_gives(): `base` lies in a
 * SuperSlab of this thread's heap, in a slab of that class. NOT_KEPT: nothing was done. */
static inline enum hak_kept check_give(base_t base, unsigned class_index, enum hak_given by,
                                       enum hak_place to, hak_call_t call) {
    return hak_check_path.give(base, class_index, by, to, call);
}

/* Notes the bytes and the alignment that a call which gives `user` back claims for it, each as far
 * as `by` is a call that names it. Before check_take_back. */
static inline void check_claim(user_t user, enum hak_given by, size_t bytes, size_t alignment) {
    if (hak_is_debug_build)
        hak_check_claim(user, by, bytes, alignment);
}

/* At start: does the program have operators new or delete of its own in the place of ours? */
static inline void check_kinds_start(bool has_own_operators) {
    if (hak_is_debug_build)
        hak_check_kinds_start(has_own_operators);
}

/* The block leaves the program for the calling thread's quarantine, if there is one and it has
 * room; kind is FREE, by hak_free_by, or REALLOC_FROM. `heap_id` is the thread's, which lives and
 * will let its blocks leave when it ends. */
static inline enum hak_kept check_keep(base_t base, enum hak_record_kind kind, unsigned heap_id) {
    return hak_is_debug_build ? hak_check_keep(base, kind, heap_id) : HAK_NOT_KEPT;
}

/* The next block that is to leave the thread's quarantine, for its layer, kind QUARANTINE_LEAVE: of
 * those it has too much of, or of all. HAK_NO_BASE when there is none. */
static inline base_t check_leaving(bool all) {
    return hak_is_debug_build ? hak_check_leaving(all) : HAK_NO_BASE;
}

/* check_leaving(false) and check_freed in one, of a block of heap `heap_id`, the thread's own, that
 * goes into an array: its class gets into `class_index`, and `places` says for each class which
 * place its array is, HAK_PLACE_UNTOUCHED where it has none. HAK_NO_BASE: check_leaving has to
 * look.
 */
static inline base_t check_leave_to_array(unsigned heap_id, const uint8_t *places,
                                          unsigned *class_index) {
    return hak_is_debug_build ? hak_check_leave_to_array(heap_id, places, class_index)
                              : HAK_NO_BASE;
}

/* The block leaves the program, or the quarantine, for layer `to`; kind is FREE, by hak_free_by,
 * REALLOC_FROM or QUARANTINE_LEAVE. Recorded before the block can be handed out again. False:
 * leave the block alone, since another thread freed it in the meantime (reported), or since it is a
 * guarded one and closed now. */
static inline bool check_freed(base_t base, enum hak_record_kind kind, enum hak_place to) {
    return hak_is_debug_build ? hak_check_freed(base, kind, to) : true;
}

/* Memory has come to its end: makes every page accessible that was closed, since each run of them
 * is two of the mappings that the process may have. True: there were some. */
static inline bool check_open_pages(void) {
    return hak_is_debug_build ? hak_check_open_pages() : false;
}

/* Counts what all threads have in quarantine; of others as it is just then. */
static inline struct hak_quarantined check_quarantined(void) {
    return hak_is_debug_build ? hak_check_quarantined() : (struct hak_quarantined){0};
}

/* A layer is about to give a live block other pages, or has not done it after all: what lies around
 * the block does not fit its size until check_resize, and nobody else looks at it meanwhile. */
static inline void check_resizing(user_t user, bool begins) {
    if (hak_is_debug_build)
        hak_check_resizing(user, begins);
}

/* A live block was resized in place to `asked_bytes`: header and canary move, REALLOC is recorded.
 */
static inline void check_resize(user_t user, size_t asked_bytes) {
    if (hak_is_debug_build)
        hak_check_resize(user, asked_bytes);
}

/* The bytes asked for, where layout header is on and `user` is surely a live block in a slot of
 * ours; false: it may be anything. */
static inline bool check_asked_bytes(user_t user, size_t *bytes) {
    return hak_is_debug_build ? hak_check_asked_bytes(user, bytes) : false;
}

/* malloc_usable_size is asked about a pointer for which check_asked_bytes has no answer: tells of a
 * block that was freed. Returns there under HAKMEM_ON_FAULT=continue only. */
static inline void check_asked_about(user_t user) {
    if (hak_is_debug_build)
        hak_check_asked_about(user);
}

/* The result of malloc_usable_size: the slot's bytes in layout same, the bytes asked in header. */
static inline size_t check_usable(user_t user, size_t slot_bytes) {
    return hak_is_debug_build ? hak_check_usable(user, slot_bytes) : slot_bytes;
}

/* The place of the link in a free block of a linked list: its first word, behind the header. */
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

/* The moments of a process and a thread that the checks and the tracer must hear of. check_start
 * comes after hak_options_read, before the first block but for ld.so's own; the end of a thread
 * after the last of its blocks has moved. The fork functions stand directly around fork(2), on the
 * thread that forks. */
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

/* The program names the block that holds `block` as memory of a pool of its own (hakmem.h). */
static inline void check_pool_name(const void *block, const char *name) {
    if (hak_is_debug_build)
        hak_check_pool_name(block, name);
}

/* Looks at the bytes of all blocks (hak_verify); damage is reported. Returns how many blocks are
 * damaged, where the program goes on. */
static inline size_t check_sweep(void) {
    return hak_is_debug_build ? hak_check_sweep() : 0;
}

/* The program sets a mark in its recording (hakmem.h). */
static inline void check_mark(const char *name) {
    if (hak_is_debug_build)
        hak_check_mark(name);
}

#endif

/* The border between the program and the layers: the calls that entry makes around a block's life.
 *
 *   plain, layout same:   base == user   | bytes asked ......... slack |
 *   layout header:        base | header, 16 bytes | bytes asked | canary to the slot's end |
 *
 * In this order (entry/debug/way.h):
 *
 *   malloc    hak_path_may_take, the thread has a block at hand -> hak_path_take
 *             or: check_slot_bytes -> (front or large hands over a base) -> hak_check_hand_out
 *             or: hak_check_take_guarded -> hak_check_hand_out
 *   free      hak_path_may_give -> hak_path_give -> (the thread's array takes the base, or
 *             quarantine did)
 *             or: hak_check_pointer -> (route decides the place) -> check_freed -> (layer takes it)
 *             in level normal: hak_check_pointer -> hak_check_quarantine; later, for the blocks
 *             whose time is up: hak_check_leaving -> (route decides the place) -> check_freed ->
 *             (layer)
 *   realloc   hak_check_pointer -> stays: hak_check_resize, in front of it hak_check_resizing where
 *             a layer changes the block's pages; moves: as malloc, copy, then as free
 *   start     hak_check_start, once, after hak_options_read; only calls of ld.so may come before
 *   fork      hak_check_fork_prepare -> fork(2) -> hak_check_fork_parent or _child
 *
 * The functions hak_check_... and hak_path_... are there in the debug build alone (guard/); those
 * named check_... do nothing in the plain one, and return what the layers have.
 *
 * Thread and signal safety: all of these may be called on any thread and between fork and exec;
 * they allocate nothing, take no lock that fork or dlopen may hold, and keep errno. */
#ifndef HAK_BORDER_H
#define HAK_BORDER_H

#include "check.h"
#include "memory_tags.h"
#include "size_class.h"

/* A request for a block. */
struct hak_hand_out {
    size_t asked_bytes;
    size_t alignment;     /* a power of two; 0 where nothing special was asked */
    unsigned class_index; /* HAK_CLASS_NONE (superslab.h) for a large block */
    enum hak_subkind subkind;
    user_t moved_from; /* realloc: the old block (HAK_NO_USER when there is none) */
    size_t room_bytes; /* realloc: a large block that grows again may go on for so many; else 0 */
    hak_call_t call;   /* of the program */
};

/* ---- the long way of a call ------------------------------------------------------------------ */

/* The verdict on a pointer that the program gives back. */
enum hak_verdict {
    HAK_TAKE,    /* ours and live: go on with the base */
    HAK_REFUSE,  /* a fault was reported and the program goes on (HAKMEM_ON_FAULT=continue) */
    HAK_FOREIGN, /* not ours; another allocator's, or nobody's */
};

/* Blocks may be taken from hak_check_take_guarded. */
HAK_HIDDEN extern bool hak_check_guards;

/* A block of no class, alone between closed pages, where HAKMEM_GUARD wants this one there and
 * there is room; else HAK_NO_BASE. It is handed out by hak_check_hand_out, and goes back as any
 * other: check_freed keeps it. */
HAK_HIDDEN base_t hak_check_take_guarded(const struct hak_hand_out *how);

/* True when the border itself aligns a block inside its slot (layout header): check_slot_bytes then
 * has room for that, and route chooses the class by bytes alone. */
HAK_HIDDEN bool hak_check_aligns(void);

/* The block goes to the program (HAK_NO_USER: its page was closed, and the kernel does not open it;
 * nothing changed): header and canary are written, the slot becomes LIVE, one MALLOC
 * (or REALLOC when how->subkind is HAK_BY_REALLOC) is recorded with the place it came from. */
HAK_HIDDEN user_t hak_check_hand_out(base_t base, const struct hak_hand_out *how);

/* The program gives `user` back (kind FREE, by hak_free_by) or has it resized (kind REALLOC): is it
 * a live block of ours, are header and canary whole? Changes no state. HAK_TAKE sets `base`. */
HAK_HIDDEN enum hak_verdict hak_check_pointer(user_t user, enum hak_record_kind kind, base_t *base);

/* Checks the size and the alignment that a call names when it gives `user` back, each as far as
 * `by` is a call that names it, and reports what differs. Before hak_check_pointer. */
HAK_HIDDEN void hak_check_claim(user_t user, enum hak_given by, size_t bytes, size_t alignment);

/* A layer is about to give a live block other pages, or has not done it after all: the bytes around
 * the block do not fit its size until hak_check_resize, and nobody else looks at them meanwhile. */
HAK_HIDDEN void hak_check_resizing(user_t user, bool begins);

/* Moves header and canary of a live block that was resized in place to `asked_bytes`, and records
 * REALLOC. */
HAK_HIDDEN void hak_check_resize(user_t user, size_t asked_bytes);

/* Makes every page accessible that was closed, when memory has come to its end, since each run of
 * them is two of the mappings that the process may have. True: there were some. */
HAK_HIDDEN bool hak_check_open_pages(void);

/* ---- quarantine ------------------------------------------------------------------------------ */

/* The result of hak_check_quarantine and of hak_path_give. */
enum hak_kept {
    HAK_NOT_KEPT,  /* it goes to its layer now */
    HAK_KEPT,      /* nothing is left to be done (also where a fault was reported) */
    HAK_KEPT_OVER, /* the same, and others have to leave */
};

/* The block leaves the program for the calling thread's quarantine, if there is one and it has
 * room; kind is FREE, by hak_free_by, or REALLOC_FROM. `heap_id` is the thread's, which lives and
 * will let its blocks leave when it ends. */
HAK_HIDDEN enum hak_kept hak_check_quarantine(base_t base, enum hak_record_kind kind,
                                              unsigned heap_id);

/* The next block that is to leave the thread's quarantine, for its layer, kind QUARANTINE_LEAVE: of
 * those it has too much of, or of all. HAK_NO_BASE when there is none. */
HAK_HIDDEN base_t hak_check_leaving(bool all);

/* Takes the oldest block out of quarantine for an array of heap `heap_id`, the thread's own, as
 * hak_check_leaving(false) and check_freed in one: its class gets into `class_index`, and `places`
 * says for each class which place its array is, HAK_PLACE_UNTOUCHED where it has none. HAK_NO_BASE:
 * hak_check_leaving has to look. */
HAK_HIDDEN base_t hak_check_leave_to_array(unsigned heap_id, const uint8_t *places,
                                           unsigned *class_index);

/* The blocks in the quarantines of all threads: to the layers all of them are live. */
struct hak_quarantined {
    size_t slot_bytes, large_blocks, large_bytes;
};
HAK_HIDDEN struct hak_quarantined hak_check_quarantined(void);

/* Counts them; those of other threads as they are just then. */
static inline struct hak_quarantined check_quarantined(void) {
    return hak_is_debug_build ? hak_check_quarantined() : (struct hak_quarantined){0};
}

/* ---- the path of most calls ------------------------------------------------------------------ */

/* The path (guard/path.h): a block of a slab of the calling thread's heap, and all is well. Made at
 * the start, as level, layout and recording say; all zero before and where there is no such path.
 */
struct hak_check_path {
    bool (*take)(base_t base, unsigned class_index, uint32_t asked_bytes, enum hak_subkind subkind,
                 hak_call_t call);
    enum hak_kept (*give)(base_t base, unsigned class_index, enum hak_given by, enum hak_place to,
                          hak_call_t call);
    uint32_t limit_bytes; /* fewer may be asked for */
    uint8_t around_bytes; /* a slot holds so many more than are asked for */
    uint8_t user_delta;   /* from the base to the program's first byte */
    bool keeps;           /* freed blocks go into quarantine */
    bool is_recorded;
};
HAK_HIDDEN extern struct hak_check_path hak_check_path;

/* May such a call take the path? Then its slot holds hak_path_slot_bytes(). Not a realloc that is
 * recorded and moves a block: that needs a wide record. */
static inline bool hak_path_may_take(const struct hak_hand_out *how) {
    return HAK_LIKELY(how->asked_bytes < hak_check_path.limit_bytes) && how->alignment == 0 &&
           (!how->moved_from.p || !hak_check_path.is_recorded);
}
static inline size_t hak_path_slot_bytes(const struct hak_hand_out *how) {
    return how->asked_bytes + hak_check_path.around_bytes;
}

/* Hands a block of a slab of this thread's heap, of the class `class_index`, out to the program, as
 * hak_check_hand_out, where hak_path_may_take(how). HAK_NO_USER: nothing was done, it has to be
 * handed out the other way. */
static inline user_t hak_path_take(base_t base, unsigned class_index,
                                   const struct hak_hand_out *how) {
    bool is_taken =
        hak_check_path.take(base, class_index, (uint32_t)how->asked_bytes, how->subkind, how->call);
    return HAK_LIKELY(is_taken) ? user_from(base.p + hak_check_path.user_delta) : HAK_NO_USER;
}

/* May a pointer come back by the path? Then its block starts at hak_path_base_of(), if it is one.
 */
static inline bool hak_path_may_give(void) {
    return HAK_LIKELY(hak_check_path.give != NULL);
}
static inline base_t hak_path_base_of(user_t user) {
    return base_from(user.p - hak_check_path.user_delta);
}

/* True: hak_path_give puts the block into quarantine, else the caller has a place for it. */
static inline bool hak_path_has_quarantine(void) {
    return hak_check_path.keeps;
}

/* hak_check_pointer and hak_check_quarantine or check_freed in one, where hak_path_may_give():
 * `base` lies in a SuperSlab of this thread's heap, in a slab of that class. NOT_KEPT: nothing was
 * done. */
static inline enum hak_kept hak_path_give(base_t base, unsigned class_index, enum hak_given by,
                                          enum hak_place to, hak_call_t call) {
    return hak_check_path.give(base, class_index, by, to, call);
}

/* ---- in the family, or not ------------------------------------------------------------------- */

/* True when the call that hak_inside speaks of will never go on: a handler left it by longjmp. */
HAK_HIDDEN HAK_COLD bool hak_check_was_left(void);

/* The calling thread enters the malloc family, until hak_check_leave. False: it is inside already,
 * in a call that a signal handler interrupted, and its data may be half-changed
 * (entry/nested/nested.h). A call that a handler left by longjmp does not count. */
static inline bool hak_check_enter(void) {
    (void)hak_tags_begin_own();
    if (HAK_UNLIKELY(hak_inside.stack_pointer != 0) && !hak_check_was_left())
        return false;
    hak_note_stack_pointer(&hak_inside.stack_pointer);
    return true;
}
static inline void hak_check_leave(void) {
    __asm__ volatile("" : : : "memory");
    hak_inside.stack_pointer = 0;
    hak_tags_end_own(0);
}

/* ---- memory tags (memory_tags.h) --------------------------------------------------------------
 *
 * Only these know that a pointer of the program has a tag: all else has the address alone. */

/* Tags are no longer given: the calling thread may not know yet, and then the kernel still compares
 * those of pointers that it gives it. */
HAK_HIDDEN HAK_COLD void hak_check_tags_stopped(void);

/* The pointer that the program gets for a block of which `asked_bytes` were asked for. */
static inline void *hak_check_tagged(void *user, size_t asked_bytes) {
    if (HAK_LIKELY(!hak_tags_are_known()) || !user)
        return user;
    if (HAK_UNLIKELY(!hak_tags_are_given())) {
        hak_check_tags_stopped();
        return user;
    }
    if (hak_tag_of_pointer(user) != 0)
        return user;
    uintptr_t tag = hak_tag_of_live(user, asked_bytes);
    return (void *)((uintptr_t)user | tag << HAK_TAG_SHIFT);
}

/* So many bytes lie behind a block at least, in which one byte is not the block's: with tags a
 * large one has a granule for itself there. */
static inline size_t hak_check_behind_bytes(size_t slot_bytes) {
    return hak_tags_are_given() && slot_bytes > HAK_CLASS_MAX_BYTES - 1 ? 2 * HAK_TAG_GRANULE - 1
                                                                        : 1;
}

/* Whether a large block that is resized to `asked_bytes` may stay in its place: all of it has the
 * pointer's tag, or none. */
static inline bool hak_check_tag_may_stay(user_t user, size_t asked_bytes) {
    return !hak_tags_are_given() || asked_bytes <= HAK_TAGS_WHOLE_BYTES || hak_tag_at(user.p) == 0;
}

/* Takes the tag off a pointer that the program gives back or has resized, where it is a block of
 * ours. HAK_NO_USER: it is of an earlier life, which was reported, and the program goes on. */
HAK_HIDDEN user_t hak_check_tag(user_t user, enum hak_record_kind kind);
static inline user_t hak_check_given(user_t user, enum hak_record_kind kind) {
    return hak_tags_are_known() && user.p ? hak_check_tag(user, kind) : user;
}
/* True of what hak_check_given refused; never without tags. */
static inline bool hak_check_is_refused(user_t user) {
    return hak_tags_are_known() && !user.p;
}

/* ---- questions, and calls without a block ---------------------------------------------------- */

HAK_HIDDEN bool hak_check_asked_bytes(user_t user, size_t *bytes);
HAK_HIDDEN void hak_check_asked_about(user_t user);

/* Whether the pages of a large block may move to another one: a guarded block keeps its own, and
 * tagged memory its tags. */
HAK_HIDDEN bool hak_check_may_move_pages(const void *to, const void *from);

/* Reports a pointer that was given back, by a call of this kind, and lies in memory of no
 * allocator. */
HAK_HIDDEN void hak_check_mapped(const void *pointer, enum hak_record_kind kind);
HAK_HIDDEN size_t hak_check_usable(user_t user, size_t slot_bytes);
HAK_HIDDEN void hak_check_call_without_record(size_t asked_bytes, bool failed);

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

/* A call that gives no record: free(NULL), or one that failed. Counted only. */
static inline void check_call_without_record(size_t asked_bytes, bool failed) {
    if (hak_is_debug_build)
        hak_check_call_without_record(asked_bytes, failed);
}

/* ---- moments of the process ------------------------------------------------------------------ */

/* True when `p` lies in memory that a layer keeps for its next blocks, so that a free of it is a
 * second one. A layer's function, which entry sets before hak_check_start; NULL until then. For
 * reports. */
HAK_HIDDEN extern bool (*hak_layer_keeps)(const void *p);

/* Starts checks and tracer, in the debug build, after hak_options_read, before the first block but
 * for ld.so's own. */
HAK_HIDDEN void hak_check_start(void);
/* Ends what checks and tracer have of the calling thread, after the last of its blocks has moved.
 */
HAK_HIDDEN void hak_check_thread_end(void);
/* The three functions of a fork stand directly around fork(2), on the thread that forks. */
HAK_HIDDEN void hak_check_fork_prepare(void);
HAK_HIDDEN void hak_check_fork_parent(void);
HAK_HIDDEN void hak_check_fork_child(void);

/* Decides, at start, which kinds of give-back fit which allocation, by whether the program has
 * operators new or delete of its own in the place of ours. */
HAK_HIDDEN void hak_check_kinds_start(bool has_own_operators);

HAK_HIDDEN void hak_check_mark(const char *name);
HAK_HIDDEN void hak_check_pool_name(const void *block, const char *name);
HAK_HIDDEN size_t hak_check_sweep(void);

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

/* Sampling of level light so far: guarded blocks, and the time that they took. */
struct hak_sampled {
    uint64_t blocks, ns;
};
HAK_HIDDEN struct hak_sampled hak_check_sampled(void);
static inline struct hak_sampled check_sampled(void) {
    return hak_is_debug_build ? hak_check_sampled() : (struct hak_sampled){0};
}

/* The program sets a mark in its recording (hakmem.h). */
static inline void check_mark(const char *name) {
    if (hak_is_debug_build)
        hak_check_mark(name);
}

#endif

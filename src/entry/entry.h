/* The border to the program: the malloc family, start-up, thread ends and fork.
 *
 *   program --> malloc.c      malloc, free, calloc, free_sized   the fast paths
 *               realloc.c     realloc, reallocarray
 *               aligned.c     memalign and its family, malloc_usable_size
 *               operators.c   operator new and delete in all forms
 *               statistics.c  malloc_trim, mallinfo, malloc_stats, malloc_info, mallopt
 *               cxx.h         what a C++ runtime is needed for: std::bad_alloc, the new_handler
 *               start.c       first call, constructor, end of a thread, fork handlers
 *               bench_fast.h  the mode that measures what safety costs
 *               foreign.c     a pointer that is none of ours; external_guard.h counts those of
 *                             other allocators
 *               summary.h     what the process tells of its heap at its end
 *               deepbind.c    dlopen, so that libraries find this malloc and not libc's
 *
 * The fast paths of malloc, new, free and delete are leaves: no frame, no call; whatever is rarer
 * is a tail jump to a cold function. In the debug build the same sources take the long way, through
 * the checks.
 *
 * May call: route, and start.c everything that has to be started or held over fork. */
#ifndef HAK_ENTRY_ENTRY_H
#define HAK_ENTRY_ENTRY_H

#include <errno.h>
#include "entry/bench_fast.h"
#include "route/route.h"

/* start.c: options, registry and this thread are set up. Once true for a thread, always true. */
HAK_HIDDEN HAK_COLD void hak_entry_start_thread(void);

/* foreign.c: `user` is no block of ours and not NULL: it is passed on where its owner is known, or
 * left alone, or is surely a mistake (plain build: the program ends). Debug: the checks decided
 * before that it is another allocator's. `caller` is where the program goes on after its call. */
HAK_HIDDEN HAK_COLD void hak_entry_free_foreign(user_t user, const void *caller);

/* foreign.c: `user` is no block of ours: ends the plain build's program if it is surely a mistake.
 */
HAK_HIDDEN HAK_COLD void hak_entry_blame_foreign(user_t user);

/* foreign.c: finds glibc's own free, for its own blocks. Called once, from the constructor. */
HAK_HIDDEN HAK_COLD void hak_entry_start_foreign(void);

/* Exports `name` as glibc's second name __libc_`name` too, by which other preloads and some
 * programs get past an interposed malloc: the blocks of two heaps would meet in one free otherwise.
 * glibc 2.36 exports such names of malloc, free, calloc, realloc, memalign, valloc, pvalloc,
 * mallopt and mallinfo (__libc_reallocarray is private there, __posix_memalign is gone). */
#ifdef __clang__
#define HAK_LIBC_NAME(name)                                                                        \
    extern __typeof__(name) __libc_##name __attribute__((alias(#name), visibility("default")))
#else
#define HAK_LIBC_NAME(name)                                                                        \
    extern __typeof__(name) __libc_##name                                                          \
        __attribute__((alias(#name), visibility("default"), copy(name)))
#endif

/* Sets up whatever the first call of a thread finds missing. */
static inline void hak_entry_begin(void) {
    if (HAK_UNLIKELY(hak_thread.state == HAK_THREAD_NEW))
        hak_entry_start_thread();
}

/* One block for the program through the long way; NULL and ENOMEM when there is no memory. `how`
 * says what was asked; its class is filled in here. */
static inline void *hak_entry_allocate(struct hak_hand_out *how) {
    hak_entry_begin();
    struct hak_taken taken = {HAK_NO_BASE, HAK_CLASS_NONE};
    if (HAK_LIKELY(how->asked_bytes <= PTRDIFF_MAX)) {
        size_t slot_bytes = check_slot_bytes(how->asked_bytes, how->alignment);
        taken = hak_route_take(slot_bytes, check_aligns() ? 0 : how->alignment, how->caller);
    }
    if (HAK_UNLIKELY(!taken.base.p)) {
        check_call_without_record(how->asked_bytes, true);
        errno = ENOMEM;
        return NULL;
    }
    how->class_index = taken.class_index;
    return check_hand_out(taken.base, how).p;
}

/* A block comes back from the program; `kind` is HAK_FREE, by hak_free_by, or HAK_REALLOC_FROM
 * (then it was taken back before). */
static inline __attribute__((always_inline)) void hak_entry_give(base_t base, user_t user,
                                                                 enum hak_record_kind kind) {
    if (HAK_UNLIKELY(!hak_route_give(base, kind)) && user.p)
        hak_entry_free_foreign(user, __builtin_return_address(0));
}

/* The long way back, for a pointer that is not NULL. Inline, so that a report's frames read
 * magazine_flush <- free <- program. */
static inline __attribute__((always_inline)) void hak_entry_give_back(user_t user,
                                                                      enum hak_given by) {
    /* Not for what is none of ours: the memory of a new heap could come to lie just there. */
    if (hak_registry_owner(user.p) != HAK_OWNER_NOBODY)
        hak_entry_begin();
    base_t base;
    switch (check_take_back(user, hak_free_by(by), &base)) {
    case HAK_TAKE:
        hak_entry_give(base, user, hak_free_by(by));
        break;
    case HAK_REFUSE:
        break;
    case HAK_FOREIGN:
        hak_entry_free_foreign(user, __builtin_return_address(0));
        break;
    }
}

/* malloc.c: the same out of the way, for the plain build; the pointer may be NULL. */
HAK_HIDDEN void hak_entry_give_slowly(void *pointer);

/* free and everything that does the same. The plain build does not tell `by` apart. */
static inline __attribute__((always_inline)) void hak_entry_free(void *pointer, enum hak_given by) {
    if (hak_is_debug_build) {
        if (pointer)
            hak_entry_give_back(user_from(pointer), by);
        else
            check_call_without_record(0, false);
        return;
    }
    base_t block = base_from(pointer);
    if (HAK_UNLIKELY(!hak_front_is_mine(block))) {
        hak_entry_give_slowly(pointer);
        return;
    }
    unsigned class_index = hak_front_class_of(block);
    if (HAK_UNLIKELY(!hak_is_slot_start(pointer, class_index)) ||
        HAK_UNLIKELY(hak_array_is_full(class_index)) ||
        HAK_UNLIKELY(hak_array_has_on_top(class_index, block))) {
        hak_entry_give_slowly(pointer);
        return;
    }
    hak_array_push(class_index, block);
}

#endif

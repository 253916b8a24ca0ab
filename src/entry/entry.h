/* The border to the program: the malloc family, start-up, thread ends and fork.
 *
 *   program --> plain/, debug/, keep/   malloc, free, calloc, realloc: each build has its own
 *               way.h         the way of a block out and back in this build
 *               aligned.c     memalign and its family, malloc_usable_size
 *               operators.c   operator new and delete in all forms
 *               statistics.c  malloc_trim, mallinfo, malloc_stats, malloc_info, mallopt
 *               cxx.h         the parts of a C++ runtime that the operators need
 *               start.c       first call, constructor, end of a thread, fork handlers
 *               bench_fast.h  the mode that measures what safety costs
 *               sampled.c     calls for a guarded block of level light, or the heap profile
 *               give_slowly.c free of libhakmem, but for what the thread's array takes
 *               foreign.c     a pointer that is none of ours; allocators.h finds its owner,
 *                             external_guard.h counts
 *               summary.h     the heap's summary at the end of the process
 *               loader.c      dlopen and dlsym, so that libraries find this malloc and not libc's
 *               environment/  the options' environment, older libcs, sanitizers
 *               nested/       a call in a signal handler that interrupted another (debug build)
 *
 *   plain/   libhakmem, and the half of hakmem-debug.so that serves in level light (light.h)
 *   counted/ libhakmem's family a second time, which counts calls for the heap profile
 *   debug/   hakmem-debug.so: all calls go through the checks
 *   keep/    hakmem-record.so: the family in front of the program's own allocator
 *
 * May call: route, border.h; for its short ways front and large; start.c everything that has to be
 * started or held over fork. */
#ifndef HAK_ENTRY_ENTRY_H
#define HAK_ENTRY_ENTRY_H

#include <errno.h>
#include <string.h>
#include "entry/bench_fast.h"
#include "entry/environment/environment.h"
#include "entry/light_names.h"
#include "route/route.h"

/* start.c: sets up, if they are not yet, options and registry and this thread's front. */
HAK_HIDDEN HAK_COLD void hak_entry_start_thread(void);

/* foreign.c: `user` is no block of ours and not NULL: it is passed on where its owner is known, or
 * left alone, or is surely a mistake (plain build: the program ends). Debug: the checks decided
 * before that it is mapped, and not by hakmem; that no allocator can own it is reported. `caller`
 * is where the program goes on after its call. */
HAK_HIDDEN HAK_COLD void hak_entry_free_foreign(user_t user, enum hak_record_kind kind,
                                                const void *caller);

/* foreign.c: realloc of such a pointer, to at least one byte: the block moves to us. If its size is
 * not known, as many bytes move as are asked for and can be read. NULL without memory. */
HAK_HIDDEN HAK_COLD void *hak_entry_move_foreign(user_t user, size_t bytes, hak_call_t call);

/* start.c: what the heap profile of libhakmem.so does at a thread's first call; NULL: it is off. */
HAK_HIDDEN extern void (*hak_entry_begin_counting)(void);

/* sampled.c: the block to which realloc moves a guarded one of level light, of which
 * `old_bytes` were asked for. NULL with ENOMEM. */
HAK_HIDDEN HAK_COLD void *hak_entry_move_guarded(struct hak_hand_out *how, size_t old_bytes);

/* sampled.c: of a block of level light that has pages of its own, since it is in the heap profile,
 * the bytes of the slot that it would have otherwise; 0: it is no such block. To the program it is
 * as long as that: one that may grow where others are replaced lives longer than those that it
 * stands for. */
HAK_HIDDEN HAK_COLD size_t hak_entry_sampled_slot_bytes(base_t base);

/* foreign.c: malloc_usable_size of such a pointer; 0 where its owner is not known. */
HAK_HIDDEN HAK_COLD size_t hak_entry_foreign_bytes(void *pointer);

/* operators.c: whether the program has operators new or delete of its own in the place of some of
 * ours. */
HAK_HIDDEN bool hak_entry_operators_are_replaced(void);

/* start.c: tells the record that jemalloc, mimalloc, tcmalloc or rpmalloc stands before us and
 * serves the program, where it does. */
HAK_HIDDEN HAK_COLD void hak_entry_note_other_malloc(void);

/* Exports `name` as glibc's second name __libc_`name` too, by which other preloads and some
 * programs get past an interposed malloc: the blocks of two heaps would meet in one free otherwise.
 * glibc 2.36 exports such names of malloc, free, calloc, realloc, memalign, valloc, pvalloc,
 * mallopt and mallinfo (__libc_reallocarray is private there, __posix_memalign is gone). */
#ifdef __clang__
#define HAK_LIBC_NAME(name)                                                                        \
    extern HAK_EXPORT __typeof__(name) __libc_##name __attribute__((alias(#name)))
#else
#define HAK_LIBC_NAME(name)                                                                        \
    extern HAK_EXPORT __typeof__(name) __libc_##name __attribute__((alias(#name), copy(name)))
#endif

/* Gives `name` of this library a second name, which leads to it whatever the program's calls of
 * `name` are bound to. By hand, since a compiler takes a function and its alias, or two names, for
 * what it knows of them. */
#define HAK_OWN_NAME(name)                                                                         \
    HAK_HIDDEN extern const char hak_own_##name[];                                                 \
    __asm__(".globl hak_own_" #name "\n.hidden hak_own_" #name "\n.set hak_own_" #name ", " #name)

/* calloc: zeroes a block that a layer has handed out; fresh pages are 0 already. NULL stays. */
HAK_IN_PLACE void *hak_entry_zero(void *user, size_t bytes, unsigned class_index) {
    bool is_large = class_index == HAK_CLASS_NONE;
    if (!user || (is_large && hak_large_is_fresh(base_of(user_from(hak_untagged(user))))))
        return user;
    if (hak_tags_are_known())
        hak_tags_zero(user, bytes);
    else
        memset(user, 0, bytes);
    return user;
}

/* Sets up whatever the first call of a thread finds missing. */
static inline void hak_entry_begin(void) {
    if (HAK_UNLIKELY(hak_thread.state == HAK_THREAD_NEW))
        hak_entry_start_thread();
}

#endif

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
 *               foreign.c     a pointer that is none of ours; allocators.h finds whose it is,
 *                             external_guard.h counts
 *               summary.h     what the process tells of its heap at its end
 *               deepbind.c    dlopen, so that libraries find this malloc and not libc's
 *               plain/        mlockall, in libhakmem.so
 *               nested/       a call in a signal handler that interrupted another (debug build)
 *               keep/         hakmem-record.so: the family in front of the program's own allocator
 *
 * The fast paths of malloc, new, free and delete are leaves: no frame, no call; whatever is rarer
 * is a tail jump to a cold function. In the debug build the same sources take the long way, through
 * the checks.
 *
 * May call: route, check.h; for its short ways front and large; start.c everything that has to be
 * started or held over fork. */
#ifndef HAK_ENTRY_ENTRY_H
#define HAK_ENTRY_ENTRY_H

#include <errno.h>
#include <string.h>
#include "entry/bench_fast.h"
#include "entry/environment.h"
#include "entry/keep/keep.h"
#include "entry/light_names.h"
#include "entry/nested/nested.h"
#include "light.h"
#include "route/route.h"

/* start.c: options, registry and this thread are set up. Once true for a thread, always true. */
HAK_HIDDEN HAK_COLD void hak_entry_start_thread(void);

/* foreign.c: `user` is no block of ours and not NULL: it is passed on where its owner is known, or
 * left alone, or is surely a mistake (plain build: the program ends). Debug: the checks decided
 * before that it is another allocator's. `caller` is where the program goes on after its call. */
HAK_HIDDEN HAK_COLD void hak_entry_free_foreign(user_t user, const void *caller);

/* foreign.c: realloc of such a pointer, to at least one byte: the block moves to us. If its size is
 * not known, as many bytes move as are asked for and can be read. NULL without memory. */
HAK_HIDDEN HAK_COLD void *hak_entry_move_foreign(user_t user, size_t bytes, hak_call_t call);

/* foreign.c: malloc_usable_size of such a pointer; 0 where its owner is not known. */
HAK_HIDDEN HAK_COLD size_t hak_entry_foreign_bytes(const void *pointer);

/* operators.c: the program has operators new or delete of its own in the place of some of ours. */
HAK_HIDDEN bool hak_entry_operators_are_replaced(void);

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

/* Level light: one more call that allocates. True where the sampler is to look at it. */
static inline bool hak_entry_is_due(void) {
    return hak_is_light_build && HAK_UNLIKELY(--hak_thread.until_look == 0);
}
/* The same of a call that was counted before. */
static inline bool hak_entry_was_due(void) {
    return hak_is_light_build && HAK_UNLIKELY(hak_thread.until_look == 0);
}

/* Sets up whatever the first call of a thread finds missing. */
static inline void hak_entry_begin(void) {
    if (HAK_UNLIKELY(hak_thread.state == HAK_THREAD_NEW))
        hak_entry_start_thread();
}

/* Lets blocks leave the calling thread's quarantine: of those it has too much of, or all. False:
 * none did. The plain build has none. */
static inline bool hak_entry_let_leave(bool all) {
    bool some_left = false;
    if (!hak_is_debug_build || hak_thread.state != HAK_THREAD_OWN)
        return false;
    for (;;) {
        unsigned class_index;
        base_t block = check_leave_to_array(hak_thread.heap_id, hak_place_of_array, &class_index);
        if (HAK_LIKELY(block.p != NULL))
            hak_array_put(class_index, block);
        else if ((block = check_leaving(all)).p)
            (void)hak_route_give(block, HAK_QUARANTINE_LEAVE);
        else
            return some_left;
        some_left = true;
    }
}

/* There was no memory for `bytes`: false where nothing can be done about it. Do not shrink the
 * checks' memory for a request that no machine can meet. */
static inline bool hak_entry_make_room(size_t bytes) {
    enum { USUAL_BYTES = 1 << 30 };
    bool some_left = hak_entry_let_leave(true);
    return (bytes <= USUAL_BYTES && check_open_pages()) || some_left;
}

/* The next block of the class lay in quarantine long enough to be out of the processor's caches. */
static inline void hak_entry_fetch_next(unsigned class_index) {
    const char *next = hak_thread.top[class_index]->p;
    __builtin_prefetch(next, 1);
    __builtin_prefetch(next + hak_class_bytes(class_index) - 1, 1);
}

/* Debug build, where check_takes(how): a block of a class that the thread has at hand. NULL:
 * nothing was done. */
HAK_IN_PLACE void *hak_entry_take_at_hand(struct hak_hand_out *how) {
    unsigned class_index = hak_class_of_bytes(check_taken_bytes(how));
    base_t block = hak_array_pop(class_index);
    if (HAK_UNLIKELY(!block.p))
        return NULL;
    how->class_index = class_index;
    if (check_keeps())
        hak_entry_fetch_next(class_index);
    user_t user = check_take(block, class_index, how);
    if (HAK_UNLIKELY(!user.p))
        hak_array_push(class_index, block);
    return user.p;
}

/* Debug build, where check_gives(): a block of this thread's goes into quarantine, or back into the
 * array of its class, which has room. False: nothing was done. */
HAK_IN_PLACE bool hak_entry_give_at_hand(user_t user, enum hak_given by, hak_call_t call) {
    base_t block = check_given(user);
    if (HAK_UNLIKELY(!hak_front_is_mine(block)))
        return false;
    unsigned class_index = hak_front_class_of(block);
    if (HAK_UNLIKELY(class_index >= HAK_CLASSES))
        return false;
    if (check_keeps()) {
        enum hak_kept kept = check_give(block, class_index, by, HAK_PLACE_QUARANTINE, call);
        if (HAK_UNLIKELY(kept == HAK_KEPT_OVER))
            (void)hak_entry_let_leave(false);
        return HAK_LIKELY(kept != HAK_NOT_KEPT);
    }
    if (HAK_UNLIKELY(hak_array_is_full(class_index)) ||
        HAK_UNLIKELY(hak_array_has_on_top(class_index, block)))
        return false;
    enum hak_place to = (enum hak_place)hak_place_of_array[class_index];
    if (HAK_UNLIKELY(check_give(block, class_index, by, to, call) == HAK_NOT_KEPT))
        return false;
    hak_array_push(class_index, block);
    return true;
}

/* A block from whom it is to come from; its base is HAK_NO_BASE without memory. */
static inline struct hak_taken hak_entry_take(const struct hak_hand_out *how, size_t slot_bytes,
                                              size_t alignment) {
    base_t guarded = check_guards() ? check_take_guarded(how) : HAK_NO_BASE;
    if (hak_is_debug_build && HAK_UNLIKELY(guarded.p != NULL))
        return (struct hak_taken){guarded, HAK_CLASS_NONE};
    if (hak_is_debug_build && HAK_UNLIKELY(how->room_bytes != 0))
        return hak_route_take_with_room(slot_bytes, how->room_bytes, *how->call);
    return hak_route_take(slot_bytes, alignment, *how->call);
}

/* The long way of hak_entry_allocate. */
static inline void *hak_entry_allocate_slowly(struct hak_hand_out *how) {
    bool is_first = hak_is_light_build && hak_thread.state == HAK_THREAD_NEW;
    hak_entry_begin();
    if (hak_light_serves())
        return light_hak_entry_allocate_as(how);
    if (is_first && hak_entry_is_due()) {
        void *user = hak_light_take(how, &hak_thread.until_look);
        if (user)
            return user;
    }
    if (hak_is_debug_build && HAK_UNLIKELY(hak_nested_some_wait))
        hak_nested_give_waiting();
    struct hak_taken taken = {HAK_NO_BASE, HAK_CLASS_NONE};
    if (HAK_LIKELY(how->asked_bytes <= PTRDIFF_MAX)) {
        size_t slot_bytes = check_slot_bytes(how->asked_bytes, how->alignment);
        size_t alignment = check_aligns() ? 0 : how->alignment;
        taken = hak_entry_take(how, slot_bytes, alignment);
        if (hak_is_debug_build && HAK_UNLIKELY(!taken.base.p) && hak_entry_make_room(slot_bytes))
            taken = hak_route_take(slot_bytes, alignment, *how->call);
    }
    if (HAK_UNLIKELY(!taken.base.p)) {
        check_call_without_record(how->asked_bytes, true);
        errno = ENOMEM;
        return NULL;
    }
    how->class_index = taken.class_index;
    user_t user = HAK_NO_USER;
    if (check_takes(how) && HAK_LIKELY(taken.class_index < HAK_CLASSES)) {
        if (check_keeps())
            hak_entry_fetch_next(taken.class_index);
        user = check_take(taken.base, taken.class_index, how);
    }
    if (!user.p)
        user = check_hand_out(taken.base, how);
    if (hak_is_debug_build && HAK_UNLIKELY(!user.p)) {
        hak_route_put_back(taken);
        check_call_without_record(how->asked_bytes, true);
        errno = ENOMEM;
    }
    return user.p;
}

/* hak_entry_allocate between check_enter and check_leave. */
HAK_IN_PLACE void *hak_entry_allocate_inside(struct hak_hand_out *how) {
    void *user = NULL;
    if (check_takes(how))
        user = hak_entry_take_at_hand(how);
    return HAK_LIKELY(user != NULL) ? user : hak_entry_allocate_slowly(how);
}

/* Of one copy in each file that needs it, out of the way. */
#define HAK_ENTRY_NESTED static __attribute__((noinline, cold, unused))

HAK_ENTRY_NESTED void *hak_entry_allocate_nested(struct hak_hand_out *how) {
    struct hak_nested kept;
    if (!hak_nested_begin(&kept)) {
        check_call_without_record(how->asked_bytes, true);
        errno = ENOMEM;
        return NULL;
    }
    void *user = hak_entry_allocate_inside(how);
    hak_nested_end(&kept);
    return user;
}

/* One block for the program; NULL and ENOMEM when there is no memory. `how` says what was asked;
 * its class is filled in here. */
HAK_IN_PLACE void *hak_entry_allocate(struct hak_hand_out *how) {
    if (hak_is_keep_build)
        return hak_keep_allocate(how);
    if (!check_enter())
        return hak_entry_allocate_nested(how);
    void *user = hak_entry_allocate_inside(how);
    check_leave();
    return user;
}

/* The same of a call that hak_entry_is_due. */
static inline void *hak_entry_allocate_due(struct hak_hand_out *how) {
    void *user = hak_light_take(how, &hak_thread.until_look);
    return user ? user : hak_entry_allocate(how);
}

/* A block comes back from the program; `kind` is HAK_FREE, by hak_free_by, or HAK_REALLOC_FROM
 * (then it was taken back before). */
HAK_IN_PLACE void hak_entry_give(base_t base, user_t user, enum hak_record_kind kind) {
    if (hak_is_debug_build && HAK_LIKELY(hak_thread.state == HAK_THREAD_OWN)) {
        enum hak_kept kept = check_keep(base, kind, hak_thread.heap_id);
        if (HAK_UNLIKELY(kept == HAK_KEPT_OVER))
            (void)hak_entry_let_leave(false);
        if (kept != HAK_NOT_KEPT)
            return;
    }
    if (HAK_UNLIKELY(!hak_route_give(base, kind)) && user.p)
        hak_entry_free_foreign(user, __builtin_return_address(0));
}

/* hak_entry_give_back between check_enter and check_leave; `call` is that of the program, or NULL
 * for realloc's, which is the call of a function behind it. */
HAK_IN_PLACE void hak_entry_give_back_inside(user_t user, enum hak_given by, hak_call_t call,
                                             const void *caller) {
    if (check_gives() && HAK_LIKELY(hak_entry_give_at_hand(user, by, call)))
        return;
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
        hak_entry_free_foreign(user, caller);
        break;
    }
}

HAK_ENTRY_NESTED void hak_entry_give_back_nested(user_t user, enum hak_given by,
                                                 const void *caller) {
    struct hak_nested kept;
    bool is_large = hak_registry_owner(user.p) == HAK_OWNER_NOBODY;
    enum hak_place to = is_large ? HAK_PLACE_LARGE : HAK_PLACE_REMOTE;
    base_t base;
    if (hak_nested_begin_give(&kept, is_large)) {
        hak_entry_give_back_inside(user, by, NULL, caller);
        hak_nested_end(&kept);
    } else if (check_take_back(user, hak_free_by(by), &base) == HAK_TAKE &&
               check_freed(base, hak_free_by(by), to)) {
        hak_nested_give_later(base);
    }
}

/* The long way back, for a pointer that is not NULL. Inline, so that a report's frames read
 * magazine_flush <- free <- program. */
HAK_IN_PLACE void hak_entry_give_back(user_t user, enum hak_given by) {
    if (!check_enter()) {
        hak_entry_give_back_nested(user, by, __builtin_return_address(0));
        return;
    }
    hak_entry_give_back_inside(user, by, by == HAK_GIVEN_BY_REALLOC ? NULL : HAK_CALL,
                               __builtin_return_address(0));
    check_leave();
}

/* The pointer, by a move that the compiler does not know: so registers are saved behind the test of
 * hak_light_serves, and level light does without. */
static inline void *hak_entry_later(void *pointer) {
    void *same = pointer;
    if (hak_is_debug_build)
        __asm__ volatile("movq %1, %0" : "=r"(same) : "r"(pointer));
    return same;
}

/* malloc.c: the same out of the way, for the plain build; the pointer may be NULL. */
HAK_HIDDEN void hak_entry_give_slowly(void *pointer);

/* free and everything that does the same. The plain build does not tell `by` apart. */
HAK_IN_PLACE void hak_entry_free(void *pointer, enum hak_given by) {
    if (hak_is_keep_build) {
        hak_keep_free(pointer, by, HAK_CALL);
        return;
    }
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

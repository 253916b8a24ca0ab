/* Checks the bytes that a call of the program is about to touch: how many from a pointer on it may,
 * and the fault when it is more. The door of guard for checks of calls before they are made.
 *
 *   | header | bytes asked | canary |        live: from the pointer to the end of the bytes asked
 *                 ^------->                  freed, in a header or a canary: none
 *                                            no block of ours: as many as the caller likes
 *
 * Layout same has nothing to tell bytes asked from slack, which malloc_usable_size gives to the
 * program: there a block goes to its slot's end.
 *
 * Thread and signal safety: no lock, no allocation, errno is kept; any thread, any moment. */
#ifndef HAK_GUARD_TOUCH_H
#define HAK_GUARD_TOUCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "guard/around.h"
#include "guard/slot_bytes.h"
#include "hop.h"
#include "options.h"
#include "platform/readable.h"
#include "platform/tags.h"

/* How many bytes of its block the program may touch: all, as far as they are its. */
HAK_IN_PLACE size_t hak_touchable_bytes(const struct hak_located *at) {
    return HAK_LIKELY(hak_options.layout == HAK_LAYOUT_HEADER) || hak_is_guarded(at)
               ? hak_asked_bytes_of(at)
               : at->slot_bytes - hak_delta_bytes_of(at);
}

/* How many bytes may be touched from `p` to the end of the slot or large block `at`; 0: none,
 * SIZE_MAX: it is just changing. */
HAK_IN_PLACE size_t hak_room_in(const struct hak_located *at, const void *p) {
    if (HAK_UNLIKELY(at->slot->is_changing))
        return SIZE_MAX;
    size_t offset = (size_t)((const char *)p - hak_user_in(at)), bytes = hak_touchable_bytes(at);
    return HAK_LIKELY(at->slot->place == HAK_PLACE_LIVE && offset < bytes) ? bytes - offset : 0;
}

/* How many bytes from `p` on, which lies in no slot of ours and not on the stack, may be touched;
 * SIZE_MAX: not known. */
HAK_HIDDEN size_t hak_room_elsewhere(const void *p);

/* How many bytes from `p` on the program may touch; SIZE_MAX: not known. */
HAK_IN_PLACE size_t hak_room_at(const void *p) {
    struct hak_located at;
    p = hak_untagged(p);
    if (HAK_LIKELY(hak_locate_slot(p, &at)))
        return hak_room_in(&at, p);
    return at.superslab ? 0 : hak_is_on_stack(p) ? SIZE_MAX : hak_room_elsewhere(p);
}

/* ---- the bytes around a block ------------------------------------------------------------------
 * They are compared where a call's pointer lies in its bytes, so that damage is found there and not
 * at its free. The program may have closed pages of a block that has a page of its own: the kernel
 * is asked about those first, and where that would cost more than the call they are left out. */

/* The words that are due around a block. */
struct hak_due_border {
    uintptr_t of; /* a slot and its life: hak_due_border_key */
    struct hak_header header;
    uint64_t canary;
};
/* Those at which the program has looked lately: to make them of the slot's state takes longer than
 * all else of a look. All threads share them, since a library that is opened late has few bytes for
 * each thread; a thread that reads while another writes has words of two slots, with which no
 * border agrees. */
enum { HAK_DUE_BORDERS = 256, HAK_DUE_SLOT_SHIFT = 6, HAK_DUE_LARGE_SHIFT = 13 };
HAK_HIDDEN extern struct hak_due_border hak_due_borders[HAK_DUE_BORDERS];
HAK_IN_PLACE struct hak_due_border *hak_due_border_of(const struct hak_located *at) {
    uintptr_t number =
        (uintptr_t)at->base >> (at->large ? HAK_DUE_LARGE_SHIFT : HAK_DUE_SLOT_SHIFT);
    return &hak_due_borders[number % HAK_DUE_BORDERS];
}
HAK_IN_PLACE uintptr_t hak_due_border_key(const struct hak_located *at) {
    return (uintptr_t)at->base | (uintptr_t)at->slot->lives << (sizeof(uintptr_t) - 1) * 8;
}

/* The words that stand at `known`, one by one. */
HAK_IN_PLACE struct hak_due_border hak_due_border_read(const struct hak_due_border *known) {
    struct hak_due_border due;
    due.of = __atomic_load_n(&known->of, __ATOMIC_RELAXED);
    due.header.first = __atomic_load_n(&known->header.first, __ATOMIC_RELAXED);
    due.header.second = __atomic_load_n(&known->header.second, __ATOMIC_RELAXED);
    due.canary = __atomic_load_n(&known->canary, __ATOMIC_RELAXED);
    return due;
}
HAK_IN_PLACE void hak_due_border_write(struct hak_due_border *known, struct hak_due_border due) {
    __atomic_store_n(&known->of, due.of, __ATOMIC_RELAXED);
    __atomic_store_n(&known->header.first, due.header.first, __ATOMIC_RELAXED);
    __atomic_store_n(&known->header.second, due.header.second, __ATOMIC_RELAXED);
    __atomic_store_n(&known->canary, due.canary, __ATOMIC_RELAXED);
}

/* Copies bytes of a border; false: they cannot be read. `known` is hak_copy_readable's. */
typedef bool hak_border_copy(struct hak_readable *known, void *to, const void *from, size_t bytes);
/* Of a block whose pages nobody can close. */
HAK_IN_PLACE bool hak_border_copy_at_once(struct hak_readable *known, void *to, const void *from,
                                          size_t bytes) {
    (void)known;
    __builtin_memcpy(to, from, bytes);
    return true;
}

/* True when header and canary stand around the block `at`, which has a border, or when they cannot
 * be read: of the canary the first 8 to 16 bytes. */
HAK_IN_PLACE bool hak_border_is_by(const struct hak_located *at, const struct hak_due_border *due,
                                   hak_border_copy *copy) {
    const char *user = hak_user_in(at), *start = user + hak_asked_bytes_of(at);
    const char *p = (const char *)((uintptr_t)start & ~(sizeof(uint64_t) - 1));
    const char *end = at->base + at->slot_bytes;
    struct hak_readable known = {0};
    struct hak_header header = due->header;
    uint64_t canary;
    if (!hak_has_no_header(at) && !copy(&known, &header, user - sizeof header, sizeof header))
        return true;
    uint64_t differs = (header.first ^ due->header.first) | (header.second ^ due->header.second);
    if (at->large && start == end) /* only a slot has always a canary */
        return differs == 0;
    if (!copy(&known, &canary, p, sizeof canary))
        return true;
    differs |= (canary ^ due->canary) >> ((uintptr_t)start * 8 & 63);
    if (p + sizeof canary < end) {
        if (!copy(&known, &canary, p + sizeof canary, sizeof canary))
            return true;
        differs |= canary ^ due->canary;
    }
    return differs == 0;
}
HAK_IN_PLACE bool hak_border_is(const struct hak_located *at, const struct hak_due_border *due) {
    return hak_border_is_by(at, due, hak_border_copy_at_once);
}

/* A look at a pointer has found: */
struct hak_look {
    size_t room;   /* hak_room_at of it */
    bool is_whole; /* false: the bytes around its block are not as due */
};

/* Looks at any pointer; with `asks` also around a block of a page or more, whose pages the kernel
 * is asked about. */
HAK_HIDDEN struct hak_look hak_look_at(const void *p, bool asks);

/* Memory that the kernel is about to touch for a call of the program's. */
struct hak_kernel_touch {
    const void *pointer;
    size_t bytes;
    bool receives;    /* it writes, and perhaps not all of the bytes */
    const char *call; /* its name */
};

/* Looks at such memory, since the kernel would answer EFAULT for a pointer by a wrong memory tag.
 * The program took the tag off: nothing is compared from here on. The block is a later one: that is
 * reported at the first such byte, and it returns where the program goes on. The kernel dropped
 * pages of the block: they get its tag again where they can be written, and no other is told of. */
HAK_HIDDEN void hak_touch_for_kernel(const struct hak_kernel_touch *touch);

/* Level light: how many bytes from `p` on the kernel may write for a call; SIZE_MAX: not known. */
HAK_HIDDEN size_t hak_touch_kernel_room(const void *p);

/* Whether `p` has the tag of the block in which, or behind which, it lies. */
HAK_HIDDEN HAK_COLD bool hak_touch_is_of_block(const void *p);

/* Level light: tells of such a call that wrote over the end of its block, at the first byte behind.
 * Nothing where there is none, or its tags are not known. */
HAK_HIDDEN HAK_COLD void hak_touch_has_received(const struct hak_kernel_touch *touch);

/* The room at any pointer, found in few steps where the bytes around its block are whole: of a live
 * block in a slot of at most a page at which the program has looked lately, and of the stack. 0:
 * hak_look_at has to say it. */
HAK_IN_PLACE size_t hak_room_near(const void *p) {
    struct hak_near_slot near;
    p = hak_untagged(p);
    if (HAK_UNLIKELY(!hak_locate_near(p, hak_registry_owner_fast(p), &near)))
        return hak_is_on_stack(p) ? SIZE_MAX : 0;
    const struct hak_located at = hak_located_of(&near);
    const struct hak_due_border due = hak_due_border_read(hak_due_border_of(&at));
    size_t offset = (size_t)((const char *)p - hak_user_in(&at)), bytes = hak_asked_bytes_of(&at);
    if (HAK_UNLIKELY(at.slot->place != HAK_PLACE_LIVE) || HAK_UNLIKELY(at.slot->is_changing) ||
        HAK_UNLIKELY(offset >= bytes) || HAK_UNLIKELY(due.of != hak_due_border_key(&at)) ||
        HAK_UNLIKELY(!hak_border_is(&at, &due)))
        return 0;
    return bytes - offset;
}

/* Tells of damage around the live block in whose bytes `p` lies, once: it was found at the call
 * `call` of libc. Nothing where there is none. */
HAK_HIDDEN HAK_COLD void hak_damage_met(const void *p, const char *call);

/* A touch of more bytes than there is room for. */
struct hak_touch {
    const void *pointer;
    uint64_t bytes;   /* that the call touches from there on */
    const char *call; /* its name */
    bool is_write;
    bool is_at_least; /* `bytes` were counted, and there may be more */
    bool is_done;     /* it was only known after the call */
    bool is_question; /* about the block: no byte is touched */
    bool is_refused;  /* the kernel could not do it (EFAULT) */
};

/* Whether an access at `p` touches a block that was given back. */
HAK_HIDDEN HAK_COLD bool hak_touch_is_after_free(const void *p);

/* Opens the closed pages among `bytes` from `p` on: the kernel is to write there as it would
 * without hakmem. */
HAK_HIDDEN HAK_COLD void hak_touch_open(const void *p, size_t bytes);

/* Tells of it: it is the fault `fault` on the block `at`. Returns under HAKMEM_ON_FAULT=continue.
 */
HAK_HIDDEN HAK_COLD void hak_touch_tell(const struct hak_touch *touch, const struct hak_located *at,
                                        unsigned fault);

/* Tells of it, if it can be said whose bytes it touches. Returns under HAKMEM_ON_FAULT=continue, or
 * when nothing was told; then the call can be done, and what it damages is not told again. */
HAK_HIDDEN HAK_COLD void hak_touch_report(const struct hak_touch *touch);

#endif

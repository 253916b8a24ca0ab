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
#include "guard/locate.h"
#include "hop.h"
#include "options.h"
#include "trace/pattern.h"

/* How many bytes of its block the program may touch: all, as far as they are its. */
HAK_IN_PLACE size_t hak_touchable_bytes(const struct hak_located *at) {
    return HAK_LIKELY(hak_options.layout == HAK_LAYOUT_HEADER) || hak_is_guarded(at)
               ? hak_asked_bytes_of(at)
               : at->slot_bytes - hak_delta_bytes_of(at);
}

/* The same as hak_room_at for what is no slot of ours. `is_whole`, where it is not NULL: false is
 * put there when the bytes around a large block are not as due; with `asks` also of a block of a
 * page or more, whose pages the kernel is asked about. */
HAK_HIDDEN size_t hak_room_elsewhere(const void *p, bool asks, bool *is_whole);

/* How many bytes may be touched from `p` to the end of the slot or large block `at`; 0: none,
 * SIZE_MAX: it is just changing. */
HAK_IN_PLACE size_t hak_room_in(const struct hak_located *at, const void *p) {
    if (HAK_UNLIKELY(at->slot->is_changing))
        return SIZE_MAX;
    size_t offset = (size_t)((const char *)p - hak_user_in(at)), bytes = hak_touchable_bytes(at);
    return HAK_LIKELY(at->slot->place == HAK_PLACE_LIVE && offset < bytes) ? bytes - offset : 0;
}

/* How many bytes from `p` on the program may touch; SIZE_MAX: not known. */
HAK_IN_PLACE size_t hak_room_at(const void *p) {
    struct hak_located at;
    if (!hak_locate_slot(p, &at))
        return at.superslab ? 0 : hak_room_elsewhere(p, false, NULL);
    return hak_room_in(&at, p);
}

/* ---- the bytes around a block ------------------------------------------------------------------
 * They are compared where a call's pointer lies in its bytes, so that damage is found there and not
 * at its free. The program may have closed pages of a block that has a page of its own: the kernel
 * is asked about those first, and where that would cost more than the call they are left out. */

/* True when header and canary stand around the block `at`, which can be read: of the canary the
 * first 8 to 16 bytes. They are compared with each other, since all name the block by the same
 * bits; the slot's state tells which of them is wrong (layout.c). */
HAK_IN_PLACE bool hak_border_stands(const struct hak_located *at) {
    const char *user = hak_user_in(at), *start = user + hak_asked_bytes_of(at);
    const char *p = (const char *)((uintptr_t)start & ~(sizeof(uint64_t) - 1));
    uint64_t header[2], canary;
    __builtin_memcpy(header, user - HAK_HEADER_BYTES, sizeof header);
    uint64_t differs =
        header[1] ^ hak_pattern_as(header[0], HAK_PATTERN_HEADER, HAK_PATTERN_HEADER_2);
    uint64_t due = hak_pattern_as(header[0], HAK_PATTERN_HEADER, HAK_PATTERN_CANARY);
    __builtin_memcpy(&canary, p, sizeof canary);
    differs |= (canary ^ due) >> 8 * ((uintptr_t)start & 7);
    if (p + sizeof canary < at->base + at->slot_bytes) {
        __builtin_memcpy(&canary, p + sizeof canary, sizeof canary);
        differs |= canary ^ due;
    }
    return differs == 0;
}

/* The same of any live block in whose bytes `p` lies, as far as it can be read, and has such bytes.
 */
HAK_HIDDEN bool hak_border_stands_at(const void *p, bool asks);

/* hak_room_at, and `is_whole` as hak_room_elsewhere has it, of any block. */
HAK_IN_PLACE size_t hak_room_looked_at(const void *p, bool asks, bool *is_whole) {
    struct hak_located at;
    *is_whole = true;
    if (!hak_locate_slot(p, &at))
        return at.superslab ? 0 : hak_room_elsewhere(p, asks, is_whole);
    size_t room = hak_room_in(&at, p);
    if (HAK_UNLIKELY(room - 1 >= SIZE_MAX - 1) ||
        HAK_UNLIKELY(hak_options.layout != HAK_LAYOUT_HEADER))
        return room; /* none, or not known */
    *is_whole = HAK_LIKELY(at.slot_bytes <= HAK_PAGE_BYTES) ? hak_border_stands(&at)
                                                            : hak_border_stands_at(p, asks);
    return room;
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

/* The way of a block out to the program and back, as this build has it. The files of the malloc
 * family that several builds share go by these names; hakmem-record.so, which has no layers, has
 * those that operators.c takes:
 *
 *   hak_entry_take_fast(bytes)        a block that the thread has at hand; counts the call
 *   hak_entry_allocate(how)           one block; NULL and ENOMEM when there is no memory. `how` has
 *                                     the request; its class is filled in
 *   hak_entry_allocate_inside(how)    the same within a call that is in the family already
 *   hak_entry_serve(how)              hak_entry_allocate of a call that nobody counted yet
 *   hak_entry_serve_counted(how)      the same after hak_entry_take_fast
 *   hak_entry_claim(user, by, ...)    the size and alignment that a delete or sized free names
 *   hak_entry_free(pointer, by)       free and everything that does the same
 *   hak_entry_later(pointer)          the pointer, so that level light saves no register for it
 *   hak_entry_own_bytes(pointer)      the bytes of a small block of this thread's own, else 0
 *
 *   hak_entry_enter(), _leave()       around a call that takes no block; false: the thread is in
 *                                     the family already
 *   hak_entry_let_leave(all)          lets blocks of the thread leave its quarantine
 *
 * Only level light counts calls. */
#ifndef HAK_ENTRY_WAY_H
#define HAK_ENTRY_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include "hop.h"

#if HAK_KEEP
#include "entry/keep/way.h"
#elif HAK_DEBUG
#include "entry/debug/way.h"
#else
#include "entry/plain/way.h"
#endif

/* The alignment that a caller asks for must be one. */
static inline bool hak_is_power_of_two(size_t number) {
    return number && (number & (number - 1)) == 0;
}

#endif

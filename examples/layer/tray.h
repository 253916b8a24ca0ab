/* The tray: blocks that a thread's full array let go, until the array is empty and asks again.
 *
 *   array --full: hak_tray_keep--> | tray: list through the blocks, 64 | --full, decay, end-->
 * slabs array <--empty: hak_tray_take- |                                   |
 *
 * Who owns what: a tray belongs to its thread; no lock. It is a cache of the plan (cache.h), which
 * is why the end of a thread, trim, decay, fork, figures and hak_verify find it by themselves. */
#ifndef HAK_FRONT_TRAY_H
#define HAK_FRONT_TRAY_H

#include "front/front.h"

enum { HAK_TRAY_PLACES = 64 };

/* Takes blocks of an array of the calling thread, the newest of `count` first, as far as there is
 * room. Returns how many it took; the others are still the array's. */
HAK_HIDDEN unsigned hak_tray_keep(unsigned class_index, const base_t *blocks, unsigned count);

/* Gives up to `wanted` blocks to the array. Returns how many; `blocks` has the newest last. */
HAK_HIDDEN unsigned hak_tray_take(unsigned class_index, base_t *blocks, unsigned wanted);

#endif

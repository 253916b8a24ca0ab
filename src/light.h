/* Level light: hakmem-debug.so holds the plain allocator a second time, which serves the program,
 * and the checks see none but the few blocks that are sampled.
 *
 *   program --> malloc of the checks' half --HAKMEM_CHECK=light--> light_malloc
 *                                                                      |
 *         the plain allocator's sources, compiled with HAK_LIGHT: each of its names begins with
 *         light_ (Makefile). Options, size classes and what a thread has at hand are there once
 *                                                                      |
 *        a counter of the thread comes to 0 --hak_light_take-----------+--> guarded block, or NULL
 *        a pointer that no layer knows  ------hak_light_give-----------+--> is it one?
 *        what the allocator refuses     ------hak_light_blame----------+--> report
 *
 * Ownership: the two halves share no lock and no heap. The options are the checks' half's, a
 * thread's data (struct hak_thread) the half's that serves.
 *
 * Thread and signal safety: as malloc. */
#ifndef HAK_LIGHT_H
#define HAK_LIGHT_H

#include <stdbool.h>
#include "border.h"
#include "options.h"

/* In the checks' half: does the other one serve the program? Never changes once a block was handed
 * out. */
static inline bool hak_light_serves(void) {
    return hak_is_debug_build && !hak_is_keep_build &&
           HAK_UNLIKELY(hak_options.check == HAK_CHECK_LIGHT);
}

/* The half that serves the process does its work at exit. */
static inline bool hak_light_is_other_half(void) {
    return hak_is_light_build ? hak_options.check != HAK_CHECK_LIGHT : hak_light_serves();
}

/* ---- what the plain allocator asks (guard/light.c) ---------------------------------------------
 */

/* Every so many calls, by `*until_look`, which is set anew: a guarded block for what `how` asks
 * for, if this call is to be sampled. NULL: it is not. */
HAK_HIDDEN void *hak_light_take(struct hak_hand_out *how, uint16_t *until_look);

/* True when `pointer` lies in memory of guarded blocks. */
HAK_HIDDEN bool hak_light_covers(const void *pointer);

/* Gives back a pointer that hak_light_covers; a wrong one is reported. */
HAK_HIDDEN void hak_light_give(void *pointer);

/* realloc of such a pointer: the bytes that were asked for. False: it is no live block, which is
 * reported. */
HAK_HIDDEN bool hak_light_resizes(void *pointer, size_t *asked_bytes);

/* The bytes asked for of such a block; 0: it is none, and one that was freed is reported. */
HAK_HIDDEN size_t hak_light_usable(void *pointer);

/* The calling thread ends, after its last block was given back. */
HAK_HIDDEN void hak_light_thread_end(void);

/* Calls of a new thread until its first look. */
HAK_HIDDEN uint16_t hak_light_first_look(void);

/* ---- what the checks' half asks of the plain allocator -----------------------------------------
 */

/* hak_owner (hakmem.h). NULL in unit tests, which have one half alone. */
HAK_HIDDEN unsigned light_hak_owner(const void *pointer) __attribute__((weak));

/* hak_pool_empty_registry (pool/pool.h). NULL likewise. */
HAK_HIDDEN void light_hak_pool_empty_registry(void) __attribute__((weak));

#endif

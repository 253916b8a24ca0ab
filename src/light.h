/* Level light: hakmem-debug.so holds the plain allocator a second time, which serves the program,
 * and the checks see none but the few blocks that are sampled.
 *
 *   program --> malloc of the checks' half --HAKMEM_CHECK=light--> light_malloc
 *                                                                      |
 *         the plain allocator's sources, compiled with HAK_LIGHT: each of its names begins with
 *         light_ (Makefile). Options, size classes and what a thread has at hand are there once
 *                                                                      |
 *        a counter of the thread comes to 0 --hak_light_take-----------+--> guarded block, or NULL
 *        ... and one of bytes, or a look ---hak_light_sample-----------+--> heap profile
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
#include "fault_codes.h"
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

/* Gives, every so many calls, by `*until_look`, which is set anew, a guarded block for what `how`
 * asks for, if this call is to be sampled. NULL: it is not. `*weight` is for how many blocks this
 * one stands in the heap profile, 0: it is in none. Up to HAK_LIGHT_LOOK_BYTES it is set here, and
 * a guarded block is entered here. `*until_point` is set anew where the profile's rate has changed.
 */
HAK_HIDDEN void *hak_light_take(struct hak_hand_out *how, uint16_t *until_look,
                                int64_t *until_point, double *weight);

/* The heap profile samples smaller blocks at looks, and larger ones by bytes. */
enum { HAK_LIGHT_LOOK_BYTES = 2048 };

/* Of a larger block, in which `*until_point`, the bytes to the next sample, came to its end: its
 * weight. `*until_point` is set anew. */
HAK_HIDDEN double hak_light_weigh(size_t bytes, int64_t *until_point);

/* Whether a block that takes `extra_bytes` of memory because it is sampled may be; else it is
 * counted. */
HAK_HIDDEN bool hak_light_may_sample(size_t bytes, size_t extra_bytes, double weight);

/* Enters a block of `bytes` that goes to the program into the heap profile. Its number; 0: none. */
HAK_HIDDEN uint32_t hak_light_sample(size_t bytes, size_t extra_bytes, double weight,
                                     hak_call_t call);

/* Takes a block out of it. */
HAK_HIDDEN void hak_light_sample_ends(uint32_t sample);

/* The bytes that were asked for of a block in it. */
HAK_HIDDEN size_t hak_light_sampled_bytes(uint32_t sample);

/* True when `pointer` lies in memory of guarded blocks. */
HAK_HIDDEN bool hak_light_covers(const void *pointer);

/* The memory tag of the pointer to such a block that lives; 0: it has none. */
HAK_HIDDEN unsigned hak_light_tag_of(const void *pointer);

/* Gives back a pointer that hak_light_covers; a wrong one is reported. */
HAK_HIDDEN void hak_light_give(void *pointer);

/* Begins realloc of such a pointer: tells the bytes that were asked for. False: it is no live
 * block, which is reported. */
HAK_HIDDEN bool hak_light_resizes(void *pointer, size_t *asked_bytes);

/* Takes the number in the heap profile from such a live block, for the block that it moves to; 0:
 * it has none. */
HAK_HIDDEN uint32_t hak_light_leave_sample(void *pointer);

/* The bytes asked for of such a block; 0: it is none, and one that was freed is reported. */
HAK_HIDDEN size_t hak_light_usable(void *pointer);

/* The calling thread ends, after its last block was given back. */
HAK_HIDDEN void hak_light_thread_end(void);

/* Calls of a new thread until its first look, and bytes until its first sample of larger blocks. */
HAK_HIDDEN uint16_t hak_light_first_look(void);
HAK_HIDDEN int64_t hak_light_first_point(void);

/* ---- what the checks' half asks of the plain allocator -----------------------------------------
 */

/* hak_owner (hakmem.h). NULL in unit tests, which have one half alone. */
HAK_HIDDEN unsigned light_hak_owner(const void *pointer) __attribute__((weak));

/* The block that an access by the wrong memory tag `tag` meant (entry/light/find.c). In the handler
 * of a crash: no lock, no allocation. */
struct hak_light_found {
    enum hak_fault_code fault;
    uintptr_t base; /* of the block; 0: it is not known */
    size_t bytes;
    unsigned class_index; /* HAK_CLASS_NONE: a large one */
    uintptr_t superslab;  /* of a slot; else 0 */
    unsigned slab, slot;  /* their numbers in it and in the slab */
    unsigned frees_ago;   /* it had the tag so many frees ago; 0: that is not known */
    bool is_free;         /* surely; else the program or a cache has it */
};
HAK_HIDDEN struct hak_light_found light_hak_light_find(uintptr_t address, unsigned tag)
    __attribute__((weak));

/* The bytes from the address to the end of its block, whether that lives or not, and all that it
 * has; 0: none with a tag lies there. NULL likewise. */
HAK_HIDDEN size_t light_hak_light_room(uintptr_t address, size_t *block_bytes)
    __attribute__((weak));

/* Gives a page of a block the tag `tag` again, where the program has dropped it and it can be
 * written. False: it was not dropped. NULL likewise. */
HAK_HIDDEN bool light_hak_light_tag_again(uintptr_t address, unsigned tag) __attribute__((weak));

/* hak_background_end (background/background.h). NULL likewise. */
HAK_HIDDEN void light_hak_background_end(void) __attribute__((weak));

/* hak_pool_empty_registry (pool/pool.h). NULL likewise. */
HAK_HIDDEN void light_hak_pool_empty_registry(void) __attribute__((weak));

#endif

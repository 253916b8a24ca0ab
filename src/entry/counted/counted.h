/* The heap profile of libhakmem.so: the family that allocates, a second time, with level light's
 * counters (light.h).
 *
 *   malloc, calloc, new, ... --HAKMEM_HEAP_PROFILE: a jump at their begin--> counted_...
 *                                                                              |
 *        the same sources, compiled with HAK_COUNTED: each of their names      |
 *        begins with counted_ (Makefile). The layers are there once            |
 *                                                                              |
 *        a counter of calls or bytes comes to 0 ---hak_light_take, _weigh------+--> heap profile
 *        free of a block of it ------------------hak_large_sample_ends------------> heap profile
 *
 * Without the variable no byte of the fast paths differs, and nothing here runs. libhakmem.a has no
 * second family.
 *
 * Thread and signal safety: as malloc; the start is the constructor's, before there are threads. */
#ifndef HAK_ENTRY_COUNTED_H
#define HAK_ENTRY_COUNTED_H

#include "block.h"

/* Begins the heap profile at the rate of the options, or says why there is none. NULL in
 * libhakmem.a. */
HAK_HIDDEN HAK_COLD void hak_entry_start_counting(void) __attribute__((weak));

#endif

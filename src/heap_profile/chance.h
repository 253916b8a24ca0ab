/* The chances of the sampled heap profile: with which probability a block is taken, and for how
 * many it stands then. docs/specs/heap-profile.md derives them.
 *
 *   up to HAK_LIGHT_LOOK_BYTES   a look at one call in `gap`, at random; of the blocks there one of
 *                                s bytes is taken with a = min(1, s * gap / rate): p = a / gap
 *   above                        a point process on the bytes that a thread asks for, one in
 *                                `rate`: p = 1 - exp(-s / rate)
 *
 * No state, and no libm, which the library is not linked with. */
#ifndef HAK_HEAP_PROFILE_CHANCE_H
#define HAK_HEAP_PROFILE_CHANCE_H

#include <stddef.h>
#include <stdint.h>
#include "block.h"

/* A number of [0, 1) from 64 random bits. */
static inline double hak_chance_part(uint64_t random) {
    return (double)(random >> 11) * 0x1p-53;
}

/* An exponential variate of mean 1 from 64 random bits. */
HAK_HIDDEN double hak_chance_exponential(uint64_t random);

/* 1 - exp(-x), for x from 0. */
HAK_HIDDEN double hak_chance_of_point(double x);

/* Calls until the next one, from 1, each of which is it with 1 / mean; at most `most`. */
HAK_HIDDEN uint64_t hak_chance_gap(uint64_t mean, uint64_t most, uint64_t random);

#endif

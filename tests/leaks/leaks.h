/* What the programs of this folder share: calls that no optimiser looks through. */
#ifndef LEAKS_H
#define LEAKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* malloc, as the compiler does not know it: the block is really taken. */
static __attribute__((noinline, unused)) void *take(size_t bytes) {
    void *block = malloc(bytes);
    __asm__ volatile("" : "+r"(block) : : "memory");
    if (!block)
        _Exit(3);
    memset(block, 0, bytes);
    return block;
}

static __attribute__((noinline, unused)) void use(const void *block) {
    __asm__ volatile("" : : "r"(block) : "memory");
}

/* Overwrites what dead frames have left, as any later call of a real program would. */
static __attribute__((noinline, unused)) void forget_frames(void) {
    volatile char frame[8192];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = 0;
}

#ifdef __cplusplus
}
#endif

#endif

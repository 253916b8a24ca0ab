/* Helpers for the programs of this folder: calls that no optimiser looks through. */
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

/* Overwrites what dead frames have left, and the registers that a call may change, as any later
 * call of a real program would. */
static __attribute__((noinline, unused)) void forget_frames(void) {
    volatile char frame[8192];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = 0;
    __asm__ volatile(
        "xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi;"
        "xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d;"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n pxor %%xmm\\n, %%xmm\\n\n "
        ".endr"
        :
        :
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2",
          "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
          "xmm13", "xmm14", "xmm15", "cc", "memory");
}

#ifdef __cplusplus
}
#endif

#endif

/* A jump in the place of a function's first instructions (platform/jumps): a landing pad (BTI),
 * which a call by a pointer may need and other processors pass over, and a branch, which reaches
 * 128 MiB. */
#ifndef HAK_PLATFORM_AARCH64_JUMP_H
#define HAK_PLATFORM_AARCH64_JUMP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { HAK_JUMP_ROOM = 2 * sizeof(uint32_t) };

/* Writes a jump to `to` into `copy`, which is to lie at `from`. */
static inline void hak_jump_write(char *copy, uintptr_t from, uintptr_t to) {
    const uint32_t bti_c = 0xd503245f, branch = 0x14000000, offset_bits = 0x03ffffff;
    uint32_t words = (uint32_t)((int64_t)(to - (from + sizeof bti_c)) / (int64_t)sizeof bti_c);
    uint32_t code[] = {bti_c, branch | (words & offset_bits)};
    memcpy(copy, code, sizeof code);
}

/* The code at `from`, which was written by another address, is what is executed from here on. */
static inline void hak_jump_settle(uintptr_t from) {
    for (size_t i = 0; i < HAK_JUMP_ROOM; i += sizeof(uint32_t))
        __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
                         :
                         : "r"(from + i)
                         : "memory");
}

#endif

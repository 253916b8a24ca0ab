/* A jump in the place of a function's first instructions (platform/jumps): 5 bytes, which reach
 * 2 GiB, behind an endbr64, which stays. */
#ifndef HAK_PLATFORM_X86_64_JUMP_H
#define HAK_PLATFORM_X86_64_JUMP_H

#include <stdint.h>
#include <string.h>

enum { HAK_ENDBR_BYTES = 4, HAK_JUMP_BYTES = 5, HAK_JUMP_ROOM = HAK_ENDBR_BYTES + HAK_JUMP_BYTES };

/* Writes a jump to `to` into `copy`, which is to lie at `from`. */
static inline void hak_jump_write(char *copy, uintptr_t from, uintptr_t to) {
    static const unsigned char endbr64[HAK_ENDBR_BYTES] = {0xf3, 0x0f, 0x1e, 0xfa};
    if (memcmp(copy, endbr64, HAK_ENDBR_BYTES) == 0) {
        copy += HAK_ENDBR_BYTES;
        from += HAK_ENDBR_BYTES;
    }
    int32_t distance = (int32_t)(to - (from + HAK_JUMP_BYTES));
    *copy++ = (char)0xe9;
    memcpy(copy, &distance, sizeof distance);
}

/* The processor sees by itself that code has changed. */
static inline void hak_jump_settle(uintptr_t from) {
    (void)from;
}

#endif

/* Reads calls, jumps and the edges of functions out of code of x86-64. */
#ifndef HAK_PLATFORM_X86_64_CALLS_H
#define HAK_PLATFORM_X86_64_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    HAK_CALL_BYTES_MAX = 7,    /* of a call */
    HAK_JUMP_BYTES = 12,       /* to look at for a jump */
    HAK_EDGE_BYTES_BEFORE = 1, /* to look at for an edge, before the next instruction, */
    HAK_EDGE_BYTES = 5         /* and in all */
};

/* The place that the signed 4-byte distance at `bytes` leads to from `from`. */
static inline uintptr_t displaced(uintptr_t from, const uint8_t *bytes) {
    int32_t distance;
    memcpy(&distance, bytes, sizeof distance);
    return from + (uintptr_t)(intptr_t)distance;
}

/* Does a direct call end at `end`, whose address is `ip`? Its target then. */
static inline bool hak_ends_direct_call(const uint8_t *end, uintptr_t ip, uintptr_t *target) {
    *target = displaced(ip, end - 4);
    return end[-5] == 0xe8;
}

/* Are the `bytes` before the return address one whole call through a register or memory: ff /2? */
static inline bool is_indirect_call(const uint8_t *code, unsigned bytes) {
    unsigned mode = code[1] >> 6, place = code[1] & 7, length = 2;
    if (code[0] != 0xff || (code[1] >> 3 & 7) != 2)
        return false;
    if (mode != 3 && place == 4) {
        length++;
        if (mode == 0 && bytes > 2 && (code[2] & 7) == 5)
            length += 4;
    }
    if (mode == 1)
        length++;
    else if (mode == 2 || (mode == 0 && place == 5))
        length += 4;
    return length == bytes;
}
static inline bool hak_ends_indirect_call(const uint8_t *end) {
    for (unsigned bytes = 2; bytes <= HAK_CALL_BYTES_MAX; bytes++)
        if (is_indirect_call(end - bytes, bytes))
            return true;
    return false;
}

/* Where code at `address` leads when it is a jump, perhaps behind endbr64 and with a bnd prefix;
 * of a PLT entry (jmp *slot) `slot` says where the address lies. Else 0, and `slot` 0. */
static inline uintptr_t hak_jump_target(const uint8_t *code, uintptr_t address, uintptr_t *slot) {
    static const uint8_t landing_pad[] = {0xf3, 0x0f, 0x1e, 0xfa};
    unsigned at = memcmp(code, landing_pad, sizeof landing_pad) == 0 ? sizeof landing_pad : 0;
    *slot = 0;
    at += code[at] == 0xf2;
    if (code[at] == 0xe9 && at + 5 <= HAK_JUMP_BYTES)
        return displaced(address + at + 5, code + at + 1);
    if (code[at] == 0xff && code[at + 1] == 0x25 && at + 6 <= HAK_JUMP_BYTES)
        *slot = displaced(address + at + 6, code + at + 2);
    return 0;
}

/* Is this byte before a function padding? */
static inline bool hak_is_padding(uint8_t byte) {
    enum { INT3 = 0xcc };
    return byte == INT3;
}

/* Bytes from where the frame pointer leads up to the CFA in a function that begins so; 0 = not
 * known. */
static inline unsigned hak_frame_bytes(const uint8_t *code) {
    (void)code;
    return 16;
}

/* The first and last instructions of a function, where its frame is not set up: bytes above the
 * stack pointer to what was saved, -1 = in its register. */
struct hak_edge {
    int return_at, fp_at, cfa;
};
/* False: the instruction at code[HAK_EDGE_BYTES_BEFORE] is none of these. */
static inline bool hak_edge_in(const uint8_t *code, struct hak_edge *edge) {
    enum { PUSH_RBP = 0x55, RET = 0xc3, RET_BYTES = 0xc2 };
    bool copies_rsp = code[1] == 0x48 && ((code[2] == 0x89 && code[3] == 0xe5) ||
                                          (code[2] == 0x8b && code[3] == 0xec));
    if (code[1] == PUSH_RBP || code[1] == RET || code[1] == RET_BYTES)
        *edge = (struct hak_edge){0, -1, 8};
    else if (code[0] == PUSH_RBP && copies_rsp)
        *edge = (struct hak_edge){8, 0, 16};
    else
        return false;
    return true;
}

#endif

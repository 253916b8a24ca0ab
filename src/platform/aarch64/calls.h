/* Reads calls, jumps and the edges of functions out of code of aarch64. */
#ifndef HAK_PLATFORM_AARCH64_CALLS_H
#define HAK_PLATFORM_AARCH64_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    HAK_CALL_BYTES_MAX = 4,    /* of a call */
    HAK_JUMP_BYTES = 16,       /* to look at for a jump */
    HAK_EDGE_BYTES_BEFORE = 4, /* to look at for an edge, before the next instruction, */
    HAK_EDGE_BYTES = 8         /* and in all */
};

static inline uint32_t instruction_at(const uint8_t *code) {
    uint32_t instruction;
    memcpy(&instruction, code, sizeof instruction);
    return instruction;
}

/* The `bits` from bit `low` on, signed. */
static inline int64_t signed_field(uint32_t instruction, unsigned low, unsigned bits) {
    return (int64_t)((uint64_t)instruction << (64 - low - bits)) >> (64 - bits);
}

/* The place that b or bl at `address` leads to. */
static inline uintptr_t branch_target(uint32_t instruction, uintptr_t address) {
    return address + (uintptr_t)(signed_field(instruction, 0, 26) * 4);
}

/* Does a direct call (bl) end at `end`, whose address is `ip`? Its target then. */
static inline bool hak_ends_direct_call(const uint8_t *end, uintptr_t ip, uintptr_t *target) {
    uint32_t call = instruction_at(end - 4);
    *target = branch_target(call, ip - 4);
    return call >> 26 == 0x25 && ip % 4 == 0;
}

/* One through a register: blr, blraa, blrab, blraaz, blrabz. */
static inline bool hak_ends_indirect_call(const uint8_t *end) {
    uint32_t call = instruction_at(end - 4);
    return (call & 0xfffffc1f) == 0xd63f0000 || (call & 0xfffff81f) == 0xd63f081f ||
           (call & 0xfffff800) == 0xd73f0800;
}

/* Where code at `address` leads when it is a jump, perhaps behind `bti c`: b, or adrp, add and br
 * of a linker's veneer. Of a PLT entry (adrp, ldr, add, br) `slot` says where the address lies.
 * Else 0, and `slot` 0. */
static inline uintptr_t hak_jump_target(const uint8_t *code, uintptr_t address, uintptr_t *slot) {
    enum { BTI = 0xd503241f, BTI_KINDS = 0xc0, IP0 = 16 };
    *slot = 0;
    if ((instruction_at(code) & ~(uint32_t)BTI_KINDS) == (uint32_t)BTI) {
        code += 4;
        address += 4;
    }
    uint32_t first = instruction_at(code), second = instruction_at(code + 4);
    if (first >> 26 == 5)
        return branch_target(first, address);
    if ((first & 0x9f00001f) != (0x90000000 | IP0)) /* adrp x16 */
        return 0;
    uintptr_t page = (address & ~(uintptr_t)4095) +
                     (uintptr_t)((signed_field(first, 5, 19) * 4 + (first >> 29 & 3)) * 4096);
    if ((second & 0xffc003ff) == (0xf9400000 | IP0 << 5 | 17)) /* ldr x17, [x16, #n] */
        *slot = page + (second >> 10 & 0xfff) * 8;
    else if ((second & 0xffc003ff) == (0x91000000 | IP0 << 5 | IP0) && /* add x16, x16, #n */
             instruction_at(code + 8) == (0xd61f0000 | IP0 << 5))
        return page + (second >> 10 & 0xfff);
    return 0;
}

/* No padding is known to be put between functions. */
static inline bool hak_is_padding(uint8_t byte) {
    (void)byte;
    return false;
}

/* The first and last instructions of a function, where its frame is not set up: bytes above the
 * stack pointer to what was saved, -1 = in its register. */
struct hak_edge {
    int return_at, fp_at, cfa;
};
/* Is it `stp x29, x30, [sp, #-n]!`? */
static inline bool saves_pair(uint32_t instruction) {
    return (instruction & 0xffc07fff) == 0xa9807bfd;
}
/* Bytes from where the frame pointer leads up to the CFA in a function whose first HAK_JUMP_BYTES
 * these are; 0 = not known. */
static inline unsigned hak_frame_bytes(const uint8_t *code) {
    for (unsigned at = 0; at + 4 < HAK_JUMP_BYTES; at += 4)
        if (saves_pair(instruction_at(code + at)) && instruction_at(code + at + 4) == 0x910003fd)
            return (unsigned)(signed_field(instruction_at(code + at), 15, 7) * -8);
    return 0;
}

/* False: the instruction at code[HAK_EDGE_BYTES_BEFORE] is none of these. */
static inline bool hak_edge_in(const uint8_t *code, struct hak_edge *edge) {
    enum { BTI_C = 0xd503245f, PACIASP = 0xd503233f, PACIBSP = 0xd503237f };
    enum { RET = 0xd65f03c0, RETAA = 0xd65f0bff, RETAB = 0xd65f0fff, MOV_FP_SP = 0x910003fd };
    uint32_t before = instruction_at(code), next = instruction_at(code + 4);
    if (saves_pair(next) || next == (uint32_t)BTI_C || next == (uint32_t)PACIASP ||
        next == (uint32_t)PACIBSP || next == (uint32_t)RET || next == (uint32_t)RETAA ||
        next == (uint32_t)RETAB)
        *edge = (struct hak_edge){-1, -1, 0};
    else if (saves_pair(before) && next == (uint32_t)MOV_FP_SP)
        *edge = (struct hak_edge){8, 0, (int)(signed_field(before, 15, 7) * -8)};
    else
        return false;
    return true;
}

#endif

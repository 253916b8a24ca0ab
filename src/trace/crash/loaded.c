/* Finds the pointer through which a poisoned register was loaded, by the instructions right in
 * front of the one that failed.
 *
 *   add  base, number     or sub, or add base, other; where the next line has no displacement
 *   mov  reg, [base + index * scale + displacement]
 *   ...
 *   mov  ..., [reg]       failed
 *
 * The word lay at a known address, so that base is known also where it was reg itself. */
#include "decode/decode.h"
#include "platform/raw_call.h"
#include "trace/crash/crash.h"

enum {
    LOOKED_AT_BYTES = 48,
    SHORTEST_LOAD = 3,
    LOADED_BYTES = 8,
    REX_WIDE = 0x48,
    ADD_TO_REGISTER = 0xc0, /* ModRM of add and sub of a number */
    SUB_OF_REGISTER = 0xe8,
};

/* A prefix for 8 bytes, and for which half of the registers. */
static bool is_rex(unsigned byte) {
    return (byte & 0xf8) == REX_WIDE;
}

static bool is_register(uint8_t rex, uint8_t modrm, int reg) {
    return modrm >> 6 == 3 && hak_decode_register((modrm & 7u) | (rex & 1u) << 3) == reg;
}

static int32_t number_at(const uint8_t *code, unsigned bytes) {
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)code[i] << 8 * i;
    return bytes == 1 ? (int8_t)value : (int32_t)value;
}

/* The instruction that ends at `end` adds a number of `bytes` bytes to `reg`, or takes it away. */
static bool moves_by_number(const uint8_t *end, unsigned bytes, int reg, int64_t *by) {
    const uint8_t *code = end - bytes - 3;
    unsigned what = code[2] & 0xf8u;
    if (!is_rex(code[0]) || code[1] != (bytes == 1 ? 0x83 : 0x81) ||
        (what != ADD_TO_REGISTER && what != SUB_OF_REGISTER) || !is_register(code[0], code[2], reg))
        return false;
    int64_t number = number_at(code + 3, bytes);
    *by = what == ADD_TO_REGISTER ? number : -number;
    return true;
}

/* The same of rax, which has shorter forms. */
static bool moves_rax_by_number(const uint8_t *end, int reg, int64_t *by) {
    const uint8_t *code = end - 6;
    if (reg != hak_decode_register(0) || code[0] != REX_WIDE ||
        (code[1] != 0x05 && code[1] != 0x2d))
        return false;
    int64_t number = number_at(code + 2, 4);
    *by = code[1] == 0x05 ? number : -number;
    return true;
}

/* The values that `reg` may have had before the instruction that ends at `end` made `value` of it:
 * how many. */
static unsigned before_it_moved(const struct hak_registers *registers, const uint8_t *end, int reg,
                                uint64_t value, uint64_t pointers[2]) {
    const uint8_t *add = end - 3;
    int64_t by;
    if (moves_by_number(end, 1, reg, &by) || moves_by_number(end, 4, reg, &by) ||
        moves_rax_by_number(end, reg, &by)) {
        pointers[0] = value - (uint64_t)by;
        return 1;
    }
    if (!is_rex(add[0]) || add[1] != 0x01 || !is_register(add[0], add[2], reg))
        return 0;
    int other = hak_decode_register((add[2] >> 3 & 7u) | (add[0] & 4u) << 1);
    pointers[0] = registers->value[other];
    pointers[1] = value - pointers[0];
    return 2;
}

/* The base of the operand of `load`, which lies at `code` and read the word at `address`. */
static unsigned base_of_load(const struct hak_registers *registers, const struct hak_decoded *load,
                             const uint8_t *code, uint64_t address, uint64_t pointers[2]) {
    const struct hak_operand *from = load->operands;
    uint64_t base = address - (uint64_t)from->displacement;
    if (from->base < 0 || from->index == load->loaded)
        return 0;
    if (from->index >= 0)
        base -= registers->value[from->index] * from->scale;
    if (from->base != load->loaded && registers->value[from->base] != base)
        return 0;
    if (base == address)
        return before_it_moved(registers, code, from->base, base, pointers);
    pointers[0] = base;
    return 1;
}

unsigned hak_crash_loaded_by(const struct hak_registers *registers, unsigned reg, uint64_t address,
                             uint64_t pointers[2]) {
    uintptr_t ip = registers->value[HAK_RIP];
    if (!hak_raw_readable(ip & ~(uintptr_t)7) ||
        !hak_raw_readable((ip - 2 * LOOKED_AT_BYTES) & ~(uintptr_t)7))
        return 0;
    const uint8_t *code = (const uint8_t *)ip;
    for (unsigned back = SHORTEST_LOAD; back <= LOOKED_AT_BYTES; back++) {
        struct hak_decoded load;
        if (!hak_decode(code - back, back, &load) || load.loaded != (int)reg ||
            load.operands->bytes != LOADED_BYTES || load.operands->is_unknown)
            continue;
        unsigned count = base_of_load(registers, &load, code - back, address, pointers);
        if (count > 0)
            return count;
    }
    return 0;
}

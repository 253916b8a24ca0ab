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
#include HAK_ARCH_FILE(instruction.h)

enum {
    LOOKED_AT_BYTES = 48,
    LOADED_BYTES = 8,
};

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
        return hak_before_it_moved(registers->value, code, from->base, base, pointers);
    pointers[0] = base;
    return 1;
}

unsigned hak_crash_loaded_by(const struct hak_registers *registers, unsigned reg, uint64_t address,
                             uint64_t pointers[2]) {
    uintptr_t ip = registers->value[HAK_REGISTER_IP];
    if (!hak_raw_readable(ip & ~(uintptr_t)7) ||
        !hak_raw_readable((ip - 2 * LOOKED_AT_BYTES) & ~(uintptr_t)7))
        return 0;
    const uint8_t *code = (const uint8_t *)ip;
    for (unsigned back = HAK_LOAD_BYTES_LEAST; back <= LOOKED_AT_BYTES;
         back += HAK_INSTRUCTION_STEP) {
        struct hak_decoded load;
        if (!HAK_DECODE_HERE(code - back, back, &load) || load.loaded != (int)reg ||
            load.operands->bytes != LOADED_BYTES || load.operands->is_unknown)
            continue;
        unsigned count = base_of_load(registers, &load, code - back, address, pointers);
        if (count > 0)
            return count;
    }
    return 0;
}

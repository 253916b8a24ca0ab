/* Reads bits of aarch64's instructions that src/decode does not tell of: sums of a register. There
 * are no repeated ones but those of FEAT_MOPS, and no wide vectors but SVE's (trace/crash). */
#ifndef HAK_PLATFORM_AARCH64_INSTRUCTION_H
#define HAK_PLATFORM_AARCH64_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HAK_PROCESSOR_HERE HAK_PROCESSOR_AARCH64

enum {
    HAK_INSTRUCTION_STEP = 4, /* where the next one may begin */
    HAK_LOAD_BYTES_LEAST = 4, /* of a load of 8 bytes */
};

/* Of decode/decode.h, which who includes this has included. */
#define HAK_DECODE_HERE(code, count, decoded) hak_decode_aarch64(code, count, 0, decoded)

static inline uint32_t hak_wide_vector_bytes(const uint8_t *code) {
    (void)code;
    return 0;
}

static inline bool hak_is_in_repeat(const uint8_t *code, uint32_t count, const uint64_t *registers,
                                    uint64_t flags, uint64_t written) {
    (void)code;
    (void)count;
    (void)registers;
    (void)flags;
    (void)written;
    return false;
}

/* The values that `reg` may have been made of by the instruction that ends at `end` and made
 * `value` of it: how many. */
static inline unsigned hak_before_it_moved(const uint64_t *registers, const uint8_t *end, int reg,
                                           uint64_t value, uint64_t pointers[2]) {
    enum { ADD = 0x91000000, SUB = 0xd1000000, OF_NUMBER = 0xff800000, BY_4096 = 1 << 22 };
    enum { ADD_OTHER = 0x8b000000, OF_OTHER = 0xffe0fc00, ZERO = 31 };
    uint32_t word;
    memcpy(&word, end - sizeof word, sizeof word);
    unsigned first = word >> 5 & 31, second = word >> 16 & 31;
    if ((word & 31) != (unsigned)reg || reg == ZERO)
        return 0;
    uint64_t number = (uint64_t)(word >> 10 & 0xfff) << (word & BY_4096 ? 12 : 0);
    if ((word & OF_NUMBER) == (uint32_t)ADD || (word & OF_NUMBER) == (uint32_t)SUB) {
        pointers[0] = (word & OF_NUMBER) == (uint32_t)ADD ? value - number : value + number;
        return 1;
    }
    if ((word & OF_OTHER) != (uint32_t)ADD_OTHER || first == ZERO || second == ZERO)
        return 0;
    unsigned other = second == (unsigned)reg ? first : second; /* one that stands as it was */
    pointers[0] = registers[other];
    pointers[1] = value - pointers[0];
    return 2;
}

#endif

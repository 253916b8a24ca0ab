/* Reads bytes of x86-64's instructions that src/decode does not tell of: repeated string
 * instructions, wide vectors, and sums of a register (trace/crash). */
#ifndef HAK_PLATFORM_X86_64_INSTRUCTION_H
#define HAK_PLATFORM_X86_64_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include HAK_ARCH_FILE(here.h)

#define HAK_PROCESSOR_HERE HAK_PROCESSOR_X86_64

enum {
    HAK_INSTRUCTION_STEP = 1, /* where the next one may begin */
    HAK_LOAD_BYTES_LEAST = 3, /* of a load of 8 bytes */
    HAK_REX_WIDE = 0x48,
    HAK_ADD_TO_REGISTER = 0xc0, /* ModRM of add and sub of a number */
    HAK_SUB_OF_REGISTER = 0xe8,
    HAK_DIRECTION = 0x400, /* of rflags: string instructions go downwards */
};

/* Of decode/decode.h, which who includes this has included. */
#define HAK_DECODE_HERE(code, count, decoded) hak_decode(code, count, decoded)

/* ---- vectors --------------------------------------------------------------------------------- */

/* Of the vector that an instruction of AVX or AVX-512 takes; 0 for others and for 16 bytes. */
static inline uint32_t hak_wide_vector_bytes(const uint8_t *code) {
    unsigned length = code[0] == 0x62   ? code[3] >> 5 & 3 /* EVEX: L'L */
                      : code[0] == 0xc5 ? code[1] >> 2 & 1 /* VEX: L */
                      : code[0] == 0xc4 ? code[2] >> 2 & 1
                                        : 0;
    return length != 0 ? 16u << length : 0;
}

/* ---- repeated string instructions ------------------------------------------------------------ */

static inline bool hak_is_string_prefix(uint8_t byte) {
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    return memchr(prefixes, byte, sizeof prefixes) != NULL;
}

/* How many bytes an element of the repeated string instruction at `code` has that writes; 0 = it is
 * none. `is_narrow`: it counts with the lower halves of the registers. */
static inline unsigned hak_repeated_bytes(const uint8_t *code, uint32_t count, bool *is_narrow) {
    bool is_repeated = false, is_word = false, is_wide = false;
    uint32_t i = 0;
    *is_narrow = false;
    for (; i < count && hak_is_string_prefix(code[i]); i++) {
        is_repeated |= code[i] == 0xf2 || code[i] == 0xf3;
        is_word |= code[i] == 0x66;
        *is_narrow |= code[i] == 0x67;
    }
    if (i < count && (code[i] & 0xf0) == 0x40)
        is_wide = code[i++] & 8;
    if (i == count || !is_repeated)
        return 0;
    if (code[i] == 0xa4 || code[i] == 0xaa) /* movs, stos */
        return 1;
    return code[i] != 0xa5 && code[i] != 0xab ? 0 : is_wide ? 8 : is_word ? 2 : 4;
}

/* Whether the thread, which wrote `written` last, stands in the midst of such an instruction, with
 * more to write. */
static inline bool hak_is_in_repeat(const uint8_t *code, uint32_t count, const uint64_t *registers,
                                    uint64_t flags, uint64_t written) {
    bool is_narrow;
    unsigned bytes = hak_repeated_bytes(code, count, &is_narrow);
    uint64_t all = is_narrow ? UINT32_MAX : UINT64_MAX;
    uint64_t next = registers[HAK_RDI] & all;
    return bytes != 0 && (registers[HAK_RCX] & all) != 0 &&
           written - (flags & HAK_DIRECTION ? next + bytes : next - bytes) < bytes;
}

/* ---- sums of a register ---------------------------------------------------------------------- */

/* A prefix for 8 bytes, and for which half of the registers. */
static inline bool hak_is_rex(unsigned byte) {
    return (byte & 0xf8) == HAK_REX_WIDE;
}

static inline bool hak_is_register(uint8_t rex, uint8_t modrm, int reg) {
    return modrm >> 6 == 3 && hak_decode_register((modrm & 7u) | (rex & 1u) << 3) == reg;
}

static inline int32_t hak_number_at(const uint8_t *code, unsigned bytes) {
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)code[i] << 8 * i;
    return bytes == 1 ? (int8_t)value : (int32_t)value;
}

/* The instruction that ends at `end` adds a number of `bytes` bytes to `reg`, or takes it away. */
static inline bool hak_moves_by_number(const uint8_t *end, unsigned bytes, int reg, int64_t *by) {
    const uint8_t *code = end - bytes - 3;
    unsigned what = code[2] & 0xf8u;
    if (!hak_is_rex(code[0]) || code[1] != (bytes == 1 ? 0x83 : 0x81) ||
        (what != HAK_ADD_TO_REGISTER && what != HAK_SUB_OF_REGISTER) ||
        !hak_is_register(code[0], code[2], reg))
        return false;
    int64_t number = hak_number_at(code + 3, bytes);
    *by = what == HAK_ADD_TO_REGISTER ? number : -number;
    return true;
}

/* The same of rax, which has shorter forms. */
static inline bool hak_moves_rax_by_number(const uint8_t *end, int reg, int64_t *by) {
    const uint8_t *code = end - 6;
    if (reg != hak_decode_register(0) || code[0] != HAK_REX_WIDE ||
        (code[1] != 0x05 && code[1] != 0x2d))
        return false;
    int64_t number = hak_number_at(code + 2, 4);
    *by = code[1] == 0x05 ? number : -number;
    return true;
}

/* The values that `reg` may have had before the instruction that ends at `end` made `value` of it:
 * how many. */
static inline unsigned hak_before_it_moved(const uint64_t *registers, const uint8_t *end, int reg,
                                           uint64_t value, uint64_t pointers[2]) {
    const uint8_t *add = end - 3;
    int64_t by;
    if (hak_moves_by_number(end, 1, reg, &by) || hak_moves_by_number(end, 4, reg, &by) ||
        hak_moves_rax_by_number(end, reg, &by)) {
        pointers[0] = value - (uint64_t)by;
        return 1;
    }
    if (!hak_is_rex(add[0]) || add[1] != 0x01 || !hak_is_register(add[0], add[2], reg))
        return 0;
    int other = hak_decode_register((add[2] >> 3 & 7u) | (add[0] & 4u) << 1);
    pointers[0] = registers[other];
    pointers[1] = value - pointers[0];
    return 2;
}

#endif

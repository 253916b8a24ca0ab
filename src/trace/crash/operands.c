/* Finds the registers that an instruction of x86-64 takes an address from (Intel's Software
 * Developer's Manual, volume 2, chapter 2): prefixes, opcode, ModRM, SIB. An instruction's effect
 * is not looked at. */
#include "trace/crash/operands.h"

/* By the processor's numbers, low bits of ModRM and SIB with a bit of REX. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

int hak_operands_dwarf(unsigned number) {
    static const uint8_t dwarf[] = {
        [RAX] = 0, [RCX] = 2, [RDX] = 1, [RBX] = 3, [RSP] = 7, [RBP] = 6, [RSI] = 4, [RDI] = 5};
    return number < 8 ? dwarf[number] : (int)number;
}

static uint32_t bit_of(unsigned number) {
    return 1u << hak_operands_dwarf(number);
}

enum map { ONE_BYTE, TWO_BYTES, LATER };

struct reader {
    const uint8_t *at, *end;
    unsigned base_high, index_high, reg_high; /* 8: the upper half of the registers */
    bool is_wide;                             /* operands of 8 bytes */
    enum map map;
    bool has_map; /* a VEX or EVEX prefix told it */
};

/* 0 behind the end: nothing that is looked for. */
static unsigned next(struct reader *reader) {
    return reader->at < reader->end ? *reader->at++ : 0;
}

static bool is_legacy_prefix(unsigned byte) {
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 ||
           (byte & 0xe7) == 0x26 || byte == 0x64 || byte == 0x65;
}

/* Bits 6 and 5 of VEX's and EVEX's first byte are X and B, turned over; C5 has none of them. */
static void read_vex(struct reader *reader, unsigned prefix) {
    unsigned payload = next(reader);
    reader->has_map = true;
    reader->map = TWO_BYTES;
    if (prefix == 0xc5)
        return;
    reader->index_high = payload & 0x40 ? 0 : 8;
    reader->base_high = payload & 0x20 ? 0 : 8;
    reader->map = (payload & 7) == 1 ? TWO_BYTES : LATER;
    (void)next(reader);
    if (prefix == 0x62)
        (void)next(reader);
}

/* Returns the opcode. */
static unsigned read_prefixes(struct reader *reader) {
    unsigned byte = next(reader);
    while (is_legacy_prefix(byte))
        byte = next(reader);
    if ((byte & 0xf0) == 0x40) {
        reader->base_high = byte & 1 ? 8 : 0;
        reader->index_high = byte & 2 ? 8 : 0;
        reader->reg_high = byte & 4 ? 8 : 0;
        reader->is_wide = (byte & 8) != 0;
        byte = next(reader);
    }
    if (byte == 0xc5 || byte == 0xc4 || byte == 0x62) {
        read_vex(reader, byte);
        return next(reader);
    }
    if (byte != 0x0f)
        return byte;
    byte = next(reader);
    reader->map = TWO_BYTES;
    if (byte != 0x38 && byte != 0x3a)
        return byte;
    reader->map = LATER;
    return next(reader);
}

static bool has_modrm(enum map map, unsigned opcode) {
    if (map == LATER)
        return true;
    if (map == TWO_BYTES)
        return (opcode & 0xf0) != 0x80 && (opcode & 0xf8) != 0xc8 && (opcode & 0xf0) != 0x30 &&
               opcode > 0x03 && (opcode < 0x05 || opcode > 0x0c) && opcode != 0x0e &&
               opcode != 0x77 && (opcode & 0xf6) != 0xa0 && opcode != 0xaa;
    if (opcode < 0x40)
        return (opcode & 7) < 4;
    return opcode == 0x63 || opcode == 0x69 || opcode == 0x6b || (opcode & 0xf0) == 0x80 ||
           (opcode & 0xfe) == 0xc0 || (opcode & 0xfe) == 0xc6 || (opcode & 0xfc) == 0xd0 ||
           (opcode & 0xf8) == 0xd8 || (opcode & 0xf6) == 0xf6;
}

/* String instructions, and the table lookup; they have no ModRM. */
static uint32_t fixed_operands(unsigned opcode) {
    switch (opcode & 0xfe) {
    case 0xa4: /* movs, cmps */
    case 0xa6:
        return bit_of(RSI) | bit_of(RDI);
    case 0xac: /* lods */
        return bit_of(RSI);
    case 0xaa: /* stos, scas */
    case 0xae:
        return bit_of(RDI);
    default:
        return opcode == 0xd7 ? bit_of(RBX) | bit_of(RAX) : 0;
    }
}

static int32_t read_displacement(struct reader *reader, unsigned mod, bool has_base) {
    unsigned bytes = mod == 1 ? 1 : mod == 2 || !has_base ? 4 : 0;
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= next(reader) << 8 * i;
    return bytes == 1 ? (int8_t)value : (int32_t)value;
}

static void read_memory(struct reader *reader, unsigned mod, unsigned rm,
                        struct hak_operands *found) {
    unsigned base = rm;
    if (rm == RSP) {
        unsigned sib = next(reader), index = (sib >> 3 & 7) | reader->index_high;
        base = sib & 7;
        found->scale = 1u << (sib >> 6);
        if (index != RSP)
            found->index = hak_operands_dwarf(index);
    }
    bool has_base = mod != 0 || base != RBP; /* else a displacement alone, or rip's */
    if (has_base)
        found->base = hak_operands_dwarf(base | reader->base_high);
    found->displacement = read_displacement(reader, mod, has_base);
}

/* Group 5 has the jumps and calls through a register or memory. */
static void read_modrm(struct reader *reader, bool is_group_5, struct hak_operands *found) {
    unsigned modrm = next(reader), mod = modrm >> 6, rm = modrm & 7, what = modrm >> 3 & 7;
    bool jumps = is_group_5 && (what == 2 || what == 4);
    if (mod != 3)
        read_memory(reader, mod, rm, found);
    else if (jumps)
        found->base = hak_operands_dwarf(rm | reader->base_high);
    found->jumps_by_memory = jumps && mod != 3 && (found->base >= 0 || found->index >= 0);
    if (found->base >= 0)
        found->registers |= 1u << found->base;
    if (found->index >= 0)
        found->registers |= 1u << found->index;
}

bool hak_operands_of(const uint8_t *code, size_t bytes, struct hak_operands *operands) {
    struct reader reader = {.at = code, .end = code + bytes};
    unsigned opcode = read_prefixes(&reader);
    *operands = (struct hak_operands){.base = -1, .index = -1, .scale = 1, .loaded = -1};
    if (reader.map == ONE_BYTE && !reader.has_map && reader.is_wide && opcode == 0x8b &&
        reader.at < reader.end && *reader.at >> 6 != 3)
        operands->loaded = hak_operands_dwarf((*reader.at >> 3 & 7) | reader.reg_high);
    if (has_modrm(reader.map, opcode))
        read_modrm(&reader, reader.map == ONE_BYTE && opcode == 0xff, operands);
    else if (reader.map == ONE_BYTE && !reader.has_map)
        operands->registers = fixed_operands(opcode);
    operands->length = (unsigned)(reader.at - code);
    return operands->registers != 0;
}

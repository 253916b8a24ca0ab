/* Checks the decoder of AArch64: instructions as an assembler writes them, compared with what they
 * do. The words are those of llvm-mc 14; tests/long/decode_aarch64.sh assembles them again. */
#include <string.h>
#include "decode/decode.h"
#include "unit/suite.h"

enum { NOTHING, READS, WRITES, BOTH, TAGS = 1, UNKNOWN = 2, NONE = -1, BLOCK_BYTES = 64 };

/* Registers and the place of the instruction. */
#define PC   UINT64_C(0x400000)
#define X4   UINT64_C(0x12345678fffffffe) /* whose lower half is -2 */
#define X(n) ((n) == 4 ? X4 : (n) == 3 ? UINT64_C(0x30018) : UINT64_C(0x10000) * (n))

/* The first operand. `moved_to`: its base afterwards, 0 = it does not move. */
struct due {
    const char *text;
    uint32_t word;
    unsigned does, bytes, known;
    uint64_t address, moved_to;
    int loaded, loaded_second;
    uint32_t changed;
};

static const struct due dues[] = {
    {"ldr x0, [x1]", 0xf9400020, READS, 8, 0, X(1), 0, 0, -1, 1u << 0},
    {"ldr w0, [x1, #4]", 0xb9400420, READS, 4, 0, X(1) + 4, 0, 0, -1, 1u << 0},
    {"ldrb w0, [x1, #4095]", 0x397ffc20, READS, 1, 0, X(1) + 4095, 0, 0, -1, 1u << 0},
    {"ldrsh x3, [sp, #2]", 0x798007e3, READS, 2, 0, X(31) + 2, 0, 3, -1, 1u << 3},
    {"ldrsw x3, [x2, #16380]", 0xb9bffc43, READS, 4, 0, X(2) + 16380, 0, 3, -1, 1u << 3},
    {"str x0, [x1, #32760]", 0xf93ffc20, WRITES, 8, 0, X(1) + 32760, 0, -1, -1, 0},
    {"strh wzr, [x1, #2]", 0x7900043f, WRITES, 2, 0, X(1) + 2, 0, -1, -1, 0},
    {"ldr xzr, [x1]", 0xf940003f, READS, 8, 0, X(1), 0, -1, -1, 0},
    {"ldur x0, [x1, #-256]", 0xf8500020, READS, 8, 0, X(1) - 256, 0, 0, -1, 1u << 0},
    {"stur w0, [x1, #255]", 0xb80ff020, WRITES, 4, 0, X(1) + 255, 0, -1, -1, 0},
    {"ldtr x0, [x1, #-8]", 0xf85f8820, READS, 8, 0, X(1) - 8, 0, 0, -1, 1u << 0},
    {"sttrb w0, [x1, #1]", 0x38001820, WRITES, 1, 0, X(1) + 1, 0, -1, -1, 0},
    {"ldr x0, [x1], #8", 0xf8408420, READS, 8, 0, X(1), X(1) + 8, 0, -1, 1u << 0 | 1u << 1},
    {"ldrb w0, [x1], #-1", 0x385ff420, READS, 1, 0, X(1), X(1) - 1, 0, -1, 1u << 0 | 1u << 1},
    {"str x0, [sp, #-16]!", 0xf81f0fe0, WRITES, 8, 0, X(31) - 16, X(31) - 16, -1, -1, 1u << 31},
    {"ldrsb w0, [x1, #1]!", 0x38c01c20, READS, 1, 0, X(1) + 1, X(1) + 1, 0, -1, 1u << 0 | 1u << 1},
    {"ldr x0, [x1, x2]", 0xf8626820, READS, 8, 0, X(1) + X(2), 0, 0, -1, 1u << 0},
    {"ldr x0, [x1, x2, lsl #3]", 0xf8627820, READS, 8, 0, X(1) + 8 * X(2), 0, 0, -1, 1u << 0},
    {"ldr w0, [x1, w4, sxtw #2]", 0xb864d820, READS, 4, 0, X(1) - 8, 0, 0, -1, 1u << 0},
    {"strh w0, [x1, w4, uxtw]", 0x78244820, WRITES, 2, 0, X(1) + 0xfffffffe, 0, -1, -1, 0},
    {"ldrb w0, [x1, x4, sxtx]", 0x3864e820, READS, 1, 0, X(1) + X4, 0, 0, -1, 1u << 0},
    {"str q0, [x1, x2, lsl #4]", 0x3ca27820, WRITES, 16, 0, X(1) + 16 * X(2), 0, -1, -1, 0},
    {"ldr x0, #-4", 0x58ffffe0, READS, 8, 0, PC - 4, 0, 0, -1, 1u << 0},
    {"ldrsw x0, #1048572", 0x987fffe0, READS, 4, 0, PC + 1048572, 0, 0, -1, 1u << 0},
    {"ldr q1, #32", 0x9c000101, READS, 16, 0, PC + 32, 0, -1, -1, 0},
    {"ldr s1, [x1, #4]", 0xbd400421, READS, 4, 0, X(1) + 4, 0, -1, -1, 0},
    {"ldr q1, [x1, #65520]", 0x3dfffc21, READS, 16, 0, X(1) + 65520, 0, -1, -1, 0},
    {"str b1, [x1], #3", 0x3c003421, WRITES, 1, 0, X(1), X(1) + 3, -1, -1, 1u << 1},
    {"stur q1, [x1, #-1]", 0x3c9ff021, WRITES, 16, 0, X(1) - 1, 0, -1, -1, 0},
    {"ldp x29, x30, [sp], #32", 0xa8c27bfd, READS, 16, 0, X(31), X(31) + 32, 29, 30,
     1u << 29 | 1u << 30 | 1u << 31},
    {"stp x29, x30, [sp, #-512]!", 0xa9a07bfd, WRITES, 16, 0, X(31) - 512, X(31) - 512, -1, -1,
     1u << 31},
    {"ldp w0, w2, [x1, #252]", 0x295f8820, READS, 8, 0, X(1) + 252, 0, 0, 2, 1u << 0 | 1u << 2},
    {"ldpsw x0, x2, [x1, #-4]", 0x697f8820, READS, 8, 0, X(1) - 4, 0, 0, 2, 1u << 0 | 1u << 2},
    {"ldnp x0, x2, [x1, #8]", 0xa8408820, READS, 16, 0, X(1) + 8, 0, 0, 2, 1u << 0 | 1u << 2},
    {"stnp q0, q2, [x1, #-1024]", 0xac200820, WRITES, 32, 0, X(1) - 1024, 0, -1, -1, 0},
    {"stp d8, d9, [x1, #16]", 0x6d012428, WRITES, 16, 0, X(1) + 16, 0, -1, -1, 0},
    {"ldp s8, s9, [x1], #8", 0x2cc12428, READS, 8, 0, X(1), X(1) + 8, -1, -1, 1u << 1},
    {"ldxr x0, [x1]", 0xc85f7c20, READS, 8, 0, X(1), 0, 0, -1, 1u << 0},
    {"ldaxrb w0, [x1]", 0x085ffc20, READS, 1, 0, X(1), 0, 0, -1, 1u << 0},
    {"stxr w3, x0, [x1]", 0xc8037c20, WRITES, 8, 0, X(1), 0, -1, -1, 1u << 3},
    {"stlxrh w3, w0, [x1]", 0x4803fc20, WRITES, 2, 0, X(1), 0, -1, -1, 1u << 3},
    {"ldxp x0, x2, [x1]", 0xc87f0820, READS, 16, 0, X(1), 0, 0, 2, 1u << 0 | 1u << 2},
    {"ldaxp w0, w2, [x1]", 0x887f8820, READS, 8, 0, X(1), 0, 0, 2, 1u << 0 | 1u << 2},
    {"stxp w3, x0, x2, [x1]", 0xc8230820, WRITES, 16, 0, X(1), 0, -1, -1, 1u << 3},
    {"stlxp w3, w0, w2, [x1]", 0x88238820, WRITES, 8, 0, X(1), 0, -1, -1, 1u << 3},
    {"ldar w0, [x1]", 0x88dffc20, READS, 4, 0, X(1), 0, 0, -1, 1u << 0},
    {"stlr x0, [x1]", 0xc89ffc20, WRITES, 8, 0, X(1), 0, -1, -1, 0},
    {"ldlarb w0, [x1]", 0x08df7c20, READS, 1, 0, X(1), 0, 0, -1, 1u << 0},
    {"stllr w0, [x1]", 0x889f7c20, WRITES, 4, 0, X(1), 0, -1, -1, 0},
    {"ldapr x0, [x1]", 0xf8bfc020, READS, 8, 0, X(1), 0, 0, -1, 1u << 0},
    {"ldapurb w0, [x1, #-3]", 0x195fd020, READS, 1, 0, X(1) - 3, 0, 0, -1, 1u << 0},
    {"ldapursw x0, [x1, #4]", 0x99804020, READS, 4, 0, X(1) + 4, 0, 0, -1, 1u << 0},
    {"stlur x0, [x1, #255]", 0xd90ff020, WRITES, 8, 0, X(1) + 255, 0, -1, -1, 0},
    {"cas x0, x2, [x1]", 0xc8a07c22, BOTH, 8, 0, X(1), 0, 0, -1, 1u << 0},
    {"casalb w0, w2, [x1]", 0x08e0fc22, BOTH, 1, 0, X(1), 0, 0, -1, 1u << 0},
    {"casp x2, x3, x6, x7, [x1]", 0x48227c26, BOTH, 16, 0, X(1), 0, 2, 3, 1u << 2 | 1u << 3},
    {"caspal w2, w3, w6, w7, [x1]", 0x0862fc26, BOTH, 8, 0, X(1), 0, 2, 3, 1u << 2 | 1u << 3},
    {"swp x0, x2, [x1]", 0xf8208022, BOTH, 8, 0, X(1), 0, 2, -1, 1u << 2},
    {"ldadd w0, w2, [x1]", 0xb8200022, BOTH, 4, 0, X(1), 0, 2, -1, 1u << 2},
    {"ldumaxalh w0, w2, [x1]", 0x78e06022, BOTH, 2, 0, X(1), 0, 2, -1, 1u << 2},
    {"stset x0, [x1]", 0xf820303f, BOTH, 8, 0, X(1), 0, -1, -1, 0},
    {"ldclrb w0, w2, [sp]", 0x382013e2, BOTH, 1, 0, X(31), 0, 2, -1, 1u << 2},
    {"ld64b x0, [x1]", 0xf83fd020, READS, 64, 0, X(1), 0, 0, -1, 0xff},
    {"st64b x0, [x1]", 0xf83f9020, WRITES, 64, 0, X(1), 0, -1, -1, 0},
    {"st64bv x9, x0, [x1]", 0xf829b020, WRITES, 64, 0, X(1), 0, -1, -1, 1u << 9},
    {"ld1 {v0.16b}, [x1]", 0x4c407020, READS, 16, 0, X(1), 0, -1, -1, 0},
    {"ld1 {v0.8b, v1.8b, v2.8b}, [x1]", 0x0c406020, READS, 24, 0, X(1), 0, -1, -1, 0},
    {"st1 {v0.2d, v1.2d, v2.2d, v3.2d}, [x1], #64", 0x4c9f2c20, WRITES, 64, 0, X(1), X(1) + 64, -1,
     -1, 1u << 1},
    {"ld2 {v0.4s, v1.4s}, [x1], x2", 0x4cc28820, READS, 32, 0, X(1), X(1) + X(2), -1, -1, 1u << 1},
    {"ld3 {v0.4h, v1.4h, v2.4h}, [x1]", 0x0c404420, READS, 24, 0, X(1), 0, -1, -1, 0},
    {"st4 {v0.16b, v1.16b, v2.16b, v3.16b}, [sp]", 0x4c0003e0, WRITES, 64, 0, X(31), 0, -1, -1, 0},
    {"ld1 {v0.b}[15], [x1]", 0x4d401c20, READS, 1, 0, X(1), 0, -1, -1, 0},
    {"st1 {v0.d}[1], [x1], #8", 0x4d9f8420, WRITES, 8, 0, X(1), X(1) + 8, -1, -1, 1u << 1},
    {"ld2 {v0.h, v1.h}[7], [x1]", 0x4d605820, READS, 4, 0, X(1), 0, -1, -1, 0},
    {"st3 {v0.s, v1.s, v2.s}[3], [x1], #12", 0x4d9fb020, WRITES, 12, 0, X(1), X(1) + 12, -1, -1,
     1u << 1},
    {"ld4 {v0.d, v1.d, v2.d, v3.d}[0], [x1], x2", 0x0de2a420, READS, 32, 0, X(1), X(1) + X(2), -1,
     -1, 1u << 1},
    {"ld1r {v0.16b}, [x1]", 0x4d40c020, READS, 1, 0, X(1), 0, -1, -1, 0},
    {"ld3r {v0.2d, v1.2d, v2.2d}, [x1], #24", 0x4ddfec20, READS, 24, 0, X(1), X(1) + 24, -1, -1,
     1u << 1},
    {"prfm pldl1keep, [x1, #8]", 0xf9800420, NOTHING, 0, 0, X(1) + 8, 0, -1, -1, 0},
    {"prfm pstl2strm, [x1, x2, lsl #3]", 0xf8a27833, NOTHING, 0, 0, X(1) + 8 * X(2), 0, -1, -1, 0},
    {"prfum pldl1keep, [x1, #-1]", 0xf89ff020, NOTHING, 0, 0, X(1) - 1, 0, -1, -1, 0},
    {"prfm pldl1keep, #8", 0xd8000040, NOTHING, 0, 0, PC + 8, 0, -1, -1, 0},
    {"dc zva, x1", 0xd50b7421, WRITES, 64, 0, X(1), 0, -1, -1, 0},
    {"dc zva, x3", 0xd50b7423, WRITES, 64, 0, X(3) / 64 * 64, 0, -1, -1, 0},
    {"dc gva, x1", 0xd50b7461, WRITES, 64, TAGS, X(1), 0, -1, -1, 0},
    {"dc gzva, x1", 0xd50b7481, WRITES, 64, 0, X(1), 0, -1, -1, 0},
    {"dc cvac, x1", 0xd50b7a21, NOTHING, 0, 0, X(1), 0, -1, -1, 0},
    {"dc cvau, x1", 0xd50b7b21, NOTHING, 0, 0, X(1), 0, -1, -1, 0},
    {"dc civac, x1", 0xd50b7e21, NOTHING, 0, 0, X(1), 0, -1, -1, 0},
    {"ic ivau, x1", 0xd50b7521, NOTHING, 0, 0, X(1), 0, -1, -1, 0},
    {"stg x0, [x1, #-4096]", 0xd9300820, WRITES, 16, TAGS, X(1) - 4096, 0, -1, -1, 0},
    {"stg sp, [x1], #16", 0xd920143f, WRITES, 16, TAGS, X(1), X(1) + 16, -1, -1, 1u << 1},
    {"stzg x0, [x1, #16]!", 0xd9601c20, WRITES, 16, 0, X(1) + 16, X(1) + 16, -1, -1, 1u << 1},
    {"st2g x0, [x1]", 0xd9a00820, WRITES, 32, TAGS, X(1), 0, -1, -1, 0},
    {"stz2g x0, [x1], #32", 0xd9e02420, WRITES, 32, 0, X(1), X(1) + 32, -1, -1, 1u << 1},
    {"ldg x0, [x3, #16]", 0xd9601060, READS, 16, TAGS, X(3) / 16 * 16 + 16, 0, -1, -1, 1u << 0},
    {"stgp x0, x2, [x1, #-1024]", 0x69200820, WRITES, 16, 0, X(1) - 1024, 0, -1, -1, 0},
    {"stgp x0, x2, [x1], #32", 0x68810820, WRITES, 16, 0, X(1), X(1) + 32, -1, -1, 1u << 1},
    {"ldraa x0, [x1, #-8]", 0xf87ff420, READS, 8, UNKNOWN, 0, 0, 0, -1, 1u << 0},
    {"ldrab x0, [x1, #4088]!", 0xf8bffc20, READS, 8, UNKNOWN, 0, 0, 0, -1, 1u << 0 | 1u << 1},
    {"ldgm x0, [x1]", 0xd9e00020, READS, 16, UNKNOWN | TAGS, 0, 0, -1, -1, 1u << 0},
    {"cpyfp [x0]!, [x1]!, x2!", 0x19010440, WRITES, 2048, UNKNOWN, 0, 0, -1, -1,
     1u << 0 | 1u << 1 | 1u << 2},
    {"setm [x0]!, x2!, x3", 0x19c34440, WRITES, 2048, UNKNOWN, 0, 0, -1, -1, 1u << 0 | 1u << 2},
    {"ld1b {z0.b}, p0/z, [x1]", 0xa400a020, READS, 2048, UNKNOWN, 0, 0, -1, -1, 0},
    {"st1d {z0.d}, p0, [x1, x2, lsl #3]", 0xe5e24020, WRITES, 2048, UNKNOWN, 0, 0, -1, -1, 0},
    {"ldr z0, [x1]", 0x85804020, READS, 2048, UNKNOWN, 0, 0, -1, -1, 0},
    {"ld1b {za0h.b[w12, 0]}, p0/z, [x1]", 0xe01f0020, BOTH, 2048, UNKNOWN, 0, 0, -1, -1, 0},
};

static bool decode(uint32_t word, unsigned block_bytes, struct hak_decoded *found) {
    const uint8_t code[] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
                            (uint8_t)(word >> 24)};
    return hak_decode_aarch64(code, sizeof code, block_bytes, found);
}

static void fill(uint64_t registers[HAK_DECODE_AARCH64_REGISTERS]) {
    for (unsigned i = 0; i < HAK_DECODE_AARCH64_REGISTERS; i++)
        registers[i] = X(i);
}

TEST(what_it_does, .until = sizeof dues / sizeof *dues) {
    const struct due *due = &dues[_i];
    struct hak_decoded found;
    const struct hak_operand *operand = found.operands;
    uint64_t registers[HAK_DECODE_AARCH64_REGISTERS];
    fill(registers);
    ck_assert_msg(decode(due->word, BLOCK_BYTES, &found) && found.count >= 1, "%s", due->text);
    ck_assert_msg(found.length == 4 && !found.is_jump && found.source == NONE, "%s", due->text);
    ck_assert_msg((operand->reads | operand->writes << 1) == (int)due->does, "%s", due->text);
    ck_assert_msg(operand->bytes == due->bytes, "%s: %u", due->text, operand->bytes);
    ck_assert_msg(operand->is_tags == ((due->known & TAGS) != 0), "%s", due->text);
    ck_assert_msg(operand->is_unknown == ((due->known & UNKNOWN) != 0), "%s", due->text);
    ck_assert_msg(found.loaded == due->loaded && found.loaded_second == due->loaded_second,
                  "%s: %d, %d", due->text, found.loaded, found.loaded_second);
    ck_assert_msg(found.changed == due->changed, "%s: %x", due->text, found.changed);
    if (operand->is_unknown)
        return;
    ck_assert_msg(operand->is_exact, "%s", due->text);
    uint64_t address = hak_operand_address(operand, registers, PC + 4);
    ck_assert_msg(address == due->address, "%s: %llx", due->text, (unsigned long long)address);
    uint64_t base = operand->base < 0 ? 0 : registers[operand->base];
    ck_assert_msg(hak_operand_moved_base(operand, registers) ==
                      (due->moved_to ? due->moved_to : base),
                  "%s", due->text);
}

/* Instructions with two operands: the second. */
TEST(what_is_copied) {
    struct hak_decoded found;
    ck_assert(decode(0x19010440, 0, &found)); /* cpyfp [x0]!, [x1]!, x2! */
    ck_assert(found.count == 2 && found.operands[1].reads && found.operands[1].is_unknown);
    ck_assert(found.operands[0].base == 0 && found.operands[1].base == 1);
}

/* Nobody says how much DC ZVA clears but the processor that ran it. */
TEST(blocks_of_unknown_size) {
    struct hak_decoded found;
    ck_assert(decode(0xd50b7421, 0, &found) && found.count == 1);
    ck_assert(found.operands->writes && found.operands->is_unknown && !found.operands->is_exact);
    ck_assert_uint_eq(found.operands->bytes, 2048);
}

/* Jumps, and what touches no memory. */
TEST(no_memory) {
    static const struct {
        const char *text;
        uint32_t word;
        bool is_jump;
        int source;
        uint32_t changed;
    } rows[] = {
        {"b #8", 0x14000002, true, NONE, 0},
        {"bl #8", 0x94000002, true, NONE, 1u << 30},
        {"b.eq #8", 0x54000040, true, NONE, 0},
        {"cbz x0, #8", 0xb4000040, true, NONE, 0},
        {"tbnz w0, #3, #8", 0x37180040, true, NONE, 0},
        {"br x5", 0xd61f00a0, true, 5, 0},
        {"blr x6", 0xd63f00c0, true, 6, 1u << 30},
        {"ret", 0xd65f03c0, true, 30, 0},
        {"retaa", 0xd65f0bff, true, 30, 0},
        {"blraaz x3", 0xd63f087f, true, 3, 1u << 30},
        {"add x0, x1, x2", 0x8b020020, false, NONE, 1u << 0},
        {"add sp, sp, #16", 0x910043ff, false, NONE, 1u << 31},
        {"mrs x3, tpidr_el0", 0xd53bd043, false, NONE, 1u << 3},
        {"fmov x0, d0", 0x9e660000, false, NONE, 1u << 0},
    };
    struct hak_decoded found;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(decode(rows[i].word, 0, &found) && found.count == 0, "%s", rows[i].text);
        ck_assert_msg(found.is_jump == rows[i].is_jump && found.source == rows[i].source, "%s: %d",
                      rows[i].text, found.source);
        ck_assert_msg(found.changed == rows[i].changed, "%s: %x", rows[i].text, found.changed);
    }
}

TEST(no_instructions) {
    static const uint32_t words[] = {
        0x00000000,               /* udf */
        0x02000000,               /* reserved */
        0x3ce80800,               /* a vector, unprivileged */
        0xf9c00000,               /* of 8 bytes with a sign */
        0xf8800c00,               /* a prefetch that moves its base */
        0xa9400000 | 0x40000000,  /* a pair of no size */
        0x69000000 & ~0x01000000, /* stgp past the caches */
        0x08217c00,               /* casp of an odd register */
        0xf83fd001,               /* ld64b, likewise */
        0x0c403000,               /* ld1 of no number of registers */
        0x0c400c00 | 0x8000,      /* ld2 of single elements of 8 bytes */
        0x0d40c000 | 0x1000,      /* ld1r with a bit that is 0 */
        0x0d00c000,               /* st1r */
        0xf8610000 | 0x0800,      /* an index of no part */
        0x1901045f,               /* cpyfp to register 31 */
    };
    struct hak_decoded found;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_msg(!decode(words[i], 0, &found) && found.count == 0 && found.length == 0, "%08x",
                      words[i]);
    for (size_t count = 0; count < 4; count++)
        ck_assert(!hak_decode_aarch64((const uint8_t *)"\x20\x04\x40\xf9", count, 0, &found));
}

/* Any words: no operand has registers that do not exist, none is wider than a block. */
TEST(any_words) {
    uint64_t random = 7;
    for (int i = 0; i < 2000000; i++) {
        struct hak_decoded found;
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t word = (uint32_t)(random >> 32);
        if (i % 4)
            word = (word & ~0x0a000000u) | 0x08000000;
        if (!decode(word, 0, &found))
            continue;
        ck_assert(found.length == 4 && found.count <= HAK_DECODE_OPERANDS);
        ck_assert(found.loaded < 31 && found.loaded_second < 31 && found.source < 31);
        for (unsigned k = 0; k < found.count; k++) {
            const struct hak_operand *operand = &found.operands[k];
            ck_assert(operand->base < 32 && operand->index < 31 && operand->moved_by < 31);
            ck_assert(operand->bytes <= 2048 && operand->scale <= 16);
            ck_assert(operand->bytes > 0 || !(operand->reads || operand->writes));
            ck_assert(!(operand->is_exact && operand->is_unknown) || operand->bytes <= 16);
        }
    }
}

RUN_TESTS()

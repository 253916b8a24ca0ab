/* Checks decode.c on instructions: each as an assembler writes it, compared with what it does. */
#include <string.h>
#include "unit/suite.h"
#include "watch/decode.h"

enum { RAX = 0, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, NONE = -1 };
enum { NOTHING, READS, WRITES, BOTH };

/* A vector, or what is taken for one, is whole where its width is exact. */
struct due {
    const char *text;
    uint8_t code[16];
    unsigned length, does, bytes;
    bool is_scalar, is_whole;
    int base, index, scale, displacement, loaded;
};

static const struct due dues[] = {
    {"mov eax, [rax]", {0x8b, 0x00}, 2, READS, 4, true, true, RAX, NONE, 1, 0, RAX},
    {"mov rax, [rax]", {0x48, 0x8b, 0x00}, 3, READS, 8, true, true, RAX, NONE, 1, 0, RAX},
    {"mov ax, [rax]", {0x66, 0x8b, 0x00}, 3, READS, 2, true, true, RAX, NONE, 1, 0, RAX},
    {"mov dl, [rbx+rcx*4-8]",
     {0x8a, 0x54, 0x8b, 0xf8},
     4,
     READS,
     1,
     true,
     true,
     RBX,
     RCX,
     4,
     -8,
     RDX},
    {"mov ah, [rdi]", {0x8a, 0x27}, 2, READS, 1, true, true, RDI, NONE, 1, 0, NONE},
    {"movzx eax, byte [rax]", {0x0f, 0xb6, 0x00}, 3, READS, 1, true, true, RAX, NONE, 1, 0, RAX},
    {"movsx rcx, word [r8+0x100]",
     {0x49, 0x0f, 0xbf, 0x88, 0, 1, 0, 0},
     8,
     READS,
     2,
     true,
     true,
     R8,
     NONE,
     1,
     256,
     RCX},
    {"movsxd rdx, dword [rsi]", {0x48, 0x63, 0x16}, 3, READS, 4, true, true, RSI, NONE, 1, 0, RDX},
    {"cmp byte [rdi], 0x2f", {0x80, 0x3f, 0x2f}, 3, READS, 1, true, true, RDI, NONE, 1, 0, NONE},
    {"add rax, [rsi]", {0x48, 0x03, 0x06}, 3, READS, 8, true, true, RSI, NONE, 1, 0, NONE},
    {"add [rsi], eax", {0x01, 0x06}, 2, BOTH, 4, true, true, RSI, NONE, 1, 0, NONE},
    {"test dword [rdi], 1",
     {0xf7, 0x07, 1, 0, 0, 0},
     6,
     READS,
     4,
     true,
     true,
     RDI,
     NONE,
     1,
     0,
     NONE},
    {"mov [rdi], al", {0x88, 0x07}, 2, WRITES, 1, true, true, RDI, NONE, 1, 0, NONE},
    {"movsd xmm0, [rax]", {0xf2, 0x0f, 0x10, 0x00}, 4, READS, 8, true, true, RAX, NONE, 1, 0, NONE},
    {"movss xmm0, [rax]", {0xf3, 0x0f, 0x10, 0x00}, 4, READS, 4, true, true, RAX, NONE, 1, 0, NONE},
    {"movups xmm0, [rax]", {0x0f, 0x10, 0x00}, 3, READS, 16, false, true, RAX, NONE, 1, 0, NONE},
    {"movdqu xmm0, [rsi+rdx-16]",
     {0xf3, 0x0f, 0x6f, 0x44, 0x16, 0xf0},
     6,
     READS,
     16,
     false,
     true,
     RSI,
     RDX,
     1,
     -16,
     NONE},
    {"movq xmm0, [rsi]", {0xf3, 0x0f, 0x7e, 0x06}, 4, READS, 8, true, true, RSI, NONE, 1, 0, NONE},
    {"pcmpeqb xmm0, [rdi]",
     {0x66, 0x0f, 0x74, 0x07},
     4,
     READS,
     64,
     false,
     false,
     RDI,
     NONE,
     1,
     0,
     NONE},
    {"vmovdqu ymm0, [rsi]",
     {0xc5, 0xfe, 0x6f, 0x06},
     4,
     READS,
     32,
     false,
     true,
     RSI,
     NONE,
     1,
     0,
     NONE},
    {"vmovdqu64 zmm16, [rsi+0x40]",
     {0x62, 0xe1, 0xfe, 0x48, 0x6f, 0x46, 0x01},
     7,
     READS,
     64,
     false,
     true,
     RSI,
     NONE,
     1,
     64,
     NONE},
    {"vmovsd xmm1, [rax]",
     {0xc5, 0xfb, 0x10, 0x08},
     4,
     READS,
     8,
     true,
     true,
     RAX,
     NONE,
     1,
     0,
     NONE},
    {"vpcmpeqb ymm1, ymm0, [rdi]",
     {0xc5, 0xfd, 0x74, 0x0f},
     4,
     READS,
     64,
     false,
     false,
     RDI,
     NONE,
     1,
     0,
     NONE},
    {"fld tbyte [rdi]", {0xdb, 0x2f}, 2, READS, 10, false, true, RDI, NONE, 1, 0, NONE},
    {"fld qword [rdi]", {0xdd, 0x07}, 2, READS, 8, true, true, RDI, NONE, 1, 0, NONE},
    {"lea rax, [rdi+8]",
     {0x48, 0x8d, 0x47, 0x08},
     4,
     NOTHING,
     0,
     false,
     false,
     RDI,
     NONE,
     1,
     8,
     NONE},
    {"nop dword [rax+rax]",
     {0x0f, 0x1f, 0x44, 0x00, 0x00},
     5,
     NOTHING,
     0,
     false,
     false,
     RAX,
     RAX,
     1,
     0,
     NONE},
    {"prefetcht0 [rsi]", {0x0f, 0x18, 0x0e}, 3, NOTHING, 0, false, false, RSI, NONE, 1, 0, NONE},
    {"call [rax]", {0xff, 0x10}, 2, NOTHING, 0, false, false, RAX, NONE, 1, 0, NONE},
    {"jmp rel32", {0xe9, 1, 2, 3, 4}, 5, NOTHING, 0, false, false, NONE, NONE, 1, 0, NONE},
    {"je rel8", {0x74, 0x07}, 2, NOTHING, 0, false, false, NONE, NONE, 1, 0, NONE},
    {"mov rax, imm64",
     {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8},
     10,
     NOTHING,
     0,
     false,
     false,
     NONE,
     NONE,
     1,
     0,
     NONE},
    {"mov edx, edx", {0x89, 0xd2}, 2, NOTHING, 0, false, false, NONE, NONE, 1, 0, NONE},
    {"lodsb", {0xac}, 1, READS, 1, true, true, RSI, NONE, 1, 0, NONE},
    {"cmpsq", {0x48, 0xa7}, 2, READS, 8, true, true, RSI, RDI, 1, 0, NONE},
    {"ud2", {0x0f, 0x0b}, 2, NOTHING, 0, false, false, NONE, NONE, 1, 0, NONE},
};

START_TEST(what_it_does) {
    const struct due *due = &dues[_i];
    struct hak_decoded found;
    ck_assert_msg(hak_decode(due->code, sizeof due->code, &found), "%s", due->text);
    ck_assert_msg(found.length == due->length, "%s: %u", due->text, found.length);
    ck_assert_msg((found.reads | found.writes << 1) == (int)due->does, "%s", due->text);
    ck_assert_msg(found.base == due->base && found.index == due->index, "%s: %d, %d", due->text,
                  found.base, found.index);
    ck_assert_msg((int)found.scale == due->scale && found.displacement == due->displacement, "%s",
                  due->text);
    if (due->does == NOTHING)
        return;
    ck_assert_msg(found.bytes == due->bytes, "%s: %u", due->text, found.bytes);
    ck_assert_msg(found.is_scalar == due->is_scalar && found.is_whole == due->is_whole, "%s",
                  due->text);
    ck_assert_msg(found.loaded == due->loaded, "%s: %d", due->text, found.loaded);
}
END_TEST

/* An instruction that ends behind the bytes that can be read is none. */
START_TEST(one_that_is_cut_off) {
    struct hak_decoded found;
    for (unsigned i = 0; i < sizeof dues / sizeof *dues; i++)
        for (unsigned count = 0; count < dues[i].length; count++)
            ck_assert_msg(!hak_decode(dues[i].code, count, &found) || found.length <= count, "%s",
                          dues[i].text);
}
END_TEST

START_TEST(no_instructions) {
    static const uint8_t codes[][16] = {{0x06}, {0x60},       {0x9a},      {0xea},
                                        {0xd6}, {0x0f, 0x04}, {0x48, 0x48}};
    static const uint8_t prefixes[16] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                         0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};
    struct hak_decoded found;
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
        ck_assert_msg(!hak_decode(codes[i], sizeof codes[i], &found), "%u", i);
    ck_assert(!hak_decode(prefixes, sizeof prefixes, &found));
}
END_TEST

/* Vectors that need not be aligned. */
START_TEST(loose_vectors) {
    static const struct {
        const char *code;
        bool is_loose;
    } rows[] = {{"\x0f\x10\x06", true},             /* movups xmm0, [rsi] */
                {"\x66\x0f\x10\x06", true},         /* movupd */
                {"\xf3\x0f\x10\x06", false},        /* movss */
                {"\x0f\x28\x06", false},            /* movaps */
                {"\x66\x0f\x6f\x06", false},        /* movdqa */
                {"\xf3\x0f\x6f\x06", true},         /* movdqu */
                {"\xc5\xfe\x6f\x06", true},         /* vmovdqu ymm0 */
                {"\xc5\xfd\x6f\x06", false},        /* vmovdqa ymm0 */
                {"\x62\xf1\xfe\x48\x6f\x06", true}, /* vmovdqu64 zmm0 */
                {"\x62\xf1\xfd\x48\x6f\x06", false}};
    struct hak_decoded found;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert(hak_decode((const uint8_t *)rows[i].code, 6, &found));
        ck_assert_msg(found.is_loose == rows[i].is_loose, "%u", i);
    }
}
END_TEST

/* Registers that may not be asked for the address afterwards. */
START_TEST(changed_registers) {
    struct hak_decoded found;
    ck_assert(hak_decode((const uint8_t *)"\x48\x0f\xaf\x00", 4, &found)); /* imul rax, [rax] */
    ck_assert_uint_eq(found.changed, 1u << RAX);
    ck_assert_int_eq(found.loaded, NONE);
    ck_assert(hak_decode((const uint8_t *)"\x48\xf7\x37", 3, &found)); /* div qword [rdi] */
    ck_assert_uint_eq(found.changed, 1u << RAX | 1u << RDX);
    ck_assert(hak_decode((const uint8_t *)"\x64\x8b\x00", 3, &found)); /* mov eax, fs:[rax] */
    ck_assert(found.is_unknown);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("decode");
    tcase_add_loop_test(cases, what_it_does, 0, sizeof dues / sizeof *dues);
    tcase_add_test(cases, one_that_is_cut_off);
    tcase_add_test(cases, no_instructions);
    tcase_add_test(cases, loose_vectors);
    tcase_add_test(cases, changed_registers);
    return run_cases("watch/decode", cases);
}

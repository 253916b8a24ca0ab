/* Checks the decoder on instructions: each as an assembler writes it, compared with what it does.
 */
#include <string.h>
#include "decode/decode.h"
#include "unit/suite.h"

enum { RAX = 0, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R12 = 12, NONE = -1 };
enum { NOTHING, READS, WRITES, BOTH };
/* How much is known. */
enum { EXACT, AT_MOST, UNKNOWN };

/* The first operand; NOTHING and 0 bytes where there is none. */
struct due {
    const char *text, *code;
    unsigned length, does, bytes, known;
    int base, index, scale, displacement, loaded;
};

static const struct due dues[] = {
    {"mov eax, [rax]", "\x8b\x00", 2, READS, 4, EXACT, RAX, NONE, 1, 0, RAX},
    {"mov rax, [rax]", "\x48\x8b\x00", 3, READS, 8, EXACT, RAX, NONE, 1, 0, RAX},
    {"mov ax, [rax]", "\x66\x8b\x00", 3, READS, 2, EXACT, RAX, NONE, 1, 0, RAX},
    {"mov dl, [rbx+rcx*4-8]", "\x8a\x54\x8b\xf8", 4, READS, 1, EXACT, RBX, RCX, 4, -8, RDX},
    {"mov ah, [rdi]", "\x8a\x27", 2, READS, 1, EXACT, RDI, NONE, 1, 0, NONE},
    {"mov spl, [rdi]", "\x40\x8a\x27", 3, READS, 1, EXACT, RDI, NONE, 1, 0, RSP},
    {"movzx eax, byte [rax]", "\x0f\xb6\x00", 3, READS, 1, EXACT, RAX, NONE, 1, 0, RAX},
    {"movsx rcx, word [r8+0x100]", "\x49\x0f\xbf\x88\0\1\0\0", 8, READS, 2, EXACT, R8, NONE, 1, 256,
     RCX},
    {"movsxd rdx, dword [rsi]", "\x48\x63\x16", 3, READS, 4, EXACT, RSI, NONE, 1, 0, RDX},
    {"cmp byte [rdi], 0x2f", "\x80\x3f\x2f", 3, READS, 1, EXACT, RDI, NONE, 1, 0, NONE},
    {"add rax, [rsi]", "\x48\x03\x06", 3, READS, 8, EXACT, RSI, NONE, 1, 0, NONE},
    {"add [rsi], eax", "\x01\x06", 2, BOTH, 4, EXACT, RSI, NONE, 1, 0, NONE},
    {"add word [rsi], 0x101", "\x66\x81\x06\1\1", 5, BOTH, 2, EXACT, RSI, NONE, 1, 0, NONE},
    {"test dword [rdi], 1", "\xf7\x07\1\0\0\0", 6, READS, 4, EXACT, RDI, NONE, 1, 0, NONE},
    {"not dword [rdi]", "\xf7\x17", 2, BOTH, 4, EXACT, RDI, NONE, 1, 0, NONE},
    {"mov [rdi], al", "\x88\x07", 2, WRITES, 1, EXACT, RDI, NONE, 1, 0, NONE},
    {"mov [rdi], ds", "\x8c\x1f", 2, WRITES, 2, EXACT, RDI, NONE, 1, 0, NONE},
    {"mov eax, [rbp+0]", "\x8b\x45\0", 3, READS, 4, EXACT, RBP, NONE, 1, 0, RAX},
    {"mov eax, [r12]", "\x41\x8b\x04\x24", 4, READS, 4, EXACT, R12, NONE, 1, 0, RAX},
    {"mov eax, [r12*2+1]", "\x42\x8b\x04\x65\1\0\0\0", 8, READS, 4, EXACT, NONE, R12, 2, 1, RAX},
    {"mov eax, [1]", "\x8b\x04\x25\1\0\0\0", 7, READS, 4, EXACT, NONE, NONE, 1, 1, RAX},
    {"mov eax, [rip+1]", "\x8b\x05\1\0\0\0", 6, READS, 4, EXACT, NONE, NONE, 1, 1, RAX},
    {"mov eax, fs:[rax]", "\x64\x8b\x00", 3, READS, 4, UNKNOWN, RAX, NONE, 1, 0, RAX},
    {"mov al, [0x0807060504030201]", "\xa0\1\2\3\4\5\6\7\0", 9, READS, 1, EXACT, NONE, NONE, 1,
     0x04030201, NONE},
    {"bt [rdi], rdx", "\x48\x0f\xa3\x17", 4, READS, 64, UNKNOWN, RDI, NONE, 1, 0, NONE},
    {"bts dword [rdi], 3", "\x0f\xba\x2f\3", 4, BOTH, 4, EXACT, RDI, NONE, 1, 0, NONE},
    {"cmpxchg16b [rdi]", "\x48\x0f\xc7\x0f", 4, BOTH, 16, EXACT, RDI, NONE, 1, 0, NONE},
    {"crc32 eax, byte [rdi]", "\xf2\x0f\x38\xf0\x07", 5, READS, 1, EXACT, RDI, NONE, 1, 0, NONE},
    {"movbe [rdi], eax", "\x0f\x38\xf1\x07", 4, WRITES, 4, EXACT, RDI, NONE, 1, 0, NONE},
    {"movsd xmm0, [rax]", "\xf2\x0f\x10\x00", 4, READS, 8, EXACT, RAX, NONE, 1, 0, NONE},
    {"movss xmm0, [rax]", "\xf3\x0f\x10\x00", 4, READS, 4, EXACT, RAX, NONE, 1, 0, NONE},
    {"movss [rax], xmm0", "\xf3\x0f\x11\x00", 4, WRITES, 4, EXACT, RAX, NONE, 1, 0, NONE},
    {"movups xmm0, [rax]", "\x0f\x10\x00", 3, READS, 16, EXACT, RAX, NONE, 1, 0, NONE},
    {"movdqu xmm0, [rsi+rdx-16]", "\xf3\x0f\x6f\x44\x16\xf0", 6, READS, 16, EXACT, RSI, RDX, 1, -16,
     NONE},
    {"movq xmm0, [rsi]", "\xf3\x0f\x7e\x06", 4, READS, 8, EXACT, RSI, NONE, 1, 0, NONE},
    {"comisd xmm0, [rdi]", "\x66\x0f\x2f\x07", 4, READS, 8, EXACT, RDI, NONE, 1, 0, NONE},
    {"pcmpeqb xmm0, [rdi]", "\x66\x0f\x74\x07", 4, READS, 16, EXACT, RDI, NONE, 1, 0, NONE},
    {"punpcklbw mm0, [rdi]", "\x0f\x60\x07", 3, READS, 8, AT_MOST, RDI, NONE, 1, 0, NONE},
    {"vmovdqu ymm0, [rsi]", "\xc5\xfe\x6f\x06", 4, READS, 32, EXACT, RSI, NONE, 1, 0, NONE},
    {"vmovsd xmm1, [rax]", "\xc5\xfb\x10\x08", 4, READS, 8, EXACT, RAX, NONE, 1, 0, NONE},
    {"vpcmpeqb ymm1, ymm0, [rdi]", "\xc5\xfd\x74\x0f", 4, READS, 32, EXACT, RDI, NONE, 1, 0, NONE},
    {"vmaskmovps ymm0, ymm1, [rdi]", "\xc4\xe2\x75\x2c\x07", 5, READS, 64, AT_MOST, RDI, NONE, 1, 0,
     NONE},
    {"vpgatherdd ymm0, [rdi+ymm1*4], ymm2", "\xc4\xe2\x6d\x90\x04\x8f", 6, READS, 64, UNKNOWN, RDI,
     NONE, 4, 0, NONE},
    {"kmovq [rdi], k1", "\xc4\xe1\xf8\x91\x0f", 5, WRITES, 8, EXACT, RDI, NONE, 1, 0, NONE},
    {"vmovdqu64 zmm16, [rsi+0x40]", "\x62\xe1\xfe\x48\x6f\x46\x01", 7, READS, 64, EXACT, RSI, NONE,
     1, 64, NONE},
    {"vmovdqu8 zmm0 {k1}, [rdi]", "\x62\xf1\x7f\x49\x6f\x07", 6, READS, 64, AT_MOST, RDI, NONE, 1,
     0, NONE},
    {"vaddpd zmm0, zmm1, [rdi+8]{1to8}", "\x62\xf1\xf5\x58\x58\x47\x01", 7, READS, 8, EXACT, RDI,
     NONE, 1, 8, NONE},
    {"vpmovqb [rdi+8], zmm0", "\x62\xf2\x7e\x48\x32\x47\x01", 7, WRITES, 8, EXACT, RDI, NONE, 1, 8,
     NONE},
    {"vpcompressd [rdi+4], zmm0", "\x62\xf2\x7d\x48\x8b\x47\x01", 7, WRITES, 64, UNKNOWN, RDI, NONE,
     1, 0, NONE},
    {"fld tbyte [rdi]", "\xdb\x2f", 2, READS, 10, EXACT, RDI, NONE, 1, 0, NONE},
    {"fld qword [rdi]", "\xdd\x07", 2, READS, 8, EXACT, RDI, NONE, 1, 0, NONE},
    {"fnstsw [rdi]", "\xdd\x3f", 2, WRITES, 2, EXACT, RDI, NONE, 1, 0, NONE},
    {"fnsave [rdi]", "\xdd\x37", 2, READS, 64, UNKNOWN, RDI, NONE, 1, 0, NONE},
    {"xsave [rdi]", "\x0f\xae\x27", 3, READS, 64, UNKNOWN, RDI, NONE, 1, 0, NONE},
    {"ldmxcsr [rdi]", "\x0f\xae\x17", 3, READS, 4, EXACT, RDI, NONE, 1, 0, NONE},
    {"lea rax, [rdi+8]", "\x48\x8d\x47\x08", 4, NOTHING, 0, EXACT, RDI, NONE, 1, 8, NONE},
    {"nop dword [rax+rax]", "\x0f\x1f\x44\0\0", 5, NOTHING, 0, EXACT, RAX, RAX, 1, 0, NONE},
    {"prefetcht0 [rsi]", "\x0f\x18\x0e", 3, NOTHING, 0, EXACT, RSI, NONE, 1, 0, NONE},
    {"call [rax]", "\xff\x10", 2, READS, 8, EXACT, RAX, NONE, 1, 0, NONE},
    {"call rel32", "\xe8\1\2\3\4", 5, WRITES, 8, EXACT, RSP, NONE, 1, -8, NONE},
    {"ret", "\xc3", 1, READS, 8, EXACT, RSP, NONE, 1, 0, NONE},
    {"ret 8", "\xc2\x08\0", 3, READS, 8, EXACT, RSP, NONE, 1, 0, NONE},
    {"push r12", "\x41\x54", 2, WRITES, 8, EXACT, RSP, NONE, 1, -8, NONE},
    {"push word 0x40c7", "\x66\x68\xc7\x40", 4, WRITES, 8, UNKNOWN, RSP, NONE, 1, -8, NONE},
    {"pop rax", "\x58", 1, READS, 8, EXACT, RSP, NONE, 1, 0, NONE},
    {"pop [rsp+8]", "\x8f\x44\x24\x08", 4, WRITES, 8, UNKNOWN, RSP, NONE, 1, 8, NONE},
    {"lodsb", "\xac", 1, READS, 1, EXACT, RSI, NONE, 1, 0, NONE},
    {"stosd", "\xab", 1, WRITES, 4, EXACT, RDI, NONE, 1, 0, NONE},
    {"scasw", "\x66\xaf", 2, READS, 2, EXACT, RDI, NONE, 1, 0, NONE},
    {"xlatb", "\xd7", 1, READS, 1, UNKNOWN, RBX, RAX, 1, 0, NONE},
    {"jmp rel32", "\xe9\1\2\3\4", 5, NOTHING, 0, EXACT, NONE, NONE, 1, 0, NONE},
    {"je rel8", "\x74\x07", 2, NOTHING, 0, EXACT, NONE, NONE, 1, 0, NONE},
    {"mov rax, imm64", "\x48\xb8\1\2\3\4\5\6\7\x08", 10, NOTHING, 0, EXACT, NONE, NONE, 1, 0, NONE},
    {"mov edx, edx", "\x89\xd2", 2, NOTHING, 0, EXACT, NONE, NONE, 1, 0, NONE},
    {"enter 1, 0", "\xc8\1\0\0", 4, NOTHING, 0, EXACT, NONE, NONE, 1, 0, NONE},
    {"ud2", "\x0f\x0b", 2, NOTHING, 0, EXACT, NONE, NONE, 1, 0, NONE},
};

static void decode(const char *code, unsigned length, struct hak_decoded *found) {
    uint8_t bytes[2 * HAK_DECODE_LONGEST] = {0};
    memcpy(bytes, code, length);
    ck_assert(hak_decode(bytes, sizeof bytes, found));
    ck_assert_uint_eq(found->length, length);
}

TEST(what_it_does, .until = sizeof dues / sizeof *dues) {
    const struct due *due = &dues[_i];
    struct hak_decoded found;
    decode(due->code, due->length, &found);
    const struct hak_operand *operand = found.operands;
    ck_assert_msg((operand->reads | operand->writes << 1) == (int)due->does, "%s", due->text);
    ck_assert_msg(operand->bytes == due->bytes, "%s: %u", due->text, operand->bytes);
    ck_assert_msg(found.loaded == due->loaded, "%s: %d", due->text, found.loaded);
    if (found.count == 0) {
        ck_assert_msg(due->base == NONE, "%s", due->text);
        return;
    }
    ck_assert_msg(operand->base == due->base && operand->index == due->index, "%s: %d, %d",
                  due->text, operand->base, operand->index);
    ck_assert_msg((int)operand->scale == due->scale &&
                      (int)operand->displacement == due->displacement,
                  "%s", due->text);
    ck_assert_msg(operand->is_of_rip == (strstr(due->text, "rip") != NULL), "%s", due->text);
    if (due->does != NOTHING)
        ck_assert_msg((operand->is_unknown ? UNKNOWN
                       : operand->is_exact ? EXACT
                                           : AT_MOST) == due->known,
                      "%s", due->text);
}

/* An instruction that ends behind the bytes that can be read is none. */
TEST(one_that_is_cut_off) {
    struct hak_decoded found;
    for (unsigned i = 0; i < sizeof dues / sizeof *dues; i++)
        for (unsigned count = 0; count < dues[i].length; count++)
            ck_assert_msg(!hak_decode((const uint8_t *)dues[i].code, count, &found) &&
                              found.count == 0,
                          "%s", dues[i].text);
}

TEST(no_instructions) {
    static const uint8_t codes[][16] = {{0x06},       {0x60},       {0x9a},
                                        {0xea},       {0xd6},       {0x0f, 0x04},
                                        {0x48, 0x48}, {0x8f, 0xe8}, {0x48, 0xc5, 0xfb, 0x10},
                                        {0xc4, 0xe0}, {0xc4, 0xe4}, {0x62, 0xf7}};
    static const uint8_t prefixes[16] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                         0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};
    struct hak_decoded found;
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
        ck_assert_msg(!hak_decode(codes[i], sizeof codes[i], &found), "%u", i);
    ck_assert(!hak_decode(prefixes, sizeof prefixes, &found));
}

/* Any bytes: none is longer than there are, and no operand has registers that do not exist. */
TEST(any_bytes) {
    uint8_t bytes[HAK_DECODE_LONGEST + 1];
    uint64_t random = 7;
    for (int i = 0; i < 2000000; i++) {
        struct hak_decoded found;
        for (size_t k = 0; k < sizeof bytes; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bytes[k] = (uint8_t)(random >> 56);
        }
        bytes[0] = i % 4 == 0 ? 0x62 : i % 4 == 1 ? 0x0f : bytes[0];
        size_t count = (size_t)i % sizeof bytes;
        if (!hak_decode(bytes, count, &found))
            continue;
        ck_assert(found.length >= 1 && found.length <= count);
        ck_assert(found.count <= HAK_DECODE_OPERANDS && found.changed < 1u << 16);
        ck_assert(found.loaded < 16 && found.source < 16);
        for (unsigned k = 0; k < found.count; k++)
            ck_assert(found.operands[k].base < 16 && found.operands[k].index < 16 &&
                      found.operands[k].bytes <= 128);
    }
}

/* Two operands: that of ModRM and that of the stack, or those of a string. */
TEST(second_operands) {
    struct hak_decoded found;
    const struct hak_operand *first = found.operands, *second = found.operands + 1;
    decode("\xff\x77\x08", 3, &found); /* push [rdi+8] */
    ck_assert(found.count == 2 && first->reads && first->base == RDI && first->moves == 0);
    ck_assert(second->writes && second->base == RSP && second->moves == -8);
    decode("\x8f\x07", 2, &found); /* pop [rdi] */
    ck_assert(found.count == 2 && first->writes && second->reads && second->moves == 8);
    decode("\xf3\x48\xa5", 3, &found); /* rep movsq */
    ck_assert(found.count == 2 && found.is_string && found.is_repeated);
    ck_assert(first->reads && first->base == RSI && first->bytes == 8 && first->moves == 8);
    ck_assert(second->writes && second->base == RDI && second->bytes == 8 && second->moves == 8);
    decode("\xa6", 1, &found); /* cmpsb */
    ck_assert(found.count == 2 && first->reads && second->reads && !second->writes);
    decode("\xff\x17", 2, &found); /* call [rdi] */
    ck_assert(found.is_jump && found.count == 2 && second->writes);
    decode("\xff\xd7", 2, &found); /* call rdi */
    ck_assert(found.is_jump && found.count == 1 && found.source == RDI && first->base == RSP);
    decode("\xff\xe7", 2, &found); /* jmp rdi */
    ck_assert(found.is_jump && found.count == 0 && found.source == RDI);
}

/* Instructions that take 16 bytes at a multiple of 16 alone. */
TEST(aligned_memory) {
    enum { NOT, LOAD, STORE, OPERATION, EXCHANGE };
    static const struct {
        const char *code;
        unsigned length, aligned, vector, is_vex;
        const char *at_rsi; /* of an operation */
        unsigned at_rsi_length;
    } rows[] = {
        {"\x0f\x28\x07", 3, LOAD, 0, 0, "", 0},                  /* movaps xmm0, [rdi] */
        {"\x45\x0f\x28\x4c\x24\x10", 6, LOAD, 9, 0, "", 0},      /* movaps xmm9, [r12+16] */
        {"\x0f\x29\x07", 3, STORE, 0, 0, "", 0},                 /* movaps [rdi], xmm0 */
        {"\x66\x0f\x28\x1f", 4, LOAD, 3, 0, "", 0},              /* movapd xmm3, [rdi] */
        {"\x66\x0f\x29\x1f", 4, STORE, 3, 0, "", 0},             /* movapd [rdi], xmm3 */
        {"\x66\x0f\x6f\x07", 4, LOAD, 0, 0, "", 0},              /* movdqa */
        {"\x66\x0f\x7f\x07", 4, STORE, 0, 0, "", 0},             /* movdqa */
        {"\x0f\x2b\x07", 3, STORE, 0, 0, "", 0},                 /* movntps */
        {"\x66\x0f\x2b\x07", 4, STORE, 0, 0, "", 0},             /* movntpd */
        {"\x66\x0f\xe7\x07", 4, STORE, 0, 0, "", 0},             /* movntdq */
        {"\x66\x0f\x38\x2a\x07", 5, LOAD, 0, 0, "", 0},          /* movntdqa */
        {"\xc5\xf8\x28\x07", 4, LOAD, 0, 1, "", 0},              /* vmovaps xmm0, [rdi] */
        {"\xc5\x78\x29\x07", 4, STORE, 8, 1, "", 0},             /* vmovaps [rdi], xmm8 */
        {"\xc4\xe2\x79\x2a\x07", 5, LOAD, 0, 1, "", 0},          /* vmovntdqa xmm0 */
        {"\x62\xe1\xfd\x08\x6f\x07", 6, LOAD, 16, 1, "", 0},     /* vmovdqa64 xmm16, [rdi] */
        {"\x62\x61\xfd\x08\x7f\x3f", 6, STORE, 31, 1, "", 0},    /* vmovdqa64 [rdi], xmm31 */
        {"\x62\xf1\xfd\x09\x6f\x07", 6, NOT, 0, 0, "", 0},       /* the same with a mask */
        {"\xc5\xfc\x28\x07", 4, NOT, 0, 0, "", 0},               /* vmovaps ymm0 */
        {"\xc5\xf8\x58\x07", 4, NOT, 0, 0, "", 0},               /* vaddps xmm0, xmm0, [rdi] */
        {"\x0f\x10\x07", 3, NOT, 0, 0, "", 0},                   /* movups */
        {"\x0f\x11\x07", 3, NOT, 0, 0, "", 0},                   /* movups [rdi], xmm0 */
        {"\xf3\x0f\x6f\x07", 4, NOT, 0, 0, "", 0},               /* movdqu */
        {"\xf3\x0f\x7f\x07", 4, NOT, 0, 0, "", 0},               /* movdqu [rdi], xmm0 */
        {"\xf2\x0f\xf0\x07", 4, NOT, 0, 0, "", 0},               /* lddqu */
        {"\x66\x0f\x3a\x63\x07\x0c", 6, NOT, 0, 0, "", 0},       /* pcmpistri */
        {"\xf3\x0f\x58\x07", 4, NOT, 0, 0, "", 0},               /* addss */
        {"\x0f\x6f\x07", 3, NOT, 0, 0, "", 0},                   /* movq mm0, [rdi] */
        {"\x0f\xd4\x07", 3, NOT, 0, 0, "", 0},                   /* paddq mm0, [rdi] */
        {"\x0f\x28\xc1", 3, NOT, 0, 0, "", 0},                   /* movaps xmm0, xmm1 */
        {"\x48\x0f\xc7\x0f", 4, EXCHANGE, 1, 0, "", 0},          /* cmpxchg16b [rdi] */
        {"\xf0\x49\x0f\xc7\x08", 5, EXCHANGE, 1, 0, "", 0},      /* lock cmpxchg16b [r8] */
        {"\x0f\xc7\x0f", 3, NOT, 0, 0, "", 0},                   /* cmpxchg8b [rdi] */
        {"\x0f\x58\x07", 3, OPERATION, 0, 0, "\x0f\x58\x06", 3}, /* addps xmm0, [rdi] */
        {"\x66\x47\x0f\xfe\x4c\xb5\x10", 7, OPERATION, 9, 0,     /* paddd xmm9, [r13+r14*4+16] */
         "\x66\x44\x0f\xfe\x0e", 5},
        {"\x66\x0f\x38\x00\x04\x24", 6, OPERATION, 0, 0, /* pshufb xmm0, [rsp] */
         "\x66\x0f\x38\x00\x06", 5},
        {"\x66\x41\x0f\x3a\x0f\x5c\x24\x08\x07", 9, OPERATION, 3, 0, /* palignr xmm3, [r12+8], 7 */
         "\x66\x40\x0f\x3a\x0f\x1e\x07", 7},
        {"\x0f\xc6\x05\1\0\0\0\x1b", 8, OPERATION, 0, 0, /* shufps xmm0, [rip+1], 27 */
         "\x0f\xc6\x06\x1b", 4},
        {"\x67\x66\x0f\x70\x08\x1b", 6, OPERATION, 1, 0, /* pshufd xmm1, [eax], 27 */
         "\x66\x0f\x70\x0e\x1b", 5},
        {"\x66\x0f\x38\x17\x07", 5, OPERATION, 0, 0, /* ptest xmm0, [rdi] */
         "\x66\x0f\x38\x17\x06", 5},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hak_decoded found;
        uint8_t code[2 * HAK_DECODE_LONGEST] = {0}, at_rsi[HAK_DECODE_LONGEST];
        memcpy(code, rows[i].code, rows[i].length);
        decode(rows[i].code, rows[i].length, &found);
        ck_assert_msg(found.aligned == (enum hak_aligned)rows[i].aligned, "row %u: %d", i,
                      (int)found.aligned);
        if (found.aligned == HAK_ALIGNED_NOT)
            continue;
        ck_assert_msg(found.vector == rows[i].vector, "row %u: %u", i, found.vector);
        ck_assert_msg(found.is_vex == (rows[i].is_vex != 0), "row %u", i);
        if (found.aligned != HAK_ALIGNED_OPERATION)
            continue;
        ck_assert_msg(hak_decode_at_rsi(code, &found, at_rsi) == rows[i].at_rsi_length &&
                          memcmp(at_rsi, rows[i].at_rsi, rows[i].at_rsi_length) == 0,
                      "row %u", i);
    }
}

/* Vectors that need not be aligned. */
TEST(loose_vectors) {
    static const struct {
        const char *code;
        bool is_loose;
    } rows[] = {{"\x0f\x10\x06", true},              /* movups xmm0, [rsi] */
                {"\x66\x0f\x10\x06", true},          /* movupd */
                {"\xf3\x0f\x10\x06", false},         /* movss */
                {"\x0f\x28\x06", false},             /* movaps */
                {"\x66\x0f\x6f\x06", false},         /* movdqa */
                {"\xf3\x0f\x6f\x06", true},          /* movdqu */
                {"\xc5\xfe\x6f\x06", true},          /* vmovdqu ymm0 */
                {"\xc5\xfd\x6f\x06", false},         /* vmovdqa ymm0 */
                {"\x62\xf1\xfe\x48\x6f\x06", true},  /* vmovdqu64 zmm0 */
                {"\x62\xf1\xfe\x49\x6f\x06", false}, /* vmovdqu64 zmm0 {k1} */
                {"\x62\xf1\xfd\x48\x6f\x06", false}};
    struct hak_decoded found;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert(hak_decode((const uint8_t *)rows[i].code, strlen(rows[i].code), &found));
        ck_assert_msg(found.is_loose == rows[i].is_loose, "%u", i);
    }
}

/* Registers that may not be asked for the address afterwards. */
TEST(changed_registers) {
    struct hak_decoded found;
    decode("\x48\x0f\xaf\x00", 4, &found); /* imul rax, [rax] */
    ck_assert_uint_eq(found.changed, 1u << RAX);
    ck_assert_int_eq(found.loaded, NONE);
    decode("\x48\xf7\x37", 3, &found); /* div qword [rdi] */
    ck_assert_uint_eq(found.changed, 1u << RAX | 1u << RDX);
    ck_assert(found.is_division);
    decode("\x66\xf7\x37", 3, &found); /* div word [rdi] */
    ck_assert(!found.is_division);
    decode("\x87\x0f", 2, &found); /* xchg [rdi], ecx */
    ck_assert_uint_eq(found.changed, 1u << RCX);
    decode("\x0f\xb1\x0f", 3, &found); /* cmpxchg [rdi], ecx */
    ck_assert_uint_eq(found.changed, 1u << RCX | 1u << RAX);
    decode("\x86\x27", 2, &found); /* xchg [rdi], ah */
    ck_assert(found.changed & 1u << RAX);
    decode("\xc4\xe2\x73\xf6\x17", 5, &found); /* mulx edx, ecx, [rdi] */
    ck_assert_uint_eq(found.changed, 1u << RCX | 1u << RDX);
    decode("\x66\x0f\x3a\x63\x07\0", 6, &found); /* pcmpistri xmm0, [rdi], 0 */
    ck_assert_uint_eq(found.changed, 1u << RCX);
    decode("\x5c", 1, &found); /* pop rsp */
    ck_assert(found.changed == 1u << RSP && found.operands->moves == 0);
}

/* The bytes before the end tell whether f3 is a prefix. */
TEST(lengths_before_the_end) {
    uint8_t code[64];
    memset(code, 0x90, sizeof code);
    memcpy(code + 60, "\xf3\x0f\x10\x07", 4); /* movss xmm0, [rdi] */
    ck_assert_uint_eq(hak_decode_lengths(code, sizeof code), 1u << 4);
    memcpy(code + 58, "\x48\x89", 2); /* mov rbx, rsi; movups xmm0, [rdi] */
    ck_assert_uint_eq(hak_decode_lengths(code, sizeof code), 1u << 3);
    ck_assert_uint_eq(hak_decode_lengths(code + 60, 4), 1u << 4 | 1u << 3 | 1u << 2);
    ck_assert_uint_eq(hak_decode_lengths(code, 0), 0);
}

/* Every way gone to its end, one by one. */
static uint32_t lengths_one_by_one(const uint8_t *code, size_t count) {
    struct hak_decoded found;
    uint32_t lengths = 0;
    for (size_t from = 0; from < HAK_DECODE_LONGEST && from < count; from++) {
        size_t at = from;
        unsigned last = 0;
        for (; at < count && hak_decode(code + at, count - at, &found); at += last)
            last = found.length;
        lengths |= at == count ? 1u << last : 0;
    }
    return lengths & ~1u;
}

/* Ways that meet are gone once, and lead to the same. */
TEST(lengths_of_ways_that_meet) {
    uint8_t code[2048];
    uint32_t random = 1;
    memcpy(code, (const void *)(uintptr_t)hak_decode, 1024);
    for (size_t i = 1024; i < sizeof code; i++)
        code[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (size_t from = 0; from + 200 < sizeof code; from += 3)
        for (size_t count = from % 7; count <= 200; count += 7)
            ck_assert_uint_eq(hak_decode_lengths(code + from, count),
                              lengths_one_by_one(code + from, count));
}

TEST(names_processors_and_registers) {
    static const struct {
        unsigned elf, ip;
        const char *name, *first, *seventh, *ip_name;
    } due[] = {{62, 16, "x86-64", "rax", "rsp", "rip"}, {183, 32, "aarch64", "x0", "x7", "pc"}};
    enum hak_processor processor;
    for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
        ck_assert(hak_processor_of(due[i].elf, &processor));
        ck_assert_str_eq(hak_processor_name(processor), due[i].name);
        ck_assert_uint_eq(hak_processor_registers(processor), due[i].ip + 1);
        ck_assert_str_eq(hak_register_name(processor, 0), due[i].first);
        ck_assert_str_eq(hak_register_name(processor, 7), due[i].seventh);
        ck_assert_str_eq(hak_register_name(processor, due[i].ip), due[i].ip_name);
        ck_assert_str_eq(hak_register_name(processor, due[i].ip + 1), "a register");
        ck_assert_str_eq(hak_register_name(processor, UINT32_MAX), "a register");
    }
    ck_assert_str_eq(hak_register_name(HAK_PROCESSOR_AARCH64, HAK_DECODE_AARCH64_SP), "sp");
    ck_assert(!hak_processor_of(0, &processor));
    ck_assert(!hak_processor_of(243, &processor));
}

RUN_TESTS()

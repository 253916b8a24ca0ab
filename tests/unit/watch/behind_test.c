/* Lists the reads that the instruction behind which a thread stands can have made: code in a
 * buffer, whose end is where the thread stands, and a word that is watched. */
#include <string.h>
#include "unit/suite.h"
#include "watch/watch.h"

enum { CODE_BYTES = 256, MOST = 8 };

static uint8_t code[CODE_BYTES];
static uint64_t words[8] __attribute__((aligned(64)));
static struct hak_registers registers;
static struct hak_watch_read found[MOST];

/* nop, and then the instruction; words[4] is watched. */
static unsigned look(const char *instruction, size_t length) {
    memset(code, 0x90, sizeof code);
    memcpy(code + sizeof code - length, instruction, length);
    registers.value[HAK_RIP] = (uintptr_t)code + sizeof code;
    memset(found, 0xee, sizeof found);
    return hak_watch_reads(&registers, 0, (uintptr_t)&words[4], 8, found, MOST);
}
#define LOOK(bytes) look(bytes, sizeof(bytes) - 1)

static void fill(void) {
    for (unsigned i = 0; i < 8; i++)
        words[i] = 0x0101010101010101u * (i + 1) ^ 0x8070605040302010u;
}

TEST(an_address_that_is_known) {
    fill();
    registers.value[HAK_RSI] = (uintptr_t)words;
    ck_assert_uint_eq(LOOK("\x8b\x46\x24"), 1); /* mov eax, [rsi+36] */
    ck_assert(found[0].is_placed && found[0].is_scalar);
    ck_assert_uint_eq(found[0].address, (uintptr_t)words + 36);
    ck_assert_uint_eq(found[0].bytes, 4);
    ck_assert_int_eq(found[0].restored, -1);
    ck_assert_uint_eq(LOOK("\x8b\x46\x10"), 0); /* elsewhere: it was not that */
}

/* mov eax, [rax]: what was loaded tells from where. */
TEST(an_address_that_was_overwritten) {
    uint32_t value;
    fill();
    for (unsigned at = 29; at < 40; at++) {
        memcpy(&value, (char *)words + at, sizeof value);
        registers.value[HAK_RAX] = value;
        ck_assert_uint_eq(LOOK("\x8b\x00"), 1);
        ck_assert(found[0].is_placed && found[0].is_scalar);
        ck_assert_uint_eq(found[0].address, (uintptr_t)words + at);
        ck_assert_int_eq(found[0].restored, HAK_RAX);
        ck_assert_uint_eq(found[0].restored_value, (uintptr_t)words + at);
    }
    registers.value[HAK_RAX] = 0x12345678; /* stands nowhere there */
    ck_assert_uint_eq(LOOK("\x8b\x00"), 0);
}

/* mov eax, [rax+rcx*4+8]; and the index that was overwritten. */
TEST(the_base_or_index_is_restored) {
    fill();
    registers.value[HAK_RAX] = (uint32_t)words[4];
    registers.value[HAK_RCX] = 6;
    ck_assert_uint_eq(LOOK("\x8b\x44\x88\x08"), 1);
    ck_assert_int_eq(found[0].restored, HAK_RAX);
    ck_assert_uint_eq(found[0].restored_value, (uintptr_t)words);
    registers.value[HAK_RAX] = (uintptr_t)words;
    registers.value[HAK_RCX] = (uint32_t)words[4];
    ck_assert_uint_eq(LOOK("\x8b\x0c\x08"), 1); /* mov ecx, [rax+rcx] */
    ck_assert_int_eq(found[0].restored, HAK_RCX);
    ck_assert_uint_eq(found[0].restored_value, 32);
}

/* Where the same value stands more than once, each place is reported. */
TEST(places_that_hold_the_same) {
    memset(words, 'x', sizeof words);
    registers.value[HAK_RAX] = 0x78787878;
    ck_assert_uint_eq(LOOK("\x8b\x00"), 11); /* more than MOST */
    registers.value[HAK_RAX] = 'x';
    ck_assert_uint_eq(LOOK("\x0f\xb6\x00"), 8); /* movzx eax, byte [rax] */
}

/* Neither known nor to be found out. */
TEST(an_address_that_is_lost) {
    fill();
    ck_assert_uint_eq(LOOK("\x48\x0f\xaf\x00"), 1); /* imul rax, [rax] */
    ck_assert(!found[0].is_placed);
    ck_assert(found[0].is_scalar);
}

TEST(vectors_and_strings) {
    fill();
    registers.value[HAK_RSI] = (uintptr_t)words + 20;
    registers.value[HAK_RDI] = (uintptr_t)words;
    ck_assert_uint_eq(LOOK("\xc5\xfe\x6f\x06"), 1); /* vmovdqu ymm0, [rsi] */
    ck_assert(found[0].is_vector && !found[0].is_scalar);
    ck_assert_uint_eq(found[0].address, (uintptr_t)words + 20);
    ck_assert_uint_eq(found[0].bytes, 32);
    ck_assert_uint_eq(LOOK("\x66\x0f\x74\x06"), 1); /* pcmpeqb xmm0, [rsi] */
    ck_assert(!found[0].is_vector && !found[0].is_scalar);
    registers.value[HAK_RSI] = (uintptr_t)words + 33;
    ck_assert_uint_eq(LOOK("\xac"), 1); /* lodsb, which has moved on */
    ck_assert_uint_eq(found[0].address, (uintptr_t)words + 32);
    ck_assert_uint_eq(LOOK("\xa4"), 1); /* movsb */
    ck_assert_uint_eq(found[0].address, (uintptr_t)words + 32);
}

/* A prefix, or the end of the instruction before? The bytes before tell. */
TEST(instructions_that_end_with_others) {
    fill();
    registers.value[HAK_RDI] = (uintptr_t)&words[4];
    ck_assert_uint_eq(LOOK("\xf3\x0f\x10\x07"), 1); /* movss xmm0, [rdi] */
    ck_assert(found[0].is_scalar);
    ck_assert_uint_eq(found[0].bytes, 4);
    ck_assert_uint_eq(LOOK("\x48\x89\xf3\x0f\x10\x07"), 1); /* mov rbx, rsi; movups xmm0, [rdi] */
    ck_assert(found[0].is_vector);
}

/* Only a store: it has read nothing. */
TEST(stores) {
    fill();
    registers.value[HAK_RDI] = (uintptr_t)&words[4];
    ck_assert_uint_eq(LOOK("\x89\x07"), 1);
    ck_assert(!found[0].is_scalar && !found[0].is_vector);
}

TEST(code_that_cannot_be_read) {
    registers.value[HAK_RIP] = 0x1000;
    ck_assert_uint_eq(hak_watch_reads(&registers, 0, (uintptr_t)&words[4], 8, found, MOST), 0);
    registers.value[HAK_RIP] = (uint64_t)1 << 40;
    ck_assert_uint_eq(hak_watch_reads(&registers, 0, (uintptr_t)&words[4], 8, found, MOST), 0);
}

RUN_TESTS()

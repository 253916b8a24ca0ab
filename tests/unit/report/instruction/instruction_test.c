/* The instruction at which a program was stopped: which bytes it touches, by table; what a debug
 * register's stop can be told of; and that bytes of any kind are read. */
#include <stdlib.h>
#include <string.h>
#include "report/instruction/instruction.h"
#include "unit/suite.h"

enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R12 = 12, R13 = 13, RIP = 16, REGISTERS = 17 };
#define AT   0x401000u
#define DOWN 0x400u
#define SET  0x202u

static uint64_t registers[REGISTERS];
static struct hak_machine machine = {.registers = registers, .flags = SET};

static void start(void) {
    for (unsigned i = 0; i < REGISTERS; i++)
        registers[i] = 0x100000u * (i + 1);
    registers[RCX] = 5;
    machine.flags = SET;
}

static void decode(struct hak_instruction *out, const void *code, size_t bytes) {
    ck_assert(hak_instruction_at(out, code, bytes, AT, &machine));
}

/* One memory operand: its bytes, address and registers. */
static const struct {
    const char *code, *text;
    size_t bytes;
    uint64_t address;
    uint32_t touched;
    unsigned ways;
    int base, index;
} simple[] = {
    {"\x8b\x47\x08", "mov eax, dword ptr [rdi + 8]", 3, 0x600008, 4, HAK_TOUCHES_READ, RDI, -1},
    {"\x88\x04\x0e", "mov byte ptr [rsi + rcx], al", 3, 0x500005, 1, HAK_TOUCHES_WRITE, RSI, RCX},
    {"\x48\x89\x44\xcf\xf8", "mov qword ptr [rdi + rcx*8 - 8], rax", 5, 0x600020, 8,
     HAK_TOUCHES_WRITE, RDI, RCX},
    {"\x0f\xb7\x07", "movzx eax, word ptr [rdi]", 3, 0x600000, 2, HAK_TOUCHES_READ, RDI, -1},
    {"\x0f\x11\x07", "movups xmmword ptr [rdi], xmm0", 3, 0x600000, 16, HAK_TOUCHES_WRITE, RDI, -1},
    {"\xc5\xfe\x6f\x07", "vmovdqu ymm0, ymmword ptr [rdi]", 4, 0x600000, 32, HAK_TOUCHES_READ, RDI,
     -1},
    {"\x62\xf1\xfe\x48\x6f\x07", "vmovdqu64 zmm0, zmmword ptr [rdi]", 6, 0x600000, 64,
     HAK_TOUCHES_READ, RDI, -1},
    {"\x83\x07\x01", "add dword ptr [rdi], 1", 3, 0x600000, 4, 3, RDI, -1},
    {"\x03\x07", "add eax, dword ptr [rdi]", 2, 0x600000, 4, HAK_TOUCHES_READ, RDI, -1},
    {"\xf0\x48\x0f\xb1\x0f", "lock cmpxchg qword ptr [rdi], rcx", 5, 0x600000, 8, 3, RDI, -1},
    {"\xf0\x4b\x0f\xc7\x4c\xec\xf8", "lock cmpxchg16b xmmword ptr [r12 + r13*8 - 8]", 7,
     0xd00000 + 8 * 0xe00000 - 8, 16, 3, R12, R13},
    {"\x87\x07", "xchg dword ptr [rdi], eax", 2, 0x600000, 4, 3, RDI, -1},
    {"\x67\x8b\x46\x04", "mov eax, dword ptr [esi + 4]", 4, 0x500004, 4, HAK_TOUCHES_READ, RSI, -1},
    {"\x48\x8b\x05\x00\x01\x00\x00", "mov rax, qword ptr [rip + 0x100]", 7, AT + 7 + 0x100, 8,
     HAK_TOUCHES_READ, -1, -1},
    {"\x48\x8b\x04\x25\x34\x12\x00\x00", "mov rax, qword ptr [0x1234]", 8, 0x1234, 8,
     HAK_TOUCHES_READ, -1, -1},
    {"\xa4", "movsb byte ptr [rdi], byte ptr [rsi]", 1, 0x600000, 1, HAK_TOUCHES_WRITE, RDI, -1},
    {"\xaa", "stosb byte ptr [rdi], al", 1, 0x600000, 1, HAK_TOUCHES_WRITE, RDI, -1},
    {"\xac", "lodsb al, byte ptr [rsi]", 1, 0x500000, 1, HAK_TOUCHES_READ, RSI, -1},
    {"\x50", "push rax", 1, 0x800000 - 8, 8, HAK_TOUCHES_WRITE, RSP, -1},
    {"\xc3", "ret ", 1, 0x800000, 8, HAK_TOUCHES_READ, RSP, -1},
    {"\xff\xd0", "call rax", 2, 0x800000 - 8, 8, HAK_TOUCHES_WRITE, RSP, -1},
};

TEST(a_touch_has_address_bytes_and_registers, .until = sizeof simple / sizeof *simple) {
    struct hak_instruction insn;
    decode(&insn, simple[_i].code, simple[_i].bytes);
    const struct hak_touch *touch = hak_instruction_touch(&insn, simple[_i].address, 0);
    ck_assert_msg(touch != NULL, "%s", insn.text);
    ck_assert_int_eq(strncmp(insn.text, simple[_i].text, strlen(insn.text)), 0);
    ck_assert_uint_eq(insn.length, simple[_i].bytes);
    ck_assert_uint_eq(touch->address, simple[_i].address);
    ck_assert_uint_eq(touch->bytes, simple[_i].touched);
    ck_assert_uint_eq(touch->ways, simple[_i].ways);
    ck_assert_int_eq(touch->base, simple[_i].base);
    ck_assert_int_eq(touch->index, simple[_i].index);
    /* The last byte belongs to it, the next one does not. */
    ck_assert_ptr_eq(hak_instruction_touch(&insn, touch->address + touch->bytes - 1, 0), touch);
    ck_assert_ptr_null(hak_instruction_touch(&insn, touch->address + touch->bytes, 0));
    ck_assert_ptr_null(hak_instruction_touch(&insn, touch->address - 1, 0));
}

/* The touched bytes are chosen by a mask, an index vector, a bit's number, or are not known. */
static const struct {
    const char *code;
    size_t bytes;
    uint64_t address;
} silent[] = {
    {"\x62\xf1\x7f\x49\x6f\x07", 6, 0x600000}, /* vmovdqu8 zmm0 {k1}, [rdi] */
    {"\x62\xf1\x7f\x49\x7f\x07", 6, 0x600000}, /* vmovdqu8 [rdi] {k1}, zmm0 */
    {"\xc4\xe2\x75\x2c\x07", 5, 0x600000},     /* vmaskmovps ymm0, ymm1, [rdi] */
    {"\xc4\xe2\x6d\x90\x04\x8f", 6, 0x600000}, /* vpgatherdd ymm0, [rdi + ymm1*4], ymm2 */
    {"\x66\x0f\xf7\xc1", 4, 0x600000},         /* maskmovdqu xmm0, xmm1 */
    {"\x48\x0f\xa3\x17", 4, 0x600000},         /* bt [rdi], rdx */
    {"\xd7", 1, 0x400000},                     /* xlatb */
    {"\x0f\xae\x27", 3, 0x600000},             /* xsave [rdi] */
    {"\x66\x68\xc7\x40", 4, 0x800000 - 2},     /* pushw */
    {"\x64\x8b\x07", 3, 0x600000},             /* mov eax, fs:[rdi] */
    {"\x48\x8d\x07", 3, 0x600000},             /* lea rax, [rdi] */
    {"\x0f\x18\x0f", 3, 0x600000},             /* prefetcht0 [rdi] */
    {"\xc9", 1, 0x700000},                     /* leave */
};

TEST(what_is_not_known_is_not_told, .until = sizeof silent / sizeof *silent) {
    struct hak_instruction insn;
    decode(&insn, silent[_i].code, silent[_i].bytes);
    ck_assert_msg(insn.touch_count == 0, "%s touches %d", insn.text, insn.touch_count);
    ck_assert_ptr_null(hak_instruction_touch(&insn, silent[_i].address, 0));
}

TEST(what_the_processor_refused_is_found_by_its_address) {
    struct hak_instruction insn;
    decode(&insn, "\x48\xa5", 2); /* movsq: both are addresses, if not aligned */
    registers[RDI] = 0x600001;
    decode(&insn, "\x48\xa5", 2);
    ck_assert_ptr_null(hak_instruction_refused(&insn));
    registers[RSI] = 0x7ffffffffffd; /* its last bytes are none */
    decode(&insn, "\x48\xa5", 2);
    ck_assert_uint_eq(hak_instruction_refused(&insn)->address, 0x7ffffffffffd);
    registers[RDI] = 0x4141414141414141; /* which of them is not known */
    decode(&insn, "\x48\xa5", 2);
    ck_assert_ptr_null(hak_instruction_refused(&insn));
    registers[RDI] = 0xffff800000000000;
    decode(&insn, "\x48\xa5", 2);
    ck_assert_uint_eq(hak_instruction_refused(&insn)->address, 0x7ffffffffffd);
    decode(&insn, "\x0f\x28\x07", 3); /* movaps xmm0, [rdi] */
    ck_assert_ptr_null(hak_instruction_refused(&insn));
    registers[RDI] += 8;
    decode(&insn, "\x0f\x28\x07", 3);
    ck_assert_uint_eq(hak_instruction_refused(&insn)->bytes, 16);
}

TEST(a_division_has_its_divisor) {
    struct hak_instruction insn;
    decode(&insn, "\xf7\xf9", 2); /* idiv ecx */
    ck_assert(insn.is_division);
    ck_assert_int_eq(insn.divisor, RCX);
    decode(&insn, "\x49\xf7\xf4", 3); /* div r12 */
    ck_assert_int_eq(insn.divisor, R12);
    decode(&insn, "\xf7\x3f", 2); /* idiv dword ptr [rdi] */
    ck_assert(insn.is_division);
    ck_assert_int_eq(insn.divisor, -1);
    decode(&insn, "\x66\xf7\xf1", 3); /* div cx: rdx and rax are more than what it divides */
    ck_assert(!insn.is_division);
    decode(&insn, "\xf7\xe9", 2); /* imul ecx */
    ck_assert(!insn.is_division);
}

TEST(of_two_touches_the_processor_tells_which) {
    struct hak_instruction insn;
    decode(&insn, "\x48\xa5", 2); /* movsq */
    ck_assert_uint_eq(hak_instruction_touch(&insn, 0x600007, HAK_TOUCHES_WRITE)->address, 0x600000);
    ck_assert_uint_eq(hak_instruction_touch(&insn, 0x500007, HAK_TOUCHES_READ)->address, 0x500000);
    ck_assert_ptr_null(hak_instruction_touch(&insn, 0x500007, HAK_TOUCHES_WRITE));
    registers[RSI] = registers[RDI];
    decode(&insn, "\x48\xa5", 2);
    ck_assert_ptr_null(hak_instruction_touch(&insn, 0x600000, 0));
    ck_assert_ptr_nonnull(hak_instruction_touch(&insn, 0x600000, HAK_TOUCHES_READ));
    decode(&insn, "\xff\x37", 2); /* push [rdi] */
    ck_assert_uint_eq(hak_instruction_touch(&insn, 0x600000, HAK_TOUCHES_READ)->base, RDI);
    ck_assert_uint_eq(hak_instruction_touch(&insn, 0x7ffff8, HAK_TOUCHES_WRITE)->base, RSP);
    ck_assert_ptr_null(hak_instruction_touch(&insn, 0x600000, HAK_TOUCHES_WRITE));
    decode(&insn, "\xff\x17", 2); /* call [rdi] */
    ck_assert_uint_eq(hak_instruction_touch(&insn, 0x600000, HAK_TOUCHES_READ)->bytes, 8);
    decode(&insn, "\x8f\x07", 2); /* pop [rdi] */
    ck_assert_uint_eq(hak_instruction_touch(&insn, 0x600000, HAK_TOUCHES_WRITE)->bytes, 8);
    decode(&insn, "\x8f\x44\x24\x08", 4); /* pop [rsp + 8]: by rsp as it is afterwards */
    ck_assert_ptr_null(hak_instruction_touch(&insn, 0x800008, HAK_TOUCHES_WRITE));
}

TEST(a_string_instruction_has_direction_and_count) {
    struct hak_instruction insn;
    decode(&insn, "\xf3\xaa", 2); /* rep stosb */
    ck_assert(insn.is_repeated && insn.has_direction && !insn.is_downwards);
    ck_assert_uint_eq(insn.left, 5);
    machine.flags = SET | DOWN;
    decode(&insn, "\xf3\x48\xa5", 3); /* rep movsq */
    ck_assert(insn.is_repeated && insn.is_downwards);
    ck_assert_uint_eq(hak_instruction_touch(&insn, 0x600000, HAK_TOUCHES_WRITE)->address, 0x600000);
    machine.flags = 0;
    decode(&insn, "\xf3\xa6", 2); /* repe cmpsb */
    ck_assert(insn.is_repeated && !insn.has_direction);
    decode(&insn, "\xf2\x0f\x10\x07", 4); /* movsd xmm0, [rdi] is none */
    ck_assert(!insn.is_repeated && !insn.has_direction);
    ck_assert_uint_eq(hak_instruction_touch(&insn, 0x600000, 0)->bytes, 8);
}

/* ---- behind an instruction ----------------------------------------------------------------------
 */

static uint8_t window[64];

/* Nops, `code`, and nops behind it. Returns where it ends. */
static size_t lay(const void *code, size_t bytes) {
    memset(window, 0x90, sizeof window);
    memcpy(window + 40 - bytes, code, bytes);
    return 40;
}

static bool behind(struct hak_instruction *out, size_t before, uint64_t written) {
    return hak_instruction_behind(out, window, sizeof window, before, AT, written,
                                  HAK_TOUCHES_WRITE, &machine);
}

TEST(the_instruction_in_front_is_found) {
    struct hak_instruction insn;
    size_t end = lay("\x48\x89\x47\x08", 4); /* mov [rdi + 8], rax; also ends mov [rdi + 8], eax */
    ck_assert(behind(&insn, end, 0x600009));
    ck_assert_str_eq(insn.text, "mov qword ptr [rdi + 8], rax");
    ck_assert_uint_eq(insn.address, AT + 36);
    ck_assert(!behind(&insn, end, 0x600010)); /* it wrote elsewhere */
    end = lay("\xab", 1);                     /* stosd: rdi is behind what it wrote */
    ck_assert(behind(&insn, end, 0x5ffffe));
    ck_assert(!behind(&insn, end, 0x600000));
    machine.flags = SET | DOWN;
    ck_assert(behind(&insn, end, 0x600004));
    machine.flags = SET;
    end = lay("\x50", 1); /* push rax: rsp is where it wrote */
    ck_assert(behind(&insn, end, 0x800000));
    end = lay("\x48\x87\x07", 3); /* xchg [rdi], rax: rdi is still the address */
    ck_assert(behind(&insn, end, 0x600000));
    end = lay("\x48\x87\x3f", 3); /* xchg [rdi], rdi: it is another */
    ck_assert(!behind(&insn, end, 0x600000));
    end = lay("\xff\x07", 2); /* inc dword [rdi] */
    ck_assert(behind(&insn, end, 0x600000));
    end = lay("\x8b\x07", 2); /* mov eax, [rdi] does not write */
    ck_assert(!behind(&insn, end, 0x600000));
    end = lay("\x48\x8b\x3f", 3); /* mov rdi, [rdi]: it has its old value again */
    ck_assert(hak_instruction_behind(&insn, window, sizeof window, end, AT, 0x600000,
                                     HAK_TOUCHES_READ, &machine));
    end = lay("\x48\x03\x3f", 3); /* add rdi, [rdi]: it has not */
    ck_assert(!hak_instruction_behind(&insn, window, sizeof window, end, AT, 0x600000,
                                      HAK_TOUCHES_READ, &machine));
}

TEST(a_repeated_one_that_goes_on_is_found) {
    struct hak_instruction insn;
    memset(window, 0x90, sizeof window);
    memcpy(window + 40, "\xf3\xaa", 2);
    ck_assert(behind(&insn, 40, 0x5fffff));
    ck_assert_str_eq(insn.text, "rep stosb byte ptr [rdi], al");
    ck_assert(!behind(&insn, 40, 0x600000));
    registers[RCX] = 0; /* it is through: it has not begun */
    ck_assert(!behind(&insn, 40, 0x5fffff));
    registers[RCX] = 5;
    memcpy(window + 37, "\x88\x47\xff", 3); /* mov [rdi - 1], al in front wrote the same byte */
    ck_assert(!behind(&insn, 40, 0x5fffff));
}

TEST(two_ways_to_the_end_are_none) {
    struct hak_instruction insn;
    /* Where nothing stands in front: mov [rdi], al, with or without a prefix. */
    memset(window, 0x90, sizeof window);
    memcpy(window, "\x48\x88\x07", 3);
    ck_assert(
        !hak_instruction_behind(&insn, window, 16, 3, AT, 0x600000, HAK_TOUCHES_WRITE, &machine));
    ck_assert(hak_instruction_behind(&insn, window + 1, 16, 2, AT, 0x600000, HAK_TOUCHES_WRITE,
                                     &machine));
}

/* Instructions of AArch64, with that processor's registers: x1 = 0x1000000, x2 = 0x2000000, ... */
static const struct {
    uint8_t code[4];
    const char *text;
    uint64_t address;
    uint32_t touched; /* 0 = nothing is said */
    unsigned ways;
    int base, index;
} of_arm[] = {
    {{0x20, 0x04, 0x40, 0xf9}, "ldr x0, [x1, #8]", 0x1000008, 8, HAK_TOUCHES_READ, 1, -1},
    {{0x20, 0x78, 0x22, 0xb8}, "str w0, [x1, x2, lsl #2]", 0x9000000, 4, HAK_TOUCHES_WRITE, 1, 2},
    {{0xfd, 0x7b, 0xbf, 0xa9},
     "stp x29, x30, [sp, #-0x10]!",
     0x1f000000 - 16,
     16,
     HAK_TOUCHES_WRITE,
     31,
     -1},
    {{0x20, 0x00, 0x00, 0x58}, "ldr x0, #0x401004", AT + 4, 8, HAK_TOUCHES_READ, -1, -1},
    {{0x20, 0xfc, 0x5f, 0x88}, "ldaxr w0, [x1]", 0x1000000, 4, HAK_TOUCHES_READ, 1, -1},
    {{0x60, 0x00, 0x40, 0x39}, "ldrb w0, [x3]", 0x3000000, 1, HAK_TOUCHES_READ, 3, -1}, /* tagged */
    {{0x21, 0x74, 0x0b, 0xd5}, "dc zva, x1", 0x1000000, 64, HAK_TOUCHES_WRITE, 1, -1},
    {{0x20, 0x00, 0x80, 0xf9}, "prfm pldl1keep, [x1]", 0, 0, 0, -1, -1},
    {{0x20, 0x00, 0x02, 0x8b}, "add x0, x1, x2", 0, 0, 0, -1, -1},
};

TEST(one_of_another_processor, .until = sizeof of_arm / sizeof *of_arm) {
    struct hak_instruction insn;
    uint64_t of_arm_registers[HAK_DECODE_AARCH64_REGISTERS];
    const struct hak_machine arm = {
        .registers = of_arm_registers, .processor = HAK_PROCESSOR_AARCH64, .block_bytes = 64};
    for (unsigned i = 0; i < HAK_DECODE_AARCH64_REGISTERS; i++)
        of_arm_registers[i] = UINT64_C(0x1000000) * i;
    of_arm_registers[3] |= UINT64_C(5) << 56;
    ck_assert_msg(hak_instruction_at(&insn, of_arm[_i].code, 4, AT, &arm), "%s", of_arm[_i].text);
    ck_assert_str_eq(insn.text, of_arm[_i].text);
    ck_assert_int_eq(insn.length, 4);
    ck_assert_int_eq(insn.touch_count, of_arm[_i].touched != 0);
    if (insn.touch_count == 0)
        return;
    const struct hak_touch *touch = insn.touches;
    ck_assert_uint_eq(touch->address, of_arm[_i].address);
    ck_assert_uint_eq(touch->bytes, of_arm[_i].touched);
    ck_assert_uint_eq(touch->ways, of_arm[_i].ways);
    ck_assert(touch->base == of_arm[_i].base && touch->index == of_arm[_i].index);
}

/* A debug register of another processor stops elsewhere: nothing is said of what lies in front. */
TEST(none_behind_of_another_processor) {
    struct hak_instruction insn;
    uint64_t of_arm_registers[HAK_DECODE_AARCH64_REGISTERS] = {[1] = 0x1000};
    const struct hak_machine arm = {.registers = of_arm_registers,
                                    .processor = HAK_PROCESSOR_AARCH64};
    const uint8_t code[] = {0x20, 0x00, 0x00, 0xf9, 0x1f, 0x20, 0x03, 0xd5}; /* str x0, [x1]; nop */
    ck_assert(
        !hak_instruction_behind(&insn, code, sizeof code, 4, AT, 0x1000, HAK_TOUCHES_WRITE, &arm));
}

TEST(any_bytes_are_read) {
    struct hak_instruction insn;
    srand(7);
    for (int i = 0; i < 60000; i++) {
        for (size_t k = 0; k < sizeof window; k++)
            window[k] = (uint8_t)rand();
        for (int k = 0; k < REGISTERS; k++)
            registers[k] = (uint64_t)rand() << 33 ^ (uint64_t)rand();
        if (hak_instruction_at(&insn, window, (size_t)rand() % 16, AT, &machine)) {
            ck_assert_uint_ge(insn.length, 1);
            ck_assert_uint_le(insn.length, HAK_INSTRUCTION_BYTES);
            ck_assert_int_le(insn.touch_count, HAK_INSTRUCTION_TOUCHES);
        }
        if (i % 100 == 0)
            (void)behind(&insn, (size_t)rand() % (sizeof window + 1), registers[RDI]);
    }
    ck_assert(!hak_instruction_at(&insn, window, 0, AT, &machine));
}

RUN_TESTS(.set_up = start)

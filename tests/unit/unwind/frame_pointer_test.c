/* Tests of src/unwind/frame_pointer.c and code.c: stacks go on through code without call frame
 * information where a return address proves itself, and end, safely, where none does. */
#include "unwind/frame_pointer.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "platform/objects.h"
#include "unwind/code.h"
#include "unwind/splice.h"
#include "unwind/unwind.h"
#include "unit/barred.h"
#include "unit/suite.h"

enum { FRAMES = 256, PAGE = 4096 };

static uintptr_t ips[FRAMES];
static size_t count;
static enum hak_unwind_end end;

void unwind_from_assembly(void);
__attribute__((noinline)) void unwind_from_assembly(void) {
    count = hak_unwind_here(ips, FRAMES, &end);
    __asm__ volatile("");
}

void bare_with_frame_pointer(void);
void bare_with_frame_pointer_end(void);
void bare_without_frame_pointer(void);
void bare_chain(void);
void bare_that_jumps(void);
void bare_wild_frame_pointer(void);
__asm__(".text\n"
        "bare_with_frame_pointer:\n"
        "  push %rbp\n  mov %rsp, %rbp\n  sub $32, %rsp\n"
        "  call unwind_from_assembly\n"
        "  leave\n  ret\n"
        "bare_with_frame_pointer_end:\n  nop\n"
        "bare_without_frame_pointer:\n"
        "  push %rbx\n  push $5\n  push $6\n"
        "  call unwind_from_assembly\n"
        "  add $16, %rsp\n  pop %rbx\n  ret\n  nop\n"
        "bare_chain:\n"
        "  push %rbp\n  mov %rsp, %rbp\n"
        "  call bare_without_frame_pointer\n"
        "  pop %rbp\n  ret\n"
        "bare_that_jumps:\n"
        "  jmp bare_with_frame_pointer\n"
        "bare_wild_frame_pointer:\n"
        "  push %rbp\n  mov $0x5a5a5a58, %ebp\n"
        "  call unwind_from_assembly\n"
        "  pop %rbp\n  ret\n");

/* Where `function` is among the frames; 0 = it is not. */
static size_t find_frame(uintptr_t function, size_t bytes) {
    for (size_t i = 1; i < count; i++)
        if (ips[i] - function < bytes)
            return i;
    return 0;
}

static __attribute__((noinline)) void call_directly(void (*unused)(void)) {
    (void)unused;
    bare_without_frame_pointer();
    __asm__ volatile("");
}
static __attribute__((noinline)) void call_by_pointer(void (*function)(void)) {
    function();
    __asm__ volatile("");
}
static __attribute__((noinline)) void call_wild(void (*unused)(void)) {
    (void)unused;
    bare_wild_frame_pointer();
    __asm__ volatile("");
}

TEST(over_code_with_a_frame_pointer, .until = 2) {
    call_by_pointer(_i == 0 ? bare_with_frame_pointer : bare_that_jumps);
    ck_assert_int_eq(end, HAK_UNWIND_BY_FRAMES);
    ck_assert_uint_eq(find_frame((uintptr_t)call_by_pointer, 64), 2);
    ck_assert_uint_gt(count, 7);
}

TEST(over_code_without_one_by_the_call) {
    call_directly(NULL);
    ck_assert_int_eq(end, HAK_UNWIND_BY_FRAMES);
    ck_assert_uint_eq(find_frame((uintptr_t)call_directly, 64), 2);
    call_wild(NULL);
    ck_assert_int_eq(end, HAK_UNWIND_BY_FRAMES);
    ck_assert_uint_eq(find_frame((uintptr_t)call_wild, 64), 2);
}

/* No frame pointer and no call that names it: nothing proves the caller. */
TEST(without_evidence_the_stack_ends) {
    call_by_pointer(bare_wild_frame_pointer);
    ck_assert_int_eq(end, HAK_UNWIND_NO_CFI);
    ck_assert_uint_eq(count, 2);
}

/* ---- memory that a compiler at run time fills -------------------------------------------------
 */

/* push rbp; mov rbp, rsp; mov rax, FUNCTION; call rax; pop rbp; ret */
static void *make_code(void) {
    static const uint8_t code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0xb8, 0,    0,    0,
                                   0,    0,    0,    0,    0,    0xff, 0xd0, 0x5d, 0xc3};
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void (*callee)(void) = unwind_from_assembly;
    memcpy(page + 64, code, sizeof code);
    memcpy(page + 70, &callee, 8);
    mprotect(page, PAGE, PROT_READ | PROT_EXEC);
    return page + 64;
}

TEST(through_code_made_at_run_time) {
    for (int round = 0; round < 5; round++) {
        void *code = make_code();
        call_by_pointer((void (*)(void))code);
        ck_assert_int_eq(end, HAK_UNWIND_BY_FRAMES);
        ck_assert_uint_eq(ips[1] - (uintptr_t)code, 16);
        ck_assert_uint_eq(find_frame((uintptr_t)call_by_pointer, 64), 2);
    }
}

/* A compiler uses rbp as it likes: behind an address on the stack there are words of any kind. */
TEST(words_that_are_no_code_put_off_no_look) {
    struct hak_code_reader reader = {1};
    struct hak_code_call call;
    for (int i = 0; i < 1000; i++)
        ck_assert(!hak_code_follows_call(&reader, (uintptr_t)&ips[i % FRAMES] + 1, &call));
    call_by_pointer((void (*)(void))make_code());
    ck_assert_int_eq(end, HAK_UNWIND_BY_FRAMES);
    ck_assert_uint_eq(find_frame((uintptr_t)call_by_pointer, 64), 2);
}

TEST(in_a_forked_child) {
    call_by_pointer((void (*)(void))make_code());
    pid_t child = fork();
    if (child == 0) {
        hak_code_fork_child();
        call_by_pointer((void (*)(void))make_code());
        _exit(end == HAK_UNWIND_BY_FRAMES ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
}

/* ---- what a call looks like --------------------------------------------------------------------
 */

TEST(calls_are_told_from_other_code) {
    static const struct {
        uint8_t code[8];
        unsigned bytes;
        bool is_call;
    } sample[] = {
        {{0xff, 0xd0}, 2, true},                                /* call rax */
        {{0x41, 0xff, 0xd4}, 3, true},                          /* call r12 */
        {{0xff, 0x50, 0x18}, 3, true},                          /* call [rax+24] */
        {{0xff, 0x54, 0x24, 0x08}, 4, true},                    /* call [rsp+8] */
        {{0xff, 0x14, 0xc5, 0, 0, 0, 0}, 7, true},              /* call [rax*8+0] */
        {{0xff, 0x15, 1, 2, 3, 4}, 6, true},                    /* call [rip+..] */
        {{0xff, 0x93, 1, 2, 3, 4}, 6, true},                    /* call [rbx+..] */
        {{0xff, 0xe0}, 2, false},                               /* jmp rax */
        {{0xff, 0x25, 1, 2, 3, 4}, 6, false},                   /* jmp [rip+..] */
        {{0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}, 7, false}, /* nops */
        {{0xe8, 0x00, 0x00, 0x00, 0x60}, 5, false},             /* call of nothing executable */
        {{0xff, 0x15, 1, 2, 3, 4, 0x90}, 7, false},             /* a call, then something else */
    };
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (size_t i = 0; i < sizeof sample / sizeof *sample; i++) {
        struct hak_code_reader reader = {1};
        struct hak_code_call call;
        memset(page, 0xcc, 64);
        memcpy(page + 32, sample[i].code, sample[i].bytes);
        uintptr_t ip = (uintptr_t)page + 32 + sample[i].bytes;
        ck_assert_msg(hak_code_follows_call(&reader, ip, &call) == sample[i].is_call, "sample %zu",
                      i);
    }
    struct hak_code_reader reader = {1};
    struct hak_code_call call;
    memcpy(page + 32, "\xe8\x10\0\0\0", 5); /* to page + 53, a jump to page + 5 */
    memcpy(page + 53, "\xf3\x0f\x1e\xfa\xe9\xc7\xff\xff\xff", 9);
    ck_assert(hak_code_follows_call(&reader, (uintptr_t)page + 37, &call));
    ck_assert(call.is_direct);
    ck_assert_uint_eq(call.target, (uintptr_t)page + 5);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    munmap(page, PAGE);
    ck_assert(!hak_code_follows_call(&(struct hak_code_reader){1}, (uintptr_t)page + 37, &call));
}

/* ---- at every instruction -----------------------------------------------------------------------
 */

static volatile sig_atomic_t stepping;
static unsigned steps, missed;

static void handle_step(int number, siginfo_t *info, void *context) {
    struct hak_registers registers;
    (void)number, (void)info;
    hak_registers_from_context(&registers, context);
    uintptr_t ip = registers.value[HAK_RIP];
    if (!stepping ||
        ip - (uintptr_t)bare_with_frame_pointer >=
            (uintptr_t)bare_with_frame_pointer_end - (uintptr_t)bare_with_frame_pointer)
        return;
    steps++;
    count = hak_unwind_from(&registers, ips, FRAMES, &end);
    missed += end != HAK_UNWIND_BY_FRAMES || find_frame((uintptr_t)call_by_pointer, 64) != 1;
}

TEST(at_each_of_its_instructions) {
    struct sigaction action = {.sa_sigaction = handle_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    stepping = 1;
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
    call_by_pointer(bare_with_frame_pointer);
    stepping = 0;
    __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
    ck_assert_uint_eq(steps, 6);
    ck_assert_uint_eq(missed, 0);
}

/* ---- behind a call -----------------------------------------------------------------------------
 */

/* Code without CFI calls a piece of itself and traps where that comes back to; its caller's frame
 * is large. */
void call_bare_that_traps(void);
__asm__(".text\n"
        "piece_without_cfi: ret\n"
        "nop\n"
        "bare_that_traps: push %rbp\n"
        "mov %rsp, %rbp\n"
        "sub $32, %rsp\n"
        "call piece_without_cfi\n"
        "ud2\n"
        "leave\n"
        "ret\n"
        ".globl call_bare_that_traps\n"
        "call_bare_that_traps:\n"
        ".cfi_startproc\n"
        "sub $600008, %rsp\n"
        ".cfi_def_cfa_offset 600016\n"
        "call bare_that_traps\n"
        "add $600008, %rsp\n"
        ".cfi_def_cfa_offset 8\n"
        "ret\n"
        ".cfi_endproc\n");

static void handle_trap(int number, siginfo_t *info, void *context) {
    enum { UD2_BYTES = 2 };
    struct hak_registers registers;
    (void)number, (void)info;
    hak_registers_from_context(&registers, context);
    count = hak_unwind_from(&registers, ips, FRAMES, &end);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += UD2_BYTES;
}

TEST(where_a_call_came_back_to) {
    struct sigaction action = {.sa_sigaction = handle_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL);
    call_bare_that_traps();
    ck_assert_int_eq(end, HAK_UNWIND_BY_FRAMES);
    ck_assert_uint_eq(find_frame((uintptr_t)call_bare_that_traps, 64), 1);
}

/* ---- what a thread remembers ------------------------------------------------------------------
 */

/* From here on the kernel does not say of any page that it can be read. */
static void forbid_questions(void) {
    static const unsigned asked[] = {SYS_rt_sigprocmask};
    if (!bar_calls(asked, 1, EPERM))
        _exit(77);
}

static void call_three_times(bool last_without_questions) {
    for (int round = 0; round < 3; round++) {
        if (round == 2 && last_without_questions)
            forbid_questions();
        call_directly(NULL);
    }
}

/* A stack that was searched is searched again without one system call; of a thread that keeps
 * nothing it ends there. */
TEST(a_known_stack_asks_the_kernel_nothing, .until = 2) {
    pid_t child = fork();
    if (child == 0) {
        if (_i == 0 && !hak_splice_begin(1, FRAMES))
            _exit(2);
        call_three_times(true);
        _exit(end == HAK_UNWIND_BY_FRAMES && find_frame((uintptr_t)call_directly, 64) == 2);
    }
    int status = -1;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return; /* no filters here */
    ck_assert_int_eq(status, _i == 0 ? 1 << 8 : 0);
}

/* ---- hostile ------------------------------------------------------------------------------------
 */

static uintptr_t return_here; /* a true return address into call_by_pointer */

static void unwind_registers(uintptr_t *sp, uintptr_t bp) {
    struct hak_registers registers = {.known = (1u << HAK_REGISTERS) - 1};
    registers.value[HAK_RIP] = (uintptr_t)bare_with_frame_pointer + 8;
    registers.value[HAK_RSP] = (uintptr_t)sp;
    registers.value[HAK_RBP] = bp;
    count = hak_unwind_from(&registers, ips, FRAMES, &end);
}

TEST(frame_pointers_that_lie) {
    static _Alignas(16) uintptr_t stack[512];
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    call_by_pointer(bare_with_frame_pointer);
    return_here = ips[2];
    munmap(page + PAGE, PAGE);
    uintptr_t bad[] = {0,
                       8,
                       (uintptr_t)stack - 16,        /* below rsp */
                       (uintptr_t)stack + 4,         /* not aligned */
                       (uintptr_t)stack + (1 << 20), /* too far */
                       (uintptr_t)page + PAGE - 8,   /* its return address cannot be read */
                       UINTPTR_MAX - 7,
                       (uintptr_t)1 << 47,
                       (uintptr_t)stack + 160}; /* readable, no return address there */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unwind_registers(stack, bad[i]);
        ck_assert_int_eq(end, HAK_UNWIND_NO_CFI);
        ck_assert_uint_eq(count, 1);
    }
    /* A frame that is its own caller, and two that are each other's: the walk must go upwards. */
    stack[4] = (uintptr_t)&stack[4];
    stack[5] = (uintptr_t)bare_chain + 9;
    unwind_registers(stack, (uintptr_t)&stack[4]);
    ck_assert_int_ne(end, HAK_UNWIND_COMPLETE);
    ck_assert_uint_le(count, 3);
    stack[8] = (uintptr_t)&stack[4];
    stack[9] = (uintptr_t)bare_chain + 9;
    stack[4] = (uintptr_t)&stack[8];
    unwind_registers(stack, (uintptr_t)&stack[4]);
    ck_assert_int_ne(end, HAK_UNWIND_COMPLETE);
    ck_assert_uint_le(count, 4);
}

/* Code that was looked at and closed since is not looked at again. */
TEST(code_that_is_closed_meanwhile) {
    static _Alignas(PAGE) uint8_t code[PAGE];
    static _Alignas(16) uintptr_t stack[512];
    int32_t distance = (int32_t)((intptr_t)bare_with_frame_pointer - (intptr_t)(code + 69));
    code[64] = 0xe8; /* call bare_with_frame_pointer */
    memcpy(code + 65, &distance, sizeof distance);
    mprotect(code, PAGE, PROT_READ | PROT_EXEC);
    stack[3] = (uintptr_t)code + 69;
    ck_assert_ptr_nonnull(hak_splice_begin(1, FRAMES));
    for (int round = 0; round < 600; round++) {
        unwind_registers(stack, 0);
        ck_assert_uint_le(count, 2);
        if (round == 1) {
            ck_assert_uint_eq(count, 2);
            mprotect(code, PAGE, PROT_NONE);
        }
    }
    mprotect(code, PAGE, PROT_READ | PROT_WRITE);
    hak_splice_thread_end();
}

TEST(noise_on_the_stack_and_in_rbp) {
    static _Alignas(16) uintptr_t stack[512];
    uintptr_t seed = 88172645463325252u;
    call_by_pointer(bare_with_frame_pointer);
    return_here = ips[2];
    for (int round = 0; round < 20000; round++) {
        for (int i = 0; i < 512; i++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            switch (seed % 6) {
            case 0:
                stack[i] = (uintptr_t)&stack[seed / 8 % 512];
                break;
            case 1:
                stack[i] = (uintptr_t)bare_chain + seed / 8 % 32;
                break;
            case 2:
                stack[i] = return_here;
                break;
            case 3:
                stack[i] = (uintptr_t)bare_with_frame_pointer + seed / 8 % 32;
                break;
            default:
                stack[i] = seed;
            }
        }
        unwind_registers(stack, (uintptr_t)&stack[seed / 8 % 64]);
        ck_assert_uint_le(count, FRAMES);
    }
}

TEST(a_search_stands_until_a_word_decides_otherwise) {
    uintptr_t behind_call = (uintptr_t)bare_chain + 9; /* push, mov, call */
    uintptr_t stack[HAK_SEARCH_WORDS] = {[5] = behind_call};
    const struct hak_bare_frame frame = {.pc = (uintptr_t)bare_without_frame_pointer + 6,
                                         .sp = (uintptr_t)stack};
    struct hak_stack_memory reads;
    struct hak_known_search known;
    hak_stack_memory_begin(&reads, frame.sp);
    ck_assert(hak_bare_frame_search(&frame, &known));
    ck_assert(known.is_found);
    ck_assert_uint_eq(known.words, 6);
    ck_assert(hak_search_is_of(&known, &frame));
    stack[2] = 0x12345678; /* leads nowhere, as what was there */
    stack[6] = behind_call;
    ck_assert(hak_search_stands(&known));
    stack[3] = behind_call;
    ck_assert(!hak_search_stands(&known));
    stack[3] = stack[5] = 0;
    ck_assert(!hak_search_stands(&known));
    known.words = 5;
    known.is_found = false;
    known.uses_left = 1;
    ck_assert(hak_search_stands(&known));
    ck_assert(!hak_search_stands(&known)); /* where its words lead is looked at again */
    struct hak_bare_frame near = frame;
    near.bp = frame.sp + 64;
    ck_assert(!hak_search_is_of(&known, &near));
    ck_assert(!hak_bare_frame_search(&near, &known));
}

/* Words are compared some at once: each of them decides, whatever changed before. */
TEST(each_word_of_a_search_decides) {
    uintptr_t behind_call = (uintptr_t)bare_chain + 9;
    uintptr_t stack[HAK_SEARCH_WORDS] = {0};
    const struct hak_bare_frame frame = {.pc = (uintptr_t)bare_without_frame_pointer + 6,
                                         .sp = (uintptr_t)stack};
    struct hak_stack_memory reads;
    struct hak_known_search in_vain, found;
    hak_stack_memory_begin(&reads, frame.sp);
    ck_assert(hak_bare_frame_search(&frame, &in_vain));
    ck_assert(!in_vain.is_found);
    ck_assert_uint_eq(in_vain.words, HAK_SEARCH_WORDS);
    for (uint32_t i = 0; i < HAK_SEARCH_WORDS; i++) {
        stack[i] = behind_call;
        ck_assert(!hak_search_stands(&in_vain));
        ck_assert(hak_bare_frame_search(&frame, &found));
        ck_assert_uint_eq(found.words, i + 1);
        ck_assert(hak_search_stands(&found));
        stack[i] = 0x1234567 + i; /* leads nowhere, and differs in the lower half alone */
        ck_assert(!hak_search_stands(&found));
        ck_assert(hak_search_stands(&in_vain));
        stack[i] |= 1ul << 63;
        ck_assert(hak_search_stands(&in_vain));
        ck_assert_uint_eq(in_vain.word[i], stack[i]);
    }
}

RUN_TESTS(.prepare = hak_objects_start)

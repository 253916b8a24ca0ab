/* Tests of src/unwind/unwind.c: the same frames as libunwind's in calls, signals, coroutines and at
 * every single instruction; and never a fault or a loop on a stack that holds anything at all. */
#define UNW_LOCAL_ONLY
#include "unwind/unwind.h"
#include "platform/objects.h"
#include "unit/suite.h"
#include <errno.h>
#include <libunwind.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { FRAMES = 256 };

/* ---- calls --------------------------------------------------------------------------------- */

static uintptr_t ours[FRAMES], theirs[FRAMES];
static size_t our_count, their_count;
static enum hak_unwind_end our_end;

/* Unwinds twice from here; the first frames lie in this function, so the second ones are compared.
 */
static __attribute__((noinline)) void unwind_both(void) {
    our_count = hak_unwind_here(ours, FRAMES, &our_end);
    their_count = (size_t)unw_backtrace((void **)theirs, FRAMES);
}

/* libunwind before 1.5 may end too early, and gives the address before the one that a signal
 * interrupted. */
enum { IS_OLD_LIBUNWIND = UNW_VERSION_MAJOR == 1 && UNW_VERSION_MINOR < 5 };

static void expect_equal(void) {
    if (IS_OLD_LIBUNWIND)
        ck_assert_uint_ge(our_count, their_count);
    else
        ck_assert_uint_eq(our_count, their_count);
    for (size_t i = 1; i < their_count; i++)
        if (!IS_OLD_LIBUNWIND || ours[i] != theirs[i] + 1)
            ck_assert_uint_eq(ours[i], theirs[i]);
}

static __attribute__((noinline)) int recurse(int depth) {
    if (depth > 0) {
        int below = recurse(depth - 1);
        __asm__ volatile("" : "+r"(below)); /* a call and not a loop */
        return below + 1;
    }
    unwind_both();
    return 0;
}

TEST(calls_equal_libunwind, .until = 10) {
    ck_assert_int_eq(recurse(_i * 7), _i * 7);
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
    ck_assert_uint_gt(our_count, 5);
    expect_equal();
}

TEST(depth_keeps_the_newest) {
    enum hak_unwind_end end;
    uintptr_t few[4];
    unwind_both();
    ck_assert_uint_eq(hak_unwind_here(few, 4, &end), 4);
    ck_assert_int_eq(end, HAK_UNWIND_DEPTH);
    ck_assert(memcmp(few + 1, ours + 2, 3 * sizeof *few) == 0);
    ck_assert_uint_eq(hak_unwind_here(few, 0, &end), 0);
    ck_assert_int_eq(end, HAK_UNWIND_DEPTH);
    uintptr_t all[FRAMES];
    ck_assert_uint_eq(hak_unwind_here(all, our_count - 1, &end), our_count - 1);
    ck_assert_int_eq(end, HAK_UNWIND_COMPLETE);
}

TEST(errno_is_kept) {
    errno = 12345;
    (void)hak_unwind_here(ours, FRAMES, &our_end);
    ck_assert_int_eq(errno, 12345);
}

static int order(const void *a, const void *b) {
    unwind_both();
    return *(const int *)a - *(const int *)b;
}

TEST(calls_through_libc) {
    int numbers[] = {3, 1, 2};
    qsort(numbers, 3, sizeof *numbers, order);
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
    expect_equal();
}

/* ---- frames that compilers seldom make ------------------------------------------------------ */

/* Each calls unwind_both with its frame described in another way. The names say how. */
__asm__(
    ".text\n"
    ".macro frame name\n"
    "  .globl \\name\n  .type \\name, @function\n\\name:\n  .cfi_startproc\n"
    ".endm\n"
    ".macro frame_end name\n  .cfi_endproc\n  .size \\name, .-\\name\n.endm\n"

    "frame frame_by_rbx\n"
    "  push %rbx\n  .cfi_adjust_cfa_offset 8\n  .cfi_rel_offset rbx, 0\n"
    "  mov %rsp, %rbx\n  .cfi_def_cfa_register rbx\n"
    "  and $-64, %rsp\n  call frame_by_expression\n"
    "  mov %rbx, %rsp\n  .cfi_def_cfa_register rsp\n"
    "  pop %rbx\n  .cfi_adjust_cfa_offset -8\n  .cfi_restore rbx\n  ret\n"
    "frame_end frame_by_rbx\n"

    /* CFA = *(rbp - 8): as gcc realigns a stack, but rbx is lost on the way and must be found again
     */
    "frame frame_by_expression\n"
    "  lea 8(%rsp), %r10\n  and $-32, %rsp\n  push -8(%r10)\n  push %rbp\n"
    "  mov %rsp, %rbp\n  push %r10\n  push %rbx\n"
    "  .cfi_escape 0x0f, 3, 0x76, 0x78, 0x06\n" /* CFA = *(rbp - 8) */
    "  .cfi_escape 0x10, 6, 2, 0x76, 0\n"       /* rbp at rbp + 0 */
    "  .cfi_escape 0x10, 3, 2, 0x76, 0x70\n"    /* rbx at rbp - 16 */
    "  xor %ebx, %ebx\n  call frame_by_values\n"
    "  mov -16(%rbp), %rbx\n  mov -8(%rbp), %r10\n"
    "  .cfi_def_cfa r10, 0\n"
    "  leave\n  .cfi_same_value rbp\n  lea -8(%r10), %rsp\n  .cfi_def_cfa rsp, 8\n  ret\n"
    "frame_end frame_by_expression\n"

    /* the return address by a value expression, rbp in another register, the state remembered */
    "frame frame_by_values\n"
    "  push %r12\n  .cfi_adjust_cfa_offset 8\n  .cfi_rel_offset r12, 0\n"
    "  mov %rbp, %r12\n  .cfi_register rbp, r12\n"
    "  .cfi_remember_state\n"
    "  mov $0x1235, %ebp\n"
    "  sub $16, %rsp\n  .cfi_adjust_cfa_offset 16\n"
    "  .cfi_escape 0x16, 16, 3, 0x38, 0x1c, 0x06\n" /* ra = *(CFA - 8), computed */
    "  call frame_by_arithmetic\n"
    "  add $16, %rsp\n  .cfi_restore_state\n"
    "  mov %r12, %rbp\n  .cfi_restore rbp\n"
    "  pop %r12\n  .cfi_adjust_cfa_offset -8\n  .cfi_restore r12\n  ret\n"
    "frame_end frame_by_values\n"

    /* CFA = rsp + 16 by way of a branch, constants and stack juggling */
    "frame frame_by_arithmetic\n"
    "  sub $8, %rsp\n"
    "  .cfi_escape 0x0f, 18, 0x77, 0x00, 0x0a, 0x20, 0x00, 0x32, 0x1b, 0x12, 0x28, 0x01, 0x00,"
    " 0x96, 0x16, 0x16, 0x22, 0x09, 0x00, 0x22\n"
    "  call unwind_both_from_assembly\n"
    "  add $8, %rsp\n  .cfi_def_cfa rsp, 8\n  ret\n"
    "frame_end frame_by_arithmetic\n"

    "frame frame_outermost\n"
    "  .cfi_undefined rip\n  sub $8, %rsp\n  .cfi_adjust_cfa_offset 8\n"
    "  call unwind_both_from_assembly\n"
    "  add $8, %rsp\n  .cfi_adjust_cfa_offset -8\n  ret\n"
    "frame_end frame_outermost\n"

    ".globl frame_without_cfi\n.type frame_without_cfi, @function\nframe_without_cfi:\n"
    "  sub $8, %rsp\n  call unwind_both_from_assembly\n  add $8, %rsp\n  ret\n  nop\n"
    "frame frame_after\n  ret\n frame_end frame_after\n");

void frame_by_rbx(void);
void frame_by_expression(void);
void frame_by_values(void);
void frame_by_arithmetic(void);
void frame_outermost(void);
void frame_without_cfi(void);
void unwind_both_from_assembly(void);
__attribute__((noinline)) void unwind_both_from_assembly(void) {
    unwind_both();
    __asm__ volatile("");
}

/* libunwind before 1.5 takes no value expression: the second of these frames is there twice. */
static void expect_four_frames(void) {
    void (*const functions[])(void) = {frame_by_arithmetic, frame_by_values, frame_by_expression,
                                       frame_by_rbx};
    enum { FUNCTION_BYTES = 64 };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        ck_assert_uint_lt(ours[i + 2] - (uintptr_t)functions[i], FUNCTION_BYTES);
}

TEST(seldom_frames_equal_libunwind) {
    frame_by_rbx();
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
    expect_four_frames();
    if (IS_OLD_LIBUNWIND)
        return;
    expect_equal();
    /* ours, unwind_both's caller, then the four frames, then this function */
    size_t before = our_count;
    unwind_both();
    ck_assert_uint_eq(before, our_count + 5);
    ck_assert(memcmp(ours + 2, theirs + 2, (our_count - 2) * sizeof *ours) == 0);
}

TEST(undefined_return_address_ends) {
    frame_outermost();
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
    ck_assert_uint_eq(our_count, 3);
}

/* More about such code: frame_pointer_test.c. */
TEST(code_without_cfi) {
    frame_without_cfi();
    ck_assert_int_eq(our_end, HAK_UNWIND_BY_FRAMES);
    size_t before = our_count;
    unwind_both();
    ck_assert_uint_eq(before, our_count + 2);
}

/* ---- signals -------------------------------------------------------------------------------- */

static void *alternate_stack;

static void handle_user(int number) {
    (void)number;
    unwind_both();
}

static __attribute__((noinline)) void raise_here(void) {
    raise(SIGUSR1);
    __asm__ volatile("");
}

TEST(through_a_signal_frame, .until = 2) {
    struct sigaction action = {.sa_handler = handle_user, .sa_flags = _i ? SA_ONSTACK : 0};
    stack_t stack = {.ss_sp = alternate_stack, .ss_size = 1 << 16};
    if (_i)
        sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise_here();
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
    ck_assert_uint_gt(our_count, 8);
    expect_equal();
}

/* A trampoline of the program's own, without CFI: what libraries set that call rt_sigaction. */
void restore_without_cfi(void);
__asm__(".text\n.p2align 4\nnop\nrestore_without_cfi:\n  mov $15, %rax\n  syscall\n  nop\n");

static void set_handler_with_restorer(int number, void (*handler)(int)) {
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
    } action = {handler, 0x04000000 /* SA_RESTORER */, restore_without_cfi, 0};
    ck_assert_int_eq(syscall(SYS_rt_sigaction, number, &action, NULL, 8), 0);
}

static __attribute__((noinline)) void realigned_and_raise(int bytes) {
    volatile char room[bytes];
    _Alignas(64) volatile char aligned[64];
    room[0] = aligned[0] = 1;
    raise(SIGUSR1);
    __asm__ volatile("");
    room[1] = aligned[1] = room[0];
}

TEST(through_a_signal_frame_without_cfi, .until = 2) {
    unwind_both();
    size_t before = our_count;
    set_handler_with_restorer(SIGUSR1, handle_user);
    if (_i == 0)
        raise_here();
    else
        realigned_and_raise(100 + _i);
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
    ck_assert_uint_gt(our_count,
                      before + (__GLIBC_PREREQ(2, 34) ? 3 : 2)); /* raise calls another */
    uintptr_t outermost[3];
    memcpy(outermost, ours + our_count - 3, sizeof outermost);
    unwind_both();
    ck_assert_mem_eq(outermost, ours + our_count - 3, sizeof outermost);
}

static sigjmp_buf out;
static uintptr_t fault_ip;

static void handle_fault(int number, siginfo_t *info, void *context) {
    struct hak_registers registers;
    (void)number, (void)info;
    hak_registers_from_context(&registers, context);
    fault_ip = registers.value[HAK_RIP];
    our_count = hak_unwind_from(&registers, ours, FRAMES, &our_end);
    siglongjmp(out, 1);
}

static __attribute__((noinline)) int read_bad(volatile int *p) {
    return *p + 1;
}

TEST(from_the_context_of_a_fault) {
    struct sigaction action = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(out, 1) == 0)
        read_bad((volatile int *)16);
    ck_assert_uint_eq(ours[0], fault_ip);
    ck_assert_uint_lt(fault_ip - (uintptr_t)read_bad, 32);
    size_t count = our_count;
    unwind_both();
    ck_assert_uint_eq(count, our_count);
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
}

static int (*volatile wild)(void);
static __attribute__((noinline)) int call_wild(void) {
    return wild() + 1;
}

/* The pc says nothing then, but the call has left its return address. */
TEST(a_call_of_a_wild_pointer, .until = 2) {
    struct sigaction action = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    wild = _i ? (int (*)(void))0x123456789a : NULL;
    if (sigsetjmp(out, 1) == 0)
        call_wild();
    ck_assert_uint_eq(ours[0], (uintptr_t)wild);
    ck_assert_uint_lt(ours[1] - (uintptr_t)call_wild, 32);
    size_t count = our_count;
    unwind_both();
    ck_assert_uint_eq(count, our_count + 1);
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
}

/* ---- every instruction ---------------------------------------------------------------------- */

static volatile sig_atomic_t stepping;
static unsigned long steps, differing, without_cfi, interrupted, leave_at;

/* The trap flag makes the processor raise SIGTRAP after each instruction of what follows. */
static void step_on(void) {
    stepping = 1;
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}
static void step_off(void) {
    stepping = 0;
    __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

static void handle_step(int number, siginfo_t *info, void *context) {
    static uintptr_t mine[FRAMES], other[FRAMES];
    struct hak_registers registers;
    enum hak_unwind_end end;
    unw_cursor_t cursor;
    unw_word_t ip;
    size_t count, i = 0;
    (void)number, (void)info;
    if (!stepping)
        return;
    steps++;
    hak_registers_from_context(&registers, context);
    count = hak_unwind_from(&registers, mine, FRAMES, &end);
    unw_init_local2(&cursor, context, UNW_INIT_SIGNAL_FRAME);
    do {
        unw_get_reg(&cursor, UNW_REG_IP, &ip);
        if (ip == 0)
            break;
        other[i++] = ip;
    } while (i < FRAMES && unw_step(&cursor) > 0);
    /* glibc 2.41 runs through the padding between two functions, which neither has CFI for. */
    if (end == HAK_UNWIND_NO_CFI && count == 1 && i == 1 && mine[0] == other[0])
        without_cfi++;
    else if (end != HAK_UNWIND_COMPLETE || i != count ||
             memcmp(mine, other, i * sizeof *mine) != 0) {
        if (differing++ == 0)
            for (size_t k = 0; k < (i > count ? i : count); k++)
                printf("%zu: %lx %lx (end %d)\n", k, k < count ? mine[k] : 0, k < i ? other[k] : 0,
                       end);
    }
}

static int compare_numbers(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void work_to_step_through(void) {
    char text[64];
    int numbers[] = {5, 2, 9};
    qsort(numbers, 3, sizeof *numbers, compare_numbers);
    snprintf(text, sizeof text, "%d %.2f", numbers[0], 1.5);
    char *copy = strdup(text);
    __asm__ volatile("" : "+r"(copy)); /* gcc 16 leaves out both calls of free(strdup(text)) */
    free(copy);
    if (!IS_OLD_LIBUNWIND)
        (void)getppid(); /* that nothing else has called: ld.so binds the name */
}

/* Prologues, epilogues, PLT entries and ld.so's lazy binding: wherever the processor may be. */
TEST(every_instruction_equals_libunwind) {
    struct sigaction action = {.sa_sigaction = handle_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    step_on();
    work_to_step_through();
    step_off();
    ck_assert_uint_gt(steps, 2000);
    ck_assert_uint_eq(differing, 0);
    ck_assert_uint_lt(without_cfi, 10);
}

static void handle_in_unwinder(int number, siginfo_t *info, void *context) {
    static uintptr_t ips[FRAMES];
    enum hak_unwind_end end;
    (void)number, (void)info, (void)context;
    if (!stepping)
        return;
    steps++;
    size_t count = hak_unwind_here(ips, FRAMES, &end);
    if (end == HAK_UNWIND_INTERRUPTED) {
        interrupted++;
        if (count != 0)
            differing++;
    } else if (end != HAK_UNWIND_COMPLETE) {
        differing++;
    }
    if (leave_at && steps == leave_at)
        siglongjmp(out, 1);
}

/* A handler that interrupts the unwinder, at each of its instructions, gets "interrupted" and no
 * frame; what it interrupted goes on to the right result. */
TEST(interrupting_the_unwinder) {
    struct sigaction action = {.sa_sigaction = handle_in_unwinder, .sa_flags = SA_SIGINFO};
    enum hak_unwind_end end;
    uintptr_t ips[FRAMES];
    unwind_both();
    sigaction(SIGTRAP, &action, NULL);
    step_on();
    size_t count = hak_unwind_here(ips, FRAMES, &end);
    step_off();
    ck_assert_int_eq(end, HAK_UNWIND_COMPLETE);
    ck_assert_uint_eq(count + 1, our_count);
    ck_assert_uint_gt(steps, 100);
    ck_assert_uint_gt(interrupted, 50);
    ck_assert_uint_gt(steps, interrupted);
    ck_assert_uint_eq(differing, 0);
}

static __attribute__((noinline)) size_t use_stack_and_unwind(enum hak_unwind_end *end) {
    volatile char bytes[3000];
    uintptr_t ips[FRAMES];
    memset((char *)bytes, _Alignof(max_align_t), sizeof bytes);
    return hak_unwind_here(ips, FRAMES, end) + (size_t)(bytes[7] - bytes[8]);
}

/* A handler that leaves the unwinder by siglongjmp does not leave the thread without stacks. */
TEST(leaving_the_unwinder) {
    struct sigaction action = {.sa_sigaction = handle_in_unwinder, .sa_flags = SA_SIGINFO};
    static enum hak_unwind_end end;
    static uintptr_t ips[FRAMES];
    static volatile unsigned long step;
    sigaction(SIGTRAP, &action, NULL);
    for (step = 3; step < 600; step += 7) {
        leave_at = step;
        steps = 0;
        if (sigsetjmp(out, 1) == 0) {
            step_on();
            (void)hak_unwind_here(ips, FRAMES, &end);
        }
        step_off();
        ck_assert_uint_gt(use_stack_and_unwind(&end), 5);
        ck_assert_int_eq(end, HAK_UNWIND_COMPLETE);
        (void)hak_unwind_here(ips, FRAMES, &end);
        ck_assert_int_eq(end, HAK_UNWIND_COMPLETE);
    }
}

/* ---- other stacks --------------------------------------------------------------------------- */

static ucontext_t main_context, coroutine_context;
static char *coroutine_stack; /* 64 KiB with an inaccessible page on both sides */

static void run_coroutine(void) {
    for (;;) {
        unwind_both();
        swapcontext(&coroutine_context, &main_context);
    }
}

static void make_stacks(void) {
    size_t bytes = 1 << 16;
    char *area = mmap(NULL, bytes + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    coroutine_stack = area + 4096;
    mprotect(coroutine_stack, bytes, PROT_READ | PROT_WRITE);
    alternate_stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void enter_coroutine(void (*start)(void)) {
    getcontext(&coroutine_context);
    coroutine_context.uc_stack.ss_sp = coroutine_stack;
    coroutine_context.uc_stack.ss_size = 1 << 16;
    coroutine_context.uc_link = &main_context;
    makecontext(&coroutine_context, start, 0);
    swapcontext(&main_context, &coroutine_context);
}

TEST(coroutines_are_complete) {
    enter_coroutine(run_coroutine);
    for (int i = 0; i < 5; i++) {
        swapcontext(&main_context, &coroutine_context);
        ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
        ck_assert_uint_ge(our_count, 3);
        unwind_both();
        ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
        expect_equal();
    }
}

static void *unwind_in_thread(void *unused) {
    (void)unused;
    recurse(10);
    return NULL;
}

TEST(threads_are_complete, .until = 2) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, _i ? (size_t)PTHREAD_STACK_MIN + 16384 : 1 << 20);
    ck_assert_int_eq(pthread_create(&thread, &attributes, unwind_in_thread, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
    ck_assert_uint_gt(our_count, 12);
    expect_equal();
}

TEST(forked_children_are_complete) {
    unwind_both();
    size_t before = our_count;
    pid_t child = fork();
    if (child == 0) {
        unwind_both();
        _exit(our_end == HAK_UNWIND_COMPLETE && our_count == before ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
}

/* ---- smashed stacks ------------------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252u;
static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

enum { SMASHED_WORDS_MAX = 4096 };
static uintptr_t saved[SMASHED_WORDS_MAX], *smash_from;
static size_t smash_words, smash_index;
static unsigned long smashed_ends[8];

/* A word that a walk could mistake for something: noise, stack addresses, code, small numbers, the
 * stack's very ends, sums that overflow. */
static uintptr_t bad_word(void) {
    uintptr_t r = next_random();
    switch (r % 9) {
    case 0:
        return r;
    case 1:
        return (uintptr_t)(smash_from + r / 16 % smash_words);
    case 2:
        return (uintptr_t)unwind_both + r / 16 % 64;
    case 3:
        return (uintptr_t)qsort + r / 16 % 4096;
    case 4:
        return r / 16 % 5000;
    case 5:
        return UINTPTR_MAX - r / 16 % 64;
    case 6:
        return (uintptr_t)smash_from - r / 16 % 65536;
    case 7:
        return (uintptr_t)coroutine_stack + (1 << 16) - 64 + r / 16 % 128;
    default:
        return (uintptr_t)(smash_from + smash_words) - 64 + r / 16 % 128;
    }
}

/* Overwrites all frames from this function's own upwards, walks, and puts them back. */
static __attribute__((noinline)) void smash_once(void) {
    smash_from = __builtin_frame_address(0);
    for (smash_index = 0; smash_index < smash_words; smash_index++)
        saved[smash_index] = smash_from[smash_index];
    uintptr_t share = next_random() % 100;
    for (smash_index = 0; smash_index < smash_words; smash_index++)
        if (next_random() % 100 <= share)
            ((volatile uintptr_t *)smash_from)[smash_index] = bad_word();
    our_count = hak_unwind_here(ours, FRAMES, &our_end);
    for (smash_index = 0; smash_index < smash_words; smash_index++)
        ((volatile uintptr_t *)smash_from)[smash_index] = saved[smash_index];
}

static __attribute__((noinline)) void smash_often(int times) {
    for (int i = 0; i < times; i++) {
        smash_once();
        smashed_ends[our_end]++;
    }
}

TEST(smashed_stack_of_a_thread) {
    extern void *__libc_stack_end;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    smash_words = ((uintptr_t)__libc_stack_end - here) / 8;
    if (smash_words > SMASHED_WORDS_MAX)
        smash_words = SMASHED_WORDS_MAX;
    smash_often(20000);
    ck_assert_uint_gt(smashed_ends[HAK_UNWIND_BAD_CFA] + smashed_ends[HAK_UNWIND_NO_CFI], 4000);
    unwind_both();
    ck_assert_int_eq(our_end, HAK_UNWIND_COMPLETE);
}

static void smash_coroutine(void) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    smash_words = ((uintptr_t)coroutine_stack + (1 << 16) - here) / 8;
    smash_often(20000);
}

/* The page above this stack cannot be read, so a walk that leaves it would die. */
TEST(smashed_stack_of_a_coroutine) {
    enter_coroutine(smash_coroutine);
    ck_assert_uint_gt(smashed_ends[HAK_UNWIND_BAD_CFA] + smashed_ends[HAK_UNWIND_NO_CFI], 4000);
}

TEST(wild_registers) {
    struct hak_registers registers = {.known = (1u << HAK_REGISTERS) - 1};
    smash_words = 16;
    smash_from = __builtin_frame_address(0);
    for (int i = 0; i < 20000; i++) {
        for (int k = 0; k < HAK_REGISTERS; k++)
            registers.value[k] = bad_word();
        (void)hak_unwind_from(&registers, ours, FRAMES, &our_end);
        smashed_ends[our_end]++;
    }
    ck_assert_uint_eq(smashed_ends[HAK_UNWIND_INTERRUPTED], 0);
}

static void prepare(void) {
    hak_objects_start();
    make_stacks();
}

RUN_TESTS(.prepare = prepare)

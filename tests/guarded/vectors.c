/* A correct program whose compiler knew that malloc's memory is aligned: `vectors CASE`. It takes
 * parts of blocks of 40 bytes by instructions that want 16 bytes at a multiple of 16, and compares
 * what they do with what they do elsewhere. */
#include <cpuid.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { block_bytes = 40, vector_bytes = 16, turns = 300 };

static void fail(const char *what, const char *of) {
    printf("%s: %s\n", of, what);
    exit(1);
}

/* At each depth the block is the first of its stack. */
static __attribute__((noinline)) unsigned char *take(int depth) {
    unsigned char *block = depth > 0 ? take(depth - 1) : malloc(block_bytes);
    __asm__ volatile("" : "+r"(block));
    return block;
}

static unsigned char *take_less_aligned(int depth, const char *of) {
    unsigned char *block = take(depth);
    if ((uintptr_t)block % 16 != 8)
        fail("the block is aligned", of);
    return block;
}

/* ---- each instruction ------------------------------------------------------------------------ */

struct state {
    unsigned char a[vector_bytes], b[vector_bytes], high[vector_bytes];
    uint64_t low_half, high_half; /* rax, rdx */
    unsigned char is_zero, is_carry;
    uint32_t controls;
};

/* Both vectors before and after, what lies above the second, flags and controls. */
#define DEFINE(name, before, text, after, ...)                                                     \
    static void name(void *at, struct state *s) {                                                  \
        __asm__ volatile("movdqu %[a], %%xmm0\n\tmovdqu %[b], %%xmm9\n\t" before                   \
                         "\n\ttest %%rsp, %%rsp\n\t" text "\n\tsetz %[z]\n\tsetc %[c]\n\t" after   \
                         "\n\tmovdqu %%xmm9, %[b]\n\tmovdqu %%xmm0, %[a]\n\tstmxcsr %[m]"          \
                         : [a] "+m"(s->a), [b] "+m"(s->b), [h] "+m"(s->high),                      \
                           [z] "=m"(s->is_zero), [c] "=m"(s->is_carry), [m] "=m"(s->controls),     \
                           "+a"(s->low_half), "+d"(s->high_half)                                   \
                         : [at] "r"(at), "b"(0x1111), "c"(0x2222)                                  \
                         : "xmm0", "xmm9", "memory", "cc");                                        \
    }
#define PLAIN(name, text) DEFINE(name, "", text, "")

PLAIN(movaps_load, "movaps (%[at]), %%xmm9")
PLAIN(movapd_load, "movapd (%[at]), %%xmm9")
PLAIN(movdqa_load, "movdqa (%[at]), %%xmm0")
PLAIN(movntdqa_load, "movntdqa (%[at]), %%xmm9")
PLAIN(movaps_store, "movaps %%xmm9, (%[at])")
PLAIN(movapd_store, "movapd %%xmm0, (%[at])")
PLAIN(movdqa_store, "movdqa %%xmm9, (%[at])")
PLAIN(movntps_store, "movntps %%xmm9, (%[at])")
PLAIN(movntpd_store, "movntpd %%xmm9, (%[at])")
PLAIN(movntdq_store, "movntdq %%xmm9, (%[at])")
DEFINE(indexed, "push %%r12\n\tmov %[at], %%r12\n\tpush %%r13\n\tmov $2, %%r13",
       "movaps -16(%%r12,%%r13,8), %%xmm9", "pop %%r13\n\tpop %%r12")
PLAIN(addps, "addps (%[at]), %%xmm9")
PLAIN(mulpd, "mulpd (%[at]), %%xmm0")
PLAIN(divps, "divps (%[at]), %%xmm9")
PLAIN(sqrtps, "sqrtps (%[at]), %%xmm9")
PLAIN(cvtdq2ps, "cvtdq2ps (%[at]), %%xmm9")
PLAIN(xorps, "xorps (%[at]), %%xmm9")
PLAIN(paddd, "paddd (%[at]), %%xmm9")
PLAIN(pcmpeqb, "pcmpeqb (%[at]), %%xmm9")
PLAIN(punpcklbw, "punpcklbw (%[at]), %%xmm0")
PLAIN(pshufd, "pshufd $27, (%[at]), %%xmm9")
PLAIN(shufps, "shufps $27, (%[at]), %%xmm9")
PLAIN(cmpps, "cmpps $1, (%[at]), %%xmm9")
PLAIN(movshdup, "movshdup (%[at]), %%xmm9")
PLAIN(pshufb, "pshufb (%[at]), %%xmm9")
PLAIN(palignr, "palignr $5, (%[at]), %%xmm9")
PLAIN(pblendvb, "pblendvb %%xmm0, (%[at]), %%xmm9")
PLAIN(dpps, "dpps $0xf1, (%[at]), %%xmm9")
PLAIN(ptest, "ptest (%[at]), %%xmm9")
PLAIN(aesenc, "aesenc (%[at]), %%xmm9")
PLAIN(exchanged, "movq (%[at]), %%rax\n\tmovq 8(%[at]), %%rdx\n\tlock cmpxchg16b (%[at])")
PLAIN(not_exchanged, "movq (%[at]), %%rax\n\tmovq $7, %%rdx\n\tlock cmpxchg16b (%[at])")
#define FILL_ABOVE "vinsertf128 $1, %%xmm9, %%ymm9, %%ymm9"
#define READ_ABOVE "vextractf128 $1, %%ymm9, %%xmm0\n\tvmovdqu %%xmm0, %[h]"
DEFINE(vmovaps_load, FILL_ABOVE, "vmovaps (%[at]), %%xmm9", READ_ABOVE)
DEFINE(vmovdqa_load, FILL_ABOVE, "vmovdqa (%[at]), %%xmm9", READ_ABOVE)
DEFINE(vmovapd_store, FILL_ABOVE, "vmovapd %%xmm9, (%[at])", READ_ABOVE)
DEFINE(vmovntdq_store, FILL_ABOVE, "vmovntdq %%xmm9, (%[at])", READ_ABOVE)
DEFINE(vmovdqa64_load, "vpxord %%zmm17, %%zmm17, %%zmm17", "vmovdqa64 (%[at]), %%xmm17",
       "vmovdqu64 %%xmm17, %[h]")
DEFINE(vmovdqa64_store, "vmovdqu64 %[a], %%xmm30", "vmovdqa64 %%xmm30, (%[at])", "")
DEFINE(vmovaps_512, "vpternlogd $0xff, %%zmm9, %%zmm9, %%zmm9", "vmovaps (%[at]), %%xmm9",
       "vextracti32x4 $3, %%zmm9, %[h]")

static const struct {
    const char *name, *needs;
    void (*run)(void *, struct state *);
} instructions[] = {
#define ROW(name, needs) #name, needs, name
    {ROW(movaps_load, "")},     {ROW(movapd_load, "")},
    {ROW(movdqa_load, "")},     {ROW(movaps_store, "")},
    {ROW(movapd_store, "")},    {ROW(movdqa_store, "")},
    {ROW(movntps_store, "")},   {ROW(movntpd_store, "")},
    {ROW(movntdq_store, "")},   {ROW(indexed, "")},
    {ROW(addps, "")},           {ROW(mulpd, "")},
    {ROW(divps, "")},           {ROW(sqrtps, "")},
    {ROW(cvtdq2ps, "")},        {ROW(xorps, "")},
    {ROW(paddd, "")},           {ROW(pcmpeqb, "")},
    {ROW(punpcklbw, "")},       {ROW(pshufd, "")},
    {ROW(shufps, "")},          {ROW(cmpps, "")},
    {ROW(exchanged, "x")},      {ROW(not_exchanged, "x")},
    {ROW(movntdqa_load, "4")},  {ROW(movshdup, "4")},
    {ROW(pshufb, "4")},         {ROW(palignr, "4")},
    {ROW(pblendvb, "4")},       {ROW(dpps, "4")},
    {ROW(ptest, "4")},          {ROW(aesenc, "a")},
    {ROW(vmovaps_load, "v")},   {ROW(vmovdqa_load, "v")},
    {ROW(vmovapd_store, "v")},  {ROW(vmovntdq_store, "v")},
    {ROW(vmovdqa64_load, "z")}, {ROW(vmovdqa64_store, "z")},
    {ROW(vmovaps_512, "z")},
};

static int has(char what) {
    unsigned a, b, c = 0, d;
    if (what == 'x' || what == 'a')
        return __get_cpuid(1, &a, &b, &c, &d) && (c >> (what == 'x' ? 13 : 25) & 1);
    return what == '4'   ? __builtin_cpu_supports("sse4.1") != 0
           : what == 'v' ? __builtin_cpu_supports("avx") != 0
           : what == 'z' ? __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
                         : 1;
}

static void each_instruction(void) {
    static const float numbers[4] = {1.5f, -2, 0, 3e38f};
    for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++) {
        const char *name = instructions[i].name;
        struct state here = {.low_half = 3}, there = here;
        unsigned char aligned[block_bytes] __attribute__((aligned(16)));
        if (!has(instructions[i].needs[0]))
            continue;
        unsigned char *block = take_less_aligned((int)i, name);
        for (unsigned k = 0; k < block_bytes; k++)
            block[k] = aligned[k] = (unsigned char)(k * 37 + i);
        memcpy(block + 16, numbers, sizeof numbers);
        memcpy(aligned + 16, numbers, sizeof numbers);
        for (unsigned k = 0; k < vector_bytes; k++) {
            here.a[k] = there.a[k] = (unsigned char)(k * 23);
            here.b[k] = there.b[k] = (unsigned char)(200 - k * 11);
        }
        instructions[i].run(aligned + 16, &there);
        instructions[i].run(block + 16, &here);
        if (memcmp(&here, &there, sizeof here) != 0)
            fail("registers differ", name);
        if (memcmp(block, aligned, block_bytes) != 0)
            fail("memory differs", name);
        free(block);
    }
}

/* ---- what becomes of the stack, of signals, of threads --------------------------------------- */

static unsigned char load(const unsigned char *at) {
    struct state state = {.low_half = 0};
    movaps_load((void *)(uintptr_t)at, &state);
    return state.b[0];
}

/* The first block is less aligned, until an instruction wants it to be. */
static void same_stack(void) {
    unsigned char *block[4];
    for (int i = 0; i < 4; i++) {
        block[i] = take(0);
        if ((uintptr_t)block[i] % 16 != (i < 2 ? 8 : 0))
            fail("a block is not aligned as it is to be", "same_stack");
        memset(block[i], i + 1, block_bytes);
        if (i > 0 && load(block[i]) != i + 1)
            fail("another value was read", "same_stack");
    }
    for (int i = 0; i < 4; i++)
        free(block[i]);
}

/* A block of 16 bytes and more is aligned as malloc's memory, the first of its stack, too. */
static void by_default(void) {
    unsigned char *block[4];
    for (int i = 0; i < 4; i++) {
        block[i] = take(0);
        if ((uintptr_t)block[i] % 16 != 0)
            fail("a block is not aligned as it is to be", "by_default");
        memset(block[i], i + 1, block_bytes);
        if (load(block[i]) != i + 1)
            fail("another value was read", "by_default");
    }
    for (int i = 0; i < 4; i++)
        free(block[i]);
}

static void *in_blocked_thread(void *unused) {
    unsigned char *block = take(3);
    memset(block, 5, block_bytes);
    if (load(block) != 5)
        fail("another value was read", "blocked");
    free(block);
    return unused;
}

static void blocked(void) {
    pthread_t thread;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_create(&thread, NULL, in_blocked_thread, NULL);
    pthread_join(thread, NULL);
    in_blocked_thread(NULL);
}

static void ignored(void) {
    signal(SIGSEGV, SIG_IGN);
    in_blocked_thread(NULL);
}

static sigjmp_buf back;
static volatile int last_code;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    last_code = info->si_code;
    siglongjmp(back, 1);
}

static int code_of_load(const unsigned char *at) {
    last_code = 0;
    if (sigsetjmp(back, 1) == 0)
        (void)load(at);
    return last_code;
}

/* The program's own faults go to its handler, and no others. */
static void handler(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    unsigned char *block = take_less_aligned(5, "handler");
    static unsigned char bytes[64] __attribute__((aligned(16)));
    if (code_of_load(block) != 0 || code_of_load(block + 16) != 0)
        fail("the handler was called for nothing", "handler");
    if (code_of_load(block + 8 + 1) != SI_KERNEL || code_of_load(bytes + 8) != SI_KERNEL)
        fail("a load that was never aligned was carried out", "handler");
    if (code_of_load(NULL) != SEGV_MAPERR)
        fail("the handler was not called", "handler");
    free(block);
}

/* ---- bytes that cannot be accessed ----------------------------------------------------------- */

static unsigned char *shared;

static void load_shared(const char *of) {
    for (int i = 0; i < 3; i++)
        if (load(shared) != 9)
            fail("another value was read", of);
}

static void take_shared(int depth, const char *of) {
    shared = take_less_aligned(depth, of);
    memset(shared, 9, block_bytes);
}

/* The program has forbidden writes: its handler hears of the address. */
static void read_only(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    struct state state = {.low_half = 3};
    sigaction(SIGSEGV, &action, NULL);
    take_shared(11, "read_only");
    char *page = (char *)((uintptr_t)shared & ~4095ul);
    mprotect(page, 4096, PROT_READ);
    load_shared("read_only");
    last_code = 0;
    if (sigsetjmp(back, 1) == 0)
        movaps_store(shared, &state);
    if (last_code != SEGV_ACCERR)
        fail("the handler was not called", "read_only");
    last_code = 0;
    if (has('x') && sigsetjmp(back, 1) == 0)
        exchanged(shared, &state);
    if (has('x') && last_code != SEGV_ACCERR)
        fail("the handler was not called", "read_only");
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    load_shared("read_only");
    free(shared);
}

/* Another thread takes the page away, and gives it back, while it is read. */
static atomic_int is_over;

static void *change_page(void *page) {
    for (int i = 0; i < turns * 10; i++)
        mprotect(page, 4096, i & 1 ? PROT_READ | PROT_WRITE : PROT_NONE);
    atomic_store(&is_over, 1);
    return NULL;
}

static void at_once(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    pthread_t thread;
    sigaction(SIGSEGV, &action, NULL);
    take_shared(12, "at_once");
    if (pthread_create(&thread, NULL, change_page, (char *)((uintptr_t)shared & ~4095ul)) != 0)
        return;
    while (!atomic_load(&is_over)) {
        int code = code_of_load(shared);
        if (code != 0 && code != SEGV_ACCERR)
            fail("another signal came", "at_once");
    }
    pthread_join(thread, NULL);
    load_shared("at_once");
    free(shared);
}

static unsigned char *counter;

static void *count(void *unused) {
    for (int i = 0; i < turns; i++) {
        uint64_t low = 0, high = 0;
        unsigned char is_done = 0;
        while (!is_done)
            __asm__ volatile("mov %1, %%rbx\n\tmov %2, %%rcx\n\tadd $1, %%rbx\n\tsub $1, %%rcx\n\t"
                             "lock cmpxchg16b (%3)\n\tsetz %0"
                             : "=q"(is_done), "+a"(low), "+d"(high)
                             : "S"(counter)
                             : "rbx", "rcx", "memory", "cc");
    }
    return unused;
}

/* A number of 16 bytes, whose halves count in opposite directions. */
static void counters(void) {
    pthread_t other;
    if (!has('x'))
        return;
    counter = take_less_aligned(7, "counters");
    memset(counter, 0, block_bytes);
    pthread_create(&other, NULL, count, NULL);
    count(NULL);
    pthread_join(other, NULL);
    uint64_t halves[2];
    memcpy(halves, counter, sizeof halves);
    if (halves[0] != 2 * turns || halves[1] != -(uint64_t)(2 * turns))
        fail("a step was lost", "counters");
    free(counter);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"each_instruction", each_instruction},
                 {"same_stack", same_stack},
                 {"by_default", by_default},
                 {"blocked", blocked},
                 {"ignored", ignored},
                 {"handler", handler},
                 {"counters", counters},
                 {"read_only", read_only},
                 {"at_once", at_once}};
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, argv[1]) == 0)
            cases[i].run();
    puts("through");
    return 0;
}

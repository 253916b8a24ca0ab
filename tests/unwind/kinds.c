/* Allocates from every kind of code that a stack may run through; each kind asks a size of its own,
 * by which tests/unwind/kinds.sh finds its stack again. Compiled with -O2 and no frame pointers. */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __clang__
#define KEPT __attribute__((noinline))
#else
#define KEPT __attribute__((noinline, noipa))
#endif

/* The call is not the last thing that a function does, so its frame stays. */
#define STAYS __asm__ volatile("" ::: "memory")

KEPT void allocate(size_t bytes) {
    void *volatile block = malloc(bytes);
    free(block);
}

/* ---- code without call frame information (bare.c, bare.S, and memory filled here) ---------------
 */

void bare_with_frame_pointer(size_t bytes);
void bare_without_frame_pointer(size_t bytes);
void assembly_with_frame_pointer(size_t bytes);
void assembly_without_frame_pointer(size_t bytes);

KEPT void call_bare_code(void) {
    bare_with_frame_pointer(1104);
    bare_without_frame_pointer(1105);
    assembly_with_frame_pointer(1106);
    assembly_without_frame_pointer(1107);
    STAYS;
}

KEPT void call_made_code(void) {
    /* push rbp; mov rbp, rsp; mov rax, FUNCTION; call rax; pop rbp; ret */
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0xb8, 0,    0,    0,
                                         0,    0,    0,    0,    0,    0xff, 0xd0, 0x5d, 0xc3};
    void (*callee)(size_t) = allocate;
    unsigned char *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof code);
    memcpy(page + 6, &callee, 8);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    ((void (*)(size_t))(void *)page)(1108);
    STAYS;
}

/* ---- other stacks -------------------------------------------------------------------------------
 */

static ucontext_t main_context, coroutine_context;
static char coroutine_stack[1 << 16];

KEPT void in_coroutine(void) {
    for (;;) {
        allocate(1109);
        swapcontext(&coroutine_context, &main_context);
    }
}

KEPT void run_coroutine(void) {
    getcontext(&coroutine_context);
    coroutine_context.uc_stack.ss_sp = coroutine_stack;
    coroutine_context.uc_stack.ss_size = sizeof coroutine_stack;
    makecontext(&coroutine_context, in_coroutine, 0);
    for (int i = 0; i < 20; i++) {
        swapcontext(&main_context, &coroutine_context);
        allocate(1110);
    }
}

/* As fiber libraries do: the stack pointer is changed by hand, within the thread's own stack or
 * elsewhere, and every stack has frames of the same functions. */
void switch_stack(void **save, void *to);
static void *fiber_sp[3], *main_sp;

KEPT void in_fiber(void) {
    for (int i = 0;; i++) {
        allocate(1111);
        switch_stack(&fiber_sp[i % 2 ? 0 : 0], main_sp);
    }
}

static void *make_fiber(char *stack, size_t bytes) {
    void **top = (void **)(stack + bytes - 64);
    void **sp = top - 8;
    memset(sp, 0, 64);
    sp[6] = (void *)in_fiber; /* switch_stack returns to it */
    sp[7] = NULL;             /* and the stack ends there */
    return sp;
}

KEPT void run_fiber(void) {
    char on_this_stack[16384];
    static char elsewhere[16384];
    char *stacks[] = {on_this_stack, elsewhere};
    for (int k = 0; k < 2; k++) {
        fiber_sp[0] = make_fiber(stacks[k], sizeof on_this_stack);
        for (int i = 0; i < 10; i++) {
            switch_stack(&main_sp, fiber_sp[0]);
            allocate(1112);
        }
    }
    STAYS;
}

/* ---- signals ------------------------------------------------------------------------------------
 */

static volatile size_t handler_bytes;

KEPT void handle(int number) {
    (void)number;
    allocate(handler_bytes);
    STAYS;
}

/* A leaf that keeps values in the red zone, below its stack pointer, when the signal comes. */
KEPT long leaf_with_red_zone(long a) {
    long result;
    __asm__ volatile("movq %1, -64(%%rsp)\n\tint3\n\tmovq -64(%%rsp), %0" : "=r"(result) : "r"(a));
    return result;
}

/* The signal comes at the first byte of a function: the byte before it is another one's. */
void faults_at_first_byte(void);

KEPT void handle_illegal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    allocate(1123);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
}

KEPT void signal_at_first_byte(void) {
    struct sigaction action = {.sa_sigaction = handle_illegal, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL);
    faults_at_first_byte();
    STAYS;
}

KEPT void signals(void) {
    static char alternate[1 << 16];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGTRAP, &action, NULL);
    handler_bytes = 1113;
    if (leaf_with_red_zone(77) != 77)
        abort();
    sigaltstack(&stack, NULL);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGTRAP, &action, NULL);
    handler_bytes = 1114;
    if (leaf_with_red_zone(78) != 78)
        abort();
}

/* ---- how functions end --------------------------------------------------------------------------
 */

KEPT void tail(size_t bytes) {
    allocate(bytes); /* a jump: this frame is not on the stack */
}

static jmp_buf out;
__attribute__((noreturn)) KEPT void leave(size_t bytes) {
    allocate(bytes);
    longjmp(out, 1);
}

/* Its last instruction is a call: the return address lies behind its end, in another function. */
__attribute__((noreturn)) KEPT void ends_in_a_call(size_t bytes) {
    leave(bytes);
}

KEPT void endings(void) {
    tail(1115);
    STAYS;
    if (setjmp(out) == 0)
        ends_in_a_call(1116);
}

KEPT int recurse(int depth) {
    int below = 0;
    if (depth > 0)
        below = recurse(depth - 1);
    else
        allocate(1117);
    STAYS;
    return below + 1;
}

/* ---- where stacks begin -------------------------------------------------------------------------
 */

KEPT void *in_thread(void *unused) {
    allocate(1118);
    STAYS;
    return unused;
}

KEPT int compare(const void *a, const void *b) {
    allocate(1119);
    return *(const int *)a - *(const int *)b;
}

KEPT void through_libc(void) {
    int numbers[] = {3, 1};
    qsort(numbers, 2, sizeof *numbers, compare);
    STAYS;
}

KEPT void in_plugins(char **paths) {
    for (int i = 0; paths[i]; i++) {
        void *plugin = dlopen(paths[i], RTLD_NOW);
        void (*work)(void (*)(size_t), size_t) =
            plugin ? (void (*)(void (*)(size_t), size_t))dlsym(plugin, "plugin_calls_back") : NULL;
        if (!work) {
            fprintf(stderr, "%s\n", dlerror());
            exit(1);
        }
        work(allocate, 1120 + (size_t)i);
        dlclose(plugin);
    }
}

KEPT void before_main(void) {
    allocate(1101);
    STAYS;
}
__attribute__((constructor)) static void construct(void) {
    before_main();
    STAYS;
}

KEPT void at_exit(void) {
    allocate(1102);
    STAYS;
}

int main(int argc, char **argv) {
    pthread_t thread;
    (void)argc;
    atexit(at_exit);
    allocate(1103);
    call_bare_code();
    call_made_code();
    run_coroutine();
    run_fiber();
    signals();
    signal_at_first_byte();
    endings();
    recurse(300);
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    through_libc();
    in_plugins(argv + 1);
    return 0;
}

/* Runs the scan in a process of its own that shares the program's memory, and waits for its end.
 *
 * A process, because threads of one's own process cannot be traced; with the same memory, because a
 * copy would not hold the other threads as they stand. It has its own table of files and of signal
 * handlers: what it opens nobody sees, and a fault ends it by the default action. The calling
 * thread waits meanwhile. It runs on the calling thread's TLS, as the child of a vfork does, and
 * writes nothing there. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include "leaks/leaks.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/wait.h"

enum { STACK_BYTES = 256 << 10, WAIT_ANY_CHILD = 0x40000000 /* __WALL */ };

struct errand {
    struct hak_leak_scan *scan;
    void (*run)(struct hak_leak_scan *);
    bool is_done;
};

/* clone(2) with `flags`; the child calls `run(argument)` on the stack that ends at `top` and ends.
 * Returns the child's process id, or the negative errno. */
HAK_HIDDEN long hak_leak_clone(char *top, void (*run)(void *), void *argument, long flags);
__asm__(".text\n"
        ".type hak_leak_clone, @function\n"
        ".hidden hak_leak_clone\n"
        "hak_leak_clone:\n"
        ".cfi_startproc\n"
        "subq $16, %rdi\n"
        "movq %rsi, 0(%rdi)\n"
        "movq %rdx, 8(%rdi)\n"
        "movq %rdi, %rsi\n"
        "movq %rcx, %rdi\n"
        "xorl %edx, %edx\n"
        "xorl %r10d, %r10d\n"
        "xorl %r8d, %r8d\n"
        "movl $56, %eax\n"
        "syscall\n"
        "testq %rax, %rax\n"
        "jnz 1f\n"
        ".cfi_undefined %rip\n"
        "xorl %ebp, %ebp\n"
        "popq %rax\n"
        "popq %rdi\n"
        "call *%rax\n"
        "xorl %edi, %edi\n"
        "movl $231, %eax\n"
        "syscall\n"
        "hlt\n"
        "1:\n"
        ".cfi_same_value %rip\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_leak_clone, . - hak_leak_clone\n");

static void begin(void *argument) {
    struct errand *errand = argument;
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        hak_raw_default_signal(faults[i]);
    /* No core of it: 1 is what also a program that takes cores understands (core(5)). */
    struct rlimit no_core = {1, 1};
    (void)hak_raw_call(SYS_prlimit64, 0, RLIMIT_CORE, (long)&no_core, 0, 0, 0);
    (void)hak_raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
    errand->run(errand->scan);
    errand->is_done = true;
}

static void wait_for(long child) {
    long result;
    int status;
    do
        result = hak_raw_call(SYS_wait4, child, (long)&status, WAIT_ANY_CHILD, 0, 0, 0);
    while (result == -EINTR);
}

static bool is_barred(void) {
    static const short calls[] = {SYS_clone, SYS_wait4, SYS_prctl, SYS_rt_sigaction};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (hak_call_is_forbidden(calls[i]))
            return true;
    return false;
}

bool hak_leak_run_helper(struct hak_leak_scan *scan, void (*run)(struct hak_leak_scan *)) {
    struct errand errand = {scan, run, false};
    uint64_t signals;
    char *stack = is_barred() ? NULL : hak_raw_map(STACK_BYTES);
    hak_block_signals(&signals);
    long child = stack ? hak_leak_clone(stack + STACK_BYTES, begin, &errand,
                                        CLONE_VM | CLONE_FS | CLONE_UNTRACED)
                       : -ENOMEM;
    if (child > 0) {
        /* Where Yama restricts tracing to ancestors. Allowed for this time only. */
        (void)hak_raw_call(SYS_prctl, PR_SET_PTRACER, child, 0, 0, 0, 0);
        atomic_store(&scan->may_trace, 1);
        hak_wake(&scan->may_trace);
        wait_for(child);
        (void)hak_raw_call(SYS_prctl, PR_SET_PTRACER, 0, 0, 0, 0, 0);
    } else {
        atomic_store(&scan->may_trace, 2);
        run(scan);
        errand.is_done = true;
    }
    hak_restore_signals(&signals);
    if (stack)
        hak_raw_unmap(stack, STACK_BYTES);
    return errand.is_done;
}

/* Stops the program's other threads and reads their registers, by ptrace.
 *
 *   each task in /proc/self/task --PTRACE_SEIZE, PTRACE_INTERRUPT--> stopped --> registers
 *   again and again, until a look at the list finds no new one
 *
 * Seized threads get no signal and go on as if nothing had been. System calls that Linux ends with
 * EINTR at any stop (epoll_wait among them) are made again, as it does itself with all others. A
 * thread that cannot be traced (another debugger has it, a sandbox forbids it) is asked by a
 * signal. One that does not answer is taken as it is: its whole stack counts, its registers are not
 * seen, and the scan says so. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include "leaks/leaks.h"
#include "platform/line.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/tasks.h"
#include "trace/wait.h"

enum {
    ROUNDS_MAX = 32,
    STOP_MS = 2000, /* for all of them */
    WAIT_ANY_CHILD = 0x40000000 /* __WALL */,
    WAIT_AT_ONCE = 1,
    RESTART_UNLESS_HANDLED = 514, /* the kernel's ERESTARTNOHAND: EINTR where a handler runs */
};

static void count_task(int number, void *context) {
    (void)number;
    ++*(size_t *)context;
}

bool hak_leak_has_threads(struct hak_leak_scan *scan) {
    size_t count = 0;
    hak_visit_tasks(scan->tasks_file, count_task, &count);
    return count != 1;
}

/* Waits until the seized thread stands; false: it has ended, or does not come. */
static bool wait_for_stop(int id, uint64_t deadline) {
    static _Atomic uint32_t never;
    for (;;) {
        int status = 0;
        long result =
            hak_raw_call(SYS_wait4, id, (long)&status, WAIT_ANY_CHILD | WAIT_AT_ONCE, 0, 0, 0);
        if (result == id)
            return (status & 0xff) == 0x7f;
        if (result < 0 && result != -EINTR)
            return false;
        if (hak_monotonic_ns() > deadline)
            return false;
        hak_wait_on(&never, 0, HAK_MILLISECOND_NS / 20);
    }
}

/* Calls that end with EINTR where nothing has been done yet, so that they can be made again as they
 * are. With a time limit it begins anew. Not close and connect, which have done their part. */
static bool may_be_made_again(uint64_t call) {
    switch (call) {
    case SYS_read:
    case SYS_readv:
    case SYS_write:
    case SYS_writev:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_rt_sigtimedwait:
    case SYS_io_getevents:
        return true;
    default:
        return false;
    }
}

/* A thread that stands behind a system call which the stop has ended: its orig_rax is the call's
 * number (after a handler, and outside of calls, it is -1), and the kernel has yet to decide
 * whether the call is made again. */
static void restart_call(int id, const struct user_regs_struct *registers) {
    if ((int64_t)registers->rax == -EINTR && may_be_made_again(registers->orig_rax))
        (void)hak_raw_call(SYS_ptrace, PTRACE_POKEUSER, id, (long)offsetof(struct user, regs.rax),
                           -RESTART_UNLESS_HANDLED, 0, 0);
}

static void read_registers(struct hak_leak_thread *thread) {
    struct user_regs_struct general;
    struct user_fpregs_struct vector;
    if (hak_raw_call(SYS_ptrace, PTRACE_GETREGS, thread->id, 0, (long)&general, 0, 0) != 0)
        return;
    restart_call(thread->id, &general);
    const uint64_t words[] = {general.rax, general.rbx, general.rcx, general.rdx, general.rsi,
                              general.rdi, general.rbp, general.r8,  general.r9,  general.r10,
                              general.r11, general.r12, general.r13, general.r14, general.r15};
    enum { GENERAL = sizeof words / sizeof *words };
    __builtin_memcpy(thread->words, words, sizeof words);
    thread->word_count = GENERAL;
    if (hak_raw_call(SYS_ptrace, PTRACE_GETFPREGS, thread->id, 0, (long)&vector, 0, 0) == 0) {
        __builtin_memcpy(thread->words + GENERAL, vector.xmm_space, sizeof vector.xmm_space);
        thread->word_count += sizeof vector.xmm_space / (sizeof(uint64_t));
    }
    thread->sp = general.rsp;
    thread->tp = general.fs_base;
    thread->ip = general.rip;
    thread->is_stopped = true;
}

/* A thread that ended meanwhile, or the first one after its pthread_exit, needs no stop. */
static bool runs(const struct hak_leak_scan *scan, int number) {
    struct hak_line path = {.length = 0};
    char text[512];
    hak_line_say(&path, "", (uint64_t)number, "/stat");
    long file = hak_raw_call(SYS_openat, scan->tasks_file, (long)hak_line_text(&path),
                             O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (file < 0)
        return file != -ENOENT && file != -ESRCH;
    long got = hak_read(file, text, sizeof text - 1);
    hak_close(file);
    text[got > 0 ? got : 0] = 0;
    while (got > 0 && text[got - 1] != ')')
        got--;
    return !(got > 0 && (text[got + 1] == 'Z' || text[got + 1] == 'X'));
}

struct stopping {
    struct hak_leak_scan *scan;
    uint64_t deadline;
    size_t fresh; /* threads of this round that were not known */
};

static void stop_task(int number, void *context) {
    struct stopping *stopping = context;
    struct hak_leak_scan *scan = stopping->scan;
    if (number == scan->thread_id)
        return;
    for (size_t i = 0; i < scan->thread_count; i++)
        if (scan->threads[i].id == number)
            return;
    if (scan->thread_count == HAK_LEAK_THREADS) {
        scan->partial |= HAK_PARTIAL_THREADS;
        return;
    }
    struct hak_leak_thread *thread = &scan->threads[scan->thread_count++];
    *thread = (struct hak_leak_thread){.id = number};
    stopping->fresh++;
    if (hak_raw_call(SYS_ptrace, PTRACE_SEIZE, number, 0, 0, 0, 0) != 0) {
        thread->is_gone = !runs(scan, number);
        return;
    }
    thread->is_there = true;
    if (hak_raw_call(SYS_ptrace, PTRACE_INTERRUPT, number, 0, 0, 0, 0) == 0 &&
        wait_for_stop(number, stopping->deadline))
        read_registers(thread);
}

void hak_leak_stop_threads(struct hak_leak_scan *scan) {
    struct stopping stopping = {.scan = scan,
                                .deadline = hak_monotonic_ns() + STOP_MS * HAK_MILLISECOND_NS};
    while (!atomic_load(&scan->may_trace))
        hak_wait_on(&scan->may_trace, 0, HAK_MILLISECOND_NS);
    if (scan->tasks_file < 0) {
        scan->partial |= HAK_PARTIAL_THREADS;
        return;
    }
    for (int round = 0; round < ROUNDS_MAX; round++) {
        stopping.fresh = 0;
        hak_visit_tasks(scan->tasks_file, stop_task, &stopping);
        if (stopping.fresh == 0)
            break;
        hak_leak_stop_by_signal(scan);
    }
    for (size_t i = 0; i < scan->thread_count; i++)
        if (!scan->threads[i].is_stopped && !scan->threads[i].is_gone &&
            runs(scan, scan->threads[i].id))
            scan->partial |= HAK_PARTIAL_THREADS;
}

void hak_leak_release_threads(struct hak_leak_scan *scan) {
    for (size_t i = 0; i < scan->thread_count; i++)
        if (scan->threads[i].is_there)
            (void)hak_raw_call(SYS_ptrace, PTRACE_DETACH, scan->threads[i].id, 0, 0, 0, 0);
    hak_leak_release_by_signal();
}

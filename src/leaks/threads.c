/* Stops the program's other threads and reads their registers, by ptrace.
 *
 *   each task in /proc/self/task --PTRACE_SEIZE, PTRACE_INTERRUPT--> stopped --> registers
 *   again and again, until a look at the list finds no new one
 *
 * They go on as if nothing had been (trace/tracer.h). A thread that cannot be traced (another
 * debugger has it, a sandbox forbids it) is asked by a signal. One that does not answer is taken as
 * it is: its whole stack counts, its registers are not seen, and the scan says so. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stddef.h>
#include "leaks/leaks.h"
#include "platform/line.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/tasks.h"
#include "trace/tracer.h"
#include "trace/wait.h"
#include HAK_ARCH_FILE(traced.h)

enum {
    ROUNDS_MAX = 32,
    STOP_MS = 2000, /* for all of them */
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

/* Reads the stopped thread's registers, those of vectors too, as words that may keep blocks. */
static void read_registers(struct hak_leak_thread *thread) {
    struct user_regs_struct general;
    if (!hak_tracer_read(thread->id, &general))
        return;
    thread->word_count = hak_traced_copy_words(thread->id, &general, thread->words);
    thread->sp = hak_traced_sp(&general);
    thread->tp = hak_traced_thread_pointer(thread->id, &general);
    thread->ip = hak_traced_ip(&general);
    thread->is_stopped = true;
}

/* Whether the thread still runs: one that ended meanwhile, or the first one after its pthread_exit,
 * needs no stop. */
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

/* Stops a thread of the list by ptrace, once, and reads its registers. Without room the scan is
 * partial. */
static void stop_task(int number, void *context) {
    struct stopping *stopping = context;
    struct hak_leak_scan *scan = stopping->scan;
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
    if (hak_tracer_seize(number) != 0) {
        thread->is_gone = !runs(scan, number);
        return;
    }
    thread->is_there = true;
    if (hak_tracer_stop(number, stopping->deadline, &thread->signal))
        read_registers(thread);
}

void hak_leak_stop_threads(struct hak_leak_scan *scan) {
    struct stopping stopping = {.scan = scan,
                                .deadline = hak_monotonic_ns() + STOP_MS * HAK_MILLISECOND_NS};
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
            hak_tracer_release(scan->threads[i].id, scan->threads[i].signal);
    hak_leak_release_by_signal();
}

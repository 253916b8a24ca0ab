/* Stops threads by a signal, where they may not be traced: each leaves its registers and waits.
 *
 *   helper --tgkill--> handler in the thread: registers, futex wait --release--> returns
 *
 * The signal is a real-time one that the program does not use; its handler stays, since a thread
 * that has it blocked gets it late and must not die of it. Threads that do not answer in time are
 * taken as they are. */
#include <errno.h>
#include <signal.h>
#include <ucontext.h>
#include "leaks/leaks.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/wait.h"
#include HAK_ARCH_FILE(context.h)

enum { SIGNAL_MAX = 64, SIGNAL_MIN = 35, ANSWER_MS = 500, RESTORER = 0x04000000, SET_BYTES = 8 };

/* As the kernel has it. */
struct action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static struct hak_leak_scan *_Atomic asked; /* NULL = nothing is asked, go on at once */
static _Atomic uint32_t answers, releases;
static int number; /* of the signal; 0 = not chosen yet, -1 = none is free */

HAK_HIDDEN void hak_leak_return_from_signal(void);
#include HAK_ARCH_FILE(signal_return.h)

/* Copies the registers of the interrupted code, those of vectors too, as words that may keep
 * blocks. */
static void copy_registers(struct hak_leak_thread *thread, const ucontext_t *context) {
    thread->word_count = hak_context_copy_words(context, thread->words);
    thread->sp = hak_context_sp(context);
    thread->ip = hak_context_ip(context);
    thread->tp = hak_thread_pointer();
}

/* Signal handler: gives the scan this thread's registers, and waits until the scan lets it go on.
 */
static void stop_this_thread(int signal, siginfo_t *info, void *context) {
    struct hak_leak_scan *scan = atomic_load(&asked);
    uint32_t round = atomic_load(&releases);
    int self = hak_thread_id();
    (void)signal;
    (void)info;
    for (size_t i = 0; scan && i < scan->thread_count; i++) {
        struct hak_leak_thread *thread = &scan->threads[i];
        if (thread->id != self || thread->is_stopped)
            continue;
        copy_registers(thread, context);
        __atomic_store_n(&thread->is_stopped, true, __ATOMIC_RELEASE);
        atomic_fetch_add(&answers, 1);
        hak_wake(&answers);
        while (atomic_load(&releases) == round)
            hak_wait_on(&releases, round, HAK_SECOND_NS);
        return;
    }
}

/* Chooses the highest real-time signal that has the default action, and sets its handler; before
 * the helper is made, whose own table of handlers is another one. */
void hak_leak_choose_signal(void) {
    for (int i = SIGNAL_MAX; number == 0 && i >= SIGNAL_MIN; i--) {
        struct action before = {0}, ours = {.handler = (void *)stop_this_thread,
                                            .flags = SA_SIGINFO | SA_RESTART | RESTORER,
                                            .restorer = (void *)hak_leak_return_from_signal};
        if (hak_raw_call(SYS_rt_sigaction, i, 0, (long)&before, SET_BYTES, 0, 0) == 0 &&
            before.handler == NULL &&
            hak_raw_call(SYS_rt_sigaction, i, (long)&ours, 0, SET_BYTES, 0, 0) == 0)
            number = i;
    }
    if (number == 0)
        number = -1;
}

/* Threads that got the signal and have not answered. */
static size_t count_waiting(const struct hak_leak_scan *scan) {
    size_t waiting = 0;
    for (size_t i = 0; i < scan->thread_count; i++)
        waiting += scan->threads[i].is_asked &&
                   !__atomic_load_n(&scan->threads[i].is_stopped, __ATOMIC_ACQUIRE);
    return waiting;
}

void hak_leak_stop_by_signal(struct hak_leak_scan *scan) {
    if (number <= 0)
        return;
    atomic_store(&asked, scan);
    for (size_t i = 0; i < scan->thread_count; i++) {
        struct hak_leak_thread *thread = &scan->threads[i];
        if (thread->is_stopped || thread->is_there || thread->is_asked || thread->is_gone)
            continue;
        thread->is_asked =
            hak_raw_call(SYS_tgkill, scan->process_id, thread->id, number, 0, 0, 0) == 0;
    }
    uint64_t deadline = hak_monotonic_ns() + ANSWER_MS * HAK_MILLISECOND_NS;
    while (count_waiting(scan) > 0 && hak_monotonic_ns() < deadline) {
        uint32_t seen = atomic_load(&answers);
        if (count_waiting(scan) > 0)
            hak_wait_on(&answers, seen, HAK_MILLISECOND_NS);
    }
}

void hak_leak_release_by_signal(void) {
    if (!atomic_exchange(&asked, NULL))
        return;
    atomic_fetch_add(&releases, 1);
    hak_wake(&releases);
}

void hak_leak_forget_signalled(void) {
    atomic_store(&asked, NULL);
}

/* Stops threads of the program, and lets go of them.
 *
 *   seized --stop--> stands: looked at, or made to call --let go--> runs as before
 *      \--> none within STOP_MS (asleep in the kernel): late, until its stop comes
 *
 * The kernel lets go of a thread only where it stands. One that sleeps where nothing but its own
 * event wakes it (it waits for a vforked child, a disk), or waits for a processor, is remembered,
 * and let go when its stop comes; the others are looked at meanwhile. When the thread that traces
 * ends (tracer.c), the kernel lets go of threads that are still late. */
#include "viewer/attach/parts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include "arch.h"
#include "base/growing.h"
#include "viewer/cli/cli.h"
#include HAK_ARCH_FILE(outside.h)

enum { STOP_MS = 100, POLL_US = 50 };

void stop_nap(unsigned us) {
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

bool stop_await(struct late *late, pid_t thread, unsigned ms, int *status) {
    uint64_t deadline = view_now_ns() + (uint64_t)ms * 1000000;
    for (;;) {
        (void)stop_let_late_go(late);
        pid_t got = waitpid(thread, status, __WALL | WNOHANG);
        if (got == thread)
            return WIFSTOPPED(*status);
        if ((got < 0 && errno != EINTR) || view_now_ns() > deadline) {
            *status = got < 0 ? 0 : -1;
            return false;
        }
        stop_nap(POLL_US);
    }
}

bool stop_is_event(int status, int event) {
    return status >> 16 == event;
}

/* ---- a thread -------------------------------------------------------------------------------- */

enum traced stop_thread(struct late *late, pid_t thread) {
    int status;
    if (ptrace(PTRACE_SEIZE, thread, NULL, PTRACE_O_TRACESYSGOOD) != 0)
        return NOT_TRACED;
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0)
        return RUNS;
    while (stop_await(late, thread, STOP_MS, &status)) {
        /* For a signal without a handler; one with it ends the call. */
        hak_outside_mend_call(thread);
        if (stop_is_event(status, PTRACE_EVENT_STOP)) /* or a signal is stopping the program */
            return WSTOPSIG(status) == SIGTRAP ? IS_OURS : STANDS;
        if (ptrace(PTRACE_CONT, thread, NULL, (void *)(long)WSTOPSIG(status)) != 0)
            return RUNS;
    }
    return RUNS;
}

/* Lets a thread go whose stop has come, with `status`, and hands it the signal that it was stopped
 * for. */
static void let_stopped_go(pid_t thread, int status) {
    bool is_signal =
        !stop_is_event(status, PTRACE_EVENT_STOP) && WSTOPSIG(status) != (SIGTRAP | 0x80);
    hak_outside_mend_call(thread);
    (void)ptrace(PTRACE_DETACH, thread, NULL, (void *)(long)(is_signal ? WSTOPSIG(status) : 0));
}

void stop_let_go(struct late *late, pid_t thread, enum traced traced) {
    if (traced == NOT_TRACED)
        return;
    if (traced != RUNS) {
        (void)ptrace(PTRACE_DETACH, thread, NULL, NULL);
        return;
    }
    (void)ptrace(PTRACE_INTERRUPT, thread, NULL, NULL);
    if (hak_growing_make_room(&late->thread, late->count, &late->capacity, sizeof *late->thread))
        late->thread[late->count++] = thread;
    (void)stop_let_late_go(late);
}

bool stop_is_late(const struct late *late, pid_t thread) {
    for (uint32_t i = 0; i < late->count; i++)
        if (late->thread[i] == thread)
            return true;
    return false;
}

/* Whether the thread's stop has still not come; one that came is let go. False: it is neither
 * traced nor waited for any more. */
static bool is_still_late(pid_t thread) {
    int status;
    pid_t got = waitpid(thread, &status, __WALL | WNOHANG);
    if (got == thread && WIFSTOPPED(status))
        let_stopped_go(thread, status);
    return got == 0 || (got < 0 && errno == EINTR);
}

uint32_t stop_let_late_go(struct late *late) {
    for (uint32_t i = 0; i < late->count;)
        if (is_still_late(late->thread[i]))
            i++;
        else
            late->thread[i] = late->thread[--late->count];
    return late->count;
}

/* The thread of this command that traces the program's threads.
 *
 *   begins with the first work --> does it --> lets go of late threads as they stop
 *        ^                                          |  none for SLEEP_MS, and no work
 *        +------------- next work <--- it ends <----+
 *
 * ptrace(2) knows threads, not processes: who seized one must make all calls for it, and lets go of
 * it by ending. So a thread that sleeps for long where no stop reaches it stays traced neither for
 * the time of the recording nor for what this command does after it. */
#include "viewer/attach/parts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include "viewer/cli/cli.h"

enum {
    LOOK_US = 2000,
    SLEEP_MS = 2000, /* a thread that only waits for a processor stops earlier, on any machine */
    CLOSE_MS = 500,
};

/* Does the work that waits, without the lock, and tells who waits for it; called with the lock
 * held. */
static void do_work(struct tracer *t) {
    pthread_mutex_unlock(&t->lock);
    t->work(t->context);
    t->error = errno;
    t->late_from_ns = view_now_ns();
    pthread_mutex_lock(&t->lock);
    t->work = NULL;
    pthread_cond_broadcast(&t->changed);
}

/* Waits for work, or for a moment while threads are late; with the lock held. */
static void wait_for_work(struct tracer *t) {
    struct timespec until;
    if (t->late.count == 0) {
        pthread_cond_wait(&t->changed, &t->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_US * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&t->changed, &t->lock, &until);
}

/* Lets go of late threads, with the lock held. True: there is nothing to wait for. */
static bool is_enough(struct tracer *t) {
    (void)stop_let_late_go(&t->late);
    uint64_t since_ms = (view_now_ns() - t->late_from_ns) / 1000000;
    return t->is_closing ? t->late.count == 0 || since_ms >= CLOSE_MS
                         : t->late.count > 0 && since_ms >= SLEEP_MS;
}

/* The tracer's thread: does work as it comes, and ends when no work came for a time or it is to
 * end. */
static void *trace(void *tracer) {
    struct tracer *t = tracer;
    pthread_mutex_lock(&t->lock);
    while (t->work || !is_enough(t))
        if (t->work)
            do_work(t);
        else
            wait_for_work(t);
    t->late.count = 0;
    t->has_ended = true;
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* Starts the thread that traces, unless it runs; with all signals blocked in it, so that this
 * command's stay with its first thread. */
static bool begin_tracing(struct tracer *t) {
    sigset_t all, before;
    if (t->is_begun && t->has_ended)
        pthread_join(t->thread, NULL);
    else if (t->is_begun)
        return true;
    t->has_ended = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    t->error = pthread_create(&t->thread, NULL, trace, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    t->is_begun = t->error == 0;
    return t->is_begun;
}

void tracer_open(struct tracer *t) {
    pthread_condattr_t clock;
    *t = (struct tracer){0};
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &clock);
    pthread_condattr_destroy(&clock);
}

bool tracer_do(struct tracer *t, void (*work)(void *), void *context) {
    pthread_mutex_lock(&t->lock);
    t->work = work;
    t->context = context;
    bool is_begun = begin_tracing(t);
    pthread_cond_broadcast(&t->changed);
    while (is_begun && t->work)
        pthread_cond_wait(&t->changed, &t->lock);
    t->work = NULL;
    pthread_mutex_unlock(&t->lock);
    errno = t->error;
    return is_begun;
}

void tracer_close(struct tracer *t) {
    pthread_mutex_lock(&t->lock);
    t->is_closing = true;
    t->late_from_ns = view_now_ns();
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    if (t->is_begun)
        pthread_join(t->thread, NULL);
    free(t->late.thread);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    *t = (struct tracer){0};
}

/* Debug registers that a tracer sets, perf_event_open being barred by a filter: who is stopped,
 * where, and what threads notice of it. Where ptrace is not allowed either, the test can only show
 * that this is reported. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/barred.h"
#include "unit/suite.h"
#include "watch/watch.h"

enum { THREADS = 4, MOVES = 400, TAG = 100 };

static volatile uint64_t words[8] __attribute__((aligned(64)));
static _Atomic unsigned stops, settled;
static volatile uint64_t last_tag;
static volatile pid_t last_thread;

static void on_trap(int number, siginfo_t *info, void *context) {
    struct hak_watch_hit hit;
    (void)number, (void)context;
    if (!hak_watch_hit_of(info, &hit) || !hit.is_tag_unknown || hit.is_late)
        _exit(99);
    if (hit.is_trial) /* of the opening */
        return;
    stops++;
    last_thread = gettid();
    while (!hak_watch_try())
        usleep(100);
    unsigned fired = hak_watch_ask();
    if (fired == 0) {
        hak_watch_settle();
        settled++;
    } else
        last_tag = hak_watch_tag((unsigned)__builtin_ctz(fired));
    hak_watch_done();
}

/* False: there are none here, and the refusal says why. */
static bool open_registers(unsigned wanted) {
    static const unsigned perf[] = {SYS_perf_event_open};
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    ck_assert(bar_calls(perf, 1, EPERM));
    sigaction(SIGTRAP, &action, NULL);
    ck_assert(hak_watch_start());
    if (hak_watch_open(wanted) == wanted)
        return true;
    ck_assert_int_ne(hak_watch_refusal(), 0);
    return no_register_fires();
}

/* A busy machine may not let the tracer have this thread in time. */
static bool set(unsigned index, volatile void *at, unsigned bytes) {
    bool is_set = false;
    for (unsigned tries = 0; tries < 100 && !is_set; tries++) {
        while (!hak_watch_try())
            usleep(100);
        is_set = hak_watch_set(index, (uintptr_t)at, bytes, TAG + index);
        hak_watch_done();
    }
    return is_set;
}

TEST(a_write_stops_the_writer) {
    if (!open_registers(4))
        return;
    for (unsigned i = 0; i < 4; i++)
        ck_assert(set(i, &words[i], 8));
    for (unsigned i = 0; i < 4; i++) {
        words[i] = 1;
        ck_assert_uint_eq(stops, i + 1);
        ck_assert_uint_eq(last_tag, TAG + i);
    }
    words[4] = words[0];
    ck_assert_uint_eq(stops, 4);
}

TEST(the_time_of_its_tracers_is_known) {
    if (!open_registers(1))
        return;
    uint64_t before = hak_watch_tracer_ns();
    ck_assert_uint_gt(before, 0);
    ck_assert(set(0, &words[0], 8));
    ck_assert_uint_gt(hak_watch_tracer_ns(), before);
    before = hak_watch_tracer_ns();
    hak_watch_clear(0);
    ck_assert_uint_eq(hak_watch_tracer_ns(), before);
}

/* 1, 2, 4 and 8 bytes, each to its ends and no further. */
TEST(of_each_width) {
    volatile char *bytes = (volatile char *)words;
    if (!open_registers(1))
        return;
    for (unsigned width = 1; width <= 8; width *= 2) {
        unsigned before = stops;
        ck_assert(set(0, bytes + 16, width));
        bytes[15] = bytes[16 + width] = 1;
        ck_assert_uint_eq(stops, before);
        bytes[16] = 1;
        ck_assert_uint_eq(stops, before + 1);
        bytes[16 + width - 1] = 1;
        ck_assert_uint_eq(stops, before + 2);
    }
}

/* One that was cleared stops a thread once more, and is gone then. */
TEST(a_cleared_one_is_met_once) {
    if (!open_registers(2))
        return;
    ck_assert(set(0, &words[0], 8));
    ck_assert(set(1, &words[1], 8));
    hak_watch_clear(0);
    words[0] = 1;
    ck_assert_uint_eq(settled, 1);
    words[0] = 2;
    ck_assert_uint_eq(stops, 1);
    words[1] = 1;
    ck_assert_uint_eq(last_tag, TAG + 1);
    ck_assert(set(0, &words[2], 8));
    words[0] = 3;
    ck_assert_uint_eq(stops, 2);
}

static pthread_barrier_t barrier;
static _Atomic unsigned begun;
static void *write_when_told(void *word) {
    begun++;
    pthread_barrier_wait(&barrier);
    *(volatile uint64_t *)word = 7;
    return NULL;
}

TEST(threads_made_before) {
    pthread_t thread[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, write_when_told, (void *)&words[5]);
    while (begun < THREADS) /* until then they have all signals blocked */
        usleep(100);
    bool is_open = open_registers(2);
    if (is_open)
        ck_assert(set(1, &words[2], 8));
    /* A thread that does not stand in time keeps what it had until the next move. */
    for (int moves = 0; is_open && moves < 10; moves++)
        ck_assert(set(1, &words[5], 8));
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    if (is_open)
        ck_assert_uint_eq(stops, THREADS);
}

static void *join_and_write(void *word) {
    while (!hak_watch_try())
        usleep(100);
    hak_watch_join();
    hak_watch_done();
    *(volatile uint64_t *)word = 7;
    return NULL;
}

TEST(threads_made_later) {
    pthread_t thread;
    if (!open_registers(1))
        return;
    ck_assert(set(0, &words[5], 8));
    pthread_create(&thread, NULL, join_and_write, (void *)&words[5]);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(stops, 1);
    ck_assert_int_ne(last_thread, gettid());
    ck_assert_uint_eq(last_tag, TAG);
}

/* It would die of the signal. */
TEST(a_thread_that_has_it_blocked_gets_none) {
    sigset_t all;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_create(&thread, NULL, write_when_told, (void *)&words[3]);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    bool is_open = open_registers(1);
    if (is_open)
        ck_assert(set(0, &words[3], 8));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(stops, 0);
    words[3] = 1;
    ck_assert_uint_eq(stops, is_open);
}

TEST(a_child_opens_its_own) {
    if (!open_registers(2))
        return;
    ck_assert(set(1, &words[3], 8));
    pid_t child = fork();
    if (child == 0) {
        words[3] = 4;
        if (stops != 0)
            _exit(1);
        hak_watch_fork_child();
        if (hak_watch_open(2) != 2 || !set(0, &words[4], 8))
            _exit(2);
        words[3] = 5; /* the parent's */
        if (stops != 0)
            _exit(3);
        words[4] = 1;
        _exit(stops == 1 ? 0 : 4);
    }
    ck_assert_int_eq(status_of(child), 0);
    words[3] = 9;
    ck_assert_uint_eq(stops, 1);
}

/* ---- what threads notice ----------------------------------------------------------------------
 */

static _Atomic bool is_through;

/* Each stop would begin the time limit anew: it would never end while registers move. */
static void *wait_with_limit(void *result) {
    struct epoll_event event;
    int queue = epoll_create1(0);
    *(int *)result = epoll_wait(queue, &event, 1, 300);
    is_through = true;
    return NULL;
}

TEST(a_time_limit_is_not_begun_anew) {
    pthread_t thread;
    int result = -1;
    bool is_open = open_registers(1);
    pthread_create(&thread, NULL, wait_with_limit, &result);
    for (int i = 0; is_open && i < MOVES && !is_through; i++) {
        ck_assert(set(0, &words[i % 8], 8));
        usleep(20000);
    }
    ck_assert(is_through || !is_open);
    pthread_join(thread, NULL);
    ck_assert_int_eq(result, 0);
}

static _Atomic unsigned sent, heard;
static _Atomic bool is_sent;
static void on_user(int number) {
    (void)number;
    heard++;
}

static void *hear(void *unused) {
    while (!is_through)
        continue;
    return unused;
}

/* As fast as they are heard. */
static void *send_signals(void *thread) {
    while (!is_sent)
        if (sent < heard + 20 &&
            pthread_sigqueue(*(pthread_t *)thread, SIGRTMIN, (union sigval){0}) == 0)
            sent++;
    return NULL;
}

/* A signal that comes when the thread is to be stopped is handed to it. */
TEST(no_signal_is_lost) {
    pthread_t hearer, sender;
    signal(SIGRTMIN, on_user);
    bool is_open = open_registers(1);
    pthread_create(&hearer, NULL, hear, NULL);
    pthread_create(&sender, NULL, send_signals, &hearer);
    for (unsigned i = 0; is_open && i < MOVES; i++)
        ck_assert(set(0, &words[i % 8], 8));
    is_sent = true;
    pthread_join(sender, NULL);
    for (unsigned waits = 0; waits < 10000 && heard < sent; waits++)
        usleep(1000);
    ck_assert_uint_eq(heard, sent);
    is_through = true;
    pthread_join(hearer, NULL);
}

/* ---- where there are none ---------------------------------------------------------------------
 */

TEST(a_debugger_has_the_program) {
    char told = 0;
    int ready[2], over[2];
    ck_assert_int_eq(pipe(ready) | pipe(over), 0);
    pid_t program = getpid(), debugger = fork();
    (void)prctl(PR_SET_PTRACER, debugger);
    if (debugger == 0) {
        close(over[1]);
        told = ptrace(PTRACE_SEIZE, program, NULL, NULL) == 0;
        if (write(ready[1], &told, 1) == 1)
            told = read(over[0], &told, 1) > 0;
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &told, 1), 1);
    ck_assert(!open_registers(1) || !told);
    if (told)
        ck_assert_int_eq(hak_watch_refusal(), HAK_UNWATCHED_TRACED);
    close(over[1]);
    waitpid(debugger, NULL, 0);
    ck_assert_uint_eq(hak_watch_open(1) != 0 && told, 0); /* for good */
}

TEST(a_sandbox_bars_it) {
    static const unsigned trace[] = {SYS_ptrace};
    ck_assert(bar_calls(trace, 1, EPERM));
    ck_assert(!open_registers(1));
    ck_assert_int_eq(hak_watch_refusal(), HAK_UNWATCHED_BARRED);
}

TEST(it_ends_for_good) {
    if (!open_registers(1))
        return;
    ck_assert(set(0, &words[1], 8));
    hak_watch_end(HAK_UNWATCHED_SANDBOX);
    words[1] = 1;
    ck_assert_uint_eq(stops, 0);
    ck_assert_uint_eq(hak_watch_open(1), 0);
    ck_assert_int_eq(hak_watch_refusal(), HAK_UNWATCHED_SANDBOX);
}

RUN_TESTS()

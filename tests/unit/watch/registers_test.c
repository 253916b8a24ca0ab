/* Debug registers: who is stopped, where, and when nobody is. Where the system gives none, the test
 * can only show that this is reported. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/suite.h"
#include "watch/watch.h"

static volatile uint64_t words[8] __attribute__((aligned(64)));
static volatile unsigned stops, late;
static volatile uint64_t last_tag;
static volatile pid_t last_thread;

static void on_trap(int number, siginfo_t *info, void *context) {
    struct hak_watch_hit hit;
    (void)number, (void)context;
    if (!hak_watch_hit_of(info, &hit))
        _exit(99);
    stops++;
    late += hit.is_late;
    last_tag = hit.tag;
    last_thread = gettid();
}

/* False: there are none here, and the refusal says why. */
static bool open_registers(unsigned wanted) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    stops = late = 0;
    if (hak_watch_open(wanted) == wanted)
        return true;
    ck_assert_int_ne(hak_watch_refusal(), 0);
    return no_register_fires();
}

static bool set(unsigned index, volatile void *at, unsigned bytes, uint64_t tag) {
    return hak_watch_set(index, (uintptr_t)at, bytes, tag);
}

TEST(a_write_stops_the_writer) {
    if (!open_registers(4))
        return;
    for (unsigned i = 0; i < 4; i++)
        ck_assert(set(i, &words[i], 8, 100 + i));
    for (unsigned i = 0; i < 4; i++) {
        words[i] = 1;
        ck_assert_uint_eq(stops, i + 1);
        ck_assert_uint_eq(last_tag, 100 + i);
    }
    words[4] = words[0];
    ck_assert_uint_eq(stops, 4);
    ck_assert(set(0, (volatile char *)words + 9, 1, 5)); /* one of four bytes */
    words[0] = 2;
    ck_assert_uint_eq(stops, 4);
    hak_watch_clear(1);
    ((volatile char *)words)[8] = 2;
    ck_assert_uint_eq(stops, 4);
    ((volatile char *)words)[9] = 2;
    ck_assert_uint_eq(stops, 5);
    ck_assert_uint_eq(last_tag, 5);
    hak_watch_clear(0);
    words[1] = 3;
    ck_assert_uint_eq(stops, 5);
}

static pthread_barrier_t barrier;
static void *write_when_told(void *order) {
    if (order)
        pthread_barrier_wait(&barrier);
    words[5] = 7;
    return NULL;
}

TEST(threads_made_later) {
    pthread_t thread;
    if (!open_registers(1))
        return;
    ck_assert(set(0, &words[5], 8, 1));
    pthread_create(&thread, NULL, write_when_told, NULL);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(stops, 1);
    ck_assert_int_ne(last_thread, gettid());
}

/* A register that moves moves for all threads. */
TEST(threads_made_before) {
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, write_when_told, &barrier);
    if (open_registers(2)) {
        ck_assert(set(1, &words[2], 8, 1));
        ck_assert(set(1, &words[5], 8, 2));
    }
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    if (hak_watch_refusal() == 0)
        ck_assert_uint_eq(stops, THREADS);
}

TEST(a_child_opens_its_own) {
    if (!open_registers(1))
        return;
    ck_assert(set(0, &words[3], 8, 1));
    pid_t child = fork();
    if (child == 0) {
        words[3] = 4;
        if (stops != 0)
            _exit(1);
        hak_watch_fork_child();
        if (hak_watch_open(1) != 1 || !set(0, &words[4], 8, 2))
            _exit(2);
        words[4] = 4;
        _exit(stops == 1 ? 0 : 3);
    }
    ck_assert_int_eq(status_of(child), 0);
    words[4] = 5;
    ck_assert_uint_eq(stops, 0);
    words[3] = 5; /* the parent's stands */
    ck_assert_uint_eq(stops, 1);
}

/* A child that no handler was told of takes nothing of its parent's. */
TEST(a_child_does_not_move_its_parents) {
    if (!open_registers(1))
        return;
    ck_assert(set(0, &words[3], 8, 1));
    pid_t child = fork();
    if (child == 0) {
        hak_watch_clear(0);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    words[3] = 5;
    ck_assert_uint_eq(stops, 1);
}

/* A descriptor that was closed is no register any more, and its number may be another file's. */
TEST(closed_by_the_program) {
    int file = -1;
    if (!open_registers(2))
        return;
    for (int i = 512; i < 1024; i++) /* not Check's own */
        if (close(i) == 0)
            file = i;
    ck_assert_int_ge(file, 0);
    int other = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(dup2(other, file), file);
    ck_assert(!set(0, &words[6], 8, 1));
    ck_assert_int_eq(fcntl(file, F_GETFD), 0);
    words[6] = 1;
    ck_assert_uint_eq(stops, 0);
    ck_assert_uint_eq(hak_watch_open(2), 2);
    ck_assert(set(0, &words[6], 8, 1));
    words[6] = 2;
    ck_assert_uint_eq(stops, 1);
    for (int round = 0; round < 8; round++) {
        for (int i = 512; i < 1024; i++)
            close(i);
        (void)set(0, &words[6], 8, 1);
        (void)hak_watch_open(2);
    }
    ck_assert_uint_eq(hak_watch_open(2), 0);
    ck_assert_int_eq(hak_watch_refusal(), HAK_UNWATCHED_CLOSED);
}

TEST(a_blocked_signal_comes_late) {
    sigset_t trap;
    if (!open_registers(1))
        return;
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    ck_assert(set(0, &words[7], 8, 1));
    sigprocmask(SIG_BLOCK, &trap, NULL);
    words[7] = 1;
    ck_assert_uint_eq(stops, 0);
    sigprocmask(SIG_UNBLOCK, &trap, NULL);
    ck_assert_uint_eq(stops, 1);
    ck_assert_uint_eq(late, 1);
}

TEST(ended_for_good) {
    if (!open_registers(1))
        return;
    ck_assert(set(0, &words[1], 8, 1));
    hak_watch_end(HAK_UNWATCHED_SANDBOX);
    words[1] = 9;
    ck_assert_uint_eq(stops, 0);
    ck_assert_uint_eq(hak_watch_open(1), 0);
    ck_assert_int_eq(hak_watch_refusal(), HAK_UNWATCHED_SANDBOX);
}

/* Another event of the program's own, and a SIGTRAP of no event. */
TEST(signals_of_others) {
    struct hak_watch_hit hit;
    siginfo_t info = {.si_signo = SIGTRAP, .si_code = TRAP_BRKPT};
    ck_assert(!hak_watch_hit_of(&info, &hit));
    info.si_code = 6;
    ck_assert(!hak_watch_hit_of(&info, &hit));
}

TEST(one_thread_at_a_time) {
    ck_assert(hak_watch_try());
    ck_assert(!hak_watch_try());
    hak_watch_done();
    ck_assert(hak_watch_try());
    hak_watch_done();
}

RUN_TESTS()

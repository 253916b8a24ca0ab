/* Debug registers that can be had and never fire, as in some virtual machines (tests/tools/deaf.h):
 * by each way this is found out at the first opening, and told; nothing of ours stays open, and
 * nobody asks again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/barred.h"
#include "unit/suite.h"
#include "watch/registers.h"

static unsigned stops;
static void on_trap(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    stops++;
}

static void set_up(void) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    errno = EDOM;
}

static int count_files(void) {
    int count = 0;
    for (int file = 0; file < 1024; file++)
        count += fcntl(file, F_GETFD) >= 0;
    errno = EDOM;
    return count;
}

/* True where the system gives registers at all; else the refusal says why. */
static bool is_told(unsigned registers, int files) {
    ck_assert_uint_eq(registers, 0);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_uint_eq(stops, 0);
    ck_assert_int_eq(count_files(), files);
    if (hak_watch_refusal() != HAK_UNWATCHED_DEAF) {
        ck_assert_int_ne(hak_watch_refusal(), 0);
        return false;
    }
    return true;
}

/* Asked once: with no descriptor left, who opens one would be told so. */
static void no_more_is_asked(unsigned wanted) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    ck_assert_uint_eq(hak_watch_open(wanted), 0);
    ck_assert_int_eq(hak_watch_refusal(), HAK_UNWATCHED_DEAF);
}

TEST(for_all_threads) {
    int files = count_files();
    if (hak_watch_start())
        return; /* perf_event_open is barred here */
    if (is_told(hak_watch_open(4), files))
        no_more_is_asked(4);
}

TEST(for_a_moment) {
    int files = count_files();
    hak_watch_start_briefly();
    unsigned registers = hak_watch_open(1);
    if (registers != 0) { /* barred: setting tells it */
        ck_assert(!hak_watch_set(0, (uintptr_t)&stops, sizeof stops, 0));
        return;
    }
    if (is_told(registers, files))
        no_more_is_asked(1);
}

TEST(at_the_newest_blocks) {
    int files = count_files();
    hak_watch_start_newest();
    if (is_told(hak_watch_open(4), files))
        no_more_is_asked(4);
}

/* By a tracer, perf_event_open being barred. */
TEST(by_a_tracer) {
    int files = count_files();
    static const unsigned perf[] = {SYS_perf_event_open};
    ck_assert(bar_calls(perf, 1, EPERM));
    errno = EDOM;
    ck_assert(hak_watch_start());
    if (!is_told(hak_watch_open(4), files))
        return;
    no_more_is_asked(4);
    pid_t child = fork();
    if (child == 0) {
        hak_watch_fork_child();
        _exit(hak_watch_open(4) == 0 && hak_watch_refusal() == HAK_UNWATCHED_DEAF ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
}

RUN_TESTS(.set_up = set_up)

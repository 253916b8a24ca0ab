/* SIGTRAP stays unblocked where debug registers may raise it; the program reads its masks back as
 * it set them, and a signal that it has blocked waits for it. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "trace/signals/signals.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "unit/suite.h"
#include "platform/block_signals.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* older names are tested, too */

static volatile unsigned traps, releases, deferred;
static volatile int last_code;

/* As trace/crash/handler.c. */
static void on_trap(int number, siginfo_t *info, void *context) {
    (void)context;
    if (hak_mask_defers(number, info)) {
        deferred++;
        return;
    }
    traps++;
    last_code = info->si_code;
}

static void note_release(void) {
    releases++;
}

static void begin(void) {
    hak_actions_start(on_trap);
    hak_trace_keep_traps(note_release);
}

static bool is_blocked_in_kernel(int number) {
    uint64_t mask = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
    return (mask >> (number - 1) & 1) != 0;
}

static bool is_blocked(int number) {
    sigset_t mask;
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
    return sigismember(&mask, number) == 1;
}

static sigset_t only(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

TEST(is_blocked_in_name_alone) {
    sigset_t all, before, trap = only(SIGTRAP);
    begin();
    sigfillset(&all);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &all, &before), 0);
    ck_assert(!sigismember(&before, SIGTRAP));
    ck_assert(is_blocked(SIGTRAP) && !is_blocked_in_kernel(SIGTRAP));
    ck_assert(is_blocked(SIGUSR1) && is_blocked_in_kernel(SIGUSR1));
    ck_assert_int_eq(sigprocmask(SIG_UNBLOCK, &trap, &all), 0);
    ck_assert(sigismember(&all, SIGTRAP) && !is_blocked(SIGTRAP) && is_blocked(SIGUSR1));
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &all, NULL), 0);
    ck_assert(is_blocked(SIGTRAP));
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    ck_assert(!is_blocked(SIGTRAP) && !is_blocked(SIGUSR1));
    errno = 0;
    ck_assert_int_eq(sigprocmask(77, &all, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(pthread_sigmask(77, &all, NULL), EINVAL);
    ck_assert(!is_blocked(SIGTRAP));
}

TEST(what_is_blocked_waits) {
    sigset_t trap = only(SIGTRAP);
    begin();
    sigprocmask(SIG_BLOCK, &trap, NULL);
    raise(SIGTRAP);
    ck_assert_uint_eq(traps, 0);
    ck_assert_uint_eq(deferred, 1);
    sigprocmask(SIG_UNBLOCK, &trap, NULL);
    ck_assert_uint_eq(traps, 1);
    ck_assert_int_eq(last_code, SI_TKILL);
    raise(SIGTRAP);
    ck_assert_uint_eq(traps, 2);
}

static bool was_blocked_in_handler;
static void look(int number) {
    (void)number;
    was_blocked_in_handler = is_blocked_in_kernel(SIGTRAP);
}

TEST(nor_is_it_in_handlers) {
    struct sigaction action = {.sa_handler = look};
    static const int numbers[] = {SIGUSR1, SIGFPE}; /* one that nobody watches, too */
    begin();
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        was_blocked_in_handler = true;
        ck_assert_int_eq(sigaction(numbers[i], &action, NULL), 0);
        if (numbers[i] == SIGUSR1) {
            raise(numbers[i]);
            ck_assert(!was_blocked_in_handler);
        }
        struct {
            void *handler;
            unsigned long flags;
            void *restorer;
            uint64_t mask;
        } kernel;
        syscall(SYS_rt_sigaction, numbers[i], NULL, &kernel, 8);
        ck_assert_uint_eq(kernel.mask >> (SIGTRAP - 1) & 1, 0);
        ck_assert_uint_eq(kernel.mask >> (SIGUSR2 - 1) & 1, 1);
    }
    uint64_t before;
    hak_block_signals(&before);
    ck_assert(!is_blocked_in_kernel(SIGTRAP) && is_blocked_in_kernel(SIGUSR2));
    hak_restore_signals(&before);
}

TEST(it_is_released_before_it_is_ignored) {
    begin();
    signal(SIGUSR1, SIG_IGN);
    ck_assert_uint_eq(releases, 0);
    signal(SIGTRAP, SIG_IGN);
    ck_assert_uint_eq(releases, 1);
}

TEST(what_was_blocked_at_the_start) {
    uint64_t trap = (uint64_t)1 << (SIGTRAP - 1);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &trap, NULL, 8);
    begin();
    ck_assert(is_blocked(SIGTRAP) && !is_blocked_in_kernel(SIGTRAP));
}

static void *look_in_thread(void *unused) {
    (void)unused;
    static bool believes[2];
    believes[0] = is_blocked(SIGTRAP);
    believes[1] = is_blocked_in_kernel(SIGTRAP);
    return believes;
}

TEST(a_thread_has_it_from_its_creator) {
    pthread_t thread;
    void *believes;
    sigset_t trap = only(SIGTRAP);
    begin();
    for (int is_one = 0; is_one < 2; is_one++) {
        sigprocmask(is_one ? SIG_BLOCK : SIG_UNBLOCK, &trap, NULL);
        ck_assert_int_eq(pthread_create(&thread, NULL, look_in_thread, NULL), 0);
        ck_assert_int_eq(pthread_join(thread, &believes), 0);
        ck_assert_int_eq(((bool *)believes)[0], is_one);
        ck_assert(!((bool *)believes)[1]);
    }
}

/* fork(2): "the child's set of pending signals is initially empty". */
TEST(what_waits_is_not_the_childs) {
    sigset_t trap = only(SIGTRAP);
    begin();
    sigprocmask(SIG_BLOCK, &trap, NULL);
    raise(SIGTRAP);
    pid_t child = fork();
    if (child == 0) {
        hak_mask_enter_child(); /* no handler of fork's is there to do it */
        sigprocmask(SIG_UNBLOCK, &trap, NULL);
        _exit((int)traps);
    }
    ck_assert_int_eq(status_of(child), 0);
    sigprocmask(SIG_UNBLOCK, &trap, NULL);
    ck_assert_uint_eq(traps, 1);
}

TEST(the_older_names_know_of_it) {
    int trap = 1 << (SIGTRAP - 1), user = 1 << (SIGUSR1 - 1);
    begin();
    ck_assert_int_eq(sighold(SIGTRAP), 0);
    ck_assert(is_blocked(SIGTRAP) && !is_blocked_in_kernel(SIGTRAP));
    ck_assert_int_eq(siggetmask(), trap);
    ck_assert_int_eq(sigrelse(SIGTRAP), 0);
    ck_assert(!is_blocked(SIGTRAP));
    ck_assert_int_eq(sigblock(trap | user), 0);
    ck_assert(is_blocked(SIGTRAP) && !is_blocked_in_kernel(SIGTRAP) &&
              is_blocked_in_kernel(SIGUSR1));
    ck_assert_int_eq(sigsetmask(trap), trap | user);
    ck_assert(is_blocked(SIGTRAP) && !is_blocked_in_kernel(SIGTRAP) &&
              !is_blocked_in_kernel(SIGUSR1));
    static const int bad[] = {0, 32, 33, 65, -1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        errno = 0;
        ck_assert_int_eq(sighold(bad[i]), -1);
        ck_assert_int_eq(errno, EINVAL);
    }
    ck_assert_int_eq(sighold(64), 0);
}

/* No register may raise it any more: the program's mask becomes true. */
TEST(then_it_is_as_the_program_asked) {
    sigset_t trap = only(SIGTRAP);
    begin();
    sigprocmask(SIG_BLOCK, &trap, NULL);
    raise(SIGTRAP);
    ck_assert_uint_eq(deferred, 1);
    hak_trace_leave_traps();
    ck_assert(is_blocked(SIGTRAP) && is_blocked_in_kernel(SIGTRAP));
    ck_assert_uint_eq(traps, 0);
    sigprocmask(SIG_UNBLOCK, &trap, NULL);
    ck_assert_uint_eq(traps, 1);
    begin();
    hak_trace_leave_traps();
    ck_assert(!is_blocked(SIGTRAP));
}

/* Where nothing is kept, nothing is different. */
TEST(else_the_kernel_has_it) {
    sigset_t trap = only(SIGTRAP);
    hak_actions_start(on_trap);
    sigprocmask(SIG_BLOCK, &trap, NULL);
    ck_assert(is_blocked_in_kernel(SIGTRAP));
    pthread_sigmask(SIG_UNBLOCK, &trap, NULL);
    ck_assert(!is_blocked_in_kernel(SIGTRAP));
    signal(SIGTRAP, SIG_IGN);
    ck_assert_uint_eq(releases, 0);
}

RUN_TESTS()

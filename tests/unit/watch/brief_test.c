/* Debug registers for a moment: who is stopped, when it is over, and what is left of them. Where
 * the system gives none, the test can only show that this is reported. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "unit/suite.h"
#include "watch/watch.h"

enum { PERF_OPEN = 298, REFUSED = 1 };

static volatile uint64_t words[8] __attribute__((aligned(64)));
static volatile unsigned stops, ends;
static volatile uint64_t last_tag;

static void on_trap(int number, siginfo_t *info, void *context) {
    struct hak_watch_hit hit;
    (void)number, (void)context;
    if (!hak_watch_hit_of(info, &hit))
        _exit(99);
    if (hit.is_over) {
        ends++;
        hak_watch_clear((unsigned)hit.tag & 3);
    } else {
        stops++;
    }
    last_tag = hit.tag;
}

/* Is a register put at `words[index]`? False: there is none here, and the refusal says why. */
static bool set(unsigned index, uint64_t tag) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    hak_watch_start_briefly();
    if (hak_watch_open(4) == 4 &&
        hak_watch_set(index, (uintptr_t)&words[index], sizeof words[index], tag))
        return true;
    ck_assert_int_ne(hak_watch_refusal(), 0);
    ck_assert_uint_eq(hak_watch_open(4), 0);
    return no_register_fires();
}

/* Descriptors from 3 on. */
static int count_files(void) {
    int count = 0;
    for (int file = 3; file < 1024; file++)
        count += fcntl(file, F_GETFD) >= 0;
    return count;
}

/* On a machine that stops the thread for long in between, a moment may be over too soon. */
static bool is_stopped_at(unsigned index, uint64_t tag) {
    for (int tries = 0; tries < 100; tries++) {
        unsigned before = stops;
        if (!set(index, tag))
            return false;
        words[index]++;
        hak_watch_clear(index);
        if (stops == before + 1 && last_tag == tag)
            return true;
    }
    return false;
}

TEST(a_write_stops_the_thread_that_asked) {
    int files = count_files();
    if (!set(0, 100))
        return;
    hak_watch_clear(0);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(is_stopped_at(i, 100 + i));
    unsigned before = stops;
    words[0]++;
    ck_assert_uint_eq(stops, before);
    ck_assert_int_eq(count_files(), files);
}

static void *write_it(void *unused) {
    words[0]++;
    return unused;
}

TEST(no_other_thread_is_stopped) {
    pthread_t thread;
    if (!set(0, 100))
        return;
    pthread_create(&thread, NULL, write_it, NULL);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(stops, 0);
    hak_watch_clear(0);
}

TEST(after_a_moment_it_is_gone) {
    int files = count_files();
    if (!set(2, 102))
        return;
    for (clock_t end = clock() + 20 * CLOCKS_PER_SEC; ends == 0 && clock() < end;)
        for (volatile int i = 0; i < 100000; i++)
            continue;
    ck_assert_uint_eq(ends, 1);
    ck_assert_uint_eq(last_tag, 102);
    words[2]++;
    ck_assert_uint_eq(stops, 0);
    ck_assert_int_eq(count_files(), files);
}

static void *ask_how_long(void *unused) {
    uint64_t ns;
    ck_assert(!hak_watch_stood(0, &ns));
    return unused;
}

/* Its own time: a thread that waits is not slowed down. */
TEST(how_long_it_stood) {
    enum { PAUSE_NS = 500000000 };
    struct timespec pause = {.tv_nsec = PAUSE_NS};
    pthread_t thread;
    uint64_t before = 0, after = 0;
    ck_assert(!hak_watch_stood(0, &before));
    if (!set(0, 100))
        return;
    ck_assert(hak_watch_stood(0, &before));
    nanosleep(&pause, NULL);
    if (hak_watch_stood(0, &after)) {
        ck_assert_uint_ge(after, before);
        ck_assert_uint_lt(after - before, PAUSE_NS / 2);
    }
    pthread_create(&thread, NULL, ask_how_long, NULL);
    pthread_join(thread, NULL);
    hak_watch_clear(0);
    ck_assert(!hak_watch_stood(0, &before));
}

TEST(a_system_call_is_not_interrupted) {
    struct timespec pause = {.tv_nsec = 50000000};
    if (!set(0, 100))
        return;
    ck_assert_int_eq(nanosleep(&pause, NULL), 0);
    hak_watch_clear(0);
}

TEST(a_child_leaves_its_parents_alone) {
    int files = count_files();
    if (!set(1, 101))
        return;
    pid_t child = fork();
    if (child == 0) {
        hak_watch_fork_child();
        words[1]++;
        _exit(count_files() != files ? 1 : stops != 0 ? 2 : is_stopped_at(1, 101) ? 0 : 3);
    }
    ck_assert_int_eq(status_of(child), 0);
    hak_watch_clear(1);
    ck_assert(is_stopped_at(1, 101));
}

/* The program closes what it does not know, and the numbers are other files'. */
TEST(other_files_are_left_alone) {
    enum { LIFTED_TO = 48, LIFTED_MOST = LIFTED_TO + 8 };
    int taken = 0;
    for (int tries = 0; tries < 100 && taken == 0; tries++) {
        if (!set(0, 100))
            return;
        for (int file = LIFTED_TO; file < LIFTED_MOST; file++)
            taken += fcntl(file, F_GETFD) >= 0 && dup2(1, file) == file;
        hak_watch_clear(0);
    }
    ck_assert(taken != 0 || sysconf(_SC_OPEN_MAX) <= LIFTED_MOST);
    for (int file = LIFTED_TO; file < LIFTED_MOST; file++)
        taken -= fcntl(file, F_GETFD) >= 0;
    ck_assert_int_eq(taken, 0);
}

/* The descriptors for which the kernel has room in this process; 0 = it does not say. */
static int table_room(void) {
    char text[4096] = "";
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = file >= 0 ? read(file, text, sizeof text - 1) : 0;
    const char *line = bytes > 0 ? strstr(text, "\nFDSize:") : NULL;
    if (file >= 0)
        close(file);
    return line ? atoi(line + sizeof "\nFDSize:" - 1) : 0;
}

/* With threads the kernel waits for all processors before it makes that larger. */
TEST(the_table_of_descriptors_stays) {
    pid_t child = fork();
    if (child == 0) {
        int before;
        close_range(20, ~0u, 0);
        before = table_room();
        _exit(!set(0, 100) ? 0 : table_room() == before ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
}

TEST(who_is_in_a_sandbox_is_not_asked) {
    pid_t child = fork();
    if (child == 0) {
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PERF_OPEN, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog filter = {sizeof code / sizeof *code, code};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
            _exit(REFUSED);
        _exit(set(0, 100) ? 2 : hak_watch_refusal() == HAK_UNWATCHED_SANDBOX ? 0 : 3);
    }
    ck_assert_int_eq(status_of(child), 0);
}

RUN_TESTS()

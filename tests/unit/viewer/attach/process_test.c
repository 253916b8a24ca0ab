/* Tells whether a process lives: also where /proc does not answer, or shows its first thread as
 * ended. */
#include "viewer/attach/parts.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"
#include "unit/suite.h"

static struct process p;

static void *stay(void *unused) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
    return unused;
}

/* A child of one thread, or of two; the first of them ends. */
static pid_t start(bool leaves) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child > 0)
        return child;
    pthread_t second;
    if (leaves && pthread_create(&second, NULL, stay, NULL) == 0)
        pthread_exit(NULL);
    stay(NULL);
    _exit(1);
}

static void await_state(pid_t pid, char state) {
    struct hak_peer peer = {0};
    while (!hak_peer_read(pid, &peer) || peer.state != state)
        usleep(1000);
}

static void open_memory(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)p.shown);
    p.memory = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(p.memory, 0);
}

static void end(pid_t child) {
    end_child(child);
    process_close(&p);
}

/* No descriptor is left to look at /proc: as when its answer comes too late. The limit is one,
 * which is in use: at none poll() fails, too, so that the descriptor of the process would not be
 * asked. */
static struct rlimit descriptors;

static void stop_answers(void) {
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    struct rlimit one = {1, descriptors.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &one), 0);
    ck_assert_int_lt(open("/", O_RDONLY | O_CLOEXEC), 0);
    ck_assert_int_eq(poll(&(struct pollfd){.fd = -1}, 1, 0), 0);
}

static void allow_answers(void) {
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
}

/* As where the kernel gives no descriptor of the process. */
static void drop_handle(void) {
    if (p.handle >= 0)
        close(p.handle);
    p.handle = -1;
}

TEST(no_answer_is_no_end) {
    pid_t child = start(false);
    struct hak_peer peer;
    ck_assert(process_open(&p, child));
    open_memory();
    for (int round = 0; round < 2; round++) {
        stop_answers();
        enum hak_peer_answer answer = hak_peer_ask(child, &peer);
        bool is_there = process_is_there(&p), has_executed = process_has_executed(&p);
        allow_answers();
        ck_assert_int_eq(answer, HAK_PEER_UNKNOWN);
        ck_assert(is_there);
        ck_assert(!has_executed);
        drop_handle();
    }
    end(child);
}

TEST(lives_on_without_its_first_thread) {
    pid_t child = start(true);
    await_state(child, 'Z');
    ck_assert(process_open(&p, child));
    ck_assert_int_ne(p.shown, child);
    ck_assert(process_read_mappings(&p));
    open_memory();
    for (int round = 0; round < 2; round++) {
        ck_assert(process_is_there(&p));
        ck_assert(!process_has_executed(&p));
        drop_handle();
    }
    end(child);
}

TEST(finds_another_thread_when_the_first_has_ended) {
    pid_t child = start(true);
    await_state(child, 'Z');
    ck_assert(process_open(&p, child));
    p.shown = child;
    ck_assert(process_read_mappings(&p));
    ck_assert_int_ne(p.shown, child);
    end(child);
}

TEST(an_end_is_seen_before_it_is_asked_for, .until = 2) {
    pid_t child = start(_i != 0);
    await_state(child, _i ? 'Z' : 'S');
    ck_assert(process_open(&p, child));
    open_memory();
    ck_assert(process_is_there(&p));
    kill(child, SIGKILL);
    /* Not yet waited for. */
    siginfo_t about;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &about, WEXITED | WNOWAIT), 0);
    ck_assert(!process_is_there(&p));
    ck_assert(!process_has_executed(&p));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert(!process_is_there(&p));
    process_close(&p);
    ck_assert(!process_open(&p, child));
}

TEST(has_executed) {
    int ends[2];
    char byte = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (read(ends[0], &byte, 1) == 1)
            execl("/bin/sleep", "sleep", "1000", NULL);
        _exit(1);
    }
    ck_assert(process_open(&p, child));
    open_memory();
    ck_assert(process_is_there(&p));
    ck_assert_int_eq(write(ends[1], &byte, 1), 1);
    while (process_is_there(&p))
        usleep(1000);
    ck_assert(process_has_executed(&p));
    stop_answers();
    bool is_known = process_has_executed(&p);
    allow_answers();
    ck_assert(is_known);
    end(child);
}

RUN_TESTS()

/* Reads /proc about processes, where there is much of it. */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "collector/kernel/peer.h"
#include "collector/kernel/pid_namespace.h"
#include "../../suite.h"

enum { CHILDREN = 1500, GROUPS = 3000 };

static bool count_child(void *context, pid_t child) {
    int *counts = context;
    counts[0]++;
    return child == counts[1];
}

static int wait_for_the_end(void *nothing) {
    (void)nothing;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pause();
}

/* Their numbers are more than a page. They share the memory, whose copies take longer than all
 * else. */
TEST(finds_all_of_many_children) {
    enum { STACK = 16384 };
    static pid_t children[CHILDREN];
    static char stacks[CHILDREN][STACK] __attribute__((aligned(16)));
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = clone(wait_for_the_end, stacks[i] + STACK, CLONE_VM | SIGCHLD, NULL);
        ck_assert_int_gt(children[i], 0);
    }
    int counts[2] = {0, -1};
    struct hak_children_look look = {0};
    ck_assert_int_eq(hak_pid_find_child(getpid(), count_child, counts, &look), 0);
    ck_assert_int_eq(counts[0], CHILDREN);
    for (int i = 0; i < CHILDREN; i += CHILDREN - 1) {
        struct hak_inner_pid inner = {.pid = children[i]};
        ck_assert_int_eq(hak_pid_of_child(getpid(), &inner), children[i]);
    }
    for (int i = 0; i < CHILDREN; i++) {
        end_child(children[i]);
    }
}

static void *live_with_a_child(void *nothing) {
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    pause();
    return nothing;
}

static bool add_child(void *context, pid_t child) {
    uint64_t *sum = context;
    sum[0]++;
    sum[1] += (uint64_t)child;
    return false;
}

/* A process whose `threads` threads have one child each, and its first one two. */
static pid_t start_parent(int threads, void *(*thread)(void *)) {
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        pthread_attr_t small;
        pthread_t id;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 16384);
        for (int i = 0; i < 2; i++)
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                pause();
                _exit(0);
            }
        for (int i = 0; i < threads; i++)
            if (pthread_create(&id, &small, thread, NULL) != 0)
                break;
        (void)!write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return parent;
}

/* With no time at all, one thing per look. */
TEST(goes_on_where_a_look_was_cut) {
    enum { THREADS = 5 };
    pid_t parent = start_parent(THREADS, live_with_a_child);
    uint64_t all[2] = {0}, cut[2] = {0};
    struct hak_children_look look = {0};
    for (int tries = 0; tries < 6000 && all[0] < THREADS + 2; tries++) {
        usleep(10000);
        memset(all, 0, sizeof all);
        (void)hak_pid_find_child(parent, add_child, all, &look);
    }
    ck_assert_uint_eq(all[0], THREADS + 2);
    int looks = 0;
    look.until_ns = 1;
    do {
        uint64_t before = cut[0];
        (void)hak_pid_find_child(parent, add_child, cut, &look);
        ck_assert_uint_le(cut[0], before + 1);
    } while (look.is_cut && ++looks < 100);
    ck_assert_int_lt(looks, 100);
    ck_assert_uint_eq(cut[0], all[0]);
    ck_assert_uint_eq(cut[1], all[1]);
    end_child(parent);
}

static void *live(void *nothing) {
    pause();
    return nothing;
}

/* Each look costs some ms of processor time, and who asks for it decides how often. */
TEST(looks_at_many_threads_take_half_of_the_time) {
    struct timespec now;
    pid_t parent = start_parent(3000, live);
    struct hak_inner_pid inner = {.pid = 1, .space = 4711};
    clock_gettime(CLOCK_MONOTONIC, &now);
    double begun = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    uint64_t used = hak_pid_time_used();
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(hak_pid_of_child(parent, &inner), 0);
    clock_gettime(CLOCK_MONOTONIC, &now);
    double wall = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - begun;
    used = hak_pid_time_used() - used;
    ck_assert_double_lt((double)used / 1e9, 0.3 + wall / 2);
    end_child(parent);
}

/* The line before NSpid is longer than a page. */
TEST(reads_the_pid_of_a_process_with_many_groups) {
    static gid_t groups[GROUPS];
    for (int i = 0; i < GROUPS; i++)
        groups[i] = (gid_t)(100000 + i);
    if (setgroups(GROUPS, groups) != 0) {
        puts("only root has many groups: not tried");
        return;
    }
    ck_assert_int_eq(hak_pid_innermost(getpid()), getpid());
}

TEST(knows_the_namespace_of_one_that_may_not_be_looked_at) {
    int ready[2];
    char byte;
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)!write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    pid_t looker = fork();
    if (looker == 0) {
        bool is_known = hak_pid_namespace_own() != 0;
        if (setresuid(65534, 65534, 65534) != 0)
            _exit(2);
        _exit(is_known && hak_pid_namespace_of(child) == hak_pid_namespace_own() ? 0 : 1);
    }
    int status = -1;
    waitpid(looker, &status, 0);
    end_child(child);
    ck_assert_int_eq(status, 0);
}

TEST(knows_that_a_process_is_another_by_now) {
    struct hak_peer peer;
    ck_assert(hak_peer_read(getpid(), &peer));
    struct hak_known_process who = {getpid(), peer.start_time};
    ck_assert(hak_peer_is_same(&who));
    who.start_time++;
    ck_assert(!hak_peer_is_same(&who));
    who.start_time = HAK_PEER_NOBODY;
    ck_assert(!hak_peer_is_same(&who));
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    ck_assert(!hak_peer_is_same(&(struct hak_known_process){.pid = child}));
}

RUN_TESTS()

/* What /proc says of processes, where there is much of it. */
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "collector/peer.h"
#include "collector/pid_namespace.h"
#include "../suite.h"

enum { CHILDREN = 1500, GROUPS = 3000 };

static bool count_child(void *context, pid_t child) {
    int *counts = context;
    counts[0]++;
    return child == counts[1];
}

/* Their numbers are more than a page. */
START_TEST(finds_all_of_many_children) {
    static pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            pause();
            _exit(0);
        }
        ck_assert_int_gt(children[i], 0);
    }
    int counts[2] = {0, -1};
    ck_assert_int_eq(hak_pid_find_child(getpid(), count_child, counts), 0);
    ck_assert_int_eq(counts[0], CHILDREN);
    for (int i = 0; i < CHILDREN; i += CHILDREN - 1) {
        struct hak_inner_pid inner = {.pid = children[i]};
        ck_assert_int_eq(hak_pid_of_child(getpid(), &inner), children[i]);
    }
    for (int i = 0; i < CHILDREN; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
}
END_TEST

/* The line before NSpid is longer than a page. */
START_TEST(reads_the_pid_of_a_process_with_many_groups) {
    static gid_t groups[GROUPS];
    for (int i = 0; i < GROUPS; i++)
        groups[i] = (gid_t)(100000 + i);
    if (setgroups(GROUPS, groups) != 0) {
        puts("only root has many groups: not tried");
        return;
    }
    ck_assert_int_eq(hak_pid_innermost(getpid()), getpid());
}
END_TEST

START_TEST(knows_the_namespace_of_one_that_may_not_be_looked_at) {
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
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(knows_that_a_process_is_another_by_now) {
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
END_TEST

int main(void) {
    TCase *cases = tcase_create("pid_namespace");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, finds_all_of_many_children);
    tcase_add_test(cases, reads_the_pid_of_a_process_with_many_groups);
    tcase_add_test(cases, knows_the_namespace_of_one_that_may_not_be_looked_at);
    tcase_add_test(cases, knows_that_a_process_is_another_by_now);
    return run_cases("collector/pid_namespace", cases);
}

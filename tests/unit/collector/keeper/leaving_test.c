/* Sockets in which others left descriptors whose end takes an hour. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "collector/keeper/leaving.h"
#include "../../suite.h"
#include "lingering.h"

static int count_open(const int *ends, int count) {
    int open = 0;
    for (int i = 0; i < count; i++) {
        char byte;
        ssize_t got = recv(ends[i], &byte, 1, MSG_DONTWAIT);
        bool is_gone = got == 0 || (got < 0 && errno == ECONNRESET);
        open += !is_gone;
    }
    return open;
}

TEST(waits_for_nothing_that_was_left) {
    struct hak_leaving leaving = {0};
    enum { COUNT = 200 };
    int ends[COUNT];
    for (int i = 0; i < COUNT; i++) {
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        lingering_send(pair[0], i % 2 ? MSG_OOB : 0);
        ends[i] = pair[0];
        hak_leaving_add(&leaving, pair[1], 0);
        ck_assert_int_eq(count_open(&ends[i], 1), 0); /* its end is seen at once */
    }
    hak_leaving_end(&leaving);
    ck_assert_int_eq(leaving.count, 0);
    ck_assert_int_eq(leaving.children.count, 0);
    for (int i = 0; i < COUNT; i++)
        close(ends[i]);
}

TEST(closes_an_empty_one_itself) {
    struct hak_leaving leaving = {0};
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    hak_leaving_add(&leaving, pair[1], 0);
    ck_assert_int_eq(leaving.count, 0);
    ck_assert_int_eq(fcntl(pair[1], F_GETFD), -1);
    close(pair[0]);
}

TEST(closes_in_time_and_not_before) {
    struct hak_leaving leaving = {0};
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(send(pair[0], "x", 1, 0), 1);
    hak_leaving_add(&leaving, pair[1], 1000);
    hak_leaving_look(&leaving, 1001);
    ck_assert_int_eq(leaving.count, 1);
    hak_leaving_look(&leaving, 1100);
    ck_assert_int_eq(leaving.count, 0);
    ck_assert_int_eq(fcntl(pair[1], F_GETFD), -1);
    hak_leaving_end(&leaving);
    close(pair[0]);
}

/* Where no child can be made the sockets stay; this process does not close them. */
TEST(keeps_what_no_child_can_close) {
    struct hak_leaving leaving = {0};
    int pair[2];
    for (int i = 0; i < HAK_SHORT_CHILDREN; i++)
        if (hak_short_child_start(&leaving.children) == 0)
            for (;;)
                pause();
    ck_assert_int_eq(leaving.children.count, HAK_SHORT_CHILDREN);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    lingering_send(pair[0], 0);
    hak_leaving_add(&leaving, pair[1], 1000);
    hak_leaving_look(&leaving, 2000);
    ck_assert_int_eq(leaving.count, 1);
    ck_assert_int_eq(hak_leaving_room(&leaving), HAK_LEAVING_SOCKETS - 1);
    hak_leaving_end(&leaving); /* nor at the end */
    ck_assert_int_eq(leaving.count, 1);
    for (int i = 0; i < HAK_SHORT_CHILDREN; i++)
        kill(leaving.children.pids[i], SIGKILL);
    for (int tries = 0; tries < 1000 && leaving.children.count > 0; tries++) {
        usleep(1000);
        hak_short_child_reap(&leaving.children);
    }
    hak_leaving_look(&leaving, 3000);
    ck_assert_int_eq(leaving.count, 0);
    ck_assert_int_eq(fcntl(pair[1], F_GETFD), -1);
    hak_leaving_end(&leaving);
    close(pair[0]);
}

RUN_TESTS()

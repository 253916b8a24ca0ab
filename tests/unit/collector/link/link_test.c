/* The link between keeper and worker: nothing that was sent is lost, however full it is. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../suite.h"
#include "collector/link/link.h"

#define MESSAGES 5000

static struct hak_link_message message;

TEST(says_that_it_is_full_and_loses_nothing) {
    int pair[2], descriptor, sent = 0;
    ck_assert_int_eq(hak_link_pair(pair), 0);
    for (;; sent++) {
        message = (struct hak_link_message){.type = HAK_LINK_DONE, .number = (uint32_t)sent + 1};
        if (hak_link_send(pair[0], &message, -1) != 0)
            break;
    }
    ck_assert_int_gt(sent, 20);
    ck_assert_int_eq(hak_link_send(pair[0], &message, -1), 1);
    for (int i = 1; i <= sent; i++) {
        ck_assert_int_eq(hak_link_receive(pair[1], &message, &descriptor), 1);
        ck_assert_uint_eq(message.type, HAK_LINK_DONE);
        ck_assert_uint_eq(message.number, i);
    }
    ck_assert_int_eq(hak_link_receive(pair[1], &message, &descriptor), 0);
    close(pair[0]);
    ck_assert_int_eq(hak_link_receive(pair[1], &message, &descriptor), -1);
    ck_assert_int_eq(hak_link_send(pair[1], &message, -1), -1);
}

static void *send_many(void *end) {
    static struct hak_link_message mine;
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        mine = (struct hak_link_message){.type = HAK_LINK_SESSION, .number = i};
        int memfd = i % 50 == 0 ? memfd_create("m", MFD_CLOEXEC) : -1;
        if (hak_link_send_wait(*(int *)end, &mine, memfd) != 0)
            return "not sent";
        if (memfd >= 0)
            close(memfd);
    }
    return NULL;
}

TEST(waits_for_a_slow_reader) {
    int pair[2], descriptor, with_descriptor = 0;
    void *problem;
    pthread_t sender;
    ck_assert_int_eq(hak_link_pair(pair), 0);
    ck_assert_int_eq(pthread_create(&sender, NULL, send_many, &pair[0]), 0);
    for (uint32_t i = 1; i <= MESSAGES;) {
        int got = hak_link_receive(pair[1], &message, &descriptor);
        ck_assert_int_ge(got, 0);
        if (got == 0) {
            usleep(100);
            continue;
        }
        ck_assert_uint_eq(message.number, i++);
        if (descriptor >= 0) {
            with_descriptor++;
            close(descriptor);
        }
    }
    pthread_join(sender, &problem);
    ck_assert_ptr_null(problem);
    ck_assert_int_eq(with_descriptor, MESSAGES / 50);
}

TEST(carries_paths_where_they_belong) {
    int pair[2], descriptor;
    ck_assert_int_eq(hak_link_pair(pair), 0);
    message = (struct hak_link_message){.type = HAK_LINK_STORE};
    memset(message.store_path, 'x', sizeof message.store_path - 1);
    ck_assert_int_eq(hak_link_send(pair[0], &message, -1), 0);
    message.type = HAK_LINK_SYNC;
    ck_assert_int_eq(hak_link_send(pair[0], &message, -1), 0);
    ck_assert_int_eq(send(pair[0], "short", 5, 0), 5);
    ck_assert_int_eq(hak_link_receive(pair[1], &message, &descriptor), 1);
    ck_assert_uint_eq(strlen(message.store_path), sizeof message.store_path - 1);
    ck_assert_int_eq(hak_link_receive(pair[1], &message, &descriptor), 1);
    ck_assert_str_eq(message.store_path, "");
    ck_assert_int_eq(hak_link_receive(pair[1], &message, &descriptor), -1);
}

RUN_TESTS()

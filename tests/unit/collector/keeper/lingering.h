/* A TCP socket whose last holder waits an hour: it lingers (SO_LINGER), and its peer reads nothing.
 */
#ifndef HAK_TESTS_LINGERING_H
#define HAK_TESTS_LINGERING_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sends one, which has no other holder then, and a byte over `socket_end`; the peer stays open
 * here. */
static inline void lingering_send(int socket_end, int flags) {
    static char full[65536];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, bytes), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &bytes), 0);
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
    setsockopt(file, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    setsockopt(listening, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    ck_assert_int_eq(connect(file, (struct sockaddr *)&address, bytes), 0);
    ck_assert_int_ge(accept(listening, NULL, NULL), 0);
    close(listening);
    while (send(file, full, sizeof full, MSG_DONTWAIT) > 0)
        continue;
    struct linger linger = {1, 3600};
    ck_assert_int_eq(setsockopt(file, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    struct iovec piece = {(void *)"H", 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &file, sizeof file);
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    if (sendmsg(socket_end, &message, flags | MSG_NOSIGNAL) != 1) {
        linger.l_onoff = 0; /* the other end is gone: this process would linger */
        ck_assert_int_eq(setsockopt(file, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    }
    close(file);
}

#endif

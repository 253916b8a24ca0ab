/* Sends and takes the messages between keeper and worker, and starts the one for the other. */
#include "collector/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int hak_link_pair(int pair[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

int hak_link_send(int link, const struct hak_link_message *message, int descriptor) {
    struct iovec piece = {(void *)message, sizeof *message};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    if (descriptor >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do {
        sent = sendmsg(link, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof *message ? 0 : -1;
}

int hak_link_receive(int link, struct hak_link_message *message, int *descriptor) {
    struct iovec piece = {message, sizeof *message};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    *descriptor = -1;
    ssize_t got;
    do {
        got = recvmsg(link, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(descriptor, CMSG_DATA(c), sizeof *descriptor);
    if (got == (ssize_t)sizeof *message)
        return 1;
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
    return -1;
}

/* Runs in the child between fork and exec: only what is safe there. */
static void become(const char *path, char *const arguments[], int link) {
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    int nowhere = open("/dev/null", O_RDWR);
    if (nowhere >= 0) {
        dup2(nowhere, 0);
        dup2(nowhere, 1);
    }
    if (link == HAK_LINK_SOCKET)
        fcntl(link, F_SETFD, 0);
    else if (dup2(link, HAK_LINK_SOCKET) < 0)
        _exit(127);
    if (close_range(HAK_LINK_SOCKET + 1, ~0u, 0) != 0)
        for (int fd = HAK_LINK_SOCKET + 1; fd < 1024; fd++)
            close(fd);
    execv(path, arguments);
    _exit(127);
}

pid_t hak_link_spawn(const char *path, char *const arguments[], int link) {
    pid_t pid = fork();
    if (pid == 0)
        become(path, arguments, link);
    return pid;
}

/* Sends and takes the messages between keeper and worker, and starts the one for the other. */
#include "collector/link/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "newer.h"

int hak_link_pair(int pair[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

int hak_link_open_process(int link, pid_t started) {
    struct ucred maker = {.pid = started};
    socklen_t bytes = sizeof maker;
    if (started <= 0 && getsockopt(link, SOL_SOCKET, SO_PEERCRED, &maker, &bytes) != 0)
        return -1;
    return maker.pid > 0 ? (int)syscall(SYS_pidfd_open, maker.pid, 0) : -1;
}

bool hak_link_process_is_over(int process) {
    struct pollfd p = {.fd = process, .events = POLLIN};
    return process >= 0 && poll(&p, 1, 0) > 0;
}

/* The bytes of a message that are sent. Only some kinds carry all paths, and a session's is short:
 * there may be thousands. */
static size_t size_of(const struct hak_link_message *m) {
    size_t before = offsetof(struct hak_link_message, log_path);
    if (m->type == HAK_LINK_CONFIG || m->type == HAK_LINK_STORE || m->type == HAK_LINK_UNREADABLE)
        return sizeof *m;
    return before +
           (m->type == HAK_LINK_SESSION ? strnlen(m->log_path, HAK_PATH_BYTES - 1) + 1 : 0);
}

void hak_link_describe_session(struct hak_link_message *m, uint32_t number, pid_t peer,
                               const struct hak_hello *hello, const char *log_path) {
    *m = (struct hak_link_message){
        .type = HAK_LINK_SESSION, .number = number, .peer_pid = peer, .hello = *hello};
    snprintf(m->log_path, sizeof m->log_path, "%s", log_path);
}

int hak_link_send(int link, const struct hak_link_message *message, int descriptor) {
    size_t bytes = size_of(message);
    struct iovec piece = {(void *)message, bytes};
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
        sent = sendmsg(link, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS))
        return 1;
    return sent == (ssize_t)bytes ? 0 : -1;
}

int hak_link_send_wait(int link, const struct hak_link_message *message, int descriptor) {
    int sent;
    while ((sent = hak_link_send(link, message, descriptor)) > 0) {
        struct pollfd p = {.fd = link, .events = POLLOUT};
        poll(&p, 1, 100);
        usleep(500); /* too many descriptors on their way are not told by poll */
    }
    return sent;
}

void hak_link_report(int link, const struct hak_link_report *report) {
    static struct hak_link_message m; /* one worker thread */
    m = (struct hak_link_message){
        .type = report->type, .number = report->number, .live = report->live};
    snprintf(m.store_path, sizeof m.store_path, "%s", report->store_path ? report->store_path : "");
    snprintf(m.making_path, sizeof m.making_path, "%s",
             report->making_path ? report->making_path : "");
    if (link >= 0)
        (void)hak_link_send_wait(link, &m, -1);
}

ssize_t hak_link_take(int socket, void *to, size_t bytes, struct hak_link_files *files) {
    struct iovec piece = {to, bytes};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(HAK_LINK_FILES_MAX * sizeof(int))];
    } control;
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t got;
    files->count = 0;
    do {
        got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
        for (size_t at = 0; c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
                            CMSG_LEN(at + sizeof(int)) <= c->cmsg_len;
             at += sizeof(int))
            memcpy(&files->file[files->count++], CMSG_DATA(c) + at, sizeof(int));
    return got > 0 ? got : -1;
}

int hak_link_receive(int link, struct hak_link_message *message, int *descriptor) {
    struct hak_link_files files;
    message->store_path[0] = message->log_path[0] = 0;
    ssize_t got = hak_link_take(link, message, sizeof *message, &files);
    bool is_whole =
        got >= (ssize_t)sizeof message->type && (size_t)got == size_of(message) && files.count <= 1;
    *descriptor = is_whole && files.count > 0 ? files.file[0] : -1;
    for (int i = 0; !is_whole && i < files.count; i++)
        close(files.file[i]);
    return is_whole ? 1 : got == 0 ? 0 : -1;
}

/* Takes LD_PRELOAD out of the environment: the user's preloads are meant for PROGRAM, and a worker
 * whose clock stands still never ends. */
static void drop_preloads(void) {
    char **to = environ;
    for (char **from = environ; from && *from; from++)
        if (strncmp(*from, "LD_PRELOAD=", 11) != 0)
            *to++ = *from;
    if (to)
        *to = NULL;
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
    drop_preloads();
    execv(path, arguments);
    _exit(127);
}

pid_t hak_link_spawn(const char *path, char *const arguments[], int link) {
    pid_t pid = fork();
    if (pid == 0)
        become(path, arguments, link);
    return pid;
}

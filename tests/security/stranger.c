/* Attacks of another user on a recording, written from docs/specs/ring.md alone, as user nobody.
 *
 *   squat OUT WHERE...       takes these names (abstract, or paths) as soon as nobody has them,
 *                            takes all connections, appends to OUT what came: "bound NAME",
 *                            "bytes N", "memory"
 *   full OUT WHERE...        the same, but takes no connection, and the queue is full
 *   speak NAME PID           says hellos and worker's messages, whole and half, its own and in the
 *                            name of process PID; one line for each: what came back
 *   linger NAME COUNT        leaves COUNT connections, each with the last descriptor of a TCP
 *                            socket that lingers for an hour
 *   leave NAME COUNT         leaves COUNT connections, each with two descriptors and a byte
 *   idle NAME COUNT SECONDS  keeps up to COUNT connections open, new ones for closed ones */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = 65534, HELLO_BYTES = 512, ANSWER_BYTES = 384, NAMES_MAX = 32, MEMORY = 4 << 20 };

static void put(char *at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        at[i] = (char)(value >> (8 * i));
}

static socklen_t address_of(struct sockaddr_un *address, const char *where) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int is_path = where[0] == '/';
    snprintf(address->sun_path + !is_path, sizeof address->sun_path - 1, "%s", where);
    return is_path ? sizeof *address
                   : (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(where));
}

static int connect_to(const char *name) {
    struct sockaddr_un address;
    socklen_t bytes = address_of(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct timeval limit = {5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, bytes) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int listen_at(const char *where, int backlog) {
    struct sockaddr_un address;
    socklen_t bytes = address_of(&address, where);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, bytes) == 0 && listen(fd, backlog) == 0) {
        if (where[0] == '/')
            chmod(where, 0777);
        return fd;
    }
    close(fd);
    return -1;
}

/* ---- squat ----------------------------------------------------------------------------------- */

static void say(const char *out, const char *what, const char *detail) {
    FILE *file = fopen(out, "a");
    if (file) {
        fprintf(file, "%s %s\n", what, detail);
        fclose(file);
    }
}

static void hear(int fd, const char *out) {
    char bytes[HELLO_BYTES], number[32];
    union {
        struct cmsghdr align;
        char bytes[256];
    } control;
    struct iovec piece = {bytes, sizeof bytes};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = 256};
    struct timeval limit = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ssize_t got = recvmsg(fd, &message, 0);
    snprintf(number, sizeof number, "%zd", got);
    if (got > 0)
        say(out, "bytes", number);
    if (message.msg_controllen > 0 && CMSG_FIRSTHDR(&message))
        say(out, "memory", number);
    close(fd);
}

static void squat(const char *out, char **where, int count, int is_full) {
    int fds[NAMES_MAX];
    for (int i = 0; i < count; i++)
        fds[i] = -1;
    for (;;) {
        for (int i = 0; i < count; i++) {
            if (fds[i] < 0) {
                fds[i] = listen_at(where[i], is_full ? 0 : 64);
                if (fds[i] < 0)
                    continue;
                say(out, "bound", where[i]);
                for (int c = 0; is_full && c < 2; c++) {
                    struct sockaddr_un address;
                    socklen_t bytes = address_of(&address, where[i]);
                    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
                    connect(fd, (struct sockaddr *)&address, bytes);
                }
            }
            int fd = is_full ? -1 : accept(fds[i], NULL, NULL);
            if (fd >= 0)
                hear(fd, out);
        }
        usleep(200);
    }
}

/* ---- speak ----------------------------------------------------------------------------------- */

static int session_memory(void) {
    int memory = memfd_create("hakmem", MFD_ALLOW_SEALING);
    char header[4096] = "HAKSES01";
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    put(header + 8, 9, 4);
    put(header + 16, MEMORY, 8);
    if (ftruncate(memory, MEMORY) != 0 || pwrite(memory, header, sizeof header, 0) < 0 ||
        fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0 ||
        fcntl(memory, F_OFD_SETLK, &lock) != 0)
        exit(2);
    return memory;
}

static uint64_t start_time_of(const char *pid) {
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(text, sizeof text, file))
        exit(2);
    fclose(file);
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

static void fill_hello(char hello[HELLO_BYTES], int pid, uint64_t start, int kind, int child) {
    memset(hello, 0, HELLO_BYTES);
    memcpy(hello, "HAKELLO", 8);
    put(hello + 8, 9, 4);
    put(hello + 12, (uint64_t)pid, 4);
    put(hello + 16, start, 8);
    put(hello + 24, kind == 0 ? MEMORY : 0, 8);
    put(hello + 32, (uint64_t)kind, 4);
    put(hello + 36, (uint64_t)child, 4);
    put(hello + 48, 62, 4); /* x86-64 */
    strcpy(hello + 52, "a stranger says so");
}

static int send_with(int fd, const void *bytes, size_t count, const int *files, int file_count) {
    struct iovec piece = {(void *)bytes, count};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control = {.header = {CMSG_LEN((size_t)file_count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (file_count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE((size_t)file_count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), files, (size_t)file_count * sizeof(int));
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0; /* it may be closed already */
}

/* Sends and prints what came back. */
static void try(const char *name, const char *what, const void *bytes, size_t count, int memory) {
    char answer[ANSWER_BYTES] = "";
    int fd = connect_to(name);
    if (fd < 0) {
        printf("%s: no connection\n", what);
        return;
    }
    send_with(fd, bytes, count, &memory, memory >= 0);
    ssize_t got = recv(fd, answer, sizeof answer, MSG_WAITALL);
    if (got == ANSWER_BYTES && memcmp(answer, "HAKELLO", 8) == 0)
        printf("%s: %s: %.255s\n", what, answer[12] ? "ACCEPTED" : "refused", answer + 124);
    else
        printf("%s: %s\n", what, got < 0 && errno == EAGAIN ? "LEFT OPEN" : "closed");
    close(fd);
}

static int speak(const char *name, const char *victim) {
    char hello[HELLO_BYTES], many[4 * HELLO_BYTES], worker[16 << 10] = "";
    int pid = atoi(victim), memory = session_memory();
    uint64_t start = start_time_of(victim);
    fill_hello(hello, getpid(), 0, 0, 0);
    try(name, "own session", hello, sizeof hello, memory);
    for (int i = 0; i < 4; i++)
        memcpy(many + i * HELLO_BYTES, hello, HELLO_BYTES);
    try(name, "four hellos", many, sizeof many, memory);
    fill_hello(hello, pid, start, 0, 0);
    try(name, "session of another", hello, sizeof hello, memory);
    fill_hello(hello, pid, start, 1, 0);
    try(name, "way", hello, sizeof hello, -1);
    fill_hello(hello, pid, start, 2, 0);
    try(name, "unrecorded", hello, sizeof hello, -1);
    fill_hello(hello, getpid(), 0, 2, pid);
    try(name, "unrecorded child", hello, sizeof hello, -1);
    try(name, "half a hello", hello, 200, memory);
    try(name, "nothing", hello, 0, -1);
    memset(hello, 0xff, sizeof hello);
    try(name, "garbage", hello, sizeof hello, memory);
    for (uint32_t type = 1; type <= 9; type++) {
        char what[32];
        snprintf(what, sizeof what, "worker's message %u", type);
        put(worker, type, 4);
        put(worker + 4, 1, 4);
        try(name, what, worker, sizeof worker, memory);
    }
    return 0;
}

/* ---- connections ----------------------------------------------------------------------------- */

static int leave(const char *name, int count) {
    static int left[16384];
    for (int i = 0; i < count && i < 16384; i++) {
        left[i] = connect_to(name);
        if (left[i] < 0)
            break;
        int files[2] = {0, 0};
        send_with(left[i], "H", 1, files, 2);
    }
    sleep(1);
    return 0;
}

/* A TCP socket full of what its peer, which stays open here, does not read. */
static int lingering(void) {
    static char full[65536];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    struct linger hour = {1, 3600};
    int listening = socket(AF_INET, SOCK_STREAM, 0), file = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listening, (struct sockaddr *)&address, bytes) != 0 || listen(listening, 1) != 0 ||
        getsockname(listening, (struct sockaddr *)&address, &bytes) != 0 ||
        connect(file, (struct sockaddr *)&address, bytes) != 0 || accept(listening, NULL, NULL) < 0)
        exit(2);
    close(listening);
    while (send(file, full, sizeof full, MSG_DONTWAIT) > 0)
        continue;
    setsockopt(file, SOL_SOCKET, SO_LINGER, &hour, sizeof hour);
    return file;
}

static int linger(const char *name, int count) {
    struct linger none = {0};
    int left = 0;
    for (int tries = 0; tries < 100 * count && left < count; tries++) {
        int file = lingering(), fd = connect_to(name);
        if (fd < 0)
            return 2;
        if (send_with(fd, "H", 1, &file, 1))
            left++;
        else /* sent away before: this process would linger */
            setsockopt(file, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close(file);
        close(fd);
    }
    puts(left == count ? "left" : "sent away each time");
    pause(); /* while the peers of the TCP sockets live, these linger */
    return 0;
}

static int idle(const char *name, int count, double seconds) {
    static struct pollfd held[16384];
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double end = (double)t.tv_sec + seconds, now = 0;
    int open = 0, made = 0;
    if (count > 16384)
        count = 16384;
    while (now < end) {
        for (int i = 0; i < 500 && open < count; i++) {
            int fd = connect_to(name);
            if (fd < 0)
                break;
            held[open++] = (struct pollfd){.fd = fd, .events = POLLRDHUP};
            made++;
        }
        poll(held, (nfds_t)open, 1);
        for (int i = open - 1; i >= 0; i--)
            if (held[i].revents) {
                close(held[i].fd);
                held[i] = held[--open];
            }
        clock_gettime(CLOCK_MONOTONIC, &t);
        now = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    }
    printf("%d made, %d open at the end\n", made, open);
    return 0;
}

int main(int count, char **arguments) {
    struct rlimit files = {16400, 16400};
    if (count < 4 || count > NAMES_MAX)
        return 2;
    setrlimit(RLIMIT_NOFILE, &files);
    umask(0);
    if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = arguments[1];
    if (strcmp(what, "squat") == 0 || strcmp(what, "full") == 0)
        squat(arguments[2], arguments + 3, count - 3, what[0] == 'f');
    if (strcmp(what, "speak") == 0)
        return speak(arguments[2], arguments[3]);
    if (strcmp(what, "linger") == 0)
        return linger(arguments[2], atoi(arguments[3]));
    if (strcmp(what, "leave") == 0)
        return leave(arguments[2], atoi(arguments[3]));
    if (strcmp(what, "idle") == 0 && count == 5)
        return idle(arguments[2], atoi(arguments[3]), atof(arguments[4]));
    return 2;
}

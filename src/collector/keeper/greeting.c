/* Reads, checks and answers a program's hello. */
#include "collector/keeper/greeting.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/link/link.h"
#include "collector/kernel/kernel.h"
#include "newer.h"
#include "trace/session.h"

#define SESSION_MAX_BYTES ((uint64_t)1 << 36)
#define APART_MS          1000 /* it takes some system calls */

void hak_greeting_open(struct hak_greeting *g, int socket) {
    *g = (struct hak_greeting){.socket = socket, .memfd = -1};
}

/* Closes a descriptor that a program sent, without waiting. It may be anything: a socket does not
 * linger. */
static void drop_descriptor(const struct hak_greeting *g, int file) {
    struct linger none = {0};
    if (g->closes_nothing)
        return;
    (void)setsockopt(file, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(file);
}

int hak_greeting_read(struct hak_greeting *g) {
    struct hak_link_files files;
    ssize_t got =
        hak_link_take(g->socket, (char *)&g->hello + g->got, sizeof g->hello - g->got, &files);
    for (int i = 0; i < files.count; i++) {
        if (g->memfd >= 0)
            drop_descriptor(g, g->memfd);
        g->memfd = files.file[i];
    }
    if (got <= 0)
        return (int)got;
    g->got += (size_t)got;
    return g->got == sizeof g->hello;
}

/* Closes the descriptors from `first` to `last`, so that none stays open if the child stays. */
static void close_files(int first, int last) {
    if (first <= last)
        (void)close_range((unsigned)first, (unsigned)last, 0);
}

/* In the child: reads the greeting with all other files closed, passes the hello on by the link,
 * with its file if that is a memfd, and ends. */
__attribute__((noreturn)) static void read_in_child(struct hak_greeting *g, int link) {
    static struct hak_link_message m;
    int low = g->socket < link ? g->socket : link, high = g->socket < link ? link : g->socket;
    close_files(0, low - 1);
    close_files(low + 1, high - 1);
    close_files(high + 1, INT_MAX);
    g->memfd = -1;
    g->closes_nothing = true;
    int result = hak_greeting_read(g);
    m = (struct hak_link_message){.type = HAK_LINK_SESSION,
                                  .number = (uint32_t)g->got,
                                  .live = (uint32_t)(result + 1),
                                  .hello = g->hello};
    bool is_memfd = g->memfd >= 0 && hak_session_file_is_memfd(g->memfd);
    (void)hak_link_send(link, &m, is_memfd ? g->memfd : -1);
    _exit(0);
}

int hak_greeting_read_in_child(struct hak_greeting *g, struct hak_short_children *children) {
    static struct hak_link_message m; /* one keeper thread in a process */
    char byte;
    int pair[2], memfd = -1;
    ssize_t there = recv(g->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (there <= 0)
        return there < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
    (void)hak_session_file_is_memfd(g->socket); /* what that needs is not open in the child */
    if (hak_link_pair(pair) != 0)
        return -1;
    pid_t child = hak_short_child_start(children);
    if (child == 0)
        read_in_child(g, pair[1]);
    close(pair[1]);
    struct pollfd answer = {.fd = pair[0], .events = POLLIN};
    bool is_heard =
        child > 0 && poll(&answer, 1, APART_MS) > 0 && hak_link_receive(pair[0], &m, &memfd) > 0;
    close(pair[0]);
    if (!is_heard)
        return -1;
    if (memfd >= 0 && g->memfd >= 0)
        close(g->memfd);
    g->memfd = memfd >= 0 ? memfd : g->memfd;
    g->hello = m.hello;
    g->got = m.number;
    return (int)m.live - 1;
}

const char *hak_greeting_check(struct hak_greeting *g) {
    struct stat about;
    if (g->hello.magic != HAK_HELLO_MAGIC)
        return "no hello of hakmem";
    if (g->hello.version != HAK_SESSION_VERSION)
        return "hakmem-debug.so and hakmem-collect are of different versions";
    g->hello.text[sizeof g->hello.text - 1] = 0;
    if (g->hello.kind == HAK_HELLO_PATH || g->hello.kind == HAK_HELLO_UNRECORDED ||
        g->hello.kind == HAK_HELLO_ASK)
        return NULL;
    if (g->hello.kind != HAK_HELLO_SESSION)
        return "a hello of an unknown kind";
    if (g->hello.machine != HAK_ELF_MACHINE) /* whose clock is another one */
        return "hakmem-debug.so is for another processor than this hakmem-collect, which is "
               "for " HAK_ARCH_WORDS ": HAKMEM_COLLECT names the one that was built with it";
    /* Pages of another kind of file may fail to come when they are touched. */
    if (g->memfd < 0 || !hak_session_file_is_memfd(g->memfd) || fstat(g->memfd, &about) != 0)
        return "no session memory came with the hello";
    if ((uint64_t)about.st_size != g->hello.total_bytes ||
        g->hello.total_bytes < sizeof(struct hak_session) ||
        g->hello.total_bytes > SESSION_MAX_BYTES)
        return "the session memory has not the size that the hello says";
    /* They are not added here: that could be made to wait (session_file.h). */
    int due = F_SEAL_SHRINK | F_SEAL_GROW, barred = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    int seals = fcntl(g->memfd, F_GET_SEALS);
    if (seals < 0 || (seals & (due | barred)) != due)
        return "the session memory is not sealed against changes of its size, and of that alone";
    g->is_own = hak_session_file_make_own(&g->memfd);
    if (!g->is_own && hak_proc_is_own())
        return "the collector cannot open the session memory";
    if (g->is_own && !hak_session_file_is_held(g->memfd, true))
        return "the program has no lock on the session memory";
    return NULL;
}

void hak_greeting_correct(struct hak_greeting *g, const struct hak_known_process *who) {
    struct hak_hello *hello = &g->hello;
    pid_t innermost = hak_pid_innermost(who->pid);
    uint64_t space = hak_pid_namespace_of(who->pid);
    if (who->start_time == HAK_PEER_NOBODY)
        return;
    if (who->start_time) /* in another time namespace it counts from elsewhere */
        hello->start_time = who->start_time;
    if (innermost && hak_peer_is_same(who)) {
        hello->pid = innermost;
        hello->pid_space = space                                         ? space
                           : hello->pid_space == hak_pid_namespace_own() ? 0
                                                                         : hello->pid_space;
    }
}

void hak_greeting_answer(struct hak_greeting *g, const char *socket_name, const char *why) {
    struct hak_hello_answer answer = {
        .magic = HAK_HELLO_MAGIC, .version = HAK_SESSION_VERSION, .accepted = why == NULL};
    snprintf(answer.session_name, sizeof answer.session_name, "%s", socket_name);
    snprintf(answer.why, sizeof answer.why, "%s", why ? why : "");
    if (send(g->socket, &answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

int hak_greeting_close(struct hak_greeting *g) {
    if (g->memfd >= 0)
        drop_descriptor(g, g->memfd);
    g->memfd = -1;
    return g->socket;
}

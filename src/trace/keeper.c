/* Hands the session memory to a keeper over a socket, and watches whether that keeper lives. */
#include "trace/keeper.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include "trace/current.h"
#include "platform/line.h"
#include "platform/raw_call.h"
#include "trace/wait.h"

enum {
    ANSWER_SECONDS = 10,
    LIFTED_TO = 64,
    GENERATIONS = 9, /* of keepers, one after the other */
    SUCCESSOR_TRIES = 50,
    SUCCESSOR_NAP_MS = 20,
};

static void close_file(long file) {
    (void)hak_raw_call(SYS_close, file, 0, 0, 0, 0, 0);
}

int hak_keeper_lift(long descriptor) {
    long lifted;
    if (descriptor < 0)
        return -1;
    lifted = hak_raw_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, LIFTED_TO, 0, 0, 0);
    if (lifted < 0) { /* a small RLIMIT_NOFILE */
        if (descriptor > 2)
            return (int)descriptor;
        lifted = hak_raw_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, 3, 0, 0, 0);
    }
    close_file(descriptor);
    return lifted < 0 ? -1 : (int)lifted;
}

/* Connects to `address`; a descriptor or a negative errno. */
static long connect_at(const struct sockaddr_un *address, socklen_t bytes) {
    long made = hak_raw_call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);
    if (made < 0)
        return made;
    int socket_end = hak_keeper_lift(made);
    if (socket_end < 0)
        return -EMFILE;
    struct timeval limit = {ANSWER_SECONDS, 0};
    (void)hak_raw_call(SYS_setsockopt, socket_end, SOL_SOCKET, SO_SNDTIMEO, (long)&limit,
                       sizeof limit, 0);
    long result;
    do
        result = hak_raw_call(SYS_connect, socket_end, (long)address, bytes, 0, 0, 0);
    while (result == -EINTR);
    if (result == 0)
        return socket_end;
    close_file(socket_end);
    return result;
}

/* True when the other end is somebody whom this process may trust with its memory: a path, or a
 * name of which the keeper is dead, could be another user's. A user that this user namespace does
 * not know reads as 65534. */
static bool is_ours(long socket_end) {
    struct {
        int pid;
        uint32_t uid, gid;
    } peer = {0, UINT32_MAX, 0};
    uint32_t bytes = sizeof peer;
    long user = hak_raw_call(SYS_getuid, 0, 0, 0, 0, 0, 0);
    long acting = hak_raw_call(SYS_geteuid, 0, 0, 0, 0, 0, 0);
    long asked = hak_raw_call(SYS_getsockopt, socket_end, SOL_SOCKET, SO_PEERCRED, (long)&peer,
                              (long)&bytes, 0);
    return asked == 0 && (peer.uid == 0 || peer.uid == 65534 || (long)peer.uid == user ||
                          (long)peer.uid == acting);
}

/* Connects to the keeper `name` (abstract), or to /tmp/NAME, where it listens for those in another
 * network namespace. A descriptor or a negative errno. */
static long connect_to(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static const char folder[] = HAK_KEEPER_FOLDER;
    size_t length = strlen(name);
    if (length == 0 || length > sizeof address.sun_path - sizeof folder || strchr(name, '/'))
        return -EINVAL;
    memcpy(address.sun_path + 1, name, length); /* abstract: begins with NUL */
    long result =
        connect_at(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length));
    if (result != -ECONNREFUSED)
        return result;
    memcpy(address.sun_path, folder, sizeof folder - 1);
    memcpy(address.sun_path + sizeof folder - 1, name, length + 1);
    long by_path = connect_at(&address, sizeof address);
    if (by_path >= 0 && is_ours(by_path))
        return by_path;
    if (by_path >= 0)
        close_file(by_path);
    return result;
}

bool hak_keeper_answers(const char *name) {
    long socket_end = connect_to(name);
    if (socket_end >= 0)
        close_file(socket_end);
    return socket_end != -ECONNREFUSED && socket_end != -EINVAL;
}

/* Field 22 of /proc/self/stat: when the process started, in clock ticks since boot; 0 = not known.
 * The second field may hold anything, so fields are counted from its last parenthesis. */
uint64_t hak_keeper_start_time(void) {
    char text[1024];
    long file =
        hak_raw_call(SYS_openat, AT_FDCWD, (long)"/proc/self/stat", O_RDONLY | O_CLOEXEC, 0, 0, 0);
    long got = file < 0 ? -1 : hak_raw_call(SYS_read, file, (long)text, sizeof text - 1, 0, 0, 0);
    if (file >= 0)
        close_file(file);
    if (got <= 0)
        return 0;
    text[got] = 0;
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    uint64_t value = 0;
    for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

static bool fail(struct hak_keeper_failure *failure, const char *what, long error) {
    failure->what = what;
    failure->error = error;
    return false;
}

static struct hak_hello make_hello(enum hak_hello_kind kind) {
    return (struct hak_hello){.magic = HAK_HELLO_MAGIC,
                              .version = HAK_SESSION_VERSION,
                              .pid = (int32_t)hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
                              .start_time = hak_keeper_start_time(),
                              .kind = kind};
}

/* Sends the hello, with the memfd `memory` unless it is -1, and reads the answer. */
static bool shake_hands(int socket_end, const struct hak_hello *hello, int memory,
                        struct hak_hello_answer *answer, struct hak_keeper_failure *failure) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &memory, sizeof memory);
    struct iovec piece = {(void *)hello, sizeof *hello};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = memory < 0 ? NULL : &control,
                             .msg_controllen = memory < 0 ? 0 : sizeof control.bytes};
    struct timeval limit = {ANSWER_SECONDS, 0};
    (void)hak_raw_call(SYS_setsockopt, socket_end, SOL_SOCKET, SO_RCVTIMEO, (long)&limit,
                       sizeof limit, 0);
    long sent;
    do
        sent = hak_raw_call(SYS_sendmsg, socket_end, (long)&message, MSG_NOSIGNAL, 0, 0, 0);
    while (sent == -EINTR);
    if (sent != (long)sizeof *hello)
        return fail(failure, "the collector takes no hello", sent < 0 ? -sent : 0);
    size_t have = 0;
    while (have < sizeof *answer) {
        long got = hak_raw_call(SYS_recvfrom, socket_end, (long)((char *)answer + have),
                                (long)(sizeof *answer - have), 0, 0, 0);
        if (got == -EINTR)
            continue;
        if (got <= 0)
            return fail(failure, "the collector does not answer", got < 0 ? -got : EPIPE);
        have += (size_t)got;
    }
    answer->session_name[sizeof answer->session_name - 1] = 0;
    answer->why[sizeof answer->why - 1] = 0;
    if (answer->magic != HAK_HELLO_MAGIC || answer->version != HAK_SESSION_VERSION)
        return fail(failure, "hakmem-collect is of another version than hakmem-debug.so", 0);
    if (!answer->accepted) {
        memcpy(failure->text, answer->why, sizeof answer->why);
        failure->detail = failure->text;
        return fail(failure, "the collector refuses", 0);
    }
    return true;
}

bool hak_keeper_join(const char *name, int memory, uint64_t total_bytes,
                     struct hak_hello_answer *answer, struct hak_keeper_failure *failure) {
    struct hak_hello hello = make_hello(HAK_HELLO_SESSION); /* before: it needs a descriptor */
    hello.total_bytes = total_bytes;
    long socket_end = connect_to(name);
    if (socket_end < 0) {
        failure->detail = name;
        return fail(failure, "the collector named by HAKMEM_SESSION is gone", -socket_end);
    }
    bool joined = shake_hands((int)socket_end, &hello, memory, answer, failure);
    close_file(socket_end);
    return joined;
}

/* A hello without memory. */
static bool say_hello(const char *name, const struct hak_hello *hello) {
    struct hak_hello_answer answer;
    struct hak_keeper_failure failure = {0};
    long socket_end = connect_to(name);
    bool said = socket_end >= 0 && shake_hands((int)socket_end, hello, -1, &answer, &failure);
    if (socket_end >= 0)
        close_file(socket_end);
    return said;
}

void hak_keeper_ask_way(void) {
    struct hak_hello hello = make_hello(HAK_HELLO_WAY);
    if (hak_current_ready() && hak_current.keeper_name[0])
        (void)say_hello(hak_current.keeper_name, &hello);
}

bool hak_keeper_tell_unrecorded(const char *name, const char *why, int child) {
    struct hak_hello hello = make_hello(HAK_HELLO_UNRECORDED);
    hello.child = child;
    size_t length = strnlen(why, sizeof hello.text - 1);
    memcpy(hello.text, why, length);
    return say_hello(name, &hello);
}

bool hak_keeper_start(const char *name, int memory, uint64_t total_bytes,
                      struct hak_hello_answer *answer, struct hak_keeper_failure *failure) {
    int ends[2] = {-1, -1};
    struct hak_hello hello = make_hello(HAK_HELLO_SESSION);
    hello.total_bytes = total_bytes;
    long made =
        hak_raw_call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, (long)ends, 0, 0);
    if (made < 0)
        return fail(failure, "no socket", -made);
    int ours = hak_keeper_lift(ends[0]), theirs = hak_keeper_lift(ends[1]);
    bool done = ours >= 0 && theirs >= 0 ? hak_keeper_execute(theirs, name, failure)
                                         : fail(failure, "no socket", EMFILE);
    if (theirs >= 0)
        close_file(theirs); /* so that the end of a keeper that dies is seen */
    done = done && shake_hands(ours, &hello, memory, answer, failure);
    if (ours >= 0)
        close_file(ours);
    return done;
}

/* The `generation`th name after `name`: a number behind a dot, which counts from `name`'s own. */
static bool name_after(char to[108], const char *name, uint32_t generation) {
    struct hak_line text = {0};
    size_t length = strlen(name);
    const char *dot = memchr(name, '.', length);
    for (const char *digit = dot ? dot + 1 : ""; *digit >= '0' && *digit <= '9'; digit++)
        generation += (uint32_t)(*digit - '0');
    length = dot ? (size_t)(dot - name) : length;
    if (generation > GENERATIONS || length > 96)
        return false;
    memcpy(to, name, length);
    to[length++] = '.';
    hak_line_number(&text, generation);
    memcpy(to + length, text.text, text.length);
    to[length + text.length] = 0;
    return true;
}

bool hak_keeper_succeed(const char *dead, int memory, uint64_t total_bytes,
                        struct hak_hello_answer *answer, struct hak_keeper_failure *failure) {
    char name[108];
    for (int tries = 0; tries < SUCCESSOR_TRIES; tries++) {
        for (uint32_t generation = 1; name_after(name, dead, generation); generation++)
            if (hak_keeper_join(name, memory, total_bytes, answer, failure))
                return true;
        /* Only one gets the name; the others find it there. */
        if (!name_after(name, dead, 1))
            return false;
        if (hak_keeper_start(name, memory, total_bytes, answer, failure))
            return true;
        if (failure->error != EPIPE && failure->error != ECONNRESET)
            return false;
        struct timespec nap = {0, SUCCESSOR_NAP_MS * (long)HAK_MILLISECOND_NS};
        (void)hak_raw_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
    }
    return false;
}

bool hak_keeper_beats(uint64_t ms) {
    struct hak_session *session = hak_current.session;
    uint64_t now = hak_monotonic_ns();
    uint64_t keeper = atomic_load_explicit(&session->keeper_heartbeat_ns, memory_order_relaxed);
    uint64_t worker = atomic_load_explicit(&session->worker_heartbeat_ns, memory_order_relaxed);
    uint64_t limit = ms * HAK_MILLISECOND_NS;
    /* A beat may be newer than `now`. */
    return now <= keeper || now - keeper < limit || now <= worker || now - worker < limit;
}

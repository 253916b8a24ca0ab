/* Hands the session memory to a keeper over a socket, and watches whether that keeper lives. */
#include "trace/keeper.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include "trace/current.h"
#include "platform/raw_call.h"
#include "trace/wait.h"

enum { ANSWER_SECONDS = 10, LIFTED_TO = 64 };

static void close_file(long file) {
    (void)hak_raw_call(SYS_close, file, 0, 0, 0, 0, 0);
}

int hak_keeper_lift(long descriptor) {
    long lifted;
    if (descriptor < 0)
        return -1;
    lifted = hak_raw_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, LIFTED_TO, 0, 0, 0);
    if (lifted < 0) /* a small RLIMIT_NOFILE */
        lifted = hak_raw_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, 3, 0, 0, 0);
    close_file(descriptor);
    return lifted < 0 ? -1 : (int)lifted;
}

static socklen_t name_address(struct sockaddr_un *address, const char *name) {
    size_t length = strlen(name);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length == 0 || length > sizeof address->sun_path - 1)
        return 0;
    memcpy(address->sun_path + 1, name, length); /* abstract: begins with NUL */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

/* Connects to the abstract socket `name`; a descriptor or a negative errno. */
static long connect_to(const char *name) {
    struct sockaddr_un address;
    socklen_t bytes = name_address(&address, name);
    if (bytes == 0)
        return -EINVAL;
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
        result = hak_raw_call(SYS_connect, socket_end, (long)&address, bytes, 0, 0, 0);
    while (result == -EINTR);
    if (result == 0)
        return socket_end;
    close_file(socket_end);
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
static uint64_t read_start_time(void) {
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

/* Sends the hello with the memfd, reads the answer. */
static bool shake_hands(int socket_end, int memory, uint64_t total_bytes,
                        struct hak_hello_answer *answer, struct hak_keeper_failure *failure) {
    struct hak_hello hello = {.magic = HAK_HELLO_MAGIC,
                              .version = HAK_SESSION_VERSION,
                              .pid = (int32_t)hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
                              .start_time = read_start_time(),
                              .total_bytes = total_bytes};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &memory, sizeof memory);
    struct iovec piece = {&hello, sizeof hello};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control.bytes};
    struct timeval limit = {ANSWER_SECONDS, 0};
    (void)hak_raw_call(SYS_setsockopt, socket_end, SOL_SOCKET, SO_RCVTIMEO, (long)&limit,
                       sizeof limit, 0);
    long sent;
    do
        sent = hak_raw_call(SYS_sendmsg, socket_end, (long)&message, MSG_NOSIGNAL, 0, 0, 0);
    while (sent == -EINTR);
    if (sent != (long)sizeof hello)
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
    long socket_end = connect_to(name);
    if (socket_end < 0) {
        failure->detail = name;
        return fail(failure, "the collector named by HAKMEM_SESSION is gone", -socket_end);
    }
    bool joined = shake_hands((int)socket_end, memory, total_bytes, answer, failure);
    close_file(socket_end);
    return joined;
}

bool hak_keeper_start(int memory, uint64_t total_bytes, struct hak_hello_answer *answer,
                      struct hak_keeper_failure *failure) {
    int ends[2] = {-1, -1};
    long made =
        hak_raw_call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, (long)ends, 0, 0);
    if (made < 0)
        return fail(failure, "no socket", -made);
    int ours = hak_keeper_lift(ends[0]), theirs = hak_keeper_lift(ends[1]);
    bool done = ours >= 0 && theirs >= 0 ? hak_keeper_execute(theirs, failure)
                                         : fail(failure, "no socket", EMFILE);
    if (theirs >= 0)
        close_file(theirs); /* so that the end of a keeper that dies is seen */
    done = done && shake_hands(ours, memory, total_bytes, answer, failure);
    if (ours >= 0)
        close_file(ours);
    return done;
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

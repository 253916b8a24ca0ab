/* Hands the session memory to a keeper over a socket, and watches whether that keeper lives. The
 * way to the socket, and whom to trust there, is connect.c. */
#include "trace/collector/collector.h"
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "trace/memory/memory.h"
#include "platform/line.h"
#include "platform/raw_call.h"
#include "trace/wait.h"

enum {
    ANSWER_SECONDS = 10,
    GENERATIONS = 9, /* of keepers, one after the other */
    SUCCESSOR_TRIES = 50,
    SUCCESSOR_NAP_MS = 20,
    SUCCESSOR_LIMIT_MS = 100, /* a name that was never given is free for everybody to bind */
};

/* Notes what failed and why. Returns false. */
static bool fail(struct hak_collector_failure *failure, const char *what, long error) {
    failure->what = what;
    failure->error = error;
    return false;
}

static struct hak_hello make_hello(enum hak_hello_kind kind) {
    return (struct hak_hello){.magic = HAK_HELLO_MAGIC,
                              .version = HAK_SESSION_VERSION,
                              .pid = (int32_t)hak_raw_call(SYS_getpid),
                              .start_time = hak_proc_start_time(),
                              .pid_space = hak_proc_pid_space(),
                              .kind = kind,
                              .machine = HAK_ELF_MACHINE};
}

/* Adds to the hello, for the store, that somebody else had the name of the session's keeper. */
static void note_stranger(struct hak_hello *hello) {
    struct hak_line note = {0};
    int64_t user = hak_collector_stranger();
    if (user < 0 || hello->kind != HAK_HELLO_SESSION)
        return;
    if (user == HAK_STRANGER_SILENT)
        hak_line_add(&note, "the name of its collector was held by somebody who hears nobody");
    else
        hak_line_say(&note, "the name of its collector was held by another user (", (uint64_t)user,
                     "), who was given nothing");
    memcpy(hello->text, note.text, note.length); /* shorter than it, and ended by NUL already */
}

/* Sends the hello, with the memfd `memory` unless it is -1, and reads the answer. False: `failure`
 * says why. */
static bool shake_hands(int socket_end, struct hak_hello *hello, int memory,
                        struct hak_hello_answer *answer, struct hak_collector_failure *failure) {
    note_stranger(hello);
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &memory, sizeof memory);
    struct iovec piece = {hello, sizeof *hello};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = memory < 0 ? NULL : &control,
                             .msg_controllen = memory < 0 ? 0 : sizeof control.bytes};
    struct timeval limit = {ANSWER_SECONDS, 0};
    (void)hak_raw_call(SYS_setsockopt, socket_end, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    long sent;
    do
        sent = hak_raw_call(SYS_sendmsg, socket_end, &message, MSG_NOSIGNAL);
    while (sent == -EINTR);
    /* A keeper that lets nobody of this user speak has closed its end: its answer says so. */
    if (sent != (long)sizeof *hello && sent != -EPIPE && sent != -ECONNRESET)
        return fail(failure, "the collector takes no hello", sent < 0 ? -sent : 0);
    size_t have = 0;
    while (have < sizeof *answer) {
        long got =
            hak_raw_call(SYS_recvfrom, socket_end, (char *)answer + have, sizeof *answer - have);
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

/* Connects to the collector of this name and hands it the memory. False, with the reason: it
 * failed. */
static bool join_within(const char *name, uint32_t limit_ms, int memory, uint64_t total_bytes,
                        struct hak_hello_answer *answer, struct hak_collector_failure *failure) {
    struct hak_hello hello = make_hello(HAK_HELLO_SESSION); /* before: it needs a descriptor */
    hello.total_bytes = total_bytes;
    long socket_end = hak_collector_connect(name, limit_ms);
    if (socket_end < 0) {
        size_t length = strnlen(name, sizeof failure->text - 1);
        memcpy(failure->text, name, length);
        failure->text[length] = 0;
        failure->detail = failure->text;
        return fail(failure,
                    socket_end == -EPERM ? "another user holds the name of the collector"
                                         : "the collector named by HAKMEM_SESSION is gone",
                    -socket_end);
    }
    bool joined = shake_hands((int)socket_end, &hello, memory, answer, failure);
    hak_close(socket_end);
    return joined;
}

bool hak_collector_join(const char *name, int memory, uint64_t total_bytes,
                        struct hak_hello_answer *answer, struct hak_collector_failure *failure) {
    return join_within(name, HAK_COLLECTOR_LIMIT_MS, memory, total_bytes, answer, failure);
}

/* Says a hello without memory to a keeper; false: nobody has heard it. */
static bool say_hello(const char *name, struct hak_hello *hello) {
    struct hak_hello_answer answer;
    struct hak_collector_failure failure = {0};
    long socket_end = hak_collector_connect(name, HAK_COLLECTOR_LIMIT_MS);
    bool said = socket_end >= 0 && shake_hands((int)socket_end, hello, -1, &answer, &failure);
    hak_close(socket_end);
    if (socket_end < 0 && hello->kind == HAK_HELLO_UNRECORDED && hak_collector_is_elsewhere(name))
        said = hak_collector_offer_hello(hello);
    return said;
}

void hak_collector_ask_for_path(void) {
    struct hak_hello hello = make_hello(HAK_HELLO_PATH);
    if (hak_current_ready() && hak_current.keeper_name[0])
        (void)say_hello(hak_current.keeper_name, &hello);
}

bool hak_collector_tell_unrecorded(const char *name, const char *why, int child) {
    struct hak_hello hello = make_hello(HAK_HELLO_UNRECORDED);
    hello.child = child;
    size_t length = strnlen(why, sizeof hello.text - 1);
    memcpy(hello.text, why, length);
    return say_hello(name, &hello);
}

bool hak_collector_start(const char *name, int memory, uint64_t total_bytes,
                         struct hak_hello_answer *answer, struct hak_collector_failure *failure) {
    int ends[2] = {-1, -1};
    struct hak_hello hello = make_hello(HAK_HELLO_SESSION);
    hello.total_bytes = total_bytes;
    long made = hak_raw_call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    if (made < 0)
        return fail(failure, "no socket", -made);
    int ours = hak_lift_file(ends[0]), theirs = hak_lift_file(ends[1]);
    bool done = ours >= 0 && theirs >= 0 ? hak_collector_execute(theirs, name, failure)
                                         : fail(failure, "no socket", EMFILE);
    if (theirs >= 0)
        hak_close(theirs); /* so that the end of a keeper that dies is seen */
    done = done && shake_hands(ours, &hello, memory, answer, failure);
    hak_close(ours);
    return done;
}

/* Makes the `generation`th name after `name`: a number behind a dot, which counts from `name`'s
 * own. False: there are no more. */
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

/* Joins the first keeper that has one of the names after `dead`. False: none could be joined, and
 * `free` becomes the first of these names that nobody holds, "" = strangers hold them all. */
static bool join_successor(const char *dead, char free[108], int memory, uint64_t total_bytes,
                           struct hak_hello_answer *answer, struct hak_collector_failure *failure) {
    char name[108];
    free[0] = 0;
    for (uint32_t generation = 1; name_after(name, dead, generation); generation++) {
        if (join_within(name, SUCCESSOR_LIMIT_MS, memory, total_bytes, answer, failure))
            return true;
        if (failure->error == ECONNREFUSED && !free[0])
            memcpy(free, name, sizeof name);
    }
    return false;
}

bool hak_collector_succeed(const char *dead, int memory, uint64_t total_bytes,
                           struct hak_hello_answer *answer, struct hak_collector_failure *failure) {
    char name[108];
    if (!name_after(name, dead, 1))
        return false;
    for (int tries = 0; tries < SUCCESSOR_TRIES; tries++) {
        if (join_successor(dead, name, memory, total_bytes, answer, failure))
            return true;
        /* Only one gets the name; the others find it there. */
        if (hak_collector_start(name[0] ? name : NULL, memory, total_bytes, answer, failure))
            return true;
        if (failure->error != EPIPE && failure->error != ECONNRESET)
            return false;
        hak_sleep_ms(SUCCESSOR_NAP_MS);
    }
    return false;
}

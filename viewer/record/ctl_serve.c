/* Serves a program's heap profile to `go tool pprof` and others that ask by HTTP: a process for
 * each connection, which reads one request and answers it. */
#include "viewer/record/ctl_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "viewer/capture/capture.h"

enum {
    ANSWERS = 8,              /* at a time; other clients wait */
    LOOK_AT_PROGRAM_MS = 500, /* between two looks at the program */
    REAP_MS = 10,             /* and at the last answers, where it has ended */
    HEAD_MS = 10000,          /* for a request */
    ANSWER_MS = 60000,        /* until the client has taken the answer */
    DRAIN_MS = 1000,          /* for what a client sends behind its request */
};

#define MS_NS ((uint64_t)1000000)

static volatile sig_atomic_t serve_is_over;

/* ---- one connection ----------------------------------------------------------------------------
 */

/* Waits until the client can be read or written. False: not before `due_ns`, or Ctrl-C came. */
static bool await_client(int client, short events, uint64_t due_ns) {
    struct pollfd one = {.fd = client, .events = events};
    uint64_t now = view_now_ns();
    int left = due_ns > now ? (int)((due_ns - now) / MS_NS) + 1 : 0;
    int got = -1;
    while (!view_is_interrupted() && (got = poll(&one, 1, left)) < 0 && errno == EINTR)
        continue;
    return got > 0;
}

/* Reads until the empty line that ends the head. Its length; 0: `status` says why there is none,
 * or the client went away (0). */
static size_t read_request_head(int client, char head[CTL_REQUEST_BYTES], int *status) {
    size_t used = 0;
    uint64_t due = view_now_ns() + HEAD_MS * MS_NS;
    while (used < CTL_REQUEST_BYTES) {
        *status = 408;
        if (!await_client(client, POLLIN, due))
            return 0;
        ssize_t got = recv(client, head + used, CTL_REQUEST_BYTES - used, MSG_DONTWAIT);
        *status = 0;
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return 0;
        used += got > 0 ? (size_t)got : 0;
        if (memmem(head, used, "\r\n\r\n", 4) || memmem(head, used, "\n\n", 2))
            return used;
    }
    *status = 431;
    return 0;
}

/* Sends all bytes, of memory or, where `from` is NULL, of the file `fd`. False: the client went
 * away or is too slow. */
static bool send_all(int client, const char *from, int fd, size_t bytes, uint64_t due_ns) {
    size_t sent = 0;
    while (sent < bytes) {
        off_t at = (off_t)sent;
        if (!await_client(client, POLLOUT, due_ns))
            return false;
        ssize_t got = from ? send(client, from + sent, bytes - sent, MSG_NOSIGNAL | MSG_DONTWAIT)
                           : sendfile(client, fd, &at, bytes - sent);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        sent += got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* Takes what the client still sends: a socket that is closed with bytes unread loses the answer. */
static void drain_client(int client) {
    char bytes[4096];
    uint64_t due = view_now_ns() + DRAIN_MS * MS_NS;
    shutdown(client, SHUT_WR);
    while (await_client(client, POLLIN, due) && recv(client, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
}

static const char *name_status(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Service Unavailable";
    }
}

/* Sends the head and `body`, a text; or, where that is NULL, the file `fd`. */
static void send_answer(int client, int status, const char *note, const char *body, int fd) {
    char head[1024];
    struct stat about = {0};
    uint64_t due = view_now_ns() + ANSWER_MS * MS_NS;
    if (!body && fstat(fd, &about) != 0)
        return;
    size_t bytes = body ? strlen(body) : (size_t)about.st_size;
    int length = snprintf(
        head, sizeof head,
        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s%s%s%s%s\r\n",
        status, name_status(status),
        body ? "text/plain; charset=utf-8" : "application/octet-stream", bytes,
        body ? "X-Go-Pprof: 1\r\n" /* go tool pprof shows the text */
             : "Content-Disposition: attachment; filename=\"heap\"\r\n",
        status == 401   ? "WWW-Authenticate: Basic realm=\"hakmem\"\r\n"
        : status == 405 ? "Allow: GET\r\n"
                        : "",
        *note ? "Hakmem-Note: " : "", note, *note ? "\r\n" : "");
    if (send_all(client, head, -1, (size_t)length, due) && send_all(client, body, fd, bytes, due))
        drain_client(client);
}

/* Refuses a request with a sentence. */
static void send_words(int client, int status, const char *sentence) {
    char line[256];
    snprintf(line, sizeof line, "hakmem-trace: %s\n", sentence);
    send_answer(client, status, "", line, -1);
}

/* The newest error or note of what is asked, in its visible form. */
static char last_words[224];

static void take_words(void *context, const char *line) {
    (void)context;
    snprintf(last_words, sizeof last_words, "%s", line);
}

/* Makes the profile in memory, and sends it or why there is none. */
static void answer_profile(const struct view *view, struct ctl_target *t, int client,
                           uint64_t seconds) {
    int file = memfd_create("heap", MFD_CLOEXEC);
    if (file < 0 || dup2(file, STDOUT_FILENO) < 0) {
        send_words(client, 503, strerror(errno));
        return;
    }
    view_redirect_errors(take_words, NULL);
    int status = ctl_write_pprof(view, t, seconds * 1000 * MS_NS, client);
    bool is_whole = (status == VIEW_OK || status == VIEW_INCOMPLETE) && view_end_output() &&
                    lseek(file, 0, SEEK_END) > 0 && !view_answer_is_cut();
    if (is_whole)
        send_answer(client, 200, status == VIEW_OK ? "" : last_words, NULL, file);
    else
        send_words(client, 503, *last_words ? last_words : "interrupted");
}

/* Reads one request and answers it. */
static void serve_client(const struct view *view, struct ctl_target *t, const struct ctl_door *door,
                         int client) {
    char head[CTL_REQUEST_BYTES];
    struct ctl_request request = {.status = 0};
    size_t bytes = read_request_head(client, head, &request.status);
    if (bytes)
        ctl_read_request(door, head, bytes, &request);
    if (request.status == 200)
        answer_profile(view, t, client, request.seconds);
    else if (request.status)
        send_words(client, request.status,
                   bytes                   ? request.why
                   : request.status == 431 ? "the request is too long"
                                           : "the request did not come in time");
}

/* ---- all connections ---------------------------------------------------------------------------
 */

static void end_serving(int number) {
    if (number != SIGCHLD)
        serve_is_over = 1;
}

/* Answers one client, as a child. SIGINT, of the parent alone, ends its waiting, so that its files
 * are removed whatever ends it. */
static void be_child(const struct view *view, struct ctl_target *t, struct ctl_door *door,
                     int client, const sigset_t *within) {
    setpgid(0, 0);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_DFL);
    view_heed_interrupt();
    prctl(PR_SET_PDEATHSIG, SIGINT);
    sigprocmask(SIG_SETMASK, within, NULL);
    close(door->listener);
    serve_client(view, t, door, client);
    _exit(0);
}

struct children {
    pid_t pid[ANSWERS]; /* 0 = none */
    int count;
};

/* Takes note of children that have ended. */
static void reap_children(struct children *children) {
    for (int i = 0; i < ANSWERS; i++)
        if (children->pid[i] && waitpid(children->pid[i], NULL, WNOHANG) == children->pid[i]) {
            children->pid[i] = 0;
            children->count--;
        }
}

/* Whether accept failed for want of what may be there later: the client waits on, and so the
 * listener would be readable at once. */
static bool is_short_of(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Takes the clients that wait, as many as may be answered at a time. False: the next one cannot be
 * taken now. */
static bool take_clients(const struct view *view, struct ctl_target *t, struct ctl_door *door,
                         struct children *children, const sigset_t *within) {
    while (children->count < ANSWERS) {
        int client = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0)
            return !is_short_of(errno);
        int place = 0;
        while (children->pid[place])
            place++;
        pid_t child = fork();
        if (child == 0)
            be_child(view, t, door, client, within);
        if (child > 0) {
            children->pid[place] = child;
            children->count++;
        } else {
            send_words(client, 503, "no process can be started for the answer");
        }
        close(client);
    }
    return true;
}

/* Ends the children's waiting, and waits for them. */
static void end_children(struct children *children) {
    for (int i = 0; i < ANSWERS; i++)
        if (children->pid[i])
            kill(children->pid[i], SIGINT);
    for (int i = 0; i < ANSWERS; i++)
        while (children->pid[i] && waitpid(children->pid[i], NULL, 0) < 0 && errno == EINTR)
            continue;
}

/* Prints the address for whoever asks. */
static void say_address(const struct ctl_door *door, const struct ctl_target *t) {
    struct hak_text line = {0};
    hak_text_add(&line, "%s%s  heap profile of process %d ", door->address,
                 door->path ? "" : "/debug/pprof/heap", (int)t->pid);
    hak_text_add_name(&line, t->name);
    hak_text_add(&line, "; Ctrl-C ends it\n");
    view_print(&line);
    fflush(stdout);
}

int ctl_serve(const struct view *view, struct ctl_target *t) {
    struct ctl_door door;
    struct children children = {0};
    sigset_t within;
    bool is_gone = false, may_take = true;
    if (!ctl_read_door(view, &door) || !ctl_open_door(view, &door))
        return VIEW_USAGE;
    view_heed_signals(end_serving, &within);
    say_address(&door, t);
    while (!serve_is_over && !is_gone) {
        bool waits = may_take && children.count < ANSWERS;
        struct pollfd one = {.fd = waits ? door.listener : -1, .events = POLLIN};
        const struct timespec look = {.tv_nsec = LOOK_AT_PROGRAM_MS * (long)MS_NS};
        (void)ppoll(&one, 1, &look, &within);
        reap_children(&children);
        is_gone = !ctl_look(t);
        may_take = take_clients(view, t, &door, &children, &within); /* with why it has ended */
    }
    ctl_close_door(&door);
    while (is_gone && children.count && !serve_is_over) {
        const struct timespec rest = {.tv_nsec = REAP_MS * (long)MS_NS};
        (void)ppoll(NULL, 0, &rest, &within);
        reap_children(&children);
    }
    end_children(&children);
    if (is_gone)
        view_error("ctl: process %d (%s) has ended, or is another program now", (int)t->pid,
                   t->name);
    return VIEW_OK;
}

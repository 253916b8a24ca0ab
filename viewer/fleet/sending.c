/* Sends documents: the child does it and counts in memory that it shares with this process. */
#include "viewer/fleet/sending.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "store/error.h"
#include "viewer/fleet/document.h"
#include "viewer/fleet/fleet.h"

enum {
    AWAY = 8, /* servers that did not answer, and are asked no more */
    STEP_MS = 10,
    IDLE_SECONDS = 5, /* a connection that lay still for longer is not trusted */
};

struct sender {
    struct queue *queue;
    struct sending *to; /* shared */
    const struct hak_remote *remote;
    struct hak_remote_link *link;
    char *url; /* of `link` */
    char *away[AWAY];
    unsigned aways;
};

static void set_error(struct sending *to, int error, const char *why) {
    to->error = error;
    snprintf(to->why, sizeof to->why, "%s", why ? why : "out of memory");
}

/* ---- one document -----------------------------------------------------------------------------
 */

/* Ends the connection to the server and forgets its URL. */
static void hang_up(struct sender *s) {
    if (s->link)
        s->remote->end_findings(s->link);
    free(s->url);
    s->link = NULL;
    s->url = NULL;
}

/* Notes the server as away, so that no other document is tried with it, and hangs up. */
static void give_up_on(struct sender *s, const char *url) {
    if (s->aways < AWAY)
        s->away[s->aways++] = strdup(url);
    hang_up(s);
}

/* Whether an earlier document could not be sent to this server, or the list of such servers is
 * full. */
static bool is_away(const struct sender *s, const char *url) {
    for (unsigned i = 0; i < s->aways; i++)
        if (s->away[i] && strcmp(s->away[i], url) == 0)
            return true;
    return s->aways == AWAY;
}

/* Connects to the server if another (or none) is connected; nonzero is the error: s->to has its
 * text. */
static int connect_to(struct sender *s, const char *url) {
    char *why = NULL;
    if (s->url && strcmp(s->url, url) == 0)
        return 0;
    hang_up(s);
    int error = s->remote->begin_findings(url, &s->link, &why);
    if (error)
        set_error(s->to, error, why);
    else
        s->url = strdup(url);
    free(why);
    return error;
}

/* Sends the heap profile of a document, and counts it. 0, or an error. */
static int send_profile(struct sender *s, const struct document *document) {
    char *why = NULL;
    struct hak_remote_sent sent;
    int error = s->remote->send_pull(s->link, document->pull, &sent, &why);
    if (error) {
        set_error(s->to, error, why);
    } else {
        s->to->pulls += sent.is_new;
        s->to->known_pulls += !sent.is_new;
        s->to->stacks += sent.stacks;
    }
    free(why);
    return error;
}

/* Sends a document's runs or heap profile to its server and adds to the counts; on an error the
 * server counts as away from then on. False: not all was sent. */
static bool send_runs(struct sender *s, const struct document *document) {
    struct sending *to = s->to;
    int error = connect_to(s, document->url);
    for (uint32_t i = 0; i < document->runs && !error; i++) {
        char *why = NULL;
        struct hak_remote_sent sent;
        error = s->remote->send_findings(s->link, &document->run[i], &sent, &why);
        if (error) {
            set_error(to, error, why);
        } else {
            to->runs += sent.is_new;
            to->known_runs += !sent.is_new;
            to->findings += sent.findings;
        }
        free(why);
    }
    if (!error && document->pull)
        error = send_profile(s, document);
    if (error)
        give_up_on(s, document->url);
    to->documents += !error;
    to->left_out += error || document->pull ? 0 : document->left_out;
    to->joined += error || !document->pull ? 0 : document->left_out;
    to->cut += error ? 0 : document->cut;
    return !error;
}

static void note_broken(struct sender *s, const char *name, const char *why) {
    s->to->broken++;
    snprintf(s->to->set_aside, sizeof s->to->set_aside, "%s.broken: %s", name, why);
}

static void set_aside(struct sender *s, const char *name, const char *why) {
    queue_set_aside(s->queue, name);
    note_broken(s, name, why);
}

static bool is_wanted(const struct sender *s, const struct document *document) {
    return !s->to->url || strcmp(document->url, s->to->url) == 0;
}

/* Reads a document of the queue, sends it and removes it; a broken one is set aside, one for a
 * server that is away stays. */
static void send_text(struct sender *s, const char *name, const char *text, size_t bytes) {
    struct document document;
    const char *why;
    bool is_read = document_read(text, bytes, &document, &why);
    if (!is_read && document.has_no_memory) {
        set_error(s->to, HAK_STORE_INTERNAL, "out of memory");
    } else if (!is_read) {
        set_aside(s, name, why);
    } else if (is_wanted(s, &document) && !is_away(s, document.url)) {
        if (send_runs(s, &document)) {
            queue_remove(s->queue, name);
            s->to->is_first_sent |= strcmp(name, s->to->first) == 0;
        }
    }
    document_free(&document);
}

/* Takes a document out of the queue. Another process may send this one's document, as it sends all:
 * it waits for the result until the timer ends that. */
static enum queue_taken take_document(struct sender *s, const char *name, int *fd, char **text,
                                      size_t *bytes) {
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
    bool is_first = strcmp(name, s->to->first) == 0;
    enum queue_taken taken;
    while ((taken = queue_take(s->queue, name, fd, text, bytes)) == QUEUE_BUSY && is_first)
        nanosleep(&step, NULL);
    if (taken == QUEUE_GONE && is_first && queue_is_set_aside(s->queue, name))
        note_broken(s, name, "another process could not read it");
    else if (taken == QUEUE_GONE && is_first)
        s->to->is_first_sent = s->to->is_first_of_other = true;
    return taken;
}

/* Takes a document of the queue by name and sends it; the alarm bounds each where the sending asks
 * that. */
static void send_named(struct sender *s, const char *name) {
    int fd;
    char *text;
    size_t bytes = 0;
    if (s->to->is_each)
        alarm(s->to->seconds);
    switch (take_document(s, name, &fd, &text, &bytes)) {
    case QUEUE_TAKEN:
        send_text(s, name, text, bytes);
        free(text);
        close(fd);
        break;
    case QUEUE_BUSY:
        s->to->busy++;
        break;
    case QUEUE_BROKEN:
        note_broken(s, name, "it is not what was written");
        break;
    case QUEUE_FAILED:
        set_error(s->to, HAK_STORE_NO_ACCESS, s->queue->why);
        break;
    case QUEUE_GONE:
        break;
    }
}

/* ---- all of them ------------------------------------------------------------------------------
 */

/* Sends the first document, and then all that wait in the queue. */
static void send_waiting(struct sender *s) {
    char **names;
    uint32_t count;
    uint64_t bytes;
    if (s->to->first[0])
        send_named(s, s->to->first);
    if (!queue_list(s->queue, &names, &count, &bytes))
        set_error(s->to, HAK_STORE_NO_ACCESS, s->queue->why);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(names[i], s->to->first) != 0 && (!s->to->url || !is_away(s, s->to->url)))
            send_named(s, names[i]);
        free(names[i]);
    }
    free(names);
}

/* Sends the document in s->to, which no queue could take. */
static void send_given(struct sender *s) {
    struct document document;
    const char *why;
    if (!document_read(s->to->document, strlen(s->to->document), &document, &why))
        set_error(s->to, HAK_STORE_INTERNAL, why);
    else
        s->to->is_first_sent = send_runs(s, &document);
    document_free(&document);
}

/* Connects while the other process makes the document, and waits for its word; a connection idle
 * for IDLE_SECONDS is closed again. False: it will not be sent. */
static bool be_early(struct sender *s, int go) {
    struct timespec begin, now;
    char word;
    ssize_t got;
    if (connect_to(s, s->to->url) != 0)
        give_up_on(s, s->to->url);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    alarm(0);
    while ((got = recv(go, &word, 1, 0)) < 0 && errno == EINTR)
        ;
    clock_gettime(CLOCK_MONOTONIC, &now);
    alarm(s->to->seconds);
    if (now.tv_sec - begin.tv_sec > IDLE_SECONDS)
        hang_up(s);
    if (s->to->has_queue && !queue_open(s->queue, false))
        set_error(s->to, HAK_STORE_NO_ACCESS, s->queue->why);
    return got == 1;
}

/* Runs the process that sends, until all is sent or the server is away. `go`: the socket of a
 * process that was begun early, or -1. */
static void run_child(struct queue *queue, struct sending *to, int go) {
    static const int signals[] = {SIGALRM, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sender s = {.queue = queue, .to = to};
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(to->seconds);
    s.remote = fleet_load_remote();
    if (!s.remote) {
        set_error(to, HAK_STORE_NO_ACCESS, hak_store_message());
        return;
    }
    if (go >= 0 && !be_early(&s, go))
        return;
    if (to->document)
        send_given(&s);
    send_waiting(&s);
    hang_up(&s);
    for (unsigned i = 0; i < s.aways; i++)
        free(s.away[i]);
}

/* Waits for the child's end; its status, or -1. */
static int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* Starts the process that sends, with memory that it shares with this one. `go`: as run_child has
 * it, and the other end, which is not for it. False, with errno. */
static bool start(struct queue *queue, struct sending *s, const int go[2]) {
    s->shared = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->shared == MAP_FAILED) {
        s->shared = NULL;
        errno = ENOMEM;
        return false;
    }
    *s->shared = *s;
    s->child = fork();
    if (s->child == 0) {
        if (go)
            close(go[1]);
        run_child(queue, s->shared, go ? go[0] : -1);
        _exit(0);
    }
    if (s->child > 0)
        return true;
    munmap(s->shared, sizeof *s);
    s->shared = NULL;
    return false;
}

void sending_begin(struct sending *s) {
    struct queue none = {.folder = -1};
    int go[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) != 0)
        return;
    if (start(&none, s, go))
        s->go = go[1];
    else
        close(go[1]);
    close(go[0]);
}

void sending_cancel(struct sending *s) {
    if (!s->shared)
        return;
    close(s->go);
    kill(s->child, SIGKILL);
    (void)wait_for(s->child);
    munmap(s->shared, sizeof *s);
    s->shared = NULL;
}

/* Tells the process that was begun what to send; or begins one now, since a document that is only
 * in memory here cannot reach the other. False, with errno: none can be started. */
static bool go_on(struct queue *queue, struct sending *s) {
    if (s->shared && s->document)
        sending_cancel(s);
    if (!s->shared)
        return start(queue, s, NULL);
    s->shared->has_queue = queue->folder >= 0;
    memcpy(s->shared->first, s->first, sizeof s->first);
    (void)send(s->go, "", 1, MSG_NOSIGNAL); /* where it has ended, that is seen below */
    close(s->go);
    return true;
}

/* Waits for the process, and takes over what it counted. */
static void take_over(struct sending *s) {
    struct sending *shared = s->shared;
    int status = wait_for(s->child);
    *s = *shared;
    s->shared = NULL;
    munmap(shared, sizeof *s);
    s->is_late = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    if (s->is_late)
        set_error(s, HAK_STORE_BUSY, "the server does not answer");
    else if (status != 0 && !s->error)
        set_error(s, HAK_STORE_INTERNAL, "the process that sends has ended early");
}

void sending_run(struct queue *queue, struct sending *s) {
    uint64_t bytes;
    char **names;
    if (go_on(queue, s))
        take_over(s);
    else
        set_error(s, HAK_STORE_INTERNAL, strerror(errno));
    s->waiting = 0;
    (void)queue_list(queue, &names, &s->waiting, &bytes);
    for (uint32_t i = 0; i < s->waiting; i++)
        free(names[i]);
    free(names);
}

/* Sends what was found while PROGRAM still runs: a process of its own looks into the store.
 *
 *   run --push --fork--> looks each second: a new fault? --> document --> queue --> sending.c
 *
 * It has nothing of the keeper's (it is forked before), holds no lock of the store between two
 * looks, prints nothing, and is ended with PROGRAM, whatever it does then: what waits is in the
 * queue, and the push at the end sends all again, which changes nothing that has come. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "viewer/fleet/document.h"
#include "viewer/fleet/fleet.h"
#include "viewer/fleet/sending.h"

enum {
    LOOK_MS = 1000,
    SEND_SECONDS = 10, /* so long a server may take */
    RETRY_MS_FIRST = 2000,
    RETRY_MS_LAST = 300000, /* between tries to reach it */
};

struct fleet_early_left {
    char name[QUEUE_NAME]; /* of the document that waits; "" = none */
};

struct watch {
    struct view *view;
    const char *url, *store;
    struct fleet_early_left *left;
    struct queue queue;
    uint64_t fault;              /* the last one that is in a document */
    uint64_t retry_at, retry_ms; /* of the clock; 0 = nothing waits */
};

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- looking ----------------------------------------------------------------------------------
 */

/* The last fault's row that a document has, before any late fault; 0: there is none. */
static uint64_t last_fault(const struct hak_store_reader *reader) {
    const struct hak_database *db = hak_store_database(reader);
    uint64_t last = hak_database_number(db, "SELECT max(id) FROM fault", 0);
    uint64_t late = document_late_fault(db);
    return last < late ? last : late - 1;
}

/* Makes a document of the capture so far, where it has a fault after w->fault. NULL: it has none,
 * or cannot be read yet. To be freed. */
static char *make_document(struct watch *w, uint64_t *fault) {
    struct view *view = w->view;
    struct findings findings = {0};
    char *document = NULL;
    /* One that is still being made is no store yet. */
    if (access(w->store, R_OK) != 0 || hak_store_open(w->store, &view->reader) != 0)
        return NULL;
    *fault = last_fault(view->reader);
    if (*fault > w->fault && hak_store_summarise(view->reader, &view->summary) == 0 &&
        findings_gather(view, 0, &findings)) {
        if (findings_compare(view, &findings))
            document = document_make(view, &findings, w->url, view_value(view, "label"), 0);
        findings_free(&findings);
    }
    hak_store_close(view->reader);
    view->reader = NULL;
    return document;
}

/* Looks for new faults, and queues a document with them in place of the one that waits, which has
 * less; it is due at once. */
static void look(struct watch *w) {
    uint64_t fault = 0;
    char name[QUEUE_NAME], *document = make_document(w, &fault);
    if (document && queue_add(&w->queue, document, strlen(document), name)) {
        if (w->left->name[0])
            queue_remove(&w->queue, w->left->name);
        memcpy(w->left->name, name, sizeof name);
        w->fault = fault;
        w->retry_at = now_ms();
        w->retry_ms = RETRY_MS_FIRST;
    }
    free(document);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

/* Sends the document left behind; a failure is tried again, each time later. */
static void send_early(struct watch *w) {
    struct sending s = {.url = w->url, .seconds = SEND_SECONDS};
    memcpy(s.first, w->left->name, sizeof s.first);
    sending_run(&w->queue, &s);
    if (s.is_first_sent || s.broken) {
        w->left->name[0] = 0;
        w->retry_at = 0;
        return;
    }
    w->retry_at = now_ms() + w->retry_ms;
    w->retry_ms = 2 * w->retry_ms < RETRY_MS_LAST ? 2 * w->retry_ms : RETRY_MS_LAST;
}

/* ---- the process ------------------------------------------------------------------------------
 */

/* Has `run` closed its end, or is it gone? */
static bool has_ended(int end) {
    struct pollfd pipe = {.fd = end, .events = POLLIN};
    return poll(&pipe, 1, LOOK_MS) > 0;
}

/* Ignores a terminal's signals, and those to the group, which are for PROGRAM; nobody reads what is
 * printed. */
static void stand_aside(void) {
    static const int signals[] = {SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
                                  SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_IGN);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        if (nowhere < 0 || dup2(nowhere, fd) < 0)
            close(fd);
    prctl(PR_SET_NAME, "hakmem-push");
}

/* The helper's work until the run ends: looks for findings, and sends them. */
static void run_watch(struct watch *w, int end) {
    stand_aside();
    if (!queue_open(&w->queue, true))
        return; /* the end of the run says why */
    while (!has_ended(end)) {
        look(w);
        if (w->retry_at && now_ms() >= w->retry_at)
            send_early(w);
    }
    queue_close(&w->queue);
}

/* Forks the watching process where a server and a store are given; without memory or a process,
 * none. */
void fleet_early_begin(struct fleet_early *early, struct view *view, const char *store) {
    int ends[2];
    early->pid = -1;
    if (!early->url || !store[0] || pipe2(ends, O_CLOEXEC) != 0)
        return;
    early->left =
        mmap(NULL, sizeof *early->left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (early->left == MAP_FAILED)
        early->left = NULL;
    fflush(NULL);
    pid_t parent = getpid();
    early->pid = early->left ? fork() : -1;
    if (early->pid == 0) {
        struct watch w = {.view = view, .url = early->url, .store = store, .left = early->left};
        w.queue.folder = -1;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[1]);
        if (getppid() == parent)
            run_watch(&w, ends[0]);
        _exit(0);
    }
    close(ends[0]);
    early->end = ends[1];
    if (early->pid < 0)
        close(ends[1]);
}

void fleet_early_end(struct fleet_early *early) {
    if (early->pid <= 0)
        return;
    kill(early->pid, SIGKILL);
    close(early->end);
    while (waitpid(early->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    early->pid = -1;
}

const char *fleet_early_left(const struct fleet_early *early) {
    return early->left ? early->left->name : "";
}

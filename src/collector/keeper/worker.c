/* Starts workers, and passes on what they are to know. */
#include "collector/keeper/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESTART_MS     1000
#define WORKER_REAP_MS 200
#define DEATHS_SAID    5 /* of workers, one after the other */

static struct hak_link_message message; /* one keeper thread in a process */

void hak_keeper_worker_make(struct hak_keeper_worker *worker, const char *collect_path) {
    *worker = (struct hak_keeper_worker){
        .link = -1, .process = -1, .reading = {.page = -1, .overdue = -1}};
    snprintf(worker->collect_path, sizeof worker->collect_path, "%s", collect_path);
    worker->config.type = HAK_LINK_CONFIG;
    worker->config.next_number = 1;
}

/* Ends the link to the worker, also for holders of a copy of this end: a living worker must see
 * it. */
static void end_link(struct hak_keeper_worker *w) {
    if (w->link >= 0) {
        shutdown(w->link, SHUT_RDWR);
        close(w->link);
    }
    if (w->process >= 0)
        close(w->process);
    w->link = w->process = -1;
}

void hak_keeper_worker_free(struct hak_keeper_worker *worker) {
    end_link(worker);
    if (worker->reading.page >= 0)
        close(worker->reading.page);
    free(worker->reading.unreadable);
}

int hak_keeper_worker_reap(const struct hak_keeper_worker *worker) {
    int status = -1;
    for (int waited = 0; worker->pid > 0 && waited < WORKER_REAP_MS; waited++) {
        pid_t ended = waitpid(worker->pid, &status, WNOHANG);
        if (ended != 0)
            return ended == worker->pid ? status : -1;
        usleep(1000);
    }
    return -1;
}

/* Handles the worker's end: the next one is due at once if a file is known that it died of, else
 * later; after DEATHS_SAID quick ends it is said. */
static void lose(struct hak_keeper_worker *w) {
    end_link(w);
    if (hak_read_watch_end(&w->reading, hak_keeper_worker_reap(w)))
        w->due_ms = 0;
    w->is_finishing = false;
    w->sync_sent = w->sync_done;
    if (++w->quick_deaths == DEATHS_SAID)
        hak_say("the collector's worker ends again and again; nothing can be stored while it does. "
                "Try `hakmem-collect --version`");
}

bool hak_keeper_worker_send(struct hak_keeper_worker *worker, const struct hak_link_message *m,
                            int descriptor) {
    int sent = worker->link < 0 ? 1 : hak_link_send(worker->link, m, descriptor);
    if (sent < 0)
        lose(worker);
    return sent == 0;
}

/* Notes wait for the first session, which opens the store; and a worker that closes it hears none
 * any more. */
static bool may_tell_unrecorded(const struct hak_keeper_worker *w) {
    return w->config.next_number > 1 && !w->is_finishing;
}

bool hak_keeper_worker_has_untold(const struct hak_keeper_worker *worker,
                                  const struct hak_held *held,
                                  const struct hak_unrecorded *unrecorded) {
    return hak_held_untold(held) ||
           (may_tell_unrecorded(worker) && unrecorded->told < unrecorded->count);
}

bool hak_keeper_worker_tell(struct hak_keeper_worker *worker, struct hak_held *held,
                            struct hak_unrecorded *unrecorded) {
    for (struct hak_held_session *s; worker->link >= 0 && (s = hak_held_untold(held));) {
        hak_link_describe_session(&message, s->number, s->peer.pid, &s->hello, s->log_path);
        s->is_told = hak_keeper_worker_send(worker, &message, s->memfd);
        if (!s->is_told)
            return false;
        worker->is_finishing = false; /* one that hears of it in time does not finish, nor say so */
    }
    while (worker->link >= 0 && may_tell_unrecorded(worker) &&
           hak_unrecorded_next(unrecorded, &message)) {
        if (!hak_keeper_worker_send(worker, &message, -1))
            return false;
        unrecorded->told++;
    }
    return worker->link >= 0;
}

bool hak_keeper_worker_is_due(const struct hak_keeper_worker *worker) {
    return worker->link < 0 && hak_time_ms() >= worker->due_ms;
}

bool hak_keeper_worker_is_hopeless(const struct hak_keeper_worker *worker) {
    return worker->quick_deaths >= DEATHS_SAID;
}

void hak_keeper_worker_start(struct hak_keeper_worker *worker, int listening, struct hak_held *held,
                             struct hak_unrecorded *unrecorded) {
    int pair[2];
    worker->due_ms = hak_time_ms() + RESTART_MS;
    if (worker->pid > 0)
        waitpid(worker->pid, NULL, WNOHANG);
    if (hak_link_pair(pair) != 0)
        return;
    char *arguments[] = {(char *)"hakmem-collect", (char *)"--worker", NULL};
    worker->pid = hak_link_spawn(worker->collect_path, arguments, pair[1]);
    close(pair[1]);
    worker->link = pair[0];
    worker->process = worker->pid > 0 ? hak_link_open_process(pair[0], worker->pid) : -1;
    hak_held_tell_all(held);
    unrecorded->told = unrecorded->refused_told = 0;
    bool is_well = worker->pid > 0 && hak_link_send(worker->link, &worker->config, listening) == 0;
    for (uint32_t i = 0; is_well && i < worker->reading.count; i++) {
        hak_unreadable_message(&worker->reading.unreadable[i], &message);
        is_well = hak_link_send(worker->link, &message, -1) == 0;
    }
    if (!is_well)
        lose(worker);
}

void hak_keeper_worker_replace(struct hak_keeper_worker *worker) {
    end_link(worker);
    worker->due_ms = 0;
}

bool hak_keeper_worker_read(struct hak_keeper_worker *worker, struct hak_link_message *m) {
    bool is_over = hak_link_process_is_over(worker->process); /* before what it said last is read */
    int descriptor, got = worker->link < 0 ? 0 : hak_link_receive(worker->link, m, &descriptor);
    if (got < 0 || (got == 0 && is_over))
        lose(worker);
    if (got <= 0)
        return false;
    if (m->type == HAK_LINK_READING && descriptor >= 0)
        hak_read_watch_begin(&worker->reading, descriptor, m->peer_pid);
    else if (descriptor >= 0)
        close(descriptor);
    if (m->type != HAK_LINK_READING)
        worker->quick_deaths = 0;
    if (m->type == HAK_LINK_STORE) {
        m->store_path[sizeof m->store_path - 1] = m->making_path[sizeof m->making_path - 1] = 0;
        memcpy(worker->config.making_path, m->making_path, sizeof m->making_path);
        if (!m->making_path[0]) {
            memcpy(worker->config.store_path, m->store_path, sizeof m->store_path);
            worker->config.resume_store = 1;
        }
    }
    if (m->type == HAK_LINK_SYNCED)
        worker->sync_done = m->number;
    if (m->type == HAK_LINK_FINISHED)
        worker->is_finishing = false;
    return true;
}

/* When the process of a session started, unless its id has gone to another one since. */
static uint64_t find_start(const struct hak_link_message *m) {
    struct hak_peer peer;
    if (m->peer_pid <= 0 || !hak_peer_read(m->peer_pid, &peer))
        return HAK_PEER_NOBODY;
    bool is_same = peer.start_time == m->hello.start_time || m->hello.start_time == 0;
    return is_same ? peer.start_time : HAK_PEER_NOBODY;
}

int hak_keeper_worker_adopt(struct hak_keeper_worker *worker, int link, struct hak_held *held) {
    const struct hak_link_message *m = &message;
    int descriptor;
    for (int waited = 0; waited < 100; waited++) {
        int got = hak_link_receive(link, &message, &descriptor);
        if (got < 0)
            return -1;
        if (got == 0) {
            struct pollfd p = {.fd = link, .events = POLLIN};
            poll(&p, 1, 100);
        } else if (m->type == HAK_LINK_SESSION && descriptor >= 0) {
            struct hak_held_session s = {.number = m->number,
                                         .is_told = true,
                                         .memfd = descriptor,
                                         .is_own = hak_proc_is_own(),
                                         .peer = {m->peer_pid, find_start(m)},
                                         .hello = m->hello};
            memcpy(s.log_path, m->log_path, sizeof s.log_path);
            if (!hak_held_add(held, &s))
                return -1;
            waited = 0;
        } else if (m->type == HAK_LINK_READING && descriptor >= 0) {
            hak_read_watch_begin(&worker->reading, descriptor, m->peer_pid);
        } else if (m->type == HAK_LINK_CONFIG && descriptor >= 0) { /* said last */
            worker->config = *m;
            worker->link = link;
            worker->process = hak_link_open_process(link, 0);
            fcntl(descriptor, F_SETFL, O_NONBLOCK);
            return descriptor;
        }
    }
    return -1;
}

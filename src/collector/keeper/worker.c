/* The keeper's worker: started, told of sessions, heard, started again when it is gone. */
#include "collector/keeper/keeper_state.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/array.h"
#include "collector/kernel/kernel.h"

#define RESTART_MS  1000
#define REAP_MS     100
#define DEATHS_SAID 5 /* of workers, one after the other */

/* How the worker ended; -1 = not known. It has closed its link a moment before it can be seen. */
static int reap_status(struct hak_keeper *k) {
    int status = -1;
    for (int waited = 0; k->worker > 0 && waited < REAP_MS; waited++) {
        pid_t ended = waitpid(k->worker, &status, WNOHANG);
        if (ended != 0)
            return ended == k->worker ? status : -1;
        usleep(1000);
    }
    return -1;
}

void hak_keeper_lose_worker(struct hak_keeper *k) {
    close(k->link);
    k->link = -1;
    hak_keeper_judge_reading(k, reap_status(k));
    k->finishing = false;
    k->sync_sent = k->sync_done;
    if (++k->quick_deaths == DEATHS_SAID)
        hak_say("the collector's worker ends again and again; nothing can be stored while it does. "
                "Try `hakmem-collect --version`");
}

/* Notes wait for the first session, which opens the store; and a worker that closes it hears none
 * any more. */
static bool may_tell_notes(const struct hak_keeper *k) {
    return k->config.next_number > 1 && !k->finishing;
}

static bool tell_notes(struct hak_keeper *k) {
    while (k->link >= 0 && may_tell_notes(k) && k->notes_told < k->note_count) {
        const struct hak_note *note = &k->notes[k->notes_told];
        struct hak_link_message m = {.type = HAK_LINK_UNRECORDED,
                                     .number = (uint32_t)note->parent,
                                     .peer_pid = note->pid,
                                     .heard_ns = note->heard_ns,
                                     .hello = note->hello};
        int sent = hak_link_send(k->link, &m, -1);
        if (sent > 0)
            return false;
        if (sent < 0)
            hak_keeper_lose_worker(k);
        k->notes_told += sent == 0;
    }
    return k->link >= 0;
}

bool hak_keeper_has_untold(const struct hak_keeper *k) {
    for (int i = 0; i < k->held_count; i++)
        if (!k->held[i].told)
            return true;
    return may_tell_notes(k) && k->notes_told < k->note_count;
}

bool hak_keeper_tell_worker(struct hak_keeper *k) {
    for (int i = 0; k->link >= 0 && i < k->held_count; i++) {
        struct held *h = &k->held[i];
        if (h->told)
            continue;
        struct hak_link_message m = {.type = HAK_LINK_SESSION,
                                     .number = h->number,
                                     .peer_pid = h->peer_pid,
                                     .hello = h->hello};
        memcpy(m.log_path, h->log_path, sizeof m.log_path);
        int sent = hak_link_send(k->link, &m, h->memfd);
        if (sent > 0)
            return false;
        if (sent < 0)
            hak_keeper_lose_worker(k);
        h->told = sent == 0;
        k->finishing = false; /* a worker that hears of it in time does not finish, nor say so */
    }
    return tell_notes(k);
}

/* No worker stays alive: sessions that nobody holds any more would keep this process for ever. */
static void give_up_abandoned(struct hak_keeper *k) {
    for (int i = 0; i < k->held_count;) {
        if (!hak_session_file_is_held(k->held[i].memfd, k->held[i].is_own)) {
            close(k->held[i].memfd);
            k->held[i] = k->held[--k->held_count];
            k->gave_up = true;
        } else {
            i++;
        }
    }
    if (!k->gave_up || k->held_count || k->guest_count || k->config.hold)
        return;
    hak_say("what was recorded could not be stored and is lost");
    k->finished = true;
}

void hak_keeper_start_worker(struct hak_keeper *k) {
    int pair[2];
    uint64_t now = hak_time_ms();
    if (k->link >= 0 || now < k->worker_due_ms)
        return;
    if (k->quick_deaths >= DEATHS_SAID)
        give_up_abandoned(k);
    k->worker_due_ms = now + RESTART_MS;
    if (k->worker > 0)
        waitpid(k->worker, NULL, WNOHANG);
    if (hak_link_pair(pair) != 0)
        return;
    char *arguments[] = {(char *)"hakmem-collect", (char *)"--worker", NULL};
    k->worker = hak_link_spawn(k->collect_path, arguments, pair[1]);
    close(pair[1]);
    k->link = pair[0];
    for (int i = 0; i < k->held_count; i++)
        k->held[i].told = false;
    k->notes_told = k->refused_told = 0;
    if (k->worker <= 0 || hak_link_send(k->link, &k->config, k->listening) != 0 ||
        !hak_keeper_tell_unreadable(k))
        hak_keeper_lose_worker(k);
}

static void forget_session(struct hak_keeper *k, uint32_t number) {
    for (int i = 0; i < k->held_count; i++) {
        if (k->held[i].number != number)
            continue;
        close(k->held[i].memfd);
        k->held[i] = k->held[--k->held_count];
        return;
    }
}

void hak_keeper_hear_worker(struct hak_keeper *k) {
    static struct hak_link_message m; /* one keeper thread in a process */
    int descriptor, got = 0;
    while (k->link >= 0 && (got = hak_link_receive(k->link, &m, &descriptor)) > 0) {
        if (descriptor >= 0 && m.type != HAK_LINK_READING)
            close(descriptor);
        k->quick_deaths = m.type == HAK_LINK_READING ? k->quick_deaths : 0;
        switch (m.type) {
        case HAK_LINK_STORE:
            m.store_path[sizeof m.store_path - 1] = 0;
            m.making_path[sizeof m.making_path - 1] = 0;
            memcpy(k->config.making_path, m.making_path, sizeof m.making_path);
            if (m.making_path[0])
                break;
            memcpy(k->config.store_path, m.store_path, sizeof m.store_path);
            k->config.resume_store = 1;
            pthread_mutex_lock(&k->lock);
            memcpy(k->store_path, m.store_path, sizeof m.store_path);
            pthread_mutex_unlock(&k->lock);
            break;
        case HAK_LINK_READING:
            if (descriptor >= 0)
                hak_keeper_take_page(k, descriptor, m.peer_pid);
            break;
        case HAK_LINK_DONE:
            forget_session(k, m.number);
            break;
        case HAK_LINK_SYNCED:
            pthread_mutex_lock(&k->lock);
            k->sync_done = m.number;
            k->sync_live = m.live;
            pthread_cond_broadcast(&k->changed);
            pthread_mutex_unlock(&k->lock);
            break;
        case HAK_LINK_FINISHED:
            k->finishing = false;
            if (k->held_count == 0 && !hak_keeper_has_untold(k) &&
                !hak_keeper_finish_awaits_guests(k)) {
                k->finished = true;
            } else { /* somebody came meanwhile: another worker goes on with the store */
                close(k->link);
                k->link = -1;
                k->worker_due_ms = 0;
            }
            break;
        default:
            break;
        }
    }
    if (got < 0)
        hak_keeper_lose_worker(k);
}

/* When the process of a session started, unless its id has gone to another one since. */
static uint64_t find_start(const struct hak_link_message *m) {
    struct hak_peer peer;
    if (m->peer_pid <= 0 || !hak_peer_read(m->peer_pid, &peer))
        return HAK_PEER_NOBODY;
    bool is_same = peer.start_time == m->hello.start_time || m->hello.start_time == 0;
    return is_same ? peer.start_time : HAK_PEER_NOBODY;
}

bool hak_keeper_adopt(struct hak_keeper *k, int link) {
    static struct hak_link_message m;
    int descriptor;
    for (int waited = 0; waited < 100; waited++) {
        int got = hak_link_receive(link, &m, &descriptor);
        if (got < 0)
            return false;
        if (got == 0) {
            struct pollfd p = {.fd = link, .events = POLLIN};
            poll(&p, 1, 100);
        } else if (m.type == HAK_LINK_SESSION && descriptor >= 0) {
            if (!hak_array_make_room(&k->held, (uint64_t)k->held_count, &k->held_capacity,
                                     sizeof *k->held))
                return false;
            k->held[k->held_count++] = (struct held){.number = m.number,
                                                     .told = true,
                                                     .memfd = descriptor,
                                                     .is_own = hak_proc_is_own(),
                                                     .peer_pid = m.peer_pid,
                                                     .peer_start_time = find_start(&m),
                                                     .hello = m.hello};
            memcpy(k->held[k->held_count - 1].log_path, m.log_path, sizeof m.log_path);
            waited = 0;
        } else if (m.type == HAK_LINK_READING && descriptor >= 0) {
            hak_keeper_take_page(k, descriptor, m.peer_pid);
        } else if (m.type == HAK_LINK_CONFIG && descriptor >= 0) { /* said last */
            k->config = m;
            k->listening = descriptor;
            k->link = link;
            fcntl(descriptor, F_SETFL, O_NONBLOCK);
            return true;
        }
    }
    return false;
}

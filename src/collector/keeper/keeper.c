/* The keeper's loop: hellos in, memfds to the worker, a new worker when it is gone. */
#include "collector/keeper/keeper_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"
#include "report/text/text.h"

#define BEAT_MS   200
#define FILES_MIN 32
#define FIXED     4 /* descriptors besides the guests */

/* As many as the queue of SOMAXCONN (4,096) can need. */
#define SYNC_PASSES (4096 / HAK_KEEPER_GUESTS)

bool hak_keeper_has_files(char *why, size_t bytes) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return true;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    snprintf(why, bytes,
             "the limit of open files (ulimit -n) is %llu; the collector needs %d at least",
             (unsigned long long)files.rlim_max, FILES_MIN);
    return files.rlim_max >= FILES_MIN;
}

static void beat(struct hak_keeper *k) {
    uint64_t ns = hak_time_kernel_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < k->held_count; i++)
        (void)hak_session_file_write(k->held[i].memfd,
                                     (off_t)offsetof(struct hak_session, keeper_heartbeat_ns), ns);
    k->beat_due_ms = hak_time_ms() + BEAT_MS;
}

/* A program that has connected before the owner wanted a SYNC is heard before it is sent. */
static void begin_sync(struct hak_keeper *k, uint32_t wanted) {
    if (k->sync_seen == wanted)
        return;
    k->sync_seen = wanted;
    k->sync_passes = SYNC_PASSES;
}

/* Whether FINISH is wanted, and since when. */
static bool wants_finish(struct hak_keeper *k, bool hold) {
    if (k->held_count > 0 || hold)
        k->finish_since_ms = 0;
    else if (k->finish_since_ms == 0)
        k->finish_since_ms = hak_time_ms();
    return k->finish_since_ms > 0;
}

/* A worker that lives, as far as can be known, has all that it is to go on with. */
static bool is_handed_over(struct hak_keeper *k) {
    hak_keeper_hear_worker(k);
    return k->link >= 0 && !k->finishing && !hak_keeper_has_untold(k);
}

/* Passes on what the owner wants. False: the loop is to end now. */
static bool obey(struct hak_keeper *k) {
    pthread_mutex_lock(&k->lock);
    bool leave = k->leave, hold = k->hold, hand_over = k->hand_over;
    uint32_t wanted = k->sync_wanted;
    pthread_mutex_unlock(&k->lock);
    if (leave || (hand_over && is_handed_over(k)) || k->finished)
        return false;
    begin_sync(k, wanted);
    bool finish = wants_finish(k, hold);
    if (!hak_keeper_tell_worker(k))
        return true;
    struct hak_link_message m = {.type = HAK_LINK_SYNC, .number = wanted};
    int sent = 1;
    if (wanted != k->sync_sent) {
        if (hak_keeper_sync_awaits_guests(k))
            return true;
        if (!hak_keeper_tell_refused_notes(k, false))
            return true;
        sent = hak_link_send(k->link, &m, -1);
        if (sent == 0)
            k->sync_sent = wanted;
    } else if (finish && !k->finishing && !hak_keeper_finish_awaits_guests(k)) {
        if (!hak_keeper_tell_refused_notes(k, true))
            return true;
        m.type = HAK_LINK_FINISH;
        sent = hak_link_send(k->link, &m, -1);
        k->finishing = sent == 0;
    }
    if (sent < 0)
        hak_keeper_lose_worker(k);
    return true;
}

static void accept_all(struct hak_keeper *k) {
    bool is_empty = hak_keeper_accept_guests(k, k->listening);
    is_empty = (k->way < 0 || hak_keeper_accept_guests(k, k->way)) && is_empty;
    if (k->sync_passes == 0)
        return;
    k->sync_passes = is_empty ? 0 : k->sync_passes - 1;
    k->sync_since_ms = hak_time_ms();
}

static void step(struct hak_keeper *k) {
    short room = hak_keeper_has_room(k) ? POLLIN : 0;
    struct pollfd fds[FIXED + HAK_KEEPER_GUESTS] = {{.fd = k->wake, .events = POLLIN},
                                                    {.fd = k->listening, .events = room},
                                                    {.fd = k->link, .events = POLLIN},
                                                    {.fd = k->way, .events = room}};
    int guests = k->guest_count;
    for (int i = 0; i < guests; i++)
        fds[FIXED + i] = (struct pollfd){.fd = k->guests[i].greeting.socket, .events = POLLIN};
    if (hak_keeper_has_untold(k))
        fds[2].events |= POLLOUT;
    uint64_t now = hak_time_ms();
    int timeout = k->beat_due_ms > now ? (int)(k->beat_due_ms - now) : 0;
    if ((k->link < 0 && k->worker_due_ms <= now) || k->sync_passes > 0)
        timeout = 0;
    if (k->family_count)
        timeout = k->look_due_ms <= now                      ? 0
                  : k->look_due_ms - now < (uint64_t)timeout ? (int)(k->look_due_ms - now)
                                                             : timeout;
    poll(fds, FIXED + (nfds_t)guests, timeout);
    if (fds[0].revents) {
        uint64_t ignored;
        if (read(k->wake, &ignored, sizeof ignored) < 0)
            ignored = 0;
    }
    if (fds[2].revents)
        hak_keeper_hear_worker(k);
    if (k->finished) /* who is heard now would be told that he is recorded */
        return;
    for (int i = guests - 1; i >= 0; i--) {
        if (fds[FIXED + i].revents)
            hak_keeper_hear_guest(k, i, true);
        else if (now > k->guests[i].due_ms)
            hak_keeper_drop_guest(k, i);
    }
    if (fds[1].revents || fds[3].revents || k->sync_passes > 0)
        accept_all(k);
    hak_leaving_look(&k->leaving, now);
    hak_keeper_look_for_offers(k);
    hak_keeper_start_worker(k);
    if (hak_time_ms() >= k->beat_due_ms) {
        beat(k);
        hak_keeper_watch_reading(k);
    }
}

void *hak_keeper_run(void *argument) {
    struct hak_keeper *k = argument;
    while (obey(k))
        step(k);
    pthread_mutex_lock(&k->lock);
    k->ended = true;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

struct hak_keeper *hak_keeper_make(const char *collect_path) {
    struct hak_keeper *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    snprintf(k->collect_path, sizeof k->collect_path, "%s", collect_path);
    k->listening = k->link = k->way = k->reading_page = k->overdue = -1;
    k->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    k->config.type = HAK_LINK_CONFIG;
    k->config.next_number = 1;
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&k->changed, &clock);
    pthread_condattr_destroy(&clock);
    return k;
}

/* The worker ends right after it said FINISHED; it shall not stay as a zombie of the owner's. */
static void reap_worker(struct hak_keeper *k) {
    for (int waited = 0; k->worker > 0 && k->finished && waited < 200; waited++) {
        if (waitpid(k->worker, NULL, WNOHANG) != 0)
            return;
        usleep(1000);
    }
}

void hak_keeper_free(struct hak_keeper *k) {
    reap_worker(k);
    for (int i = 0; i < k->held_count; i++)
        close(k->held[i].memfd);
    while (k->guest_count)
        hak_keeper_drop_guest(k, 0);
    /* Before the link: the keeper that the worker then starts makes its own. */
    hak_keeper_close_way(k);
    if (k->listening >= 0)
        hak_leaving_add_listening(&k->leaving, k->listening);
    hak_leaving_end(&k->leaving);
    int fds[] = {k->link, k->wake, k->reading_page};
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(k->held);
    free(k->unreadable);
    free(k->family);
    free(k->notes);
    free(k);
}

int hak_keeper_main(const char *collect_path, int first, const char *name, bool revived) {
    struct hak_keeper *k = hak_keeper_make(collect_path);
    if (!k || k->wake < 0)
        return 1;
    fcntl(first, F_SETFD, FD_CLOEXEC);
    fcntl(first, F_SETFL, O_NONBLOCK);
    if (revived) {
        if (!hak_keeper_adopt(k, first))
            return 1;
        if (k->config.has_way)
            hak_keeper_open_way(k);
        for (int i = 0; k->config.wants_offers && i < k->held_count; i++)
            hak_keeper_add_family(k, k->held[i].peer_pid, 0);
    } else {
        snprintf(k->config.socket_name, sizeof k->config.socket_name, "%s", name);
        k->listening = hak_keeper_open_socket(k->config.socket_name);
        if (k->listening < 0) {
            if (!name[0] || errno != EADDRINUSE) /* else another keeper is there in its place */
                hak_say("the keeper cannot open its socket; nothing is recorded");
            return 1;
        }
        hak_keeper_add_guest(k, first);
    }
    hak_keeper_run(k);
    hak_keeper_free(k);
    return 0;
}

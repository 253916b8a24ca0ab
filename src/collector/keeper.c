/* The keeper's loop: hellos in, memfds to the worker, a new worker when it is gone. */
#include "collector/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/greeting.h"
#include "collector/link.h"
#include "collector/peer.h"
#include "store/error.h"

#define BEAT_MS     200
#define RESTART_MS  1000
#define GUESTS      64
#define GUEST_MS    5000
#define DEATHS_SAID 5 /* of workers, one after the other */

struct held {
    uint32_t number;
    bool told; /* the worker has it */
    int memfd;
    pid_t peer_pid;
    struct hak_hello hello;
};

struct hak_keeper {
    char collect_path[HAK_PATH_BYTES];
    struct hak_link_message config;
    int listening, link, wake;
    pid_t worker; /* 0 = none, or one that somebody else started */
    uint64_t worker_due_ms;
    int quick_deaths;
    bool finishing; /* FINISH is said, its answer due */
    bool finished, gave_up;
    struct held *held;
    int held_count, held_capacity;
    struct hak_greeting guests[GUESTS];
    uint64_t guest_due_ms[GUESTS];
    int guest_count;
    uint64_t beat_due_ms;
    pthread_t thread;
    /* Between the thread and its owner. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t sync_wanted, sync_sent, sync_done, sync_live;
    uint32_t sessions;
    bool hold, leave, ended;
    char store_path[HAK_PATH_BYTES];
};

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void say(const char *text) {
    char line[512];
    int length = snprintf(line, sizeof line, "hakmem: %s\n", text);
    if (length > 0 && write(2, line, (size_t)length) < 0)
        return;
}

static int open_socket(char name[108]) {
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "hakmem-%016llx%016llx",
                 (unsigned long long)random[0], (unsigned long long)random[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, bytes) != 0 || listen(fd, SOMAXCONN) != 0) {
        close(fd);
        return -1;
    }
    memcpy(name, address.sun_path + 1, (size_t)length + 1);
    return fd;
}

/* ---- the worker ------------------------------------------------------------------------------ */

static void lose_worker(struct hak_keeper *k) {
    close(k->link);
    k->link = -1;
    if (k->worker > 0)
        waitpid(k->worker, NULL, WNOHANG);
    k->finishing = false;
    k->sync_sent = k->sync_done;
    if (++k->quick_deaths == DEATHS_SAID)
        say("the collector's worker ends again and again; nothing can be stored while it does. "
            "Try `hakmem-collect --version`");
}

/* Tells the worker of sessions that it does not have yet, as far as the link takes them. True when
 * it has all. */
static bool tell_sessions(struct hak_keeper *k) {
    for (int i = 0; k->link >= 0 && i < k->held_count; i++) {
        struct held *h = &k->held[i];
        if (h->told)
            continue;
        struct hak_link_message m = {.type = HAK_LINK_SESSION,
                                     .number = h->number,
                                     .peer_pid = h->peer_pid,
                                     .hello = h->hello};
        int sent = hak_link_send(k->link, &m, h->memfd);
        if (sent > 0)
            return false;
        if (sent < 0)
            lose_worker(k);
        h->told = sent == 0;
    }
    return k->link >= 0;
}

/* No worker stays alive: sessions that nobody maps any more would keep this process for ever. */
static void give_up_abandoned(struct hak_keeper *k) {
    for (int i = 0; i < k->held_count;) {
        if (fcntl(k->held[i].memfd, F_ADD_SEALS, F_SEAL_WRITE) == 0) {
            close(k->held[i].memfd);
            k->held[i] = k->held[--k->held_count];
            k->gave_up = true;
        } else {
            i++;
        }
    }
    if (!k->gave_up || k->held_count || k->guest_count || k->config.hold)
        return;
    say("what was recorded could not be stored and is lost");
    k->finished = true;
}

static void start_worker(struct hak_keeper *k) {
    int pair[2];
    uint64_t now = now_ms();
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
    if (k->worker <= 0 || hak_link_send(k->link, &k->config, k->listening) != 0)
        lose_worker(k);
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

static void hear_worker(struct hak_keeper *k) {
    static struct hak_link_message m; /* one keeper thread in a process */
    int descriptor, got = 0;
    while (k->link >= 0 && (got = hak_link_receive(k->link, &m, &descriptor)) > 0) {
        if (descriptor >= 0 && m.type != HAK_LINK_SESSION && m.type != HAK_LINK_CONFIG)
            close(descriptor);
        k->quick_deaths = 0;
        switch (m.type) {
        case HAK_LINK_STORE:
            m.store_path[sizeof m.store_path - 1] = 0;
            memcpy(k->config.store_path, m.store_path, sizeof m.store_path);
            k->config.resume_store = 1;
            pthread_mutex_lock(&k->lock);
            memcpy(k->store_path, m.store_path, sizeof m.store_path);
            pthread_mutex_unlock(&k->lock);
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
            if (k->held_count == 0 && k->guest_count == 0) {
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
        lose_worker(k);
}

/* ---- the programs ---------------------------------------------------------------------------- */

static bool may_speak(struct hak_keeper *k, const struct ucred *peer) {
    if (peer->uid == geteuid())
        return true;
    pid_t known[256];
    int count = 0;
    for (int i = 0; i < k->held_count && count < 256; i++)
        if (k->held[i].peer_pid > 0)
            known[count++] = k->held[i].peer_pid;
    return hak_peer_descends(peer->pid, known, count);
}

static const char *hold_session(struct hak_keeper *k, struct hak_greeting *g) {
    struct ucred peer = {0};
    socklen_t bytes = sizeof peer;
    if (getsockopt(g->socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 || !may_speak(k, &peer))
        return "the keeper belongs to another user";
    const char *why = hak_greeting_check(g);
    if (why)
        return why;
    if (k->held_count == k->held_capacity) {
        int capacity = k->held_capacity ? 2 * k->held_capacity : 16;
        struct held *more = realloc(k->held, (size_t)capacity * sizeof *more);
        if (!more)
            return "the keeper has no memory left";
        k->held = more;
        k->held_capacity = capacity;
    }
    k->held[k->held_count++] = (struct held){.number = k->config.next_number++,
                                             .memfd = hak_greeting_take_memfd(g),
                                             .peer_pid = peer.pid,
                                             .hello = g->hello};
    pthread_mutex_lock(&k->lock);
    k->sessions++;
    pthread_mutex_unlock(&k->lock);
    k->beat_due_ms = 0; /* at once, so that the program sees a living keeper */
    tell_sessions(k);
    return NULL;
}

static void drop_guest(struct hak_keeper *k, int i) {
    hak_greeting_close(&k->guests[i]);
    k->guest_count--;
    k->guests[i] = k->guests[k->guest_count];
    k->guest_due_ms[i] = k->guest_due_ms[k->guest_count];
}

static void hear_guest(struct hak_keeper *k, int i) {
    int got = hak_greeting_read(&k->guests[i]);
    if (got == 0)
        return;
    if (got > 0) {
        const char *why = hold_session(k, &k->guests[i]);
        hak_greeting_answer(&k->guests[i], k->config.socket_name, why);
    }
    drop_guest(k, i);
}

static void add_guest(struct hak_keeper *k, int socket) {
    if (k->guest_count == GUESTS)
        drop_guest(k, 0);
    hak_greeting_open(&k->guests[k->guest_count], socket);
    k->guest_due_ms[k->guest_count++] = now_ms() + GUEST_MS;
}

static void accept_guests(struct hak_keeper *k) {
    for (int i = 0; i < GUESTS; i++) {
        int fd = accept4(k->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                usleep(10000); /* the guest stays in the queue */
            return;
        }
        add_guest(k, fd);
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void beat(struct hak_keeper *k) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    for (int i = 0; i < k->held_count; i++)
        if (pwrite(k->held[i].memfd, &ns, sizeof ns,
                   (off_t)offsetof(struct hak_session, keeper_heartbeat_ns)) < 0)
            continue;
    k->beat_due_ms = now_ms() + BEAT_MS;
}

/* Passes on what the owner wants. False: the loop is to end now. */
static bool obey(struct hak_keeper *k) {
    pthread_mutex_lock(&k->lock);
    bool leave = k->leave, hold = k->hold;
    uint32_t wanted = k->sync_wanted;
    pthread_mutex_unlock(&k->lock);
    if (leave || k->finished)
        return false;
    if (k->guest_count || !tell_sessions(k))
        return true;
    struct hak_link_message m = {.type = HAK_LINK_SYNC, .number = wanted};
    int sent = 1;
    if (wanted != k->sync_sent) {
        sent = hak_link_send(k->link, &m, -1);
        if (sent == 0)
            k->sync_sent = wanted;
    } else if (k->held_count == 0 && !hold && !k->finishing) {
        m.type = HAK_LINK_FINISH;
        sent = hak_link_send(k->link, &m, -1);
        k->finishing = sent == 0;
    }
    if (sent < 0)
        lose_worker(k);
    return true;
}

static void step(struct hak_keeper *k) {
    struct pollfd fds[3 + GUESTS] = {{.fd = k->wake, .events = POLLIN},
                                     {.fd = k->listening, .events = POLLIN},
                                     {.fd = k->link, .events = POLLIN}};
    int guests = k->guest_count;
    for (int i = 0; i < guests; i++)
        fds[3 + i] = (struct pollfd){.fd = k->guests[i].socket, .events = POLLIN};
    for (int i = 0; i < k->held_count; i++)
        if (!k->held[i].told)
            fds[2].events |= POLLOUT;
    uint64_t now = now_ms();
    int timeout = k->beat_due_ms > now ? (int)(k->beat_due_ms - now) : 0;
    if (k->link < 0 && k->worker_due_ms <= now)
        timeout = 0;
    poll(fds, 3 + (nfds_t)guests, timeout);
    if (fds[0].revents) {
        uint64_t ignored;
        if (read(k->wake, &ignored, sizeof ignored) < 0)
            ignored = 0;
    }
    if (fds[2].revents)
        hear_worker(k);
    for (int i = guests - 1; i >= 0; i--) {
        if (fds[3 + i].revents)
            hear_guest(k, i);
        else if (now > k->guest_due_ms[i])
            drop_guest(k, i);
    }
    if (fds[1].revents)
        accept_guests(k);
    start_worker(k);
    if (now_ms() >= k->beat_due_ms)
        beat(k);
}

static void *run_loop(void *argument) {
    struct hak_keeper *k = argument;
    while (obey(k))
        step(k);
    pthread_mutex_lock(&k->lock);
    k->ended = true;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* ---- the owner's side ------------------------------------------------------------------------ */

static struct hak_keeper *make_keeper(const char *collect_path) {
    struct hak_keeper *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    snprintf(k->collect_path, sizeof k->collect_path, "%s", collect_path);
    k->listening = k->link = -1;
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

static void free_keeper(struct hak_keeper *k) {
    reap_worker(k);
    for (int i = 0; i < k->held_count; i++)
        close(k->held[i].memfd);
    while (k->guest_count)
        drop_guest(k, 0);
    int fds[] = {k->listening, k->link, k->wake};
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(k->held);
    free(k);
}

int hak_keeper_start(const struct hak_keeper_options *options, struct hak_keeper **out, char *error,
                     size_t error_bytes) {
    *out = NULL;
    if (access(options->collect_path, X_OK) != 0) {
        snprintf(error, error_bytes,
                 "hakmem: %s cannot be executed (%s); it must lie beside hakmem-trace",
                 options->collect_path, strerror(errno));
        return -1;
    }
    struct hak_keeper *k = make_keeper(options->collect_path);
    if (k) {
        k->hold = true;
        k->config.hold = 1;
        k->config.replace_store = options->replace_store;
        snprintf(k->config.store_path, HAK_PATH_BYTES, "%s",
                 options->store_path ? options->store_path : "");
        snprintf(k->config.log_path, HAK_PATH_BYTES, "%s",
                 options->log_path ? options->log_path : "");
        k->listening = open_socket(k->config.socket_name);
    }
    /* The owner's signals are not the keeper's: all stay with its other threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = !k || k->listening < 0 || k->wake < 0
                     ? errno
                     : pthread_create(&k->thread, NULL, run_loop, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed || !k) {
        snprintf(error, error_bytes,
                 "hakmem: the keeper of the recording cannot be started (%s); is the limit of open "
                 "files or of memory reached?",
                 strerror(failed));
        if (k)
            free_keeper(k);
        return -1;
    }
    *out = k;
    return 0;
}

const char *hak_keeper_socket_name(const struct hak_keeper *keeper) {
    return keeper->config.socket_name;
}

void hak_keeper_store_path(struct hak_keeper *keeper, char *out, size_t bytes) {
    pthread_mutex_lock(&keeper->lock);
    snprintf(out, bytes, "%s", keeper->store_path);
    pthread_mutex_unlock(&keeper->lock);
}

uint32_t hak_keeper_sessions(struct hak_keeper *keeper) {
    pthread_mutex_lock(&keeper->lock);
    uint32_t sessions = keeper->sessions;
    pthread_mutex_unlock(&keeper->lock);
    return sessions;
}

static void wake_keeper(struct hak_keeper *k) {
    uint64_t one = 1;
    if (write(k->wake, &one, sizeof one) < 0)
        return;
}

/* With the lock held: waits for a change. False when the time is over. */
static bool wait_change(struct hak_keeper *k, uint64_t due_ms) {
    if (due_ms == UINT64_MAX)
        return pthread_cond_wait(&k->changed, &k->lock) == 0;
    struct timespec t = {(time_t)(due_ms / 1000), (long)(due_ms % 1000) * 1000000};
    return pthread_cond_timedwait(&k->changed, &k->lock, &t) == 0;
}

static uint64_t due_in(int timeout_ms) {
    return timeout_ms < 0 ? UINT64_MAX : now_ms() + (uint64_t)timeout_ms;
}

int hak_keeper_wait_committed(struct hak_keeper *keeper, int timeout_ms, uint32_t *live) {
    uint64_t due_ms = due_in(timeout_ms);
    pthread_mutex_lock(&keeper->lock);
    uint32_t wanted = ++keeper->sync_wanted;
    wake_keeper(keeper);
    bool in_time = true;
    while (keeper->sync_done != wanted && !keeper->ended && in_time)
        in_time = wait_change(keeper, due_ms);
    bool done = keeper->sync_done == wanted;
    *live = keeper->sync_live;
    pthread_mutex_unlock(&keeper->lock);
    return done ? 0 : -1;
}

int hak_keeper_stop(struct hak_keeper *keeper, int timeout_ms, bool wait_for_live) {
    uint64_t due_ms = due_in(timeout_ms);
    uint32_t live = 0;
    bool known = hak_keeper_wait_committed(keeper, timeout_ms, &live) == 0;
    bool hand_over = known && live > 0 && !wait_for_live;
    pthread_mutex_lock(&keeper->lock);
    keeper->hold = false;
    keeper->leave = hand_over;
    wake_keeper(keeper);
    bool in_time = true;
    while (!keeper->ended && in_time)
        in_time = wait_change(keeper, due_ms);
    keeper->leave = true;
    bool closed = keeper->ended && !hand_over;
    wake_keeper(keeper);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    closed = closed || keeper->finished;
    free_keeper(keeper);
    return closed ? 0 : hand_over ? 1 : -1;
}

/* Takes over from a keeper that died: its worker says all that a keeper must know. */
static bool adopt(struct hak_keeper *k, int link) {
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
            struct held *more = realloc(k->held, (size_t)(k->held_count + 1) * sizeof *more);
            if (!more)
                return false;
            k->held = more;
            k->held_capacity = k->held_count + 1;
            k->held[k->held_count++] = (struct held){.number = m.number,
                                                     .told = true,
                                                     .memfd = descriptor,
                                                     .peer_pid = m.peer_pid,
                                                     .hello = m.hello};
            waited = 0;
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

int hak_keeper_main(const char *collect_path, int first, bool revived) {
    struct hak_keeper *k = make_keeper(collect_path);
    if (!k || k->wake < 0)
        return 1;
    fcntl(first, F_SETFD, FD_CLOEXEC);
    fcntl(first, F_SETFL, O_NONBLOCK);
    if (revived) {
        if (!adopt(k, first))
            return 1;
    } else {
        k->listening = open_socket(k->config.socket_name);
        if (k->listening < 0) {
            say("the keeper cannot open its socket; nothing is recorded");
            return 1;
        }
        add_guest(k, first);
    }
    run_loop(k);
    free_keeper(k);
    return 0;
}

/* The keeper's loop. */
#include "collector/keeper/loop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "collector/keeper/socket.h"

#define BEAT_MS   200
#define FILES_MIN 32
#define FIXED     5    /* descriptors besides the guests */
#define ACCEPT_MS 20   /* then the keeper does its other work */
#define SYNC_MS   1000 /* a program says hello right after it has connected */

/* As many as the queue of SOMAXCONN (4,096) can need. */
#define SYNC_PASSES (4096 / HAK_GUESTS_MAX)

bool hak_loop_has_files(char *why, size_t bytes) {
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

/* ---- the worker ------------------------------------------------------------------------------ */

bool hak_loop_tell_worker(struct hak_loop *l) {
    return hak_keeper_worker_tell(&l->worker, &l->held, &l->unrecorded);
}

static bool has_untold(const struct hak_loop *l) {
    return hak_keeper_worker_has_untold(&l->worker, &l->held, &l->unrecorded);
}

bool hak_loop_tell_refused(struct hak_loop *l, bool is_last) {
    static struct hak_link_message m; /* one keeper thread in a process */
    if (l->worker.link < 0 || !hak_unrecorded_next_refused(&l->unrecorded, is_last, &m))
        return true;
    if (!hak_keeper_worker_send(&l->worker, &m, -1))
        return false;
    l->unrecorded.refused_told = l->unrecorded.refused;
    return true;
}

/* Ends the keeper, as the worker has closed the store; or starts another worker if somebody came
 * meanwhile. */
static void hear_finished(struct hak_loop *l) {
    l->finished = l->held.count == 0 && !has_untold(l) && !hak_loop_finish_awaits_guests(l);
    if (!l->finished)
        hak_keeper_worker_replace(&l->worker);
}

void hak_loop_read_worker(struct hak_loop *l) {
    static struct hak_link_message m; /* one keeper thread in a process */
    while (hak_keeper_worker_read(&l->worker, &m)) {
        if (m.type == HAK_LINK_DONE)
            hak_held_forget(&l->held, m.number);
        else if (m.type == HAK_LINK_FINISHED)
            hear_finished(l);
        pthread_mutex_lock(&l->desk->lock);
        if (m.type == HAK_LINK_STORE && !m.making_path[0])
            snprintf(l->desk->store_path, sizeof l->desk->store_path, "%s", m.store_path);
        if (m.type == HAK_LINK_SYNCED) {
            l->desk->sync_done = m.number;
            l->desk->sync_live = m.live;
            pthread_cond_broadcast(&l->desk->changed);
        }
        pthread_mutex_unlock(&l->desk->lock);
    }
}

/* Gives up sessions that nobody holds any more, as no worker stays alive and they would keep this
 * process for ever; with the last one it is said. The keeper ends when it holds none: one that was
 * revived may never have had any. */
static void give_up_abandoned(struct hak_loop *l) {
    l->gave_up |= hak_held_forget_abandoned(&l->held);
    l->is_over = !l->held.count && !l->guests.count && !l->worker.config.hold;
    if (l->is_over && l->gave_up)
        hak_say("the recorded events could not be stored and are lost");
}

/* Starts a worker where one is due; if that is hopeless, sessions that nobody has any more are
 * given up. */
static void start_worker(struct hak_loop *l) {
    if (!hak_keeper_worker_is_due(&l->worker))
        return;
    if (hak_keeper_worker_is_hopeless(&l->worker))
        give_up_abandoned(l);
    if (!l->is_over)
        hak_keeper_worker_start(&l->worker, l->listening, &l->held, &l->unrecorded);
}

/* ---- hellos ---------------------------------------------------------------------------------- */

bool hak_loop_sync_awaits_guests(const struct hak_loop *l) {
    return l->sync_passes > 0 ||
           (l->guests.count > 0 && l->guests.list[0].due_ms <= l->sync_since_ms + HAK_GUEST_MS &&
            hak_time_ms() - l->sync_since_ms <= SYNC_MS);
}

bool hak_loop_finish_awaits_guests(const struct hak_loop *l) {
    return l->guests.count > 0 &&
           (l->finish_since_ms == 0 || hak_time_ms() - l->finish_since_ms <= HAK_GUEST_MS);
}

const char *hak_loop_note_unrecorded(struct hak_loop *l, struct hak_greeting *g,
                                     const struct hak_known_process *who) {
    const char *why = hak_unrecorded_hear(&l->unrecorded, g, who);
    if (!why)
        hak_loop_tell_worker(l);
    return why;
}

/* Reads from the session's header where its reports go. Now, while the program waits for the
 * answer: it may have other rights when another worker asks for it. */
static void read_log_path(struct hak_held_session *s) {
    ssize_t got = pread(s->memfd, s->log_path, sizeof s->log_path - 1,
                        (off_t)offsetof(struct hak_session, log_path));
    s->log_path[got > 0 ? got : 0] = 0;
}

const char *hak_loop_hold(struct hak_loop *l, struct hak_greeting *g,
                          const struct hak_known_process *who) {
    static char few[160]; /* one keeper thread in a process */
    if (l->held.count == 0 && !hak_loop_has_files(few, sizeof few))
        return few;
    if (hak_held_has_too_many(&l->held, who))
        return "the collector has too many living sessions of this process already";
    hak_greeting_correct(g, who);
    struct hak_held_session s = {.number = l->worker.config.next_number,
                                 .memfd = g->memfd,
                                 .is_own = g->is_own,
                                 .peer = *who,
                                 .hello = g->hello};
    read_log_path(&s);
    if (!hak_held_add(&l->held, &s))
        return "the keeper has no memory left";
    g->memfd = -1;
    l->worker.config.next_number++;
    pthread_mutex_lock(&l->desk->lock);
    l->desk->sessions++;
    pthread_mutex_unlock(&l->desk->lock);
    l->beat_due_ms = 0; /* at once, so that the program sees a living keeper */
    hak_loop_tell_worker(l);
    return NULL;
}

/* Makes the keeper reachable by a path; once. False: it is not. */
static bool open_path_socket(struct hak_loop *l) {
    struct hak_link_message *config = &l->worker.config;
    if (l->path_socket < 0)
        l->path_socket = hak_socket_open_path(config->socket_name, config->has_path);
    config->has_path |= l->path_socket >= 0;
    return l->path_socket >= 0;
}

/* Has programs that cannot reach the keeper looked for from now on, and makes it reachable by a
 * path. NULL, or why it has no path. */
static const char *make_reachable_by_path(struct hak_loop *l) {
    struct hak_link_message *config = &l->worker.config;
    bool was_wanted = config->wants_offers, was_open = l->path_socket >= 0;
    config->wants_offers = 1; /* with or without a path that leads here */
    bool is_open = open_path_socket(l);
    /* The worker tells another keeper, should this one die. */
    if (!was_wanted || is_open != was_open)
        (void)hak_keeper_worker_send(&l->worker, config, l->listening);
    return is_open ? NULL : "no socket can be made in " HAK_KEEPER_FOLDER;
}

/* Does what a greeting asks, by its kind: takes the session, notes an unrecorded program, opens a
 * path. NULL, or why not. */
static const char *admit(struct hak_loop *l, struct hak_greeting *g,
                         const struct hak_known_process *who) {
    const char *why = hak_greeting_check(g);
    if (why || g->hello.kind == HAK_HELLO_ASK)
        return why;
    if (g->hello.kind == HAK_HELLO_PATH) {
        hak_offerers_add(&l->offerers, who->pid, 0);
        return make_reachable_by_path(l);
    }
    if (g->hello.kind == HAK_HELLO_UNRECORDED)
        return hak_loop_note_unrecorded(l, g, who);
    /* It may have been found before it was heard. */
    return hak_held_has(&l->held, g->memfd) ? NULL : hak_loop_hold(l, g, who);
}

/* Takes an offered session or note unless it is held already. True: it was taken. */
static bool take_offer(void *loop, struct hak_greeting *offer,
                       const struct hak_known_process *who) {
    struct hak_loop *l = loop;
    return (offer->memfd < 0 || !hak_held_has(&l->held, offer->memfd)) &&
           admit(l, offer, who) == NULL;
}

void hak_loop_look_for_offers(struct hak_loop *l) {
    struct hak_offer_taker taker = {take_offer, l};
    if (l->worker.config.wants_offers)
        hak_offerers_look(&l->offerers, l->worker.config.socket_name, &taker);
}

/* Reads from a guest; one that has said all is answered, and it or one that failed is dropped. */
static void serve_guest(struct hak_loop *l, int i, bool is_readable) {
    struct hak_guest *guest = &l->guests.list[i];
    int got = hak_guests_read(&l->guests, i, is_readable);
    if (got > 0)
        hak_greeting_answer(&guest->greeting, l->worker.config.socket_name,
                            admit(l, &guest->greeting, &guest->peer));
    if (got != 0)
        hak_guests_drop(&l->guests, i);
}

void hak_loop_add_guest(struct hak_loop *l, int socket) {
    /* Most have said it already: they are never among those that wait. */
    serve_guest(l, hak_guests_add(&l->guests, socket), false);
}

bool hak_loop_accept_guests(struct hak_loop *l, int listening) {
    uint64_t begun = hak_time_ms();
    for (int i = 0; i < HAK_GUESTS_MAX && hak_time_ms() - begun < ACCEPT_MS; i++) {
        int socket = hak_guests_accept(&l->guests, listening);
        if (socket < 0)
            return true;
        if (hak_guests_may_speak(&l->guests, &l->held, socket))
            hak_loop_add_guest(l, socket);
        else
            hak_guests_refuse_other_user(&l->guests, socket);
    }
    return false;
}

/* Takes all new connections; counts the passes that a sync waits for until none is left. */
static void accept_all(struct hak_loop *l) {
    bool is_empty = hak_loop_accept_guests(l, l->listening);
    is_empty = (l->path_socket < 0 || hak_loop_accept_guests(l, l->path_socket)) && is_empty;
    if (l->sync_passes == 0)
        return;
    l->sync_passes = is_empty ? 0 : l->sync_passes - 1;
    l->sync_since_ms = hak_time_ms();
}

/* ---- the owner ------------------------------------------------------------------------------- */

/* Begins a SYNC that the owner wants, with some passes over new connections first: a program that
 * has connected before is heard before it is sent. */
static void begin_sync(struct hak_loop *l, uint32_t wanted) {
    if (l->sync_seen == wanted)
        return;
    l->sync_seen = wanted;
    l->sync_passes = SYNC_PASSES;
}

/* Whether FINISH is wanted, and since when. */
static bool wants_finish(struct hak_loop *l, bool hold, bool is_cut) {
    if ((l->held.count > 0 && !is_cut) || hold)
        l->finish_since_ms = 0;
    else if (l->finish_since_ms == 0)
        l->finish_since_ms = hak_time_ms();
    return l->finish_since_ms > 0;
}

/* A worker that lives, as far as can be known, has all that it is to go on with. */
static bool is_handed_over(struct hak_loop *l) {
    hak_loop_read_worker(l);
    return l->worker.link >= 0 && !l->worker.is_finishing && !has_untold(l);
}

/* Passes on the owner's requests. False: the loop is to end now. */
static bool obey(struct hak_loop *l) {
    pthread_mutex_lock(&l->desk->lock);
    bool leave = l->desk->leave, hold = l->desk->hold, hand_over = l->desk->hand_over;
    bool is_cut = l->desk->is_cut;
    uint32_t wanted = l->desk->sync_wanted;
    pthread_mutex_unlock(&l->desk->lock);
    if (leave || (hand_over && is_handed_over(l)) || l->finished || l->is_over)
        return false;
    begin_sync(l, wanted);
    bool finish = wants_finish(l, hold, is_cut);
    if (!hak_loop_tell_worker(l))
        return true;
    struct hak_link_message m = {.type = HAK_LINK_SYNC, .number = wanted};
    if (wanted != l->worker.sync_sent) {
        if (!hak_loop_sync_awaits_guests(l) && hak_loop_tell_refused(l, false) &&
            hak_keeper_worker_send(&l->worker, &m, -1))
            l->worker.sync_sent = wanted;
    } else if (finish && !l->worker.is_finishing && !hak_loop_finish_awaits_guests(l)) {
        m.type = HAK_LINK_FINISH;
        m.number = is_cut;
        l->worker.is_finishing =
            hak_loop_tell_refused(l, true) && hak_keeper_worker_send(&l->worker, &m, -1);
    }
    return true;
}

/* How long the loop may sleep, in ms; 0: something is due. */
static int find_timeout(const struct hak_loop *l, uint64_t now) {
    uint64_t until = l->beat_due_ms;
    if (hak_keeper_worker_is_due(&l->worker) || l->sync_passes > 0)
        return 0;
    if (l->offerers.count && l->offerers.look_due_ms < until)
        until = l->offerers.look_due_ms;
    return until > now ? (int)(until - now) : 0;
}

/* Tells the owner how many steps the worker has read, if they are more. */
static void note_steps(struct hak_loop *l) {
    uint64_t steps = hak_reading_steps(l->worker.reading.page);
    pthread_mutex_lock(&l->desk->lock);
    if (steps > l->desk->steps)
        l->desk->steps = steps;
    pthread_mutex_unlock(&l->desk->lock);
}

/* One turn of the loop: waits for an event or the next moment that is due, then serves worker,
 * guests, offers and new connections. */
static void step(struct hak_loop *l) {
    short room = hak_guests_has_room(&l->guests) ? POLLIN : 0;
    struct pollfd fds[FIXED + HAK_GUESTS_MAX] = {{.fd = l->desk->wake, .events = POLLIN},
                                                 {.fd = l->listening, .events = room},
                                                 {.fd = l->worker.link, .events = POLLIN},
                                                 {.fd = l->path_socket, .events = room},
                                                 {.fd = l->worker.process, .events = POLLIN}};
    int guests = l->guests.count;
    for (int i = 0; i < guests; i++)
        fds[FIXED + i] = (struct pollfd){.fd = l->guests.list[i].greeting.socket, .events = POLLIN};
    if (has_untold(l))
        fds[2].events |= POLLOUT;
    uint64_t now = hak_time_ms(), ignored;
    poll(fds, FIXED + (nfds_t)guests, find_timeout(l, now));
    if (fds[0].revents)
        (void)!read(l->desk->wake, &ignored, sizeof ignored);
    if (fds[2].revents || fds[4].revents)
        hak_loop_read_worker(l);
    if (l->finished) /* a program heard now would be told that it is recorded */
        return;
    for (int i = guests - 1; i >= 0; i--) {
        if (fds[FIXED + i].revents)
            serve_guest(l, i, true);
        else if (now > l->guests.list[i].due_ms)
            hak_guests_drop(&l->guests, i);
    }
    if (fds[1].revents || fds[3].revents || l->sync_passes > 0)
        accept_all(l);
    hak_guests_look(&l->guests, now);
    hak_loop_look_for_offers(l);
    start_worker(l);
    if (hak_time_ms() >= l->beat_due_ms) {
        hak_held_beat(&l->held);
        l->beat_due_ms = hak_time_ms() + BEAT_MS;
        if (l->worker.link >= 0)
            hak_read_watch_look(&l->worker.reading);
        note_steps(l);
    }
}

void *hak_loop_run(void *loop) {
    struct hak_loop *l = loop;
    while (obey(l))
        step(l);
    pthread_mutex_lock(&l->desk->lock);
    l->desk->ended = true;
    l->desk->finished = l->finished;
    pthread_cond_broadcast(&l->desk->changed);
    pthread_mutex_unlock(&l->desk->lock);
    return NULL;
}

/* ---- start and end --------------------------------------------------------------------------- */

struct hak_loop *hak_loop_make(const char *collect_path, struct hak_desk *desk) {
    struct hak_loop *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->desk = desk;
    l->listening = l->path_socket = -1;
    hak_keeper_worker_make(&l->worker, collect_path);
    return l;
}

bool hak_loop_listen(struct hak_loop *l, const char *name) {
    struct hak_link_message *config = &l->worker.config;
    snprintf(config->socket_name, sizeof config->socket_name, "%s", name);
    l->listening = hak_socket_open(config->socket_name);
    return l->listening >= 0;
}

bool hak_loop_adopt(struct hak_loop *l, int link) {
    l->listening = hak_keeper_worker_adopt(&l->worker, link, &l->held);
    if (l->listening >= 0 && l->worker.config.has_path)
        open_path_socket(l);
    for (uint32_t i = 0; l->worker.config.wants_offers && i < l->held.count; i++)
        hak_offerers_add(&l->offerers, l->held.sessions[i].peer.pid, 0);
    return l->listening >= 0;
}

void hak_loop_free(struct hak_loop *l) {
    if (l->finished) /* the worker shall not stay as a zombie of the owner's */
        (void)hak_keeper_worker_reap(&l->worker);
    hak_held_free(&l->held);
    while (l->guests.count)
        hak_guests_drop(&l->guests, 0);
    /* Before the link: the keeper that the worker then starts makes its own. */
    if (l->path_socket >= 0) {
        hak_socket_remove_path(l->worker.config.socket_name);
        hak_leaving_add_listening(&l->guests.leaving, l->path_socket);
    }
    if (l->listening >= 0)
        hak_leaving_add_listening(&l->guests.leaving, l->listening);
    hak_leaving_end(&l->guests.leaving);
    hak_keeper_worker_free(&l->worker);
    free(l->offerers.members);
    free(l->unrecorded.list);
    free(l);
}

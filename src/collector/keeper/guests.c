/* Programs that say hello to the keeper: accepted, checked, answered. */
#include "collector/keeper/keeper_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"
#include "base/array.h"

#define GUEST_MS        5000
#define GUESTS_OF_ONE   4
#define ACCEPT_MS       20   /* then the keeper does its other work */
#define SESSIONS_OF_ONE 64   /* that live: one of its own, and its children may keep earlier ones */
#define SYNC_MS         1000 /* a program says hello right after it has connected */

bool hak_keeper_sync_awaits_guests(const struct hak_keeper *k) {
    return k->sync_passes > 0 ||
           (k->guest_count > 0 && k->guests[0].due_ms <= k->sync_since_ms + GUEST_MS &&
            hak_time_ms() - k->sync_since_ms <= SYNC_MS);
}

bool hak_keeper_finish_awaits_guests(const struct hak_keeper *k) {
    return k->guest_count > 0 &&
           (k->finish_since_ms == 0 || hak_time_ms() - k->finish_since_ms <= GUEST_MS);
}

/* Of the tree: of the programs that have said hello, and of those that `run`, which is the keeper
 * itself then, has started (unrecorded ones come for a fault alone). Who is not is remembered, so
 * that thousands of his connections cost little more than to close them. */
static bool is_of_tree(struct hak_keeper *k, pid_t pid) {
    struct hak_known_process *refused = &k->strangers[(uint32_t)pid % HAK_KEEPER_STRANGERS];
    struct hak_peer peer = {0};
    int count = 1;
    if (hak_peer_read(pid, &peer) && refused->pid == pid && refused->start_time == peer.start_time)
        return false;
    struct hak_known_process *known = calloc((size_t)k->held_count + 1, sizeof *known);
    if (!known)
        return false;
    known[0].pid = getpid();
    for (int i = 0; i < k->held_count; i++)
        if (k->held[i].peer_pid > 0)
            known[count++] =
                (struct hak_known_process){k->held[i].peer_pid, k->held[i].peer_start_time};
    bool is_known = hak_peer_descends(pid, known, count);
    free(known);
    if (is_known)
        return true;
    *refused = (struct hak_known_process){.pid = pid, .start_time = peer.start_time};
    return false;
}

/* One of the keeper's own user, or of the tree, is heard; all others are sent away at once. */
static bool may_speak(struct hak_keeper *k, int socket) {
    struct ucred peer = {0};
    socklen_t bytes = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
        return false;
    return hak_peer_is_own_user(&peer) || (is_of_tree(k, peer.pid) && hak_peer_has_kept_id(socket));
}

static const char *make_way(struct hak_keeper *k) {
    bool was_wanted = k->config.wants_offers, was_open = k->way >= 0;
    k->config.wants_offers = 1; /* with or without a path that leads here */
    bool is_open = hak_keeper_open_way(k), is_new = !was_wanted || is_open != was_open;
    /* The worker tells another keeper, should this one die. */
    if (is_new && k->link >= 0 && hak_link_send(k->link, &k->config, k->listening) < 0)
        hak_keeper_lose_worker(k);
    return is_open ? NULL : "no socket can be made in " HAK_KEEPER_FOLDER;
}

/* Who says hello is asked of the kernel, where it can be. */
static void correct_hello(struct hak_hello *hello, const struct hak_known_process *who) {
    pid_t innermost = hak_pid_innermost(who->pid);
    uint64_t space = hak_pid_namespace_of(who->pid);
    if (who->start_time == HAK_PEER_NOBODY)
        return;
    if (who->start_time) /* in another time namespace it counts from elsewhere */
        hello->start_time = who->start_time;
    if (innermost && hak_peer_is_same(who)) {
        hello->pid = innermost;
        hello->pid_space = space                                         ? space
                           : hello->pid_space == hak_pid_namespace_own() ? 0
                                                                         : hello->pid_space;
    }
}

/* False where the kernel does not tell of children; where it does, one that is not seen is none. */
static bool children_are_told(pid_t parent) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    return hak_proc_is_own() && access(path, R_OK) == 0;
}

/* A note of a child is heard once, and so many of all. */
static void keep_note(struct hak_keeper *k, const struct hak_note *note) {
    for (uint32_t i = 0; note->hello.child && i < k->note_count; i++) {
        const struct hak_note *one = &k->notes[i];
        if (one->speaker.pid == note->speaker.pid &&
            one->speaker.start_time == note->speaker.start_time &&
            one->hello.child == note->hello.child &&
            one->hello.start_time == note->hello.start_time)
            return;
    }
    if (k->note_count < HAK_KEEPER_NOTES &&
        hak_array_make_room(&k->notes, k->note_count, &k->note_capacity, sizeof *k->notes)) {
        k->notes[k->note_count++] = *note;
    } else {
        k->notes_refused++;
        k->last_refused = note->speaker;
        k->last_refused_ns = note->heard_ns;
    }
}

bool hak_keeper_tell_refused_notes(struct hak_keeper *k, bool is_last) {
    uint32_t due = is_last ? k->refused_told + 1 : k->refused_told * 2 + 1; /* not each time */
    if (k->link < 0 || k->notes_refused < due)
        return true;
    struct hak_link_message m = {
        .type = HAK_LINK_UNRECORDED,
        .peer_pid = k->last_refused.pid,
        .heard_ns = k->last_refused_ns,
        .hello = {.pid = k->last_refused.pid, .start_time = k->last_refused.start_time}};
    snprintf(m.hello.text, sizeof m.hello.text,
             "%u programs that are not recorded are not told of: %u were already", k->notes_refused,
             (unsigned)HAK_KEEPER_NOTES);
    if (hak_link_send(k->link, &m, -1) != 0)
        return false;
    k->refused_told = k->notes_refused;
    return true;
}

const char *hak_keeper_note_unrecorded(struct hak_keeper *k, struct hak_greeting *g,
                                       const struct hak_known_process *who) {
    struct hak_peer about = {0};
    pid_t peer = who->pid;
    if (peer > 0 && !hak_peer_is_same(who))
        return "the process that says so is gone";
    (void)hak_peer_read(peer, &about); /* now, while it waits for the answer */
    correct_hello(&g->hello, who);     /* `child` is of the same namespace as its pid */
    bool is_child = g->hello.child != 0;
    struct hak_inner_pid inner = {.pid = g->hello.child, .space = g->hello.pid_space};
    pid_t child = 0;
    struct hak_peer self = {0};
    bool is_here = inner.space ? inner.space == hak_pid_namespace_own() : g->hello.pid == peer;
    if (is_child && !is_here) {
        child = hak_pid_of_child(peer, &inner);
        if (child == 0 && hak_pid_namespace_of(peer) && children_are_told(peer))
            return "the process has no such child";
    } else if (is_child && hak_peer_read(inner.pid, &self)) {
        if (self.parent != peer)
            return "the process is no child of the one that says so";
        child = hak_pid_can_be(inner.pid, &inner) ? inner.pid : 0;
    }
    struct hak_note note = {.speaker = *who,
                            .pid = is_child ? child : peer,
                            .parent = is_child ? peer : about.parent,
                            .heard_ns = hak_time_kernel_ns(CLOCK_MONOTONIC),
                            .hello = g->hello};
    note.hello.start_time = note.pid > 0 && hak_peer_read(note.pid, &self) ? self.start_time : 0;
    keep_note(k, &note);
    hak_keeper_tell_worker(k);
    return NULL;
}

bool hak_keeper_holds(const struct hak_keeper *k, int memory) {
    struct stat about, held;
    if (fstat(memory, &about) != 0)
        return false;
    for (int i = 0; i < k->held_count; i++)
        if (fstat(k->held[i].memfd, &held) == 0 && held.st_ino == about.st_ino &&
            held.st_dev == about.st_dev)
            return true;
    return false;
}

/* Each takes descriptors of the keeper's and the worker's. Not those of programs that the process
 * executed before: nobody holds them, and the worker is done with them soon. Without /proc that
 * cannot be asked. */
static bool has_too_many(const struct hak_keeper *k, const struct hak_known_process *who) {
    int living = 0;
    for (int i = 0; i < k->held_count && living < SESSIONS_OF_ONE; i++) {
        const struct held *h = &k->held[i];
        living += h->peer_pid == who->pid && h->peer_start_time == who->start_time && h->is_own &&
                  hak_session_file_is_held(h->memfd, true);
    }
    return who->pid > 0 && living == SESSIONS_OF_ONE;
}

/* Where reports of the session go. Read now, while the program waits for the answer: it may have
 * other rights when another worker asks for it. */
static void read_log_path(struct held *h) {
    ssize_t got = pread(h->memfd, h->log_path, sizeof h->log_path - 1,
                        (off_t)offsetof(struct hak_session, log_path));
    h->log_path[got > 0 ? got : 0] = 0;
}

const char *hak_keeper_hold(struct hak_keeper *k, struct hak_greeting *g,
                            const struct hak_known_process *who) {
    static char few[160]; /* one keeper thread in a process */
    if (k->held_count == 0 && !hak_keeper_has_files(few, sizeof few))
        return few;
    if (has_too_many(k, who))
        return "the collector has too many living sessions of this process already";
    if (!hak_array_make_room(&k->held, (uint64_t)k->held_count, &k->held_capacity, sizeof *k->held))
        return "the keeper has no memory left";
    correct_hello(&g->hello, who);
    k->held[k->held_count++] = (struct held){.number = k->config.next_number++,
                                             .memfd = hak_greeting_take_memfd(g),
                                             .is_own = g->is_own,
                                             .peer_pid = who->pid,
                                             .peer_start_time = who->start_time,
                                             .hello = g->hello};
    read_log_path(&k->held[k->held_count - 1]);
    pthread_mutex_lock(&k->lock);
    k->sessions++;
    pthread_mutex_unlock(&k->lock);
    k->beat_due_ms = 0; /* at once, so that the program sees a living keeper */
    hak_keeper_tell_worker(k);
    return NULL;
}

static const char *hear_hello(struct hak_keeper *k, struct hak_guest *guest) {
    struct hak_greeting *g = &guest->greeting;
    const char *why = hak_greeting_check(g);
    if (why)
        return why;
    if (g->hello.kind == HAK_HELLO_WAY) {
        hak_keeper_add_family(k, guest->peer.pid, 0);
        return make_way(k);
    }
    if (g->hello.kind == HAK_HELLO_UNRECORDED)
        return hak_keeper_note_unrecorded(k, g, &guest->peer);
    if (hak_keeper_holds(k, g->memfd)) /* it was found before it was heard */
        return NULL;
    return hak_keeper_hold(k, g, &guest->peer);
}

void hak_keeper_drop_guest(struct hak_keeper *k, int i) {
    int socket = hak_greeting_close(&k->guests[i].greeting);
    hak_leaving_add(&k->leaving, socket, hak_time_ms());
    k->guest_count--;
    memmove(&k->guests[i], &k->guests[i + 1], (size_t)(k->guest_count - i) * sizeof k->guests[0]);
}

void hak_keeper_hear_guest(struct hak_keeper *k, int i, bool is_readable) {
    struct hak_greeting *g = &k->guests[i].greeting;
    size_t before = g->got;
    int got =
        k->guests[i].is_apart ? hak_greeting_read_apart(g, &k->readers) : hak_greeting_read(g);
    bool has_more = got == 0 && (g->got != before || !is_readable);
    if (has_more) /* else an urgent byte, which nobody reads, would wake us for ever */
        return;
    if (got > 0) {
        const char *why = hear_hello(k, &k->guests[i]);
        hak_greeting_answer(g, k->config.socket_name, why);
    }
    hak_keeper_drop_guest(k, i);
}

/* Room for a guest of process `pid`: one process waits for few answers at a time, and who came
 * first and has said nothing yet makes room for all others. */
static void make_room_for(struct hak_keeper *k, pid_t pid) {
    int of_pid = 0, first_of_pid = 0;
    for (int i = k->guest_count - 1; i >= 0; i--)
        if (k->guests[i].peer.pid == pid) {
            first_of_pid = i;
            of_pid++;
        }
    if (of_pid >= GUESTS_OF_ONE)
        hak_keeper_drop_guest(k, first_of_pid);
    else if (k->guest_count == HAK_KEEPER_GUESTS)
        hak_keeper_drop_guest(k, 0);
}

/* One of our user in our pid namespace can kill this process anyway. */
static bool can_end_us(const struct ucred *peer) {
    return peer->uid == geteuid() && peer->pid > 0 &&
           (!hak_proc_is_own() || hak_pid_namespace_of(peer->pid) == hak_pid_namespace_own());
}

void hak_keeper_add_guest(struct hak_keeper *k, int socket) {
    struct ucred peer = {0};
    socklen_t bytes = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
        peer = (struct ucred){0};
    make_room_for(k, peer.pid);
    struct hak_guest *guest = &k->guests[k->guest_count++];
    hak_greeting_open(&guest->greeting, socket);
    guest->is_apart = !can_end_us(&peer);
    struct hak_peer about = {0};
    enum hak_peer_answer answer = hak_peer_ask(peer.pid, &about);
    bool can_be_another = answer == HAK_PEER_GONE || answer == HAK_PEER_HELD;
    bool is_itself = !can_be_another && hak_peer_has_kept_id(socket);
    guest->peer = (struct hak_known_process){
        .pid = peer.pid, .start_time = is_itself ? about.start_time : HAK_PEER_NOBODY};
    guest->due_ms = hak_time_ms() + GUEST_MS;
    /* Most have said it already: they are never among those that wait. */
    hak_keeper_hear_guest(k, k->guest_count - 1, false);
}

static void send_away(struct hak_keeper *k, int socket) {
    struct hak_greeting greeting;
    hak_greeting_open(&greeting, socket);
    hak_greeting_answer(&greeting, "", "the keeper belongs to another user");
    hak_leaving_add(&k->leaving, hak_greeting_close(&greeting), hak_time_ms());
}

bool hak_keeper_has_room(const struct hak_keeper *k) {
    /* Each guest and both sockets that listen may need it, and so may the next guest. */
    return hak_leaving_room(&k->leaving) >= k->guest_count + 3;
}

bool hak_keeper_accept_guests(struct hak_keeper *k, int listening) {
    uint64_t begun = hak_time_ms();
    for (int i = 0; i < HAK_KEEPER_GUESTS && hak_time_ms() - begun < ACCEPT_MS; i++) {
        if (!hak_keeper_has_room(k))
            return true;
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                usleep(10000); /* the guest stays in the queue */
            return true;
        }
        if (may_speak(k, fd))
            hak_keeper_add_guest(k, fd);
        else
            send_away(k, fd);
    }
    return false;
}

/* Programs that say hello to the keeper: accepted, checked, answered. */
#include "collector/keeper_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "collector/peer.h"
#include "store/array.h"

#define GUEST_MS 5000

/* One of the keeper's own user, or of the tree: of the programs that have said hello, and of those
 * that `run`, which is the keeper itself then, has started (unrecorded ones come for a fault
 * alone).
 */
static bool may_speak(struct hak_keeper *k, const struct ucred *peer) {
    if (peer->uid == geteuid())
        return true;
    pid_t known[256] = {getpid()};
    int count = 1;
    for (int i = 0; i < k->held_count && count < 256; i++)
        if (k->held[i].peer_pid > 0)
            known[count++] = k->held[i].peer_pid;
    return hak_peer_descends(peer->pid, known, count);
}

static const char *make_way(struct hak_keeper *k) {
    bool is_new = k->way < 0;
    if (!hak_keeper_open_way(k))
        return "no socket can be made in " HAK_KEEPER_FOLDER;
    /* The worker tells another keeper, should this one die. */
    if (is_new && k->link >= 0 && hak_link_send(k->link, &k->config, k->listening) < 0)
        hak_keeper_lose_worker(k);
    return NULL;
}

/* Best effort: without a worker, nothing of the process is known but that it was executed. */
static const char *pass_on_unrecorded(struct hak_keeper *k, const struct hak_greeting *g,
                                      pid_t peer) {
    struct hak_peer about = {0};
    (void)hak_peer_read(peer, &about); /* now, while it waits for the answer */
    bool is_child = g->hello.child != 0;
    struct hak_link_message m = {.type = HAK_LINK_UNRECORDED,
                                 .number = (uint32_t)(is_child ? peer : about.parent),
                                 .peer_pid = is_child ? g->hello.child : peer,
                                 .hello = g->hello};
    if (k->link >= 0 && hak_link_send(k->link, &m, -1) < 0)
        hak_keeper_lose_worker(k);
    return NULL;
}

static const char *hold_session(struct hak_keeper *k, struct hak_greeting *g) {
    struct ucred peer = {0};
    socklen_t bytes = sizeof peer;
    if (getsockopt(g->socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 || !may_speak(k, &peer))
        return "the keeper belongs to another user";
    const char *why = hak_greeting_check(g);
    if (why)
        return why;
    if (g->hello.kind == HAK_HELLO_WAY)
        return make_way(k);
    if (g->hello.kind == HAK_HELLO_UNRECORDED)
        return pass_on_unrecorded(k, g, peer.pid);
    static char few[160]; /* one keeper thread in a process */
    if (k->held_count == 0 && !hak_keeper_has_files(few, sizeof few))
        return few;
    if (!hak_array_make_room(&k->held, (uint64_t)k->held_count, &k->held_capacity, sizeof *k->held))
        return "the keeper has no memory left";
    k->held[k->held_count++] = (struct held){.number = k->config.next_number++,
                                             .memfd = hak_greeting_take_memfd(g),
                                             .peer_pid = peer.pid,
                                             .hello = g->hello};
    pthread_mutex_lock(&k->lock);
    k->sessions++;
    pthread_mutex_unlock(&k->lock);
    k->beat_due_ms = 0; /* at once, so that the program sees a living keeper */
    hak_keeper_tell_sessions(k);
    return NULL;
}

void hak_keeper_drop_guest(struct hak_keeper *k, int i) {
    hak_greeting_close(&k->guests[i]);
    k->guest_count--;
    k->guests[i] = k->guests[k->guest_count];
    k->guest_due_ms[i] = k->guest_due_ms[k->guest_count];
}

void hak_keeper_hear_guest(struct hak_keeper *k, int i) {
    int got = hak_greeting_read(&k->guests[i]);
    if (got == 0)
        return;
    if (got > 0) {
        const char *why = hold_session(k, &k->guests[i]);
        hak_greeting_answer(&k->guests[i], k->config.socket_name, why);
    }
    hak_keeper_drop_guest(k, i);
}

void hak_keeper_add_guest(struct hak_keeper *k, int socket) {
    if (k->guest_count == HAK_KEEPER_GUESTS)
        hak_keeper_drop_guest(k, 0);
    hak_greeting_open(&k->guests[k->guest_count], socket);
    k->guest_due_ms[k->guest_count++] = hak_keeper_now_ms() + GUEST_MS;
}

void hak_keeper_accept_guests(struct hak_keeper *k, int listening) {
    for (int i = 0; i < HAK_KEEPER_GUESTS; i++) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                usleep(10000); /* the guest stays in the queue */
            return;
        }
        hak_keeper_add_guest(k, fd);
    }
}

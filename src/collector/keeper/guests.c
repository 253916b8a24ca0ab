/* Accepts programs, and reads their hellos. */
#include "collector/keeper/guests.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUESTS_OF_ONE 4

/* Whether the process is of the tree: of the programs that have said hello, and of those that
 * `run`, which is the keeper itself then, has started (unrecorded ones come for a fault alone). A
 * process outside it is remembered, so that thousands of its connections cost little more than to
 * close them. */
static bool is_of_tree(struct hak_guests *guests, const struct hak_held *held, pid_t pid) {
    struct hak_known_process *refused = &guests->refused_users[(uint32_t)pid % HAK_GUESTS_REFUSED];
    struct hak_peer peer = {0};
    if (hak_peer_read(pid, &peer) && refused->pid == pid && refused->start_time == peer.start_time)
        return false;
    bool is_known = hak_held_is_of_tree(held, pid);
    if (!is_known)
        *refused = (struct hak_known_process){.pid = pid, .start_time = peer.start_time};
    return is_known;
}

/* The process at the other end; of nobody where the kernel does not say. */
static struct ucred peer_of(int socket) {
    struct ucred peer = {0};
    socklen_t bytes = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
        peer = (struct ucred){.uid = (uid_t)-1};
    return peer;
}

bool hak_guests_may_speak(struct hak_guests *guests, const struct hak_held *held, int socket) {
    struct ucred peer = peer_of(socket);
    return hak_peer_is_own_user(&peer) ||
           (is_of_tree(guests, held, peer.pid) && hak_peer_has_kept_id(socket));
}

void hak_guests_drop(struct hak_guests *guests, int i) {
    hak_leaving_add(&guests->leaving, hak_greeting_close(&guests->list[i].greeting), hak_time_ms());
    guests->count--;
    memmove(&guests->list[i], &guests->list[i + 1],
            (size_t)(guests->count - i) * sizeof guests->list[0]);
}

int hak_guests_read(struct hak_guests *guests, int i, bool is_readable) {
    struct hak_greeting *g = &guests->list[i].greeting;
    size_t before = g->got;
    int got = guests->list[i].is_in_child ? hak_greeting_read_in_child(g, &guests->readers)
                                          : hak_greeting_read(g);
    /* An urgent byte, which nobody reads, would wake us for ever. */
    return got == 0 && g->got == before && is_readable ? -1 : got;
}

void hak_guests_look(struct hak_guests *guests, uint64_t now_ms) {
    hak_short_child_reap(&guests->readers);
    hak_leaving_look(&guests->leaving, now_ms);
}

/* Makes room for a guest of process `pid` by dropping one: one process waits for few answers at a
 * time, and the oldest guest that has said nothing yet makes room for all others. */
static void make_room_for(struct hak_guests *guests, pid_t pid) {
    int of_pid = 0, first_of_pid = 0;
    for (int i = guests->count - 1; i >= 0; i--)
        if (guests->list[i].peer.pid == pid) {
            first_of_pid = i;
            of_pid++;
        }
    if (of_pid >= GUESTS_OF_ONE)
        hak_guests_drop(guests, first_of_pid);
    else if (guests->count == HAK_GUESTS_MAX)
        hak_guests_drop(guests, 0);
}

/* One of our user in our pid namespace can kill this process anyway. */
static bool can_end_us(const struct ucred *peer) {
    return peer->uid == geteuid() && peer->pid > 0 &&
           (!hak_proc_is_own() || hak_pid_namespace_of(peer->pid) == hak_pid_namespace_own());
}

int hak_guests_add(struct hak_guests *guests, int socket) {
    struct ucred peer = peer_of(socket);
    make_room_for(guests, peer.pid);
    struct hak_guest *guest = &guests->list[guests->count++];
    hak_greeting_open(&guest->greeting, socket);
    guest->is_in_child = !can_end_us(&peer);
    struct hak_peer about = {0};
    enum hak_peer_answer answer = hak_peer_ask(peer.pid, &about);
    bool can_be_another = answer == HAK_PEER_GONE || answer == HAK_PEER_HELD;
    bool is_itself = !can_be_another && hak_peer_has_kept_id(socket);
    guest->peer = (struct hak_known_process){
        .pid = peer.pid, .start_time = is_itself ? about.start_time : HAK_PEER_NOBODY};
    guest->due_ms = hak_time_ms() + HAK_GUEST_MS;
    return guests->count - 1;
}

void hak_guests_refuse_other_user(struct hak_guests *guests, int socket) {
    struct hak_greeting greeting;
    hak_greeting_open(&greeting, socket);
    hak_greeting_answer(&greeting, "", "the keeper belongs to another user");
    hak_leaving_add(&guests->leaving, hak_greeting_close(&greeting), hak_time_ms());
}

bool hak_guests_has_room(const struct hak_guests *guests) {
    /* Each guest and both sockets that listen may need it, and so may the next guest. */
    return hak_leaving_room(&guests->leaving) >= guests->count + 3;
}

int hak_guests_accept(const struct hak_guests *guests, int listening) {
    if (!hak_guests_has_room(guests))
        return -1;
    int socket = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0 && (errno == EMFILE || errno == ENFILE))
        usleep(10000); /* the guest stays in the queue */
    return socket;
}

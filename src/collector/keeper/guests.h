/* Programs between connect and answer: who may speak, and for how long each is listened to.
 *
 *   listening socket --accept--> may it speak? --add--> a guest --read--> its hello is whole
 *                                     \-> sent away                          --answer--> leaving.h
 *
 * The content of a hello is not looked at here. In the keeper's thread only. */
#ifndef HAK_COLLECTOR_KEEPER_GUESTS_H
#define HAK_COLLECTOR_KEEPER_GUESTS_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/keeper/greeting.h"
#include "collector/keeper/held.h"
#include "collector/keeper/leaving.h"

#define HAK_GUESTS_MAX     64
#define HAK_GUESTS_REFUSED 256
#define HAK_GUEST_MS       5000 /* so long it has time to say hello */

struct hak_guest {
    struct hak_greeting greeting;
    struct hak_known_process peer;
    bool is_in_child; /* hak_greeting_read_in_child */
    uint64_t due_ms;
};

struct hak_guests {
    struct hak_guest list[HAK_GUESTS_MAX]; /* the one that came first is the first */
    int count;
    struct hak_leaving leaving;
    struct hak_short_children readers;
    struct hak_known_process refused_users[HAK_GUESTS_REFUSED]; /* refused processes, by pid */
};

/* A connection from the queue; -1 = there is none, or no room for it now. */
int hak_guests_accept(const struct hak_guests *guests, int listening);
/* False while sockets of others hold all the room (leaving.h). */
bool hak_guests_has_room(const struct hak_guests *guests);
/* Whether the process at the other end is heard: one of the keeper's own user, or of the tree. */
bool hak_guests_may_speak(struct hak_guests *guests, const struct hak_held *held, int socket);
/* Answers a connection that the keeper belongs to another user, and closes it at once. */
void hak_guests_refuse_other_user(struct hak_guests *guests, int socket);

/* Adds a guest that has connected, and makes room by dropping others; does not ask for its
 * identity. Returns its number. */
int hak_guests_add(struct hak_guests *guests, int socket);
/* Reads what guest `i` has sent. 1 = its hello is whole, 0 = not yet, -1 = nothing comes of it. */
int hak_guests_read(struct hak_guests *guests, int i, bool is_readable);

/* Closes a guest's connection and takes it off the list. */
void hak_guests_drop(struct hak_guests *guests, int i);
/* At each turn of the loop: reaps the children that read, and closes sockets when it is time. */
void hak_guests_look(struct hak_guests *guests, uint64_t now_ms);

#endif

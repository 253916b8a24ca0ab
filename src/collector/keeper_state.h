/* What the parts of the keeper share: its state, and what they call of each other.
 *
 *   keeper.c         the loop        keeper_guests.c  programs that say hello
 *   keeper_worker.c  the worker      keeper_owner.c   the side of `run`
 *   keeper_socket.c  the sockets, and the ways to them
 *
 * All but keeper_owner.c run in the keeper's thread. */
#ifndef HAK_COLLECTOR_KEEPER_STATE_H
#define HAK_COLLECTOR_KEEPER_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "collector/greeting.h"
#include "collector/keeper.h"
#include "collector/link.h"
#include "collector/peer.h"

#define HAK_KEEPER_GUESTS    64
#define HAK_KEEPER_STRANGERS 256

struct held {
    uint32_t number;
    bool told; /* the worker has it */
    int memfd;
    pid_t peer_pid;
    uint64_t peer_start_time; /* 0 = could not be read */
    struct hak_hello hello;
};

/* A program between connect and answer. */
struct hak_guest {
    struct hak_greeting greeting;
    struct ucred peer;
    uint64_t due_ms;
};

struct hak_keeper {
    char collect_path[HAK_PATH_BYTES];
    struct hak_link_message config;
    int listening, link, wake;
    int way;      /* listens at a path; -1 = not needed yet */
    pid_t worker; /* 0 = none, or one that somebody else started */
    uint64_t worker_due_ms;
    int quick_deaths;
    bool finishing; /* FINISH is said, its answer due */
    bool finished, gave_up;
    struct held *held;
    int held_count;
    uint32_t held_capacity;
    struct hak_guest guests[HAK_KEEPER_GUESTS]; /* the one that came first is the first */
    int guest_count;
    uint64_t guests_since_ms; /* when the first one came where none was */
    struct hak_known_process strangers[HAK_KEEPER_STRANGERS]; /* who was refused, by pid */
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

/* CLOCK_MONOTONIC in milliseconds. */
uint64_t hak_keeper_now_ms(void);
/* One line on stderr. */
void hak_keeper_say(const char *text);

/* Raises the limit of open files as far as it goes; true when it leaves room for a recording. `why`
 * gets the words when it does not. */
bool hak_keeper_has_files(char *why, size_t bytes);

/* A listening socket with the abstract name `name`, which is drawn when it is empty. -1 when it
 * cannot be had: errno EADDRINUSE when another keeper has the name. */
int hak_keeper_open_socket(char name[108]);
/* Makes the keeper reachable by a path, for programs in another network namespace; once. */
bool hak_keeper_open_way(struct hak_keeper *k);
void hak_keeper_close_way(struct hak_keeper *k);

/* keeper_guests.c: programs between connect and answer. `add` asks nothing of who it is. */
void hak_keeper_add_guest(struct hak_keeper *k, int socket);
void hak_keeper_drop_guest(struct hak_keeper *k, int i);
void hak_keeper_hear_guest(struct hak_keeper *k, int i);
void hak_keeper_accept_guests(struct hak_keeper *k, int listening);
/* True while a guest may yet say hello: its end is not waited for longer than a guest's time. */
bool hak_keeper_awaits_guests(const struct hak_keeper *k);

/* keeper_worker.c. Tells the worker of what it does not have yet, as far as the link takes it; true
 * when it has all. */
bool hak_keeper_tell_sessions(struct hak_keeper *k);
void hak_keeper_start_worker(struct hak_keeper *k);
void hak_keeper_lose_worker(struct hak_keeper *k);
void hak_keeper_hear_worker(struct hak_keeper *k);
/* Takes over from a keeper that died: its worker says all that a keeper must know. */
bool hak_keeper_adopt(struct hak_keeper *k, int link);

struct hak_keeper *hak_keeper_make(const char *collect_path);
void hak_keeper_free(struct hak_keeper *k);
/* The loop; returns at the keeper's end. */
void *hak_keeper_run(void *keeper);

#endif

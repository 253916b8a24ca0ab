/* What the parts of the keeper share: its state, and what they call of each other.
 *
 *   keeper.c         the loop        keeper_guests.c  programs that say hello
 *   keeper_worker.c  the worker      keeper_owner.c   the side of `run`
 *   keeper_socket.c  the sockets, and the ways to them
 *   keeper_reading.c files that kill the worker
 *   keeper_offers.c  programs that no socket leads to
 *   leaving.c        sockets of others that are closed   session_file.c  memfds of others
 *
 * All but keeper_owner.c run in the keeper's thread. */
#ifndef HAK_COLLECTOR_KEEPER_KEEPER_STATE_H
#define HAK_COLLECTOR_KEEPER_KEEPER_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "collector/keeper/greeting.h"
#include "collector/keeper/keeper.h"
#include "collector/keeper/leaving.h"
#include "collector/link/link.h"
#include "collector/kernel/kernel.h"
#include "symbols/reading.h"

#define HAK_KEEPER_GUESTS    64
#define HAK_KEEPER_STRANGERS 256
#define HAK_KEEPER_NOTES     16384 /* of programs that are not recorded: each may be a row */

struct held {
    uint32_t number;
    bool told; /* the worker has it */
    int memfd;
    bool is_own; /* the memfd: hak_session_file_make_own */
    pid_t peer_pid;
    uint64_t peer_start_time; /* 0 = could not be read */
    struct hak_hello hello;
    char log_path[HAK_PATH_BYTES]; /* what the memory said when it was taken */
};

/* A file that is not read any more, and why. */
struct hak_unreadable {
    struct hak_read_file file;
    char why[160];
};

/* A process that may be where no socket leads (keeper_offers.c). */
struct hak_family_member {
    struct hak_known_process process;
    uint64_t taken; /* inode of what it offered last, 0 = nothing */
    struct hak_children_look look;
};

/* What a reader of the worker's was seen at. */
struct hak_watched_read {
    uint64_t serial, since_ms;
    double seconds; /* processor time of its thread then; below 0 = not known */
};

/* A program between connect and answer. */
struct hak_guest {
    struct hak_greeting greeting;
    struct hak_known_process peer;
    bool is_apart; /* hak_greeting_read_apart */
    uint64_t due_ms;
};

/* Process `speaker` said that it, or its child, is not recorded. Kept to the end: a worker may die
 * before it has stored it. */
struct hak_note {
    struct hak_known_process speaker;
    pid_t pid, parent; /* as the keeper sees them; 0 = not known */
    uint64_t heard_ns;
    struct hak_hello hello;
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
    struct hak_leaving leaving;
    struct hak_short_children readers;
    struct hak_known_process strangers[HAK_KEEPER_STRANGERS]; /* who was refused, by pid */
    struct hak_note *notes; /* in the order in which they came; of a child one */
    uint32_t note_count, note_capacity;
    uint32_t notes_told;                  /* the worker has these */
    uint32_t notes_refused, refused_told; /* beyond HAK_KEEPER_NOTES; the worker knows how many */
    struct hak_known_process last_refused;
    uint64_t last_refused_ns;
    uint32_t sync_seen;       /* the SYNC that was last seen to be wanted */
    int sync_passes;          /* over the queue of programs, before it is sent */
    uint64_t sync_since_ms;   /* when they were done */
    uint64_t finish_since_ms; /* since when FINISH is wanted, 0 = it is not */
    struct hak_family_member *family;
    uint32_t family_count, family_capacity;
    uint32_t family_next; /* where the next look begins */
    uint64_t look_due_ms, orphans_due_ms;
    int look_pause_ms;
    uint64_t beat_due_ms;
    int reading_page; /* of the worker (symbols/reading.h); -1 = not known */
    pid_t reader;     /* the worker */
    int overdue;      /* the reader for which it was killed, -1 = none */
    struct hak_watched_read reads[HAK_READERS];
    struct hak_unreadable *unreadable;
    uint32_t unreadable_count, unreadable_capacity;
    struct hak_read_file suspect; /* was read when a worker died without a proof */
    int suspect_deaths;
    pthread_t thread;
    /* Between the thread and its owner. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t sync_wanted, sync_sent, sync_done, sync_live;
    uint32_t sessions;
    bool hold, leave, ended;
    bool hand_over; /* leaves when its worker has all: that starts another keeper */
    char store_path[HAK_PATH_BYTES];
};

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
void hak_keeper_hear_guest(struct hak_keeper *k, int i, bool is_readable);
/* True when nobody more is in the queue, or can be taken now. */
bool hak_keeper_accept_guests(struct hak_keeper *k, int listening);
/* False while what others left holds all the room (leaving.h). */
bool hak_keeper_has_room(const struct hak_keeper *k);
/* True while a guest may yet say hello and SYNC, or FINISH, is to wait for it. New guests prolong
 * neither: a SYNC waits for those that came before it alone. */
bool hak_keeper_sync_awaits_guests(const struct hak_keeper *k);
bool hak_keeper_finish_awaits_guests(const struct hak_keeper *k);

/* Takes a session's memory, which has been checked, from process `who`; else why not. What the
 * hello says of its pid and start gives way to what the kernel says. */
const char *hak_keeper_hold(struct hak_keeper *k, struct hak_greeting *g,
                            const struct hak_known_process *who);
/* True when `memory` is a session's that is held already. */
bool hak_keeper_holds(const struct hak_keeper *k, int memory);

/* Passes on what process `who` says of itself or of a child; why not, NULL = it did. */
const char *hak_keeper_note_unrecorded(struct hak_keeper *k, struct hak_greeting *g,
                                       const struct hak_known_process *who);
/* Lets the store say how many were not kept; before the end to the last one. False: not now. */
bool hak_keeper_tell_refused_notes(struct hak_keeper *k, bool is_last);

/* keeper_offers.c: `pid` may come to be, or start programs, where no socket leads. True when that
 * is news. A process that is not a child of `parent` is not added, 0 = whoever's it is. */
bool hak_keeper_add_family(struct hak_keeper *k, pid_t pid, pid_t parent);
/* Takes what these offer, when it is time to look. */
void hak_keeper_look_for_offers(struct hak_keeper *k);

/* keeper_worker.c. Tells the worker of sessions and notes that it does not have yet, as far as the
 * link takes them; true when it has all that it can be told now. */
bool hak_keeper_tell_worker(struct hak_keeper *k);
/* True when there is something for the worker as soon as the link takes it. */
bool hak_keeper_has_untold(const struct hak_keeper *k);
void hak_keeper_start_worker(struct hak_keeper *k);
void hak_keeper_lose_worker(struct hak_keeper *k);
void hak_keeper_hear_worker(struct hak_keeper *k);
/* Takes over from a keeper that died: its worker says all that a keeper must know. */
bool hak_keeper_adopt(struct hak_keeper *k, int link);

/* keeper_reading.c: the worker's page is the keeper's from then on. */
void hak_keeper_take_page(struct hak_keeper *k, int page, pid_t reader);
/* Ends a worker that reads one file for too long. */
void hak_keeper_watch_reading(struct hak_keeper *k);
/* A worker is dead; its wait status, -1 = not known. */
void hak_keeper_judge_reading(struct hak_keeper *k, int wait_status);
/* Tells a new worker what not to read; false when the link takes it not. */
bool hak_keeper_tell_unreadable(struct hak_keeper *k);

struct hak_keeper *hak_keeper_make(const char *collect_path);
void hak_keeper_free(struct hak_keeper *k);
/* The loop; returns at the keeper's end. */
void *hak_keeper_run(void *keeper);

#endif

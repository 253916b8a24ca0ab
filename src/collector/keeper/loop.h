/* The keeper's loop: hellos in, memfds to the worker, a new worker when it is gone. It runs in one
 * thread; its owner looks at the desk alone. */
#ifndef HAK_COLLECTOR_KEEPER_LOOP_H
#define HAK_COLLECTOR_KEEPER_LOOP_H

#include "collector/keeper/desk.h"
#include "collector/keeper/guests.h"
#include "collector/keeper/held.h"
#include "collector/keeper/unrecorded.h"
#include "collector/keeper/offers.h"
#include "collector/keeper/worker.h"

struct hak_loop {
    struct hak_desk *desk;
    struct hak_keeper_worker worker;
    struct hak_held held;
    struct hak_unrecorded unrecorded;
    struct hak_guests guests;
    struct hak_offerers offerers;
    int listening;
    int path_socket;          /* listens at a path; -1 = not needed yet */
    bool finished;            /* the store is closed */
    bool gave_up;             /* sessions that no worker could store */
    bool is_over;             /* no worker stays alive, and nothing is held */
    uint32_t sync_seen;       /* the SYNC that was last seen to be wanted */
    int sync_passes;          /* over the queue of programs, before it is sent */
    uint64_t sync_since_ms;   /* when they were done */
    uint64_t finish_since_ms; /* since when FINISH is wanted, 0 = it is not */
    uint64_t beat_due_ms;
};

/* NULL without memory. */
struct hak_loop *hak_loop_make(const char *collect_path, struct hak_desk *desk);

/* Ends the loop's part: sessions, guests, sockets and worker are closed and freed. */
void hak_loop_free(struct hak_loop *loop);

/* Listens at the abstract name `name`, "" = a new one. False: errno. */
bool hak_loop_listen(struct hak_loop *loop, const char *name);
/* Takes over from a keeper that died, whose worker is at the other end of `link`. False: the worker
 * did not hand over its listening socket. */
bool hak_loop_adopt(struct hak_loop *loop, int link);

/* Hears the program at the other end of `socket`, now or when it speaks. */
void hak_loop_add_guest(struct hak_loop *loop, int socket);

/* The loop itself, of a struct hak_loop; returns at the keeper's end. */
void *hak_loop_run(void *loop);

/* Raises the limit of open files as far as it goes; true when it leaves room for a recording. `why`
 * gets the words when it does not. */
bool hak_loop_has_files(char *why, size_t bytes);

/* Hears what the worker says: sessions that are done, the store's path, syncs, files that are read,
 * its end. */
void hak_loop_read_worker(struct hak_loop *loop);
bool hak_loop_tell_worker(struct hak_loop *loop);

/* Tells the worker how many programs could not be noted, where that is due. False: it could not be
 * sent now. */
bool hak_loop_tell_refused(struct hak_loop *loop, bool is_last);

/* Notes a program that is not recorded and tells the worker. NULL, or why not. */
const char *hak_loop_note_unrecorded(struct hak_loop *loop, struct hak_greeting *g,
                                     const struct hak_known_process *who);
/* Takes a session's memory, which has been checked, from process `who`, and hands it to the worker.
 * NULL, or why not: no descriptors, or too many sessions of it. */
const char *hak_loop_hold(struct hak_loop *loop, struct hak_greeting *g,
                          const struct hak_known_process *who);
/* True when nobody more is in the queue, or can be taken now. */
bool hak_loop_accept_guests(struct hak_loop *loop, int listening);
void hak_loop_look_for_offers(struct hak_loop *loop);
/* True while a guest may yet say hello and SYNC, or FINISH, is to wait for it. New guests prolong
 * neither: a SYNC waits for those that came before it alone. */
bool hak_loop_sync_awaits_guests(const struct hak_loop *loop);
bool hak_loop_finish_awaits_guests(const struct hak_loop *loop);

#endif

/* The keeper's worker: started, told what it must know, heard, started again when it is gone.
 * In the keeper's thread only. */
#ifndef HAK_COLLECTOR_KEEPER_WORKER_H
#define HAK_COLLECTOR_KEEPER_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/keeper/held.h"
#include "collector/keeper/unrecorded.h"
#include "collector/keeper/reading.h"
#include "collector/link/link.h"

struct hak_keeper_worker {
    char collect_path[HAK_PATH_BYTES];
    struct hak_link_message config;
    int link;    /* -1 = there is no worker */
    int process; /* its pidfd, or -1 */
    pid_t pid;   /* 0 = none, or one that somebody else started */
    uint64_t due_ms;
    int quick_deaths;
    bool is_finishing; /* FINISH is said, its answer due */
    uint32_t sync_sent, sync_done;
    struct hak_read_watch reading;
};

/* Makes a worker's side of the keeper: no worker yet, which will be the program at
 * `collect_path`. */
void hak_keeper_worker_make(struct hak_keeper_worker *worker, const char *collect_path);

/* Ends the link to the worker and frees what was noted of files. */
void hak_keeper_worker_free(struct hak_keeper_worker *worker);

/* True when one is to be started, now. */
bool hak_keeper_worker_is_due(const struct hak_keeper_worker *worker);
/* True while they die again and again. */
bool hak_keeper_worker_is_hopeless(const struct hak_keeper_worker *worker);

/* Starts a worker, and hands it the listening socket, all sessions and notes. Where that fails, the
 * next try is due after RESTART_MS. */
void hak_keeper_worker_start(struct hak_keeper_worker *worker, int listening, struct hak_held *held,
                             struct hak_unrecorded *unrecorded);

/* Sends a message if the link takes it now; a worker that is gone is lost. True when it is sent. */
bool hak_keeper_worker_send(struct hak_keeper_worker *worker, const struct hak_link_message *m,
                            int descriptor);
/* Tells of sessions and unrecorded programs that the worker does not have yet, as far as the link
 * takes them; true when it has all that it can be told now. */
bool hak_keeper_worker_tell(struct hak_keeper_worker *worker, struct hak_held *held,
                            struct hak_unrecorded *unrecorded);
/* True when there is something for the worker as soon as the link takes it. */
bool hak_keeper_worker_has_untold(const struct hak_keeper_worker *worker,
                                  const struct hak_held *held,
                                  const struct hak_unrecorded *unrecorded);

/* The worker's next message, which is noted here as far as it is the worker's own matter. False:
 * there is none. */
bool hak_keeper_worker_read(struct hak_keeper_worker *worker, struct hak_link_message *m);
/* It has closed the store, but another one goes on with it. */
void hak_keeper_worker_replace(struct hak_keeper_worker *worker);

/* Waits a moment for the end of a worker that has closed its link, or says that it ends now. How it
 * ended; -1 = not known. */
int hak_keeper_worker_reap(const struct hak_keeper_worker *worker);

/* Takes over from a keeper that died: its worker says all that a keeper must know. The listening
 * socket, -1 = it did not. */
int hak_keeper_worker_adopt(struct hak_keeper_worker *worker, int link, struct hak_held *held);

#endif

/* The door of the worker, which drains the sessions' rings into the store. `hakmem-collect
 * --worker`.
 *
 *   sleep (bell) -> messages of the keeper -> who has ended -> cut -> transaction -> COMMIT ---+
 *        ^                                                                    tails move      |
 *        +---- idle: symbols <---- sessions that are over: DONE to the keeper <---- reports <-+
 *
 * It may die at any moment: what is not committed still lies in the rings, and the next worker goes
 * on from the cursors in the store. When the keeper is gone the worker starts another one and hands
 * it what it holds itself. */
#ifndef HAK_COLLECTOR_WORKER_WORKER_H
#define HAK_COLLECTOR_WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/capture/capture.h"
#include "collector/drain/drain.h"
#include "collector/findings/findings.h"
#include "collector/link/link.h"
#include "collector/session/session.h"
#include "collector/worker/bell.h"

#define HAK_FINISH_SECONDS 6 /* at most, for symbols when the store is closed */

struct hak_worker {
    char collect_path[HAK_PATH_BYTES];
    int link;   /* -1 = the keeper is gone */
    int keeper; /* its pidfd, or -1 */
    int listening;
    struct hak_link_message config;
    uint64_t keeper_due_ns; /* when another keeper may be started */
    struct hak_bell bell;
    struct hak_client **clients;
    uint32_t client_count, client_capacity, seen_capacity;
    uint32_t *seen; /* doorbells; one more than clients */
    struct hak_capture capture;
    struct hak_findings findings;
    bool store_tried;
    char moved_line[2 * HAK_PATH_BYTES +
                    128];      /* said at the end: the store is elsewhere than asked */
    uint64_t max_bytes;        /* disk cap */
    uint64_t trouble_until_ns; /* the store refused: not tried again before then */
    bool trouble_said;
    struct hak_cursor_row *cursors; /* of the store that is gone on with */
    uint32_t cursor_count, cursor_capacity;
    uint32_t next_session;
    uint64_t commits;
    /* The drain. */
    struct hak_batch batch;
    struct hak_drain drain;
    struct hak_cut cut;
    struct hak_snapshots snapshots;
    uint64_t last_cut_ns, last_count_ns, last_resolve_ns;
    int reading_page; /* symbols/reading.h, -1 = none */
    char *unreadable; /* lines for the store: files that are not read any more, and why */
    bool unreadable_new;
    uint32_t unwatched; /* of the capture's rows, as the store has it */
    /* Of the session that is taken in: the path in its memory when the keeper took it; the process
     * may have changed both its user and that since. NULL = as the memory says. */
    const char *taken_log_path;
    uint32_t sync_wanted; /* serial, 0 = none */
    bool finish_wanted, finished;
    uint64_t finish_until_ns; /* symbols have that long; 0 = the store is not being closed */
    bool cut_wanted;          /* with FINISH: sessions that live are ended, too */
    uint32_t refusals_said;
    bool imports; /* all sessions are files (import.h) */
};

/* The whole of `hakmem-collect --worker`; `link` is the socketpair to the keeper. Returns the exit
 * status. */
int hak_worker_main(const char *collect_path, int link);

/* For tests: a worker without link and bell thread. False when memory ran out. */
bool hak_worker_make(struct hak_worker *worker);

/* Closes all sessions and frees all of the worker. */
void hak_worker_free(struct hak_worker *worker);

/* Takes a session in; `memfd` is the worker's then. NULL, or why it is refused. */
const char *hak_worker_add(struct hak_worker *worker, uint32_t number,
                           const struct hak_hello *hello, pid_t peer_pid, int memfd);

/* Stores all of the sessions, which are files, makes the reports that their programs left behind,
 * and closes the store. */
void hak_worker_store_files(struct hak_worker *worker);

/* Makes the reports that programs wait for; commits before and between, so that each has its
 * event. */
void hak_worker_report_faults(struct hak_worker *worker);

/* Cuts and commits once. True when more is waiting. */
bool hak_worker_commit(struct hak_worker *worker);

/* Commits the records written before `moment`, which was read before, and snapshots that are due.
 * True: there is more. */
bool hak_worker_commit_until(struct hak_worker *worker, struct hak_cut_moment moment);

/* Commits all that was written before the call, in as many turns as it takes. Records that come
 * meanwhile wait, so that programs which write faster than it stores do not keep it here. */
void hak_worker_commit_all(struct hak_worker *worker);

#endif

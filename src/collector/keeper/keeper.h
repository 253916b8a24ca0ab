/* The keeper: holds the listening socket and every session's memfd, and nothing else, so that the
 * programs' records survive the death of the worker that stores them.
 *
 *   program --hello + memfd--> keeper --memfds--> worker --> store
 *                                ^                   |
 *                                +---- starts <------+   each starts the other when it is gone
 *
 * `hakmem-collect --keeper` is one; `hakmem-trace run` has one inside. No SQLite here. A keeper
 * reads no session's memory, and maps a page of it for as long as it takes the kernel to write the
 * heartbeat there (session_file.h): nothing that a program does to it ends or holds up the keeper.
 *
 * Threads: hak_keeper_start makes a thread that does everything; the other functions may be called
 * from any one thread beside it. */
#ifndef HAK_COLLECTOR_KEEPER_KEEPER_H
#define HAK_COLLECTOR_KEEPER_KEEPER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "report/text/text.h"

struct hak_keeper;

struct hak_keeper_options {
    const char *collect_path; /* the hakmem-collect program */
    const char *store_path;   /* goes before the sessions' wishes; NULL or "" = as they ask */
    const char *log_path;     /* the same for reports */
    enum hak_color color;     /* of reports on stderr; those in a file have none */
    bool replace_store;       /* overwrite an existing file at the store's path */
    pid_t recorded; /* a process that is none of ours, and may be another user's; 0 = none */
};

/* Opens the socket, starts worker and thread. Returns 0, or -1 with one line in `error` that says
 * what failed and what to do. */
int hak_keeper_start(const struct hak_keeper_options *options, struct hak_keeper **out, char *error,
                     size_t error_bytes);

/* The value of HAKMEM_SESSION for programs that are to be recorded. Valid until stop. */
const char *hak_keeper_socket_name(const struct hak_keeper *keeper);

/* Copies the path of the store that is really written, "" until the first session came. */
void hak_keeper_store_path(struct hak_keeper *keeper, char *out, size_t bytes);

/* How many sessions (exec images) came so far. 0 after the program's end: it was not recorded. */
uint32_t hak_keeper_sessions(struct hak_keeper *keeper);

/* Waits until every record of processes that have ended is committed. It gives up `timeout_ms`
 * (-1 = never) after the store's files last changed or its worker last noted a step of its work: a
 * slow disk, and a search for leaks, get the time that they take.
 * `live` becomes the number of processes that still run. 0, or -1 when the time is over. */
int hak_keeper_wait_committed(struct hak_keeper *keeper, int timeout_ms, uint32_t *live);

/* How far the store was when its keeper was ended. */
enum hak_store_end {
    HAK_STORE_CLOSED,      /* one file */
    HAK_STORE_HANDED_OVER, /* processes still live and are recorded on */
    HAK_STORE_COMMITTED,   /* all is in it; its worker still closes it (a disk that syncs slowly) */
    HAK_STORE_BEHIND,      /* records not committed in time are missing, for now or for ever */
};

/* Ends the keeper and frees it. When no process lives the store is closed into one file first
 * (waits until `timeout_ms` went by without a change in its files, -1 = as long as it takes).
 * Processes that still live get a keeper of their own from the worker and go on being recorded
 * after the caller has ended. */
enum hak_store_end hak_keeper_stop(struct hak_keeper *keeper, int timeout_ms);

/* The same, but the recording ends now: the store has the records of living processes until then,
 * and says so; they go on unrecorded. */
enum hak_store_end hak_keeper_cut(struct hak_keeper *keeper, int timeout_ms);

/* Waits until no process of the recording lives, however long that is, or `*stop` is not 0 (a
 * handler of a signal may set it; NULL = none does). */
void hak_keeper_wait_for_live(struct hak_keeper *keeper, int timeout_ms,
                              const volatile sig_atomic_t *stop);

/* The whole of `hakmem-collect --keeper`: `first` is the socket of the program that started it, or
 * (`revived`) the link of a worker that lost its keeper. `name` is the abstract name to listen at,
 * "" = a new one. Returns the exit status. */
int hak_keeper_main(const char *collect_path, int first, const char *name, bool revived);

#endif

/* The processes of a session: the process of each entry of its table, whether it still runs, and
 * its row.
 *
 *   entry --seen--> pid as we see it, pidfd --> row, below its parent's --> gone, or has executed
 *
 * For the worker's thread only. */
#ifndef HAK_COLLECTOR_SESSION_PROCESS_H
#define HAK_COLLECTOR_SESSION_PROCESS_H

#include "collector/session/client.h"

/* Looks at the process table: makes rows for new processes and watches them (`watch`: an epoll
 * descriptor that gets their pidfds, or -1). */
void hak_client_look_at_processes(struct hak_client *client, struct hak_rows *rows, int watch);

/* True when a process has come since the last look. */
bool hak_client_has_unseen(const struct hak_client *client);

/* Looks which watched processes have ended; true when one has since the last call. */
bool hak_client_look_for_ends(struct hak_client *client);

/* The row of process entry `index` (< HAK_PROCESSES); made when it is new. 0 = no memory. */
uint32_t hak_client_process_row(struct hak_client *client, struct hak_rows *rows, uint32_t index,
                                uint64_t ns);

/* Processes that still run. */
uint32_t hak_client_live(const struct hak_client *client);

/* Copies the counters of one process entry, or of all, into the rows. */
void hak_process_copy_counters(struct hak_client *client, struct hak_rows *rows, uint32_t index);
void hak_client_copy_counters(struct hak_client *client, struct hak_rows *rows);

/* Marks processes that still seemed to live as gone, as nobody maps the session. (A process gives
 * its memory back shortly before its end can be seen.) */
void hak_client_end_all(struct hak_client *client);

/* Notes that process `peer_pid` has executed a new program, as `hello` came of it in another
 * session, which began at `ns`. */
void hak_client_note_exec(struct hak_client *client, const struct hak_hello *hello, pid_t peer_pid,
                          uint64_t ns);

#endif

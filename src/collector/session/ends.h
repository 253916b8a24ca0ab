/* The end of a process, as far as one that is not its parent can know it.
 *
 *   its own word       exit status noted at exit, program noted before exec (the process entry)
 *   the kernel's word  wait status: from the pidfd (Linux 6.15), else of the zombie in /proc
 *
 * For the worker's thread only. */
#ifndef HAK_COLLECTOR_SESSION_ENDS_H
#define HAK_COLLECTOR_SESSION_ENDS_H

#include <stdint.h>
#include <sys/types.h>
#include "collector/session/client.h"

/* Asks the kernel how the watched process ended and keeps the answer in `watch`. It may know only
 * for a moment (a zombie) or only later (reaped): ask when the end is seen and when the row is
 * closed. */
void hak_ends_ask(struct hak_process_watch *watch);

/* Fills end_kind, end_ns, exit_status, signal and note of the row of process entry `index`, which
 * is gone. `state` is the entry's. */
void hak_ends_describe(struct hak_client *client, struct hak_rows *rows, uint32_t index,
                       uint32_t state);

/* Notes that process `who` of the tree, a child of `parent` (0 = not known), is not recorded; `why`
 * says it in words. The row of the program that it was before gets the reason, or a row is made
 * when it has none (it was spawned without a fork). It was heard at `ns`: the same report, told
 * again to this worker or a later one, changes nothing. The clients' processes have just been
 * looked at. */
void hak_ends_unrecorded(struct hak_client **clients, uint32_t count, struct hak_rows *rows,
                         const struct hak_who *who, pid_t parent, const char *why, uint64_t ns);

/* At the end of the store: notes in rows of processes that do not say how they ended, or whose
 * executed programs are not there, that this was lost with a keeper and a worker, before another
 * keeper had their memory. */
void hak_ends_note_unseen(struct hak_rows *rows);

/* Tells of forked children that are not recorded because the process table was full; now and then,
 * and when the session is over. */
void hak_ends_tell_unentered(struct hak_client *client, struct hak_rows *rows);

#endif

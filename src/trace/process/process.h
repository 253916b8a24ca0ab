/* The beginning and the end of recording in a process. */
#ifndef HAK_TRACE_START_H
#define HAK_TRACE_START_H

#include <stdbool.h>
#include "block.h"
#include "trace/keeper/keeper.h"
#include "platform/line.h"
#include "trace/session.h"

/* Writes the PROCESS_START record of the calling process. Thread and signal safe. */
HAK_HIDDEN void hak_start_tell_process(void);

/* Makes session memory, finds or starts a keeper for it and claims the process's entry: the calling
 * process records from then on. Signals must be blocked once the program runs. */
HAK_HIDDEN bool hak_start_with_keeper(struct hak_keeper_failure *failure);

/* True in the process that hak_current is about: not in one that only borrows its memory, the child
 * of a vfork or of clone(CLONE_VM). */
HAK_HIDDEN bool hak_start_is_own(void);

/* Records into a file, since there is no collector; `failure` says why, which is told in the
 * recording that this process should belong to, else in one line on stderr. Programs that are
 * executed later make their files beside it without a word. False: no file can be made either.
 * (keeper/in_file.c) */
HAK_HIDDEN bool hak_start_in_file(const struct hak_keeper_failure *failure);
/* True in a program that was executed by one which records into a file. */
HAK_HIDDEN bool hak_start_is_below_file(void);

/* In a file, before the process ends or executes another program: notes the clocks; the last one
 * gives back what of the file is not used. */
HAK_HIDDEN void hak_start_leave_file(void);

/* Fills in what the header tells of the program, and then the magic. */
HAK_HIDDEN void hak_start_publish(struct hak_session *session);
HAK_HIDDEN void hak_start_add_reason(struct hak_line *to, const struct hak_keeper_failure *failure);

/* The process ends in good order: PROCESS_END, entry ENDED, doorbell. Called once, from the
 * library's destructor; the process does not wait for the collector unless it is PID 1. */
HAK_HIDDEN void hak_trace_end(void);

/* True when the process has rights that its user has not (AT_SECURE): nothing is started in it. */
HAK_HIDDEN bool hak_start_is_secure(void);

#endif

/* The beginning and the end of recording in a process. */
#ifndef HAK_TRACE_START_H
#define HAK_TRACE_START_H

#include <stdbool.h>
#include "block.h"

/* Writes the PROCESS_START record of the calling process. Thread and signal safe. */
HAK_HIDDEN void hak_start_tell_process(void);

/* True in the process that hak_current is about: not in one that only borrows its memory, the child
 * of a vfork or of clone(CLONE_VM). */
HAK_HIDDEN bool hak_start_is_own(void);

/* The process ends in good order: PROCESS_END, entry ENDED, doorbell. Called once, from the
 * library's destructor; the process does not wait for the collector unless it is PID 1. */
HAK_HIDDEN void hak_trace_end(void);

#endif

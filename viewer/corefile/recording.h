/* The store of a process whose core is read: found, asked.
 *
 *   -s FILE, or the path and id that the process's memory has --> store --pid--> row of the process
 *
 * A store that is not of this recording is never taken, unless its memory is not in the core and -s
 * names it: then the pid decides. For one thread. */
#ifndef HAK_VIEWER_COREFILE_RECORDING_H
#define HAK_VIEWER_COREFILE_RECORDING_H

#include "viewer/corefile/blocks.h"
#include "viewer/cli/cli.h"

/* Opens the store and finds the process in it: its row, 0 where none is found and -s names none. 0,
 * or an exit status: the error is printed. */
int core_recording_open(struct view *view, struct core_blocks *blocks, uint32_t *process);

/* Appends what the open store says of `address`. 0, or an exit status. */
int core_recording_add_why(struct hak_text *text, struct view *view, uint64_t address,
                           uint32_t process);

#endif

/* `core FILE|PID [PROGRAM]`: the heap of a dead process, by its core file alone; or of a living
 * one.
 *
 *   core file --open.c--> memory.h --table.h--> names and offsets, out of the library's own table
 *        walk.c: SuperSlabs, caches, large blocks --> blocks.h --> why.c: one address
 *        stacks.c: nodes, by a block's ids --> src/symbols --> frames
 *        recording.c: the store of the process --> block, beside the answer
 *
 * The table is made by the library that was loaded (src/layout.h); names of stacks alone take debug
 * information, and nothing here knows where a field lies. Calls capture (JSON, frames), cli and
 * symbols. One thread. */
#ifndef HAK_VIEWER_COREFILE_COREFILE_H
#define HAK_VIEWER_COREFILE_COREFILE_H

#include "viewer/cli/cli.h"

int command_core(struct view *view);

/* Whether the file is the core of the process `pid`, which `signal` ended. */
bool core_is_of(const char *path, int32_t pid, uint32_t signal);

#endif

/* `core FILE|PID [PROGRAM]`: what the heap of a dead process was like, by its core file alone; or
 * of one that is there.
 *
 *   core file --open.c--> memory.h --table.h--> names and offsets, out of the library's own table
 *        walk.c: SuperSlabs, caches, large blocks --> blocks.h --> why.c: one address
 *
 * The table is made by the library that was loaded (src/layout.h); no debug information is read,
 * and nothing here knows where a field lies. Calls capture (JSON) and cli. One thread. */
#ifndef HAK_VIEWER_COREFILE_COREFILE_H
#define HAK_VIEWER_COREFILE_COREFILE_H

#include "viewer/cli/cli.h"

int command_core(struct view *view);

#endif

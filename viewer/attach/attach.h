/* Attaching: the command `record`, which loads the recorder into a program that runs already
 * (docs/specs/attach.md).
 *
 *   record.c --> process.c: what it is, and what is in the way
 *      |    \--> the keeper, inside this process   (collector/keeper/keeper.h)
 *      v
 *   call.c: has a thread of the program call a function, as if a signal handler of it did
 *      |
 *      +--> place.c: may this thread call now? stack, locks, allocator, ld.so
 *      +--> functions.c: where functions of a module lie
 *
 * Calls findings, capture, cli and of record the store's path. One thread. */
#ifndef HAK_VIEWER_ATTACH_ATTACH_H
#define HAK_VIEWER_ATTACH_ATTACH_H

#include "viewer/cli/cli.h"

int command_record(struct view *view);

#endif

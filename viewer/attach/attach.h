/* Attaching: the command `record`, which loads the recorder into a program that runs already
 * (docs/specs/attach.md).
 *
 *   record.c --> process.c: what it is, and what is in the way; forbidden.c: if that is the kernel
 *      |    \--> the keeper, inside this process   (collector/keeper/keeper.h)
 *      v
 *   call.c: has a thread of the program call a function, as if a signal handler of it did
 *      |
 *      +--> tracer.c: the one thread of this command that traces
 *      +--> stop.c: stops threads, lets go of them
 *      +--> place.c: may this thread call now? stack, locks, allocator, ld.so
 *      +--> words.c: errno and the like, which a call must leave as they are
 *      +--> functions.c: where functions of a module lie
 *
 * Calls findings, capture, cli and of record the store's path. Two threads: one traces, and the
 * other waits for it. */
#ifndef HAK_VIEWER_ATTACH_ATTACH_H
#define HAK_VIEWER_ATTACH_ATTACH_H

#include "viewer/cli/cli.h"

int command_record(struct view *view);

#endif

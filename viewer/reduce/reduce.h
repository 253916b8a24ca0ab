/* `reduce`: from a recorded fault to the shortest sequence of calls that still gives it.
 *
 *   fault.c     the fault's row -> its block's calls, and the faulty step that follows from the
 *     |         report; pools.c: the same for a pool of the program's own; log.c: the calls of its
 * process, for a fault that its block alone does not v         give, and for the user's own test
 *   first.c     the first of these that gives the fault
 *     |
 *     v
 *   shrink.c    leaves out blocks, then steps; simplify.c: fewer threads, smaller numbers, a
 *     |  ^      simpler order
 *     v  |
 *   attempt.c   hakmem-player makes the sequence (player/sequence.h) under hakmem-debug.so, place.c
 *     |         compares its report with the fault; or the user's test decides. run.c: a process
 *     v
 *   program.c   the sequence as a C program; seen.c: who sees its fault
 *
 * The files of the compiler and of the user's test lie in the command's folder (file.c), which goes
 * at the end. Calls capture, record and cli. One thread. */
#ifndef HAK_VIEWER_REDUCE_REDUCE_H
#define HAK_VIEWER_REDUCE_REDUCE_H

#include "viewer/cli/cli.h"

int command_reduce(struct view *view);

#endif

/* `reduce`: from a recorded fault to the shortest sequence of calls that still gives it.
 *
 *   fault.c     the fault's row -> its block's calls, and the faulty step that follows from the
 * report |           log.c: all calls of its process up to it, for a fault that its block alone
 * does not give
 *     v
 *   shrink.c    leaves out blocks, then steps, then threads
 *     |  ^
 *     v  |
 *   attempt.c   hakmem-player makes the sequence (player/sequence.h) under hakmem-debug.so
 *     |
 *     v
 *   program.c   the sequence as a C program
 *
 * Owns nothing that outlives the command. Calls capture, record and cli. One thread. */
#ifndef HAK_VIEWER_REDUCE_REDUCE_H
#define HAK_VIEWER_REDUCE_REDUCE_H

#include "viewer/cli/cli.h"

int command_reduce(struct view *view);

#endif

/* `hunt`: runs a program again and again until a report names the instruction that does the damage.
 *
 *   hunt.c      from the command line to the last word
 *     |
 *     v     plan.c: what the next run is made with, by what all runs before have found
 *   attempt.c --> a process of its own: `run` (record/record.h) --> PROGRAM
 *     |               ^ input.c: the same standard input for each
 *     v
 *   result.c    what a store has of it: the fault that counts, the stack of its block's allocation
 *     |
 *     +--> site.c   that stack as a file for HAKMEM_GUARD=only: (docs/specs/guarded.md)
 *     +--> words.c  a line for each run, the report, JSON
 *
 * Owns the store at the path that it says at its end, and what it puts beside it meanwhile. Calls
 * record, findings, capture and cli. One thread. */
#ifndef HAK_VIEWER_HUNT_HUNT_H
#define HAK_VIEWER_HUNT_HUNT_H

#include "viewer/cli/cli.h"

int command_hunt(struct view *view);

#endif

/* `replay`: the calls of a recorded process once more, over any allocator, with what each costs.
 *
 *   the log --plan.c--> streams.c: the play file        allocators.c: names --> LD_PRELOAD
 *              |                    |                             |
 *  members.c, blocks.c              +--> runs.c: hakmem-player, once for each --> answer.c
 *
 * plan.c makes operations of events, members.c starts and ends the threads, blocks.c knows who had
 * each live block last, alignments.c infers what the log does not say. The file's format is
 * src/player/play.h; docs/specs/replay.md says what the figures mean. Calls record, which knows
 * where hakmem's files lie, html for its page, capture and cli. One thread. */
#ifndef HAK_VIEWER_REPLAY_REPLAY_H
#define HAK_VIEWER_REPLAY_REPLAY_H

#include "viewer/cli/cli.h"

/* Plays the capture's calls against the allocators of --against and prints what each took. An exit
 * status: the error is printed. */
int command_replay(struct view *view);

#endif

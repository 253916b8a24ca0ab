/* Blocks that each layer served: the command `layers`.
 *
 *   snapshots of counters, the log --> gather.c, changes.c --> counts.h --> hits.c
 *                                                                 |
 *                          layers.c: options, status    rows.c, lines.c, superslabs.c
 *
 * Calls events (--class), capture and cli. */
#ifndef HAK_VIEWER_LAYERS_LAYERS_H
#define HAK_VIEWER_LAYERS_LAYERS_H

#include "base/json.h"
#include "viewer/cli/cli.h"

/* Runs `layers`: prints what each layer of the allocator did, by counters or by the log. Returns
 * the exit status. */
int command_layers(struct view *view);

/* Makes the document of `layers --json` with both --over `over_ns` and --superslabs, of `process`
 * (row id, 0 = all), without a comparison of counters with the log: of the log only what it says of
 * slabs and settings is read, unless there are no counters. 0, or an exit status: the error is
 * printed. */
int layers_over_time(struct view *view, uint32_t process, uint64_t over_ns, json_t **out);

#endif

/* What each layer served: the command `layers`.
 *
 *   snapshots of counters, the log --> gather.c, changes.c --> counts.h --> hits.c
 *                                                                 |
 *                          layers.c: options, status    text.c, lines.c, superslabs.c, json.c
 *
 * Calls events (--class), capture and cli. */
#ifndef HAK_VIEWER_LAYERS_LAYERS_H
#define HAK_VIEWER_LAYERS_LAYERS_H

#include "viewer/cli/cli.h"

int command_layers(struct view *view);

#endif

/* What takes the memory, what grew, what is freed at once: the commands of the profile.
 *
 *   options --> query.c --> gather.c --> the store's flow of blocks (store/history/flow.h)
 *                              |
 *                   items: process, thread, stack, sums
 *                              |
 *      groups.c: a list  <-----+-----> tree.c: a tree      places.c: stacks as places, once each
 *          |                             |
 *          +--> columns.c, text, JSON <--+
 *
 *   timeline.c: the same in steps of time, for pictures
 *   top.c `top`    heap.c `heap`    diff.c `diff`
 *
 * Calls capture and cli. One thread. */
#ifndef HAK_VIEWER_PROFILE_PROFILE_H
#define HAK_VIEWER_PROFILE_PROFILE_H

#include "viewer/cli/cli.h"

int command_top(struct view *view);
int command_heap(struct view *view);
int command_diff(struct view *view);

#endif

/* The commands of the profile: what takes the memory, what grew, what is freed at once.
 *
 *   options --> query.c --> gather.c --> the store's flow of blocks (store/history/flow.h)
 *                              |
 *                   items: process, thread, stack, sums
 *                              |
 *      groups.c: a list  <-----+-----> tree.c: a tree      places.c: stacks as places, once each
 *          |                             |
 *          +--> columns.c, text, JSON <--+
 *
 *   timeline.c: the same in steps of time    held.c: the blocks of a moment, one by one
 *   top.c `top`    heap.c `heap`    diff.c `diff`    headline.c the last line of `run`
 *
 * Other rooms (html, view, export) ask by query.h and places.h, view by groups.h, tree.h and
 * timeline.h, html by timeline.h and memory.h, too. Calls capture and cli. One thread. */
#ifndef HAK_VIEWER_PROFILE_PROFILE_H
#define HAK_VIEWER_PROFILE_PROFILE_H

#include <signal.h>
#include "viewer/cli/cli.h"
#include "viewer/profile/columns.h"
#include "viewer/profile/groups.h"
#include "viewer/profile/memory.h"
#include "viewer/profile/places.h"
#include "viewer/profile/query.h"
#include "viewer/profile/timeline.h"
#include "viewer/profile/tree.h"

int command_top(struct view *view);
int command_heap(struct view *view);
int command_diff(struct view *view);

/* Appends the profile of the open capture in one line, with the numbers of `heap` and `top`:
 *
 *   peak 1.2 GiB at 12.4 s, 61 % in parse_row (parse.c:210); 48 M calls, 37 % short-lived
 *
 * Nothing where it has no calls. It reads for `budget_ms` at most, and until `*stop` is not 0: what
 * was not found by then is not said, but that it was not. Takes the watcher of reads
 * (hak_store_watch) away. */
void profile_add_headline(struct hak_text *text, struct view *view, uint64_t budget_ms,
                          const volatile sig_atomic_t *stop);

#endif

/* `--site TEXT`: which stacks of the capture have TEXT in a function, a file:line or a module. */
#ifndef HAK_VIEWER_EVENTS_SITE_H
#define HAK_VIEWER_EVENTS_SITE_H

#include "viewer/capture/capture.h"

/* Finds the stacks that have `site`: one byte for each node of the store, 1 = its stack has it.
 * Made by two queries over the nodes, so that no event has to be symbolised. NULL and an error line
 * when that failed; free it. `count` is the number of bytes. */
unsigned char *site_find_stacks(struct view *view, const char *site, size_t *count);

#endif

/* The capture in the terminal, interactive: the command `view`.
 *
 *   terminal --screen.c--> keys --> browser.c: a stack of pages --> canvas --screen.c--> terminal
 *                                      |
 *      main_page.c   timeline (chart.c) and below it a table, a tree, or the faults
 *      stacks_page.c the stacks of a line
 *      blocks_page.c the blocks of a stack that are live at the moment
 *      text_page.c   `why`, a fault's report, help
 *                                      |
 *               data.c, data_group.c, data_zoom.c --> profile, block, findings --> the store
 *
 * Only screen.c knows that there is a terminal: pages draw on a canvas (canvas.h) and are given
 * keys, so that a test does both without one. One thread: long reads look at the keyboard
 * themselves, once for each chunk.
 *
 * Calls profile, block, findings, capture and cli. */
#ifndef HAK_VIEWER_VIEW_VIEW_H
#define HAK_VIEWER_VIEW_VIEW_H

#include "viewer/cli/cli.h"

int command_view(struct view *view);

#endif

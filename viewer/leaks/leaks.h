/* Blocks that were never freed: the command `leaks`.
 *
 *   tables leak, leak_scan --> read.c --> leaks.c --> lines, JSON
 *   the log, at a moment   --> held.c --> the same for --held
 *                              where.c: the column WHERE, a line for each stack
 *
 * Calls findings (what is known), capture and cli. */
#ifndef HAK_VIEWER_LEAKS_LEAKS_H
#define HAK_VIEWER_LEAKS_LEAKS_H

#include "viewer/cli/cli.h"

/* Runs `leaks`: lists the leaks of the scans, prints one of them (`leaks N`), or, with --held, all
 * live blocks. Returns the exit status. */
int command_leaks(struct view *view);

#endif

/* Contents of a capture: the commands `info`, `threads`, `modules` and `check`.
 *
 *   info.c --> tree.c, tree_text.c: the processes       size.c: what takes the file's bytes
 *          --> known.c: suppressions that were used     options.c, clean.c: --options, --clean
 *   threads.c    modules.c    check.c
 *
 * Calls capture and cli. */
#ifndef HAK_VIEWER_INFO_INFO_H
#define HAK_VIEWER_INFO_INFO_H

#include "viewer/cli/cli.h"

/* Runs `info`: prints what the capture holds, its processes, marks and losses, or does --options or
 * --clean. Returns the exit status. */
int command_info(struct view *view);
int command_threads(struct view *view);

/* Runs `modules`: lists the modules, by process with their ranges or, of several processes, by
 * file. Returns the exit status. */
int command_modules(struct view *view);

/* Runs `check`: checks the store and the path of each block, and lists the first problems. Returns
 * the exit status, VIEW_FAULT if there are any. */
int command_check(struct view *view);

#endif

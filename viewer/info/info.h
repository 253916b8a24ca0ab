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

int command_info(struct view *view);
int command_threads(struct view *view);
int command_modules(struct view *view);
int command_check(struct view *view);

#endif

/* Recording: the commands `run` and `import`, the group RECORD of the help page.
 *
 *   run.c --> target.c, store.c, environment.c --> child.c: PROGRAM under hakmem-debug.so
 *      |                                              |
 *      |      the keeper, inside this process  <------+   (collector/keeper/keeper.h)
 *      +--> ci.c: files and words for a CI job
 *   import.c: a store of the files of programs that found no collector
 *
 * Calls findings, capture and cli; the collector starts and ends here. */
#ifndef HAK_VIEWER_RECORD_RECORD_H
#define HAK_VIEWER_RECORD_RECORD_H

#include "viewer/cli/cli.h"

int command_run(struct view *view);
int command_import(struct view *view);

#endif

/* A program that is executed without a fork, by vfork or posix_spawn, and that cannot be recorded:
 * the collector is told, as such a child has no entry of its own that could say so. */
#ifndef HAK_TREE_EXEC_LOOK_H
#define HAK_TREE_EXEC_LOOK_H

#include <stdbool.h>
#include "block.h"

/* True when `environment` names a library to load first that may be ours. Async-signal-safe. */
HAK_HIDDEN bool hak_exec_is_preloaded(char *const environment[]);

/* Looks at the file and, where hakmem cannot get into it, tells the keeper; `why`: that is known
 * already, and this is the reason. Costs some system calls; for the moment before exec, in the
 * child of a vfork (`child` 0), or when a child of that pid has been spawned. Async-signal-safe. */
HAK_HIDDEN void hak_exec_look(const char *path, const char *why, int child);

#endif

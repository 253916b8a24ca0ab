/* A program that the child of a vfork executes and that cannot be recorded: the collector is told,
 * as such a child has no entry of its own that could say so. */
#ifndef HAK_TRACE_EXEC_LOOK_H
#define HAK_TRACE_EXEC_LOOK_H

#include "block.h"

/* Looks at the file and, where hakmem cannot get into it, tells the keeper. Costs some system
 * calls; for the moment before exec, in the child of a vfork. Async-signal-safe. */
HAK_HIDDEN void hak_exec_look(const char *path);

#endif

/* Looks at a program's file before it is executed, and tells the keeper: a program that is executed
 * without a fork, by vfork or posix_spawn, has no entry of its own that could say it. */
#ifndef HAK_TREE_EXEC_LOOK_H
#define HAK_TREE_EXEC_LOOK_H

#include "block.h"

/* Reasons in words, "it is ...", NULL = none. */
struct hak_exec_look {
    const char *misfit;     /* hakmem must not be loaded into it (exec_fit.h) */
    const char *unrecorded; /* hakmem is not loaded into it: static, set-user-id */
};

/* Looks at the file at `path`, or for `misfit` at the interpreter of a script; NULL: not known.
 * Costs some system calls. Async-signal-safe. */
HAK_HIDDEN struct hak_exec_look hak_exec_look(const char *path);

/* Tells the keeper of a program that will not be recorded, if there is a reason why; for the moment
 * before exec, in the child of a vfork (`child` 0), or when a child of that pid has been spawned.
 * Async-signal-safe. */
HAK_HIDDEN void hak_exec_tell(const char *path, const struct hak_exec_look *about, int child);

#endif

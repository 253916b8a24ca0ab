/* The process's environment, read and changed without libc's help: hakmem starts before libc's own
 * constructor has set environ. */
#ifndef HAK_TRACE_ENVIRONMENT_H
#define HAK_TRACE_ENVIRONMENT_H

#include <stddef.h>
#include "block.h"

/* The environment as it is now; ends with NULL. */
HAK_HIDDEN char **hak_environment(void);

/* The first variable from `variable` on that can be read, since in the report of a crash the stack
 * may be destroyed on which they lie; NULL at the end. */
HAK_HIDDEN char **hak_environment_next(char **variable);

/* Lets programs that are executed later know the keeper: HAKMEM_SESSION=`name`. Where the variable
 * is there it is replaced in its place, else it is added when main is about to be called. Allocates
 * nothing. A later call changes the value, unless the program has taken the variable out. */
HAK_HIDDEN void hak_environment_set_session(const char *name);

/* Sets the variable that names the keeper, for a tree of processes with the store at `store_path`,
 * which stands behind the name, after a colon: a process that finds no keeper any more goes on with
 * that store. */
HAK_HIDDEN void hak_environment_set_tree(const char *name, const char *store_path);

/* Copies the keeper's name that this process was given, "" = none. */
HAK_HIDDEN void hak_environment_read_session(char *name, size_t bytes);
/* The path of the tree's store, NULL = none was given. */
HAK_HIDDEN const char *hak_environment_tree_store(void);

#endif

/* Functions around a child that runs in its parent's memory, and thread-local memory, while the
 * parent waits: vfork, clone(CLONE_VM | CLONE_VFORK). */
#ifndef HAK_TREE_VFORK_H
#define HAK_TREE_VFORK_H

#include "block.h"

/* In the parent, before a vfork: replaces a dead collector and, for the outermost of nested calls,
 * notes the writer's state. */
HAK_HIDDEN void hak_vfork_before(void);

/* In the parent, when the child is gone or has executed another program; `result` is the system
 * call's. Sets errno for a negative one, and returns what vfork returns. */
HAK_HIDDEN long hak_vfork_after(long result);

#endif

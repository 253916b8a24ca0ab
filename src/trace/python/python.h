/* The door of CPython's frames: puts the interpreter's frames between the C frames of a stack.
 *
 *   layout   the interpreter's data, by its version; its functions in the loaded modules
 *   frames   the calling thread's Python frames, read at the moment of the stack
 *   text     a frame's function, file and line as nodes (trace/frame_node.h)
 *   python   native stack + Python frames --> one stack; stacks that were met before are remembered
 *
 * With HAKMEM_FRAMES=python alone. Nothing is allocated or locked, errno stays, and nothing is read
 * of which the kernel has not said that it can be. All that is remembered lies in tables of the
 * process without an owner, whose entries prove themselves. Any thread, signal handlers too. It
 * calls stacks. */
#ifndef HAK_TRACE_PYTHON_H
#define HAK_TRACE_PYTHON_H

#include "trace/trace.h"

/* Lets stacks have Python frames, if that is asked for and the interpreter is known; after
 * hak_stacks_start, at start or attach, where dl_iterate_phdr may be asked. */
HAK_HIDDEN void hak_python_start(void);

#endif

/* Reads the kernel's facts of this process and its ancestors, and its small files, by system calls
 * alone.
 *
 * Thread and signal safety: async-signal-safe, errno is kept. */
#ifndef HAK_TRACE_PROC_H
#define HAK_TRACE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

/* Reads the file at `path` from its start, at most `capacity` bytes; returns how many, 0 when it
 * cannot be read. */
HAK_HIDDEN size_t hak_proc_read(const char *path, char *to, size_t capacity);

/* Reads the file at `path` as text, ended by NUL. False when it cannot be read. */
HAK_HIDDEN bool hak_proc_read_text(const char *path, char *text, size_t bytes);

/* When this process started, in clock ticks since boot; 0 = not known. */
HAK_HIDDEN uint64_t hak_proc_start_time(void);

/* Inode of the pid namespace of this process; 0 = not known. */
HAK_HIDDEN uint64_t hak_proc_pid_space(void);

/* Whether this process descends from `pid`, which the kernel has translated into the pid namespace
 * of this process: where /proc is another namespace's, nothing is known. */
HAK_HIDDEN bool hak_proc_descends_from(int pid);

/* Moves a new descriptor out of the way of the program's; -1 when that fails, or it is negative. */
HAK_HIDDEN int hak_lift_file(long descriptor);

#endif

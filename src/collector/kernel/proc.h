/* Reads /proc of processes that may be hostile.
 *
 * While a process executes a program the kernel holds its exec_update_lock, also while it closes
 * the files that are not to stay open, and a FUSE server that does not answer to that makes it hold
 * the lock for ever. A reader of one of these waits for the lock (Linux 6.18; before, for some of
 * them), and only SIGKILL ends the wait:
 *
 *   stat, environ, maps, io, exe, root, cwd, fd/N, ns/NAME      not status, task/TID/children, comm
 *
 *   caller --look--> thread --> /proc        the thread does not come back: it is left alone, and
 *      ^----answer-----'                     nothing of that process is looked at until it does
 *
 * Each thread that asks has one that looks. Its waits take a quarter of its time at most. */
#ifndef HAK_COLLECTOR_KERNEL_PROC_H
#define HAK_COLLECTOR_KERNEL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HAK_PROC_LINKS      32
#define HAK_PROC_LINK_BYTES 64

/* The first bytes of /proc/PID/fd/N, for each of the descriptors; "" = it is not open. */
struct hak_proc_links {
    int count, descriptors[HAK_PROC_LINKS];
    char targets[HAK_PROC_LINKS][HAK_PROC_LINK_BYTES];
};

/* True where /proc counts as this process does: it may have been mounted for another namespace. */
bool hak_proc_is_own(void);

/* Files that no process keeps back. */

/* Reads the beginning of a file of /proc, at most `bytes` - 1, and ends it by NUL. False: there is
 * nothing, and `text` is "". */
bool hak_proc_read_text(const char *path, char *text, size_t bytes);

/* Reads the whole of a file of /proc, up to a mebibyte, and ends it by NUL; the caller's to free.
 * `bytes`, unless it is NULL, gets its length. NULL: there is nothing, or no memory. */
char *hak_proc_read_whole(const char *path, size_t *bytes);

/* The others: each asks for `name` in /proc/PID. */

/* The whole of a file, up to a mebibyte, ended by NUL; the caller's to free. `bytes`, unless it is
 * NULL, gets its length. NULL = nothing. */
char *hak_proc_read(pid_t pid, const char *name, size_t *bytes);
/* Inode of the file that a link leads to; 0 = not known. */
uint64_t hak_proc_inode(pid_t pid, const char *name);
/* Opens the target of a link, by O_PATH; -1 = it cannot be opened. */
int hak_proc_open(pid_t pid, const char *name);
/* Fills in the targets of the descriptors. False: nothing is known. */
bool hak_proc_read_links(pid_t pid, struct hak_proc_links *links);

/* True while a look at `pid` has not come back. */
bool hak_proc_is_held(pid_t pid);

#endif

/* A session's memfd as the keeper and the worker have it. Other holders of it may be hostile, and
 * the kernel makes one holder wait for another:
 *
 * - write(2), and all that ends in it, holds the inode's lock (i_rwsem) while it waits for the page
 *   that it copies from, for ever if userfaultfd or a FUSE server keeps that back.
 * - write, F_ADD_SEALS, fallocate, ftruncate and MADV_REMOVE wait for that lock, and no signal ends
 *   it, not even SIGKILL.
 * - mmap and its page faults, read, F_GET_SEALS, fstat and file locks do not take it.
 *
 * So nothing of the second kind is done to a memfd of a program's. Only where there is no /proc is
 * F_ADD_SEALS asked (hak_session_file_is_held). */
#ifndef HAK_COLLECTOR_KERNEL_SESSION_FILE_H
#define HAK_COLLECTOR_KERNEL_SESSION_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Is `file`, which may be open by O_PATH only, a memfd? Asked without going to the server of its
 * file system, which may never answer. */
bool hak_session_file_is_memfd(int file);

/* Makes `*file` an open file description of our own. Its locks, and those of the program's, are
 * then not the same, and the program's end with the last mapping or descriptor of the program's.
 * False: it stays as it was; `*file` is open in any case. */
bool hak_session_file_make_own(int *file);

/* Does a program still map the memory, or have it open? By the lock that it put on it
 * (docs/specs/ring.md) when `is_own`; else by F_SEAL_WRITE, which is granted while nobody has a
 * writable mapping, us included, and which then keeps all others from writing. */
bool hak_session_file_is_held(int file, bool is_own);

/* Writes the word at `offset`, a multiple of 8. False: it cannot be written. */
bool hak_session_file_write(int file, off_t offset, uint64_t word);

#endif

/* Makes the session memory: its size, its layout, its header.
 *
 *   0          header | process table | ring table | nodes (at most 1/8 of all) | report |
 *              counters (at most 1/16) | extents ...
 *   total_bytes is 1 GiB (sparse), or what fits under RLIMIT_AS and RLIMIT_FSIZE */
#ifndef HAK_TRACE_MAKE_H
#define HAK_TRACE_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include "block.h"
#include "trace/session.h"

#define HAK_SESSION_BYTES_STD  ((uint64_t)1 << 30)
#define HAK_SESSION_BYTES_FILE ((uint64_t)64 << 20) /* of a session in a file */

struct hak_session_memory {
    struct hak_session *session; /* the mapping */
    int file;                    /* the memfd, close-on-exec, never 0..2 */
    uint64_t total_bytes;
};

/* Bytes that a session may take under these limits (RLIM_INFINITY = none), 0 = not even the least.
 */
HAK_HIDDEN uint64_t hak_memory_bytes_for(uint64_t address_space_limit, uint64_t file_limit);

/* Makes a memfd of at most `wanted` bytes (0 = as the limits of the process allow), maps it, fills
 * in everything of the header but what tells of the program. Returns 0 or an errno. The magic is
 * not written yet. Allocates nothing. */
HAK_HIDDEN int hak_memory_make(uint64_t wanted, struct hak_session_memory *memory);

/* Makes session memory in a file, for a program that finds no collector (file.c): named as the
 * store would be, with .rings for .db, readable by its owner alone, at most HAK_SESSION_BYTES_FILE,
 * with all its blocks taken, since a disk that is full later would kill the program. Where it
 * cannot be made there: in $TMPDIR, in /tmp. `path`, of HAK_PATH_BYTES, gets its name. Returns 0 or
 * an errno, of the first place. The header says that rings overwrite. */
HAK_HIDDEN int hak_memory_make_file(struct hak_session_memory *memory, char *path);

/* Gives back the blocks of a file that no ring or node was ever put in; for the last process. */
HAK_HIDDEN void hak_memory_trim_file(struct hak_session *session, uint64_t total_bytes);

/* Parts of making: the size that the limits of the process allow now; the header; a soft limit of
 * file sizes, which is meant for the program's own files. */
HAK_HIDDEN uint64_t hak_memory_bytes_allowed(void);
/* Maps `total` bytes of `file`; 0 or an errno. */
HAK_HIDDEN int hak_memory_map(int file, uint64_t total, struct hak_session_memory *memory);

/* Fills in new session memory: layout, clocks, a session's number at random; it is left out of
 * cores. */
HAK_HIDDEN void hak_memory_fill(struct hak_session_memory *memory);

/* Raises the soft limit of file sizes to the hard one, if it is too low for a session; `before` is
 * what it was. */
HAK_HIDDEN void hak_memory_lift_file_limit(struct rlimit *before);
HAK_HIDDEN void hak_memory_restore_file_limit(const struct rlimit *before);

/* Keeps the mapping out of core files, for which all of it would be filled. Done by make. */
HAK_HIDDEN void hak_memory_leave_out_of_cores(struct hak_session *session, uint64_t total_bytes);
/* Puts the header and the stack nodes in use into the core file after all, when the process is
 * about to die (docs/specs/debugger.md). Async-signal-safe. */
HAK_HIDDEN void hak_memory_put_stacks_into_core(void);

/* Fills in what the header tells of the program: path, command line, store, settings. */
HAK_HIDDEN void hak_memory_describe(struct hak_session *session);
/* Fills in the header as hak_memory_describe, and then the magic, by which others know that it is
 * whole. */
HAK_HIDDEN void hak_memory_publish(struct hak_session *session);

#endif

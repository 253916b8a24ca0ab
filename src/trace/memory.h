/* Makes the session memory: how big, what lies where, what the header says.
 *
 *   0          header | process table | ring table | nodes (1/8 of all) | report |
 *              counters (1/32) | extents ...
 *   total_bytes is 1 GiB (sparse), or what fits under RLIMIT_AS and RLIMIT_FSIZE */
#ifndef HAK_TRACE_MEMORY_H
#define HAK_TRACE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"
#include "trace/session.h"

#define HAK_SESSION_BYTES_MIN ((uint64_t)4 << 20)
#define HAK_SESSION_BYTES_STD ((uint64_t)1 << 30)

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

/* Keeps the mapping out of core files, for which all of it would be filled. Done by make. */
HAK_HIDDEN void hak_memory_leave_out_of_cores(struct hak_session *session, uint64_t total_bytes);

/* Fills in what the header tells of the program: path, command line, store, settings. */
HAK_HIDDEN void hak_memory_describe(struct hak_session *session);

/* Puts `from` with %e (the program's name), %p (its process id) and %% expanded, as an absolute
 * path, into `to` of HAK_PATH_BYTES; "" stays "". Returns false when it does not fit. `program` is
 * the path of the executable. */
HAK_HIDDEN bool hak_memory_expand_path(char *to, const char *from, const char *program);

#endif

/* Writes the heap profile of level light into files while the program runs
 * (HAKMEM_HEAP_PROFILE_DUMP).
 *
 *   a sample comes or goes --due? (heap_profile/when.h)--> hak_dump_write (trace.h)
 *   a signal, in its handler ----------------------------------^
 *
 * Thread and signal safety: all of it, but for the start. */
#ifndef HAK_GUARD_PROFILE_FILE_H
#define HAK_GUARD_PROFILE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* Whether there are such files. */
HAK_HIDDEN extern bool hak_writes_profile;

/* At start, after the profile's. */
HAK_HIDDEN void hak_profile_file_start(void);

/* The signal that asks for a file; NULL: none. */
HAK_HIDDEN const char *hak_profile_file_signal(void);

HAK_HIDDEN HAK_COLD void hak_write_profile_if_due(uint64_t now_ns);

/* Begins to write one at once, or at the next sample while that cannot be. */
HAK_HIDDEN void hak_write_profile_now(void);

/* In the child of a fork. */
HAK_HIDDEN void hak_profile_file_fork_child(void);

#endif

/* ExternalGuard: what is known of pointers that other allocators made and our free was given.
 *
 *   free(p) -> no layer knows p -> foreign.c asks what lies there (mincore, glibc's heap, modules)
 *                |                     |
 *                |                     +-- surely a mistake: the fault's own report, not this
 *                +-- glibc's own block: passed on       \
 *                +-- mapped, owner unknown: left alone  / counted here, by caller and size band
 *
 *   HAKMEM_EXTERNAL_GUARD_LOG=1    a line for each
 *   HAKMEM_EXTERNAL_GUARD_STATS=1  the counts at exit
 *   hakmem-debug.so                the counts by itself at the hundredth that is left alone: a leak
 *
 * Who owns what: a few atomic counters and a table of callers of the process; no lock. A caller
 * that finds the table full is counted as "elsewhere".
 *
 * Thread and signal safety: any thread; allocates nothing, keeps errno. */
#ifndef HAK_ENTRY_EXTERNAL_GUARD_H
#define HAK_ENTRY_EXTERNAL_GUARD_H

#include <stdbool.h>
#include "platform/address.h"

enum hak_external_owner {
    HAK_EXTERNAL_GLIBC,   /* passed on to its free */
    HAK_EXTERNAL_UNKNOWN, /* left alone */
    HAK_EXTERNAL_OWNERS
};

/* Counts `pointer`, freed by the code at `caller`, and tells of it where that is asked for. Call it
 * before the pointer is passed on: its size is read from glibc's header. */
HAK_HIDDEN HAK_COLD void hak_external_guard_note(const void *pointer, const void *caller,
                                                 enum hak_external_owner owner);

/* Pointers counted so far. */
HAK_HIDDEN uint64_t hak_external_guard_count(enum hak_external_owner owner);

/* At the end of the process: the counts, where HAKMEM_EXTERNAL_GUARD_STATS asks for them. */
HAK_HIDDEN void hak_external_guard_end(void);

#endif

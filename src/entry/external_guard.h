/* ExternalGuard: counts and reports pointers that other allocators made and our free was given.
 *
 *   free(p), realloc(p) -> no layer knows p -> foreign.c asks whose it is (allocators.h), and then
 *                |                             what lies there (mincore, modules, stack)
 *                |                               |
 *                |                               +-- surely a mistake: the fault's own report
 *                +-- glibc's, mimalloc's, tcmalloc's: passed on  \
 *                +-- mapped, owner unknown: left alone           / counted here
 *
 *   HAKMEM_EXTERNAL_GUARD_LOG=1    a line for each
 *   HAKMEM_EXTERNAL_GUARD_STATS=1  the counts at exit
 *                                  and at the hundredth that is left alone: that is a leak
 *   hakmem-debug.so                the counts by itself at the hundredth that is left alone
 *
 * Ownership: a few atomic counters and a table of callers of the process; no lock. A caller that
 * finds the table full is counted as "elsewhere".
 *
 * Thread and signal safety: any thread; allocates nothing, keeps errno. */
#ifndef HAK_ENTRY_EXTERNAL_GUARD_H
#define HAK_ENTRY_EXTERNAL_GUARD_H

#include "entry/allocators.h"

/* Counts `pointer`, freed by the code at `caller`, and reports it where that is asked for; a
 * summary comes once REPORT_AT pointers are left alone. Call it before the pointer is passed on:
 * its owner is asked for its size. */
HAK_HIDDEN HAK_COLD void hak_external_guard_note(const void *pointer, const void *caller,
                                                 enum hak_external_owner owner);

/* How many pointers were passed on to a known owner so far. */
HAK_HIDDEN uint64_t hak_external_guard_passed_on(void);
HAK_HIDDEN uint64_t hak_external_guard_left_alone(void);

/* At the end of the process: the counts, where HAKMEM_EXTERNAL_GUARD_STATS asks for them. */
HAK_HIDDEN void hak_external_guard_end(void);

#endif

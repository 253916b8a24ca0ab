/* The summary of its heap that a process writes when it ends: HAKMEM_STATS on stderr,
 * HAKMEM_STATS_DUMP as JSON.
 *
 * Told by exit (return from main, exit, not _exit and not a signal), after the program's own
 * destructors; in each process that had the variables, so also in children of fork. The figures are
 * those of mallinfo (front/figures.h): exact while no other thread runs. A path is made absolute
 * at the start; %e is the program's name, %p the id of the process that ends, %% a percent sign.
 *
 * Nothing here allocates or uses stdio. */
#ifndef HAK_ENTRY_SUMMARY_H
#define HAK_ENTRY_SUMMARY_H

#include "block.h"

/* Remembers the directory that a relative path of HAKMEM_STATS_DUMP begins in. Once, at start. */
HAK_HIDDEN HAK_COLD void hak_summary_start(void);

#endif

/* The sweep checks all blocks in one go: those of the program for the bytes around them, free ones
 * for their poison.
 *
 *   exit ---------------+
 *   signal, every N ----+--> hak_sweep --> SuperSlab by SuperSlab, large block by large block
 *   hak_verify ---------+        |             found: kept in a list, counted
 *                                +--> one report for the first, or, where the program goes on, one
 *                                     for each, and mended
 *
 * Other threads go on meanwhile. Each block that looks damaged is checked again: only one that was
 * the program's before and after, with the same number of records, and nobody about to rewrite the
 * bytes around it, counts. No page is closed meanwhile; large blocks, which another thread may
 * unmap at any moment, are read by a copy that the kernel makes, which fails instead of crashing.
 *
 * Holds the registry's lock while it looks, so that no SuperSlab goes away; none while it reports.
 */
#ifndef HAK_GUARD_SWEEP_H
#define HAK_GUARD_SWEEP_H

#include <stddef.h>
#include "block.h"
#include "trace/session.h"

struct hak_located;

/* Looks at all blocks and reports those that are damaged. Returns how many there were; 0 in level
 * trace, or when another sweep is under way. Does not return under HAKMEM_ON_FAULT=stop when there
 * is one. Any thread, in no call of the layers; not in a signal handler. */
HAK_HIDDEN size_t hak_sweep(enum hak_found_by found_by);

/* The sweep in the crash of a process: fills `facts` with the first damaged block and returns how
 * many there are. Reports nothing, repairs nothing, waits for nobody. */
HAK_HIDDEN size_t hak_sweep_quietly(struct hak_fault_facts *facts);

#endif

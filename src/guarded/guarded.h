/* Guarded blocks: each lies alone on pages of its own, between pages that nobody may touch, so that
 * the processor stops a program at the instruction that leaves one, or uses it after its free.
 *
 *   piece   | closed | pages | closed | pages pages | closed | pages | closed | ...
 *                      slot              slot                  slot
 *
 *   take   a slot that was never used, else the one of its size that was given back first:
 *          its pages are opened --> LIVE
 *   give   its pages are closed, which drops their memory (closed.h) --> KEPT, until it is used
 *          again
 *
 * A guarded block is a struct hak_large, so that everybody who looks an address up finds it, also
 * after its free. Its user's bytes begin or end where its pages do (guard/choose/place.c).
 *
 *   HAKMEM_GUARD_MEMORY   three quarters for the pages of live blocks, one for what is kept of each
 *                         slot: its struct, its place in the address map, its page table
 *   vm.max_map_count      half of it: a live block is two mappings, where the kernel has no guard
 *                         markers
 *
 * What cannot be had is counted by its reason (hops.def, GUARD_*), and the block is one like any
 * other. Addresses are held and never given back.
 *
 * Lock: one, for slots. A signal handler that interrupted its own thread while that held it gets no
 * guarded block; giving one back takes no lock. After a fork in which another thread held it the
 * child has the slots that are live and fresh addresses; those that were given back stay closed.
 *
 * May call: large, platform. */
#ifndef HAK_GUARDED_GUARDED_H
#define HAK_GUARDED_GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include "large_map/large_map.h"

/* A block of exactly `bytes`, whole pages, for the call that returns to `caller`; NULL: there is
 * none, which is counted. Not to be found as live before this returns. Any thread. */
HAK_HIDDEN struct hak_large *hak_guarded_take(size_t bytes, enum hak_guarded_side side,
                                              const void *caller);

/* Closes the block's pages and keeps its slot. Any thread; the block is the caller's. */
HAK_HIDDEN void hak_guarded_give(struct hak_large *large);

/* How many of `parts` equal parts of the memory for live blocks are left. */
HAK_HIDDEN unsigned hak_guarded_left(unsigned parts);

/* True when `p` lies in addresses that are held for guarded blocks. */
HAK_HIDDEN bool hak_guarded_covers(const void *p);

/* Opens the closed page at `p`, for a program that goes on after a fault there: of a block that was
 * given back all pages, whose bytes `fill` may write before anybody takes it again. False: it is
 * none of ours, or the kernel does not. In the handler of a crash. */
HAK_HIDDEN bool hak_guarded_open_at(const void *p, void (*fill)(struct hak_large *));

/* From now on no page is opened or closed: the program enters a sandbox, in which a system call may
 * be its end. */
HAK_HIDDEN void hak_guarded_stop(void);

/* Visits every slot, whether its block lives or was given back. Beside other threads, no lock. */
HAK_HIDDEN void hak_guarded_each(void (*visit)(struct hak_large *, void *), void *context);

/* NULL, or in words what is counted otherwise than the address map has it. */
HAK_HIDDEN const char *hak_guarded_verify(void);

/* In the child of a fork, on its only thread. */
HAK_HIDDEN void hak_guarded_after_fork(void);

#endif

/* Pages in which no block is live are made inaccessible, so that the processor itself stops a
 * program that reads or writes a block which it gave back.
 *
 *   bit p of closed_pages[s] of the SuperSlab: page p of slab s is closed (PROT_NONE)
 *   large block in quarantine: its pages are dropped, and its addresses barred
 *
 *   close   the owner's thread, when a block of it has gone into quarantine and no slot that
 *           touches the page is live, in a linked list, or has its bytes looked at
 *           and all slabs of a new SuperSlab, whose pages stay closed until a block comes there:
 *           reads and writes beyond a block meet them, too
 *   open    the owner's thread, before a block of the page is handed out or gets a link
 *   who else would read or write a block that is not live: nobody may (poison.c)
 *
 * What it costs is bounded in time, by a budget of each thread in ticks that is refilled with a
 * share of the time in which it runs, and in mappings, by a share of vm.max_map_count: each run of
 * closed pages makes at most two mappings more.
 *
 * An accessible page counts for RLIMIT_DATA and a closed one does not: where there is such a limit
 * nothing is closed, and where it comes later a page may not be had back. malloc then has no
 * memory.
 *
 * Signal safety: a slot's state is changed before its page is opened or its bytes are touched, so
 * that a handler which frees blocks cannot close that page in between. */
#ifndef HAK_GUARD_PAGES_H
#define HAK_GUARD_PAGES_H

#include <stdatomic.h>
#include "guard/guard.h"
#include "platform/credit.h"
#include "platform/platform.h"
#include "platform/run_time.h"

/* Of one thread; all zero at its start, when it has nothing yet. */
struct hak_page_budget {
    struct hak_credit credit; /* of ticks */
    struct hak_run_time earned_at;
    uint32_t calls; /* without a budget, since */
    bool is_started;
};
HAK_HIDDEN extern _Thread_local struct hak_page_budget hak_page_budget
    __attribute__((tls_model("initial-exec")));

/* Gives what the calling thread's budget has left, or owes, to the process at the thread's end. */
HAK_HIDDEN void hak_pages_thread_end(struct hak_page_budget *budget);

enum { HAK_PAGES_LOOK_EVERY = 256 }; /* calls without a budget, before the clock is looked at */

/* True when closing pages may have time: the budget has some, or the clock is to be looked at.
 * False is counted as a call. */
static inline bool hak_pages_want_a_look(struct hak_page_budget *budget) {
    if (HAK_UNLIKELY(hak_credit_left(&budget->credit) > 0) ||
        HAK_UNLIKELY((budget->calls + 1) % HAK_PAGES_LOOK_EVERY == 1))
        return true;
    budget->calls++;
    return false;
}

/* pages.c: closes the pages of a block that has just gone into quarantine, where that is possible.
 * Only on the thread that owns the block's SuperSlab. */
HAK_HIDDEN void hak_pages_close(struct hak_page_budget *budget, const struct hak_located *at);

/* Closes all pages of a slab that begins to serve a class, on the thread that owns it; those that
 * are used are opened when they are, and what is left is a guard. */
HAK_HIDDEN void hak_pages_close_fresh(struct hak_superslab *superslab, unsigned slab_index);

/* Opens such a slab where nothing was served yet, if it is closed. */
HAK_HIDDEN void hak_pages_open_fresh(struct hak_superslab *superslab, unsigned slab_index);

/* Of a SuperSlab that was just mapped all but its head: a slab is opened when it begins to serve,
 * or page by page while there is time for it. */
HAK_HIDDEN void hak_pages_close_unserved(struct hak_superslab *superslab);

/* Counts the closed pages of a SuperSlab that is unmapped next as closed no more. */
HAK_HIDDEN void hak_pages_forget_superslab(const struct hak_superslab *superslab);

/* Closes a freed large block, on any thread: its pages go back to the kernel. */
HAK_HIDDEN void hak_pages_drop_large(const struct hak_located *at);

/* Counts a closed large block as closed no more: it leaves quarantine and is unmapped next. */
HAK_HIDDEN void hak_pages_forget_large(const struct hak_located *at);

/* pages.c: opens the pages of the slot that are closed. False: the kernel does not (RLIMIT_DATA).
 */
HAK_HIDDEN HAK_COLD bool hak_pages_open(const struct hak_located *at);

/* A call of the malloc family reads, or writes, [start, end) of a large block next: opens what the
 * program has closed of it. The handler of SIGSEGV does the same later, but not on a thread that
 * blocks the signal. */
HAK_HIDDEN void hak_pages_open_for_call(const char *start, const char *end, bool writes);

/* Bits of the pages of its slab that a slot touches. */
static inline uint32_t hak_pages_of(const struct hak_located *at) {
    uintptr_t offset = (uintptr_t)at->base & (HAK_SLAB_BYTES - 1);
    unsigned first = (unsigned)(offset / HAK_PAGE_BYTES);
    unsigned last = (unsigned)((offset + at->slot_bytes - 1) / HAK_PAGE_BYTES);
    return (2u << last) - (1u << first);
}

/* The closed pages among them; 0 for a large block. */
static inline uint32_t hak_closed_pages_of(const struct hak_located *at) {
    if (!at->superslab)
        return 0;
    unsigned slab_index = hak_slab_index_of(at->base);
    uint32_t closed =
        atomic_load_explicit(&at->superslab->closed_pages[slab_index], memory_order_relaxed);
    return HAK_LIKELY(closed == 0) ? 0 : closed & hak_pages_of(at);
}

/* Before the bytes of a slot are touched that is not live. Its state says already that they are.
 * False: they cannot be touched. */
static inline bool hak_pages_touch(const struct hak_located *at) {
    return HAK_LIKELY(hak_closed_pages_of(at) == 0) || hak_pages_open(at);
}

#endif

/* BenchFast: HAKMEM_BENCH_FAST_MODE=1 measures what safety costs. Never for use.
 *
 *   reserved addresses, 1 GiB for each class up to 1,024 B; in each 64 MiB, a portion, for a thread
 *   | C0 8 B   | portion 0 | portion 1 | ... 15 |
 *   | C1 16 B  | portion 0 | ...                     a portion: 50,000 blocks, pages as they are
 *   ...                                              touched
 *
 *   thread   top[c] --> | none | base | base | ... 50,000 ... |   its own stacks in the place of
 *                                                                 the arrays (front/front.h)
 *
 *   malloc   the pop as always; nothing refills the stack
 *   free     an address of the pool says its class: a push. The owner of the block, whether it is
 *            one, and whether it is free already are not looked at
 *   the rest (empty stack, above 1,024 B, threads beyond 16) goes the normal way, block by block;
 *            the first block that does so for want of pool is one line on stderr, since the figures
 *            are no longer the pool's
 *
 * The fast paths have no instruction for this mode: the pool is no SuperSlab, so free finds no
 * owner and jumps to hak_entry_give_slowly, which asks here first. A stack is hung in when it is
 * whole, so a call out of a signal handler while it is made goes the normal way (nothing here calls
 * malloc). Pages: the stacks are touched when they are made, 8 MiB for a thread; the blocks are
 * not, or each thread would have 330 MiB, and page faults at the start that the normal mode has as
 * it goes.
 *
 * Ownership: stacks and portion belong to the thread, and to the next one that takes the portion. A
 * block of the pool that another thread frees goes onto that thread's stack, or is lost where that
 * is full or has none.
 *
 * libhakmem only; hakmem-debug.so says in a line that it does without. */
#ifndef HAK_ENTRY_BENCH_FAST_H
#define HAK_ENTRY_BENCH_FAST_H

#include "front/front.h"

#define HAK_BENCH_BLOCKS        50000u
#define HAK_BENCH_PLACES        65535u /* blocks of others may come on top */
#define HAK_BENCH_PORTIONS      16u
#define HAK_BENCH_PORTION_SHIFT 26
#define HAK_BENCH_CLASS_SHIFT   30
#define HAK_BENCH_CLASSES       (HAK_CLASS_OF_1024 + 1)

/* The pool's place; 0 bytes without it. Written once, at start. */
HAK_HIDDEN extern uintptr_t hak_bench_pool;
HAK_HIDDEN extern size_t hak_bench_pool_bytes;

/* Reserves the pool where the mode is asked for. Once, before the first thread has a front. */
HAK_HIDDEN HAK_COLD void hak_bench_fast_start(void);

/* Gives the calling thread, whose front has just been set up, a portion and its stacks; without a
 * free portion or memory it goes the normal way. */
HAK_HIDDEN HAK_COLD void hak_bench_fast_begin(void);

/* Takes the thread's stacks out again at its end, before its front ends. */
HAK_HIDDEN HAK_COLD void hak_bench_fast_end(void);

/* Says once that a block of the class comes from elsewhere than the pool. */
HAK_HIDDEN HAK_COLD void hak_bench_fast_report_empty(unsigned class_index);

static inline bool hak_bench_fast_is_on(void) {
    return HAK_UNLIKELY(hak_bench_pool_bytes != 0);
}

/* True for a block of the pool. */
static inline bool hak_bench_fast_holds(const void *pointer) {
    return HAK_UNLIKELY((uintptr_t)pointer - hak_bench_pool < hak_bench_pool_bytes);
}

/* The class of a block of the pool. */
static inline unsigned hak_bench_fast_class_of(const void *pointer) {
    return (unsigned)(((uintptr_t)pointer - hak_bench_pool) >> HAK_BENCH_CLASS_SHIFT);
}

/* Puts a block of the pool back onto the calling thread's stack; one too many is lost. */
static inline void hak_bench_fast_push(void *pointer) {
    unsigned class_index = hak_bench_fast_class_of(pointer);
    if (HAK_LIKELY(!hak_array_is_full(class_index)))
        hak_array_push(class_index, base_from(pointer));
}

#endif

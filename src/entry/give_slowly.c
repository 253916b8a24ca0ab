/* Gives a block back by the long ways of libhakmem: to BenchFast's pool, to another thread, to a
 * layer, or to another allocator. Not in the checks' build. */
#include "background/background.h"
#include "entry/plain/way.h"

/* Gives a block back by one of the short ways, but for other threads' blocks. False: a pointer, or
 * a thread, that needs the long one. */
static inline bool give_shortly(base_t block, unsigned owner) {
    if (owner == HAK_OWNER_NOBODY)
        return hak_large_give_hot(block);
    if (owner != hak_thread.heap_id)
        return false;
    hak_route_give_own(block, hak_free_by(HAK_GIVEN_BY_FREE));
    return true;
}

/* By the long one. Nothing follows hak_entry_give, which takes its return address for the caller's
 * in the program. */
static HAK_COLD void give_at_length(void *pointer) {
    /* Not for what is none of ours: the memory of a new heap could come to lie just there. */
    if (hak_registry_owner(pointer) != HAK_OWNER_NOBODY)
        hak_entry_begin();
    hak_entry_give(pointer, hak_free_by(HAK_GIVEN_BY_FREE));
}

/* free of a pointer that the fast path did not take: NULL, another heap's, large, or not ours. */
static HAK_COLD void give_back(void *pointer, unsigned owner) {
    if (give_shortly(base_from(pointer), owner)) {
        if (hak_background_is_due())
            hak_background_begin_for(__builtin_return_address(0));
    } else if (pointer) {
        give_at_length(pointer);
    }
}

/* Frees a pointer that the fast path did not take: BenchFast's pool, another thread's block, or the
 * rest by give_back. A leaf, so that neither another thread's block nor BenchFast's has a frame;
 * not cold, or its push would be a call. */
__attribute__((noinline)) void hak_entry_give_slowly(void *pointer, unsigned owner) {
    base_t block = base_from(pointer);
    if (hak_bench_fast_holds(pointer))
        hak_bench_fast_push(pointer);
    else if (owner != HAK_OWNER_NOBODY && owner != hak_thread.heap_id &&
             hak_thread.state != HAK_THREAD_NEW)
        hak_remote_put((hak_owner_t)owner, block);
    else if (owner != HAK_OWNER_NOBODY || !hak_large_give_last(block))
        give_back(pointer, owner);
}

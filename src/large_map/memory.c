/* The large layer's own memory: one lock, one piece of 64 KiB that is cut from below. */
#include "large_map/memory.h"

#include "large_map/large_map.h"

#define PIECE_BYTES ((size_t)64 << 10)

struct hak_lock hak_large_memory_lock;

static char *fresh, *fresh_end;
static struct hak_large *unused;

/* Cuts zeroed memory, in steps of 64 bytes, from a mapped piece or a new one. It is never given
 * back. NULL without memory. With the lock. */
void *hak_large_memory_take_locked(size_t bytes) {
    bytes = (bytes + 63) / 64 * 64;
    if ((size_t)(fresh_end - fresh) < bytes) {
        char *start = hak_map(PIECE_BYTES);
        if (!start)
            return NULL;
        fresh = start;
        fresh_end = start + PIECE_BYTES;
    }
    void *taken = fresh;
    fresh += bytes;
    return taken;
}

void *hak_large_memory_take(size_t bytes) {
    hak_lock(&hak_large_memory_lock);
    void *taken = hak_large_memory_take_locked(bytes);
    hak_unlock(&hak_large_memory_lock);
    return taken;
}

struct hak_large *hak_large_struct_take(void) {
    hak_lock(&hak_large_memory_lock);
    struct hak_large *large = unused;
    if (large)
        unused = large->next; /* by one store, before the struct is written to */
    else
        large = hak_large_memory_take_locked(sizeof *large);
    hak_unlock(&hak_large_memory_lock);
    return large;
}

void hak_large_struct_give(struct hak_large *large) {
    hak_lock(&hak_large_memory_lock);
    large->base = HAK_NO_BASE; /* before it is live again: hak_large_is_live_at */
    large->next = unused;
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    unused = large;
    hak_unlock(&hak_large_memory_lock);
}

size_t hak_large_memory_after_fork(void) {
    if (!hak_lock_was_left(&hak_large_memory_lock))
        return 0;
    fresh = fresh_end = NULL; /* the two may not belong together */
    return PIECE_BYTES;
}

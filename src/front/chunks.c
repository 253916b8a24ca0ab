/* Takes and drops empty chunks, a batch at a time between the thread's few and the process's. */
#include "front/chunks.h"

#include "hop.h"

#define CHUNKS_MAP_BYTES ((size_t)64 << 10)

enum { SPARE_CHUNKS = 32 };

struct hak_lock hak_chunks_lock;

static struct hak_chunk *free_chunks;
static char *fresh, *fresh_end; /* memory for new chunks */

/* Takes a chunk: a free one, or one of fresh memory; NULL without memory. Hold hak_chunks_lock. */
static struct hak_chunk *take_locked(void) {
    struct hak_chunk *chunk = free_chunks;
    if (chunk) {
        free_chunks = chunk->next;
        atomic_signal_fence(memory_order_release);
        return chunk;
    }
    if (fresh == fresh_end) {
        char *start = hak_map(CHUNKS_MAP_BYTES);
        if (!start)
            return NULL;
        fresh = start;
        fresh_end = start + CHUNKS_MAP_BYTES;
    }
    chunk = (struct hak_chunk *)(void *)fresh;
    fresh += sizeof *chunk;
    return chunk;
}

/* Gives a chunk back to the free ones. Hold hak_chunks_lock. */
static void drop_locked(struct hak_chunk *chunk) {
    chunk->next = free_chunks;
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    free_chunks = chunk;
}

/* Fills the thread's spare chunks to the half from the common ones; fewer without memory. */
static void fetch_spares(struct hak_remote *remote) {
    hak_lock(&hak_chunks_lock);
    while (remote->spare_count < SPARE_CHUNKS / 2) {
        struct hak_chunk *chunk = take_locked();
        if (!chunk)
            break;
        chunk->next = remote->spare_chunks;
        atomic_signal_fence(memory_order_release);
        remote->spare_chunks = chunk;
        remote->spare_count++;
    }
    hak_unlock(&hak_chunks_lock);
}

/* Gives the thread's spare chunks above the half to the common ones. */
static void return_spares(struct hak_remote *remote) {
    hak_lock(&hak_chunks_lock);
    while (remote->spare_count > SPARE_CHUNKS / 2) {
        struct hak_chunk *chunk = remote->spare_chunks;
        remote->spare_chunks = chunk->next;
        remote->spare_count--;
        atomic_signal_fence(memory_order_release);
        drop_locked(chunk);
    }
    hak_unlock(&hak_chunks_lock);
}

struct hak_chunk *hak_chunk_take(struct hak_remote *remote) {
    struct hak_chunk *chunk;
    if (!remote) {
        hak_lock(&hak_chunks_lock);
        chunk = take_locked();
        hak_unlock(&hak_chunks_lock);
    } else {
        if (!remote->spare_chunks)
            fetch_spares(remote);
        chunk = remote->spare_chunks;
        if (chunk) {
            remote->spare_chunks = chunk->next;
            remote->spare_count--;
            atomic_signal_fence(memory_order_release);
        }
    }
    if (chunk)
        chunk->count = 0;
    return chunk;
}

void hak_chunk_drop(struct hak_remote *remote, struct hak_chunk *chunk) {
    if (!remote) {
        hak_lock(&hak_chunks_lock);
        drop_locked(chunk);
        hak_unlock(&hak_chunks_lock);
        return;
    }
    chunk->next = remote->spare_chunks;
    atomic_signal_fence(memory_order_release);
    remote->spare_chunks = chunk;
    if (++remote->spare_count > SPARE_CHUNKS)
        return_spares(remote);
}

void hak_chunks_after_fork(void) {
    if (!hak_lock_was_left(&hak_chunks_lock))
        return;
    hop_count(HAK_COUNTED_FORK_LEFT, HAK_CLASS_NONE, CHUNKS_MAP_BYTES);
    fresh = fresh_end = NULL; /* the two may not belong together */
}

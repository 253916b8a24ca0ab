/* Takes and drops empty chunks, a batch at a time between the thread's few and the process's. */
#include "front/chunks.h"

#define CHUNKS_MAP_BYTES ((size_t)64 << 10)

enum { SPARE_CHUNKS = 32 };

struct hak_lock hak_chunks_lock;

static struct hak_chunk *free_chunks;
static char *fresh, *fresh_end; /* memory for new chunks */

/* Hold hak_chunks_lock. */
static struct hak_chunk *take_locked(void) {
    struct hak_chunk *chunk = free_chunks;
    if (chunk) {
        free_chunks = chunk->next;
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

static void fetch_spares(struct hak_remote *remote) {
    hak_lock(&hak_chunks_lock);
    while (remote->spare_count < SPARE_CHUNKS / 2) {
        struct hak_chunk *chunk = take_locked();
        if (!chunk)
            break;
        chunk->next = remote->spare_chunks;
        remote->spare_chunks = chunk;
        remote->spare_count++;
    }
    hak_unlock(&hak_chunks_lock);
}

static void return_spares(struct hak_remote *remote) {
    hak_lock(&hak_chunks_lock);
    while (remote->spare_count > SPARE_CHUNKS / 2) {
        struct hak_chunk *chunk = remote->spare_chunks;
        remote->spare_chunks = chunk->next;
        remote->spare_count--;
        chunk->next = free_chunks;
        free_chunks = chunk;
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
        }
    }
    if (chunk)
        chunk->count = 0;
    return chunk;
}

void hak_chunk_drop(struct hak_remote *remote, struct hak_chunk *chunk) {
    if (!remote) {
        hak_lock(&hak_chunks_lock);
        chunk->next = free_chunks;
        free_chunks = chunk;
        hak_unlock(&hak_chunks_lock);
        return;
    }
    chunk->next = remote->spare_chunks;
    remote->spare_chunks = chunk;
    if (++remote->spare_count > SPARE_CHUNKS)
        return_spares(remote);
}

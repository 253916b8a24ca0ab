/* Frees for other threads: collect, post, drain, and the pool of chunks. */
#include "front/remote.h"

#include "front/thread_block.h"

#define CHUNKS_MAP_BYTES ((size_t)64 << 10)

enum { SPARE_CHUNKS = 16 };

struct hak_lock hak_chunks_lock;

static struct hak_chunk *free_chunks;
static char *fresh, *fresh_end; /* memory for new chunks */

/* ---- chunks ---------------------------------------------------------------------------------- */

/* Hold hak_chunks_lock. */
static struct hak_chunk *take_chunk_locked(void) {
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

static void fetch_spare_chunks(struct hak_front *front) {
    hak_lock(&hak_chunks_lock);
    while (front->spare_count < SPARE_CHUNKS / 2) {
        struct hak_chunk *chunk = take_chunk_locked();
        if (!chunk)
            break;
        chunk->next = front->spare_chunks;
        front->spare_chunks = chunk;
        front->spare_count++;
    }
    hak_unlock(&hak_chunks_lock);
}

static void return_spare_chunks(struct hak_front *front) {
    hak_lock(&hak_chunks_lock);
    while (front->spare_count > SPARE_CHUNKS / 2) {
        struct hak_chunk *chunk = front->spare_chunks;
        front->spare_chunks = chunk->next;
        front->spare_count--;
        chunk->next = free_chunks;
        free_chunks = chunk;
    }
    hak_unlock(&hak_chunks_lock);
}

/* An empty chunk; `front` may be NULL (a thread without a heap). */
static struct hak_chunk *take_chunk(struct hak_front *front) {
    struct hak_chunk *chunk;
    if (!front) {
        hak_lock(&hak_chunks_lock);
        chunk = take_chunk_locked();
        hak_unlock(&hak_chunks_lock);
    } else {
        if (!front->spare_chunks)
            fetch_spare_chunks(front);
        chunk = front->spare_chunks;
        if (chunk) {
            front->spare_chunks = chunk->next;
            front->spare_count--;
        }
    }
    if (chunk)
        chunk->count = 0;
    return chunk;
}

static void drop_chunk(struct hak_front *front, struct hak_chunk *chunk) {
    if (!front) {
        hak_lock(&hak_chunks_lock);
        chunk->next = free_chunks;
        free_chunks = chunk;
        hak_unlock(&hak_chunks_lock);
        return;
    }
    chunk->next = front->spare_chunks;
    front->spare_chunks = chunk;
    if (++front->spare_count > SPARE_CHUNKS)
        return_spare_chunks(front);
}

/* ---- the owner's side ------------------------------------------------------------------------ */

static void move_to_front(base_t block, unsigned class_index) {
    hop(HAK_DRAIN_FRONT, block, class_index);
    hak_array_push(class_index, block);
}

static void move_to_slab(struct hak_heap *heap, base_t block, unsigned class_index) {
    hop(HAK_DRAIN_SLAB, block, class_index);
    hak_slab_give(heap, block);
}

static void drain_chunk(struct hak_heap *heap, const struct hak_chunk *chunk) {
    bool is_own = heap == hak_thread.heap;
    for (uint32_t i = 0; i < chunk->count; i++) {
        base_t block = chunk->blocks[i];
        unsigned class_index = hak_front_class_of(block);
        if (is_own && hak_is_slot_start(block.p, class_index) && !hak_array_is_full(class_index))
            move_to_front(block, class_index);
        else
            move_to_slab(heap, block, class_index);
    }
}

void hak_remote_drain_heap(struct hak_heap *heap) {
    if (!atomic_load_explicit(&heap->posted, memory_order_relaxed))
        return;
    struct hak_chunk *chunk = atomic_exchange_explicit(&heap->posted, NULL, memory_order_acquire);
    while (chunk) {
        struct hak_chunk *next = chunk->next;
        heap->draining = chunk;
        drain_chunk(heap, chunk);
        heap->draining = next;
        drop_chunk(hak_thread.front, chunk);
        chunk = next;
    }
}

void hak_remote_drain(void) {
    hak_remote_drain_heap(hak_thread.heap);
}

/* ---- the freeing thread's side --------------------------------------------------------------- */

/* The thread of an idle heap is gone: whoever posts to it drains it. */
static void drain_idle_heap(hak_owner_t id) {
    struct hak_heap *heap = hak_heap_help(id);
    if (!heap)
        return;
    hak_front_mend(heap);
    hak_remote_drain_heap(heap);
    hak_slab_trim(heap);
    hak_heap_release(heap);
}

/* Hands the chunk to its owner's heap; its state as it was before, or -1 where there is no heap. */
static int push(struct hak_chunk *chunk) {
    struct hak_heap *heap = hak_heap_of((hak_owner_t)chunk->owner);
    if (!heap) {
        drop_chunk(hak_thread.front, chunk);
        return -1;
    }
    uint8_t state = atomic_load_explicit(&heap->state, memory_order_relaxed);
    void *head = atomic_load_explicit(&heap->posted, memory_order_relaxed);
    do
        chunk->next = head;
    while (!atomic_compare_exchange_weak_explicit(&heap->posted, &head, chunk, memory_order_release,
                                                  memory_order_relaxed));
    return state;
}

static void post(struct hak_chunk *chunk) {
    hak_owner_t owner = (hak_owner_t)chunk->owner;
    if (push(chunk) == HAK_HEAP_IDLE)
        drain_idle_heap(owner);
}

static void put(struct hak_chunk *chunk, base_t block) {
    chunk->blocks[chunk->count] = block;
    atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
    chunk->count++;
}

static void post_alone(hak_owner_t owner, base_t block) {
    struct hak_chunk *chunk = take_chunk(hak_thread.front);
    if (!chunk)
        return; /* no memory for a chunk: the block is lost, the program goes on */
    chunk->owner = owner;
    put(chunk, block);
    post(chunk);
}

static uint32_t slot_bytes_of(base_t block) {
    unsigned class_index = hak_front_class_of(block);
    return class_index < HAK_CLASSES ? (uint32_t)hak_class_bytes(class_index) : 0;
}

void hak_remote_put(hak_owner_t owner, base_t block) {
    if (HAK_UNLIKELY(owner == HAK_OWNER_RESERVE)) {
        if (!hak_is_debug_build)
            hak_die("bad-free", block.p, "is in no block; its memory was given back before");
        return;
    }
    struct hak_front *front = hak_thread.front;
    if (HAK_UNLIKELY(!front)) {
        post_alone(owner, block);
        return;
    }
    struct hak_remote_slot *slot = &front->remote[owner & (HAK_REMOTE_SLOTS - 1)];
    if (HAK_UNLIKELY(slot->chunk && slot->owner != owner)) {
        post(slot->chunk);
        slot->chunk = NULL;
    }
    if (!slot->chunk) {
        slot->chunk = take_chunk(front);
        if (!slot->chunk)
            return; /* as above */
        slot->owner = owner;
        slot->bytes = 0;
        slot->chunk->owner = owner;
    }
    struct hak_chunk *chunk = slot->chunk;
    put(chunk, block);
    slot->bytes += slot_bytes_of(block);
    if (chunk->count == HAK_CHUNK_BLOCKS || slot->bytes >= HAK_CHUNK_BYTES) {
        slot->chunk = NULL;
        post(chunk);
    }
}

void hak_remote_flush(void) {
    struct hak_front *front = hak_thread.front;
    for (unsigned i = 0; i < HAK_REMOTE_SLOTS; i++) {
        struct hak_chunk *chunk = front->remote[i].chunk;
        front->remote[i].chunk = NULL;
        if (chunk)
            post(chunk);
    }
}

/* Blocks that were drained before the fork are back already, or lie in an array that was emptied
 * before. */
static void drain_left(struct hak_heap *heap) {
    struct hak_chunk *chunk = heap->draining;
    heap->draining = NULL;
    while (chunk) {
        struct hak_chunk *next = chunk->next;
        for (uint32_t i = 0; i < chunk->count; i++)
            if (hak_registry_owner(chunk->blocks[i].p) == heap->id)
                hak_slab_give_left(heap, chunk->blocks[i], hak_front_class_of(chunk->blocks[i]));
        drop_chunk(hak_thread.front, chunk);
        chunk = next;
    }
}

void hak_remote_flush_left(struct hak_heap *heap) {
    struct hak_front *front = heap->front_block;
    drain_left(heap);
    for (unsigned i = 0; i < HAK_REMOTE_SLOTS; i++) {
        struct hak_chunk *chunk = front->remote[i].chunk;
        front->remote[i].chunk = NULL;
        if (chunk && chunk->count > 0)
            (void)push(chunk); /* and no more: an idle owner may be a heap to be mended, too */
        else if (chunk)
            drop_chunk(hak_thread.front, chunk);
    }
    front->spare_count = 0;
    for (struct hak_chunk *chunk = front->spare_chunks; chunk; chunk = chunk->next)
        front->spare_count++;
}

void hak_remote_tend(void) {
    hak_remote_drain();
    hak_front_decay();
}

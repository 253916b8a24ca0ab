/* The owner's side of remote frees: sorts posted chunks by class, moves them into arrays when their
 * class needs them, or into the slabs. */
#include "front/chunks.h"
#include "front/front.h"
#include "front/thread_block.h"
#include "slab/tune.h"

/* So many bytes of blocks wait at most, of one class and of all. Slabs that these would leave and
 * be taken from again cost a producer, whose consumer frees in bursts, a third of its time. */
#define CLASS_BYTES ((size_t)1 << 20)
#define HEAP_BYTES  ((size_t)4 << 20)

/* ---- down into the slabs --------------------------------------------------------------------- */

static void drain_to_slabs(struct hak_heap *heap, const struct hak_chunk *chunk) {
    hop_all(HAK_DRAIN_SLAB, chunk->blocks, chunk->count, chunk->class_index);
    hak_slab_give_all(heap, chunk->blocks, chunk->count);
}

/* Moves all waiting chunks of the class into the slabs. */
static void spill_class(struct hak_heap *heap, unsigned class_index) {
    struct hak_mail *mail = &heap->mail[class_index];
    while (mail->chunks) {
        struct hak_chunk *chunk = mail->chunks;
        drain_to_slabs(heap, chunk);
        mail->chunks = chunk->next;
        hak_chunk_drop(hak_own_remote(), chunk);
    }
    heap->mail_bytes -= mail->blocks * hak_class_bytes(class_index);
    mail->blocks = 0;
}

/* ---- sorting --------------------------------------------------------------------------------- */

static size_t bytes_of(const struct hak_chunk *chunk) {
    return chunk->count * hak_class_bytes(chunk->class_index);
}

/* True when the chunk may wait for the thread's refill: its own heap, the array is on, and the
 * bounds in bytes hold. */
static bool may_wait(const struct hak_heap *heap, const struct hak_chunk *chunk) {
    unsigned class_index = chunk->class_index;
    size_t waiting_bytes = heap->mail[class_index].blocks * hak_class_bytes(class_index);
    return heap == hak_thread.heap && hak_array_is_on(class_index) &&
           waiting_bytes + bytes_of(chunk) <= CLASS_BYTES &&
           heap->mail_bytes + bytes_of(chunk) <= HEAP_BYTES;
}

/* Lets the chunk wait for the class's next refill, or with `keep` off or no room gives it to the
 * slabs. */
static void sort_chunk(struct hak_heap *heap, struct hak_chunk *chunk, bool keep) {
    if (keep && may_wait(heap, chunk)) {
        struct hak_mail *mail = &heap->mail[chunk->class_index];
        chunk->next = mail->chunks;
        mail->blocks += chunk->count;
        heap->mail_bytes += bytes_of(chunk);
        mail->chunks = chunk;
    } else {
        drain_to_slabs(heap, chunk);
        hak_chunk_drop(hak_own_remote(), chunk);
    }
}

/* Empties the heap's mail box: with `keep` chunks wait for their class's next refill, where that is
 * possible, all others go into the slabs. Returns how many blocks had been posted. */
static uint32_t sort_mail(struct hak_heap *heap, bool keep) {
    struct hak_chunk *chunk = hak_mailbox_take(heap);
    uint32_t blocks = 0;
    heap->draining = chunk;
    while (chunk) {
        struct hak_chunk *next = chunk->next;
        blocks += chunk->count;
        /* A fork may come in between: a chunk must not be in two lists. */
        heap->draining = next;
        atomic_signal_fence(memory_order_release);
        sort_chunk(heap, chunk, keep);
        chunk = next;
    }
    if (blocks > 0)
        hop_note(HAK_REMOTE_DRAIN, HAK_CLASS_NONE, heap, blocks);
    return blocks;
}

void hak_remote_drain_heap(struct hak_heap *heap) {
    (void)sort_mail(heap, false);
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        if (heap->mail[c].chunks)
            spill_class(heap, c);
}

void hak_remote_drain(void) {
    hak_remote_drain_heap(hak_thread.heap);
}

/* ---- up into an array ------------------------------------------------------------------------ */

/* Moves a chunk's blocks onto the class's array, the first on top. */
static void move_to_front(const base_t *blocks, unsigned count, unsigned class_index) {
    hop_all_down(hak_mid_has(class_index) ? HAK_DRAIN_MID : HAK_DRAIN_FRONT, blocks, count,
                 class_index);
    for (unsigned i = count; i > 0; i--)
        hak_array_push(class_index, blocks[i - 1]);
}

/* Moves up to `room` blocks (at least 1) from a chunk's end onto the array. Returns how many. */
static unsigned empty_chunk(struct hak_chunk *chunk, unsigned room) {
    unsigned count = chunk->count < room ? chunk->count : room;
    move_to_front(chunk->blocks + chunk->count - count, count, chunk->class_index);
    chunk->count -= count;
    return count;
}

unsigned hak_remote_fill(unsigned class_index) {
    struct hak_heap *heap = hak_thread.heap;
    struct hak_mail *mail = &heap->mail[class_index];
    if (!mail->chunks && sort_mail(heap, true) == 0)
        return 0;
    unsigned filled = 0, wanted = hak_array_batch(&hak_thread.front->array[class_index]);
    while (mail->chunks && filled < wanted) {
        struct hak_chunk *chunk = mail->chunks;
        unsigned moved = empty_chunk(chunk, wanted - filled);
        filled += moved;
        if (chunk->count > 0)
            break;
        mail->chunks = chunk->next;
        hak_chunk_drop(heap->remote, chunk);
    }
    mail->blocks -= filled;
    heap->mail_bytes -= filled * hak_class_bytes(class_index);
    return filled;
}

/* ---- now and then ---------------------------------------------------------------------------- */

/* Moves down the blocks that waited for a purge delay: their classes do not need them. */
static void decay(struct hak_heap *heap) {
    uint64_t now = hak_ticks();
    if (now - heap->mail_decayed_at <
        atomic_load_explicit(&hak_purge_delay_ticks, memory_order_relaxed))
        return;
    heap->mail_decayed_at = now;
    hak_remote_drain_heap(heap);
}

static void relieve(struct hak_heap *heap) {
    uint32_t blocks = sort_mail(heap, true);
    hop_count(HAK_COUNTED_TENSION_DRAIN, HAK_CLASS_NONE, blocks);
}

void hak_mail_tend(void) {
    struct hak_heap *heap = hak_thread.heap;
    if (hak_options.tension_drain_enable &&
        hak_mailbox_blocks(heap) >= hak_options.tension_drain_threshold)
        relieve(heap);
    if (++heap->tended % HAK_TEND_EVERY == 0) {
        (void)sort_mail(heap, true);
        decay(heap);
    }
}

/* ---- what a fork left behind ----------------------------------------------------------------- */

/* Frees the chunks of a heap that was left into its slabs; blocks that are no longer the heap's are
 * skipped. */
static void give_left(struct hak_heap *heap, struct hak_chunk *chunk) {
    while (chunk) {
        struct hak_chunk *next = chunk->next;
        for (uint32_t i = 0; i < chunk->count; i++)
            if (hak_registry_owner(chunk->blocks[i].p) == heap->id)
                hak_slab_give_left(heap, chunk->blocks[i], hak_front_class_of(chunk->blocks[i]));
        hak_chunk_drop(hak_own_remote(), chunk);
        chunk = next;
    }
}

/* Gives the chunks that a heap which a fork left was draining, or that waited in it, to its slabs.
 * Blocks that were drained before the fork are back already, or lie in an array that was emptied
 * before. */
void hak_mail_drain_left(struct hak_heap *heap) {
    struct hak_chunk *chunk = heap->draining;
    heap->draining = NULL;
    give_left(heap, chunk);
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        chunk = heap->mail[c].chunks;
        heap->mail[c] = (struct hak_mail){0};
        give_left(heap, chunk);
    }
    heap->mail_bytes = 0;
}

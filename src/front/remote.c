/* The freeing thread's side of remote frees: collects them by owner and class, and posts them. */
#include "front/remote.h"

#include "front/chunks.h"
#include "front/front.h"
#include "front/thread_block.h"

/* Every so many full chunks those that are not full are posted, too. */
enum { FLUSH_EVERY_POSTS = 16 };

/* ---- posting --------------------------------------------------------------------------------- */

struct chain {
    struct hak_chunk *first, *last;
    uint32_t blocks;
};

static void add_to_chain(struct chain *chain, struct hak_chunk *chunk) {
    chunk->next = chain->first;
    chain->first = chunk;
    if (!chain->last)
        chain->last = chunk;
    chain->blocks += chunk->count;
}

/* Drops the chunks of a chain, which are empty or whose blocks are lost. */
static void drop_chain(struct hak_remote *remote, struct hak_chunk *chunk) {
    while (chunk) {
        struct hak_chunk *next = chunk->next;
        hak_chunk_drop(remote, chunk);
        chunk = next;
    }
}

/* Posts a chain of chunks to its owner, whose it is from then on; false: the owner's heap is idle.
 */
static bool post_chain(struct hak_remote *remote, const struct chain *chain) {
    struct hak_chunk *first = chain->first;
    hak_owner_t owner = first->owner;
    struct hak_heap *heap = hak_heap_of(owner);
    if (!heap) {
        drop_chain(remote, first);
        return true;
    }
    if (remote)
        remote->posted_blocks += chain->blocks;
    hop_note(HAK_REMOTE_POST, first->next ? HAK_CLASS_NONE : first->class_index, first->blocks[0].p,
             chain->blocks | (uint64_t)owner << 16);
    return hak_mailbox_post(heap, first, chain->last, chain->blocks) != HAK_HEAP_IDLE;
}

/* Takes in what was posted to an idle heap, whose thread is gone. */
static void help(hak_owner_t id) {
    struct hak_heap *heap;
    while ((heap = hak_heap_help(id)) != NULL) {
        hak_front_mend(heap);
        hak_remote_drain_heap(heap);
        hak_slab_trim(heap);
        hak_heap_release(heap);
        if (!hak_mailbox_has_mail(heap))
            break;
    }
}

void hak_remote_after_release(hak_owner_t id) {
    if (hak_mailbox_has_mail(hak_heap_of(id)))
        help(id);
}

/* Posts a chain, and drains its owner's heap if that is idle. A nested call may not take the locks
 * for that: the next poster does so. */
static void post(struct hak_remote *remote, const struct chain *chain) {
    hak_owner_t owner = chain->first->owner;
    if (!post_chain(remote, chain) && !check_is_nested())
        help(owner);
}

/* Posts one chunk to the heap that owns its blocks. */
static void post_chunk(struct hak_remote *remote, struct hak_chunk *chunk) {
    struct chain chain = {0};
    add_to_chain(&chain, chunk);
    post(remote, &chain);
}

/* ---- collecting ------------------------------------------------------------------------------ */

/* The classes of one owner have slots side by side. */
static unsigned slot_of(hak_owner_t owner, unsigned class_index) {
    return (owner * HAK_CLASSES + class_index) & (HAK_REMOTE_SLOTS - 1);
}

static unsigned chunk_limit(unsigned class_index) {
    size_t by_bytes = HAK_CHUNK_BYTES / hak_class_bytes(class_index);
    return by_bytes < HAK_CHUNK_BLOCKS ? (unsigned)by_bytes : HAK_CHUNK_BLOCKS;
}

/* The bytes of blocks that it may come to hold. */
static size_t chunk_bytes(const struct hak_chunk *chunk) {
    return chunk->limit * hak_class_bytes(chunk->class_index);
}

/* An empty chunk for blocks of an owner and class; NULL without memory. */
static struct hak_chunk *open_chunk(struct hak_remote *remote, hak_owner_t owner,
                                    unsigned class_index) {
    struct hak_chunk *chunk = hak_chunk_take(remote);
    if (chunk) {
        chunk->key = hak_chunk_key(owner, class_index);
        chunk->limit = chunk_limit(class_index);
    }
    return chunk;
}

/* Takes a chunk out of its slot. In this order: a fork may come in between, and what is in a mail
 * box must not be in a slot, too. */
static struct hak_chunk *close_slot(struct hak_remote *remote, unsigned slot) {
    struct hak_chunk *chunk = remote->slots[slot];
    remote->slots[slot] = NULL;
    remote->in_use[slot / 64] &= ~(1ull << slot % 64);
    remote->bytes -= chunk_bytes(chunk);
    atomic_signal_fence(memory_order_release);
    return chunk;
}

static void put_in_chunk(struct hak_chunk *chunk, base_t block) {
    chunk->blocks[chunk->count] = block;
    atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
    chunk->count++;
}

/* Posts one block in a chunk of its own, for a thread without a heap, which keeps nothing. */
static void post_alone(hak_owner_t owner, unsigned class_index, base_t block) {
    struct hak_chunk *chunk = open_chunk(NULL, owner, class_index);
    if (!chunk)
        return; /* no memory for a chunk: the block is lost, the program goes on */
    put_in_chunk(chunk, block);
    post_chunk(NULL, chunk);
}

/* Maps the thread's remote store if it has a heap and no store. NULL without memory. */
static struct hak_remote *make_remote(void) {
    struct hak_heap *heap = hak_thread.heap;
    if (heap && !heap->remote)
        heap->remote = hak_map(HAK_PAGES_OF(sizeof(struct hak_remote)));
    return hak_own_remote();
}

/* Posts the full chunk of a slot; each FLUSH_EVERY_POSTS-th time all others, too. */
static HAK_COLD void post_full(struct hak_remote *remote, unsigned slot) {
    post_chunk(remote, close_slot(remote, slot));
    if (++remote->posts % FLUSH_EVERY_POSTS == 0)
        hak_remote_flush();
}

/* Opens a chunk in the slot, whose old chunk is posted before; flushes all when they hold
 * HAK_REMOTE_BYTES. NULL without memory. */
static HAK_COLD struct hak_chunk *fill_slot(struct hak_remote *remote, unsigned slot,
                                            hak_owner_t owner, unsigned class_index) {
    if (remote->bytes >= HAK_REMOTE_BYTES)
        hak_remote_flush();
    if (remote->slots[slot])
        post_chunk(remote, close_slot(remote, slot));
    struct hak_chunk *chunk = open_chunk(remote, owner, class_index);
    if (chunk) {
        remote->slots[slot] = chunk;
        remote->in_use[slot / 64] |= 1ull << slot % 64;
        remote->bytes += chunk_bytes(chunk);
    }
    return chunk;
}

/* Ends the program for a free of no block; the debug build has reported it and goes on. */
static HAK_COLD void refuse(base_t block, hak_owner_t owner) {
    if (!hak_is_debug_build)
        hak_blame("bad-free", block.p,
                  owner == HAK_OWNER_RESERVE
                      ? "is in no block; its memory was given back before"
                      : "is inside a block or in no block; free what malloc returned");
}

/* Puts a block into a chunk for its owner in all cases but the short one: refuses a wrong one,
 * makes the thread's chunks, or opens one. */
static HAK_COLD void put_slowly(hak_owner_t owner, base_t block) {
    unsigned class_index = hak_front_class_of(block);
    if (owner == HAK_OWNER_RESERVE || !hak_is_slot_start(block.p, class_index)) {
        refuse(block, owner);
        return;
    }
    struct hak_remote *remote = make_remote();
    if (!remote) {
        post_alone(owner, class_index, block);
        return;
    }
    unsigned slot = slot_of(owner, class_index);
    struct hak_chunk *chunk = fill_slot(remote, slot, owner, class_index);
    if (!chunk)
        return; /* as above */
    put_in_chunk(chunk, block);
    if (chunk->count >= chunk->limit)
        post_full(remote, slot);
}

/* Puts a block of another heap into the chunk for its owner and class, and posts it when it is
 * full; on the way of most blocks there is no frame and no call. */
void hak_remote_put(hak_owner_t owner, base_t block) {
    struct hak_remote *remote = hak_own_remote();
    unsigned class_index = hak_front_class_of(block);
    unsigned slot = slot_of(owner, class_index);
    struct hak_chunk *chunk = HAK_LIKELY(remote != NULL) ? remote->slots[slot] : NULL;
    if (HAK_UNLIKELY(!chunk || chunk->key != hak_chunk_key(owner, class_index) ||
                     !hak_is_slot_start(block.p, class_index))) {
        put_slowly(owner, block);
        return;
    }
    put_in_chunk(chunk, block);
    if (HAK_UNLIKELY(chunk->count >= chunk->limit))
        post_full(remote, slot);
}

void hak_remote_flush(void) {
    struct hak_remote *remote = hak_own_remote();
    if (!remote)
        return;
    struct chain chain = {0};
    for (unsigned word = 0; word < HAK_REMOTE_SLOTS / 64; word++) {
        while (remote->in_use[word]) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(remote->in_use[word]);
            struct hak_chunk *chunk = close_slot(remote, slot);
            if (chain.first && chain.first->owner != chunk->owner) {
                post(remote, &chain);
                chain = (struct chain){0};
            }
            add_to_chain(&chain, chunk);
        }
    }
    if (chain.first)
        post(remote, &chain);
}

/* ---- what a fork left behind ----------------------------------------------------------------- */

void hak_remote_flush_left(struct hak_heap *heap) {
    struct hak_remote *remote = heap->remote;
    hak_mail_drain_left(heap);
    if (!remote)
        return;
    for (unsigned slot = 0; slot < HAK_REMOTE_SLOTS; slot++) {
        struct hak_chunk *chunk = remote->slots[slot];
        remote->slots[slot] = NULL;
        if (!chunk || chunk->count == 0)
            continue;
        struct chain chain = {0};
        add_to_chain(&chain, chunk);
        /* And no more: an idle owner may be a heap to be mended, too. */
        (void)post_chain(hak_own_remote(), &chain);
    }
    *remote = (struct hak_remote){.spare_chunks = remote->spare_chunks,
                                  .posted_blocks = remote->posted_blocks};
    for (struct hak_chunk *chunk = remote->spare_chunks; chunk; chunk = chunk->next)
        remote->spare_count++;
}

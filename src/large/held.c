/* Holds mappings that munmap refuses. The list needs memory when the kernel gives no mapping any
 * more, so every now and then one of the held mappings serves as a block of it. */
#include "large/held.h"

#include "hop.h"
#include "memory_tags.h"
#include "superslab.h"

enum { HELD_LOOKED_AT = 16 };

struct held {
    void *start;
    size_t bytes;
};

/* A held mapping that lists others, in `place`. */
struct block {
    struct block *older;
    size_t bytes; /* of the mapping */
    size_t count;
    struct held place[];
};

static struct hak_lock held_lock;

static _Atomic(struct block *) newest; /* written under the lock */
static size_t next_try;                /* place to be tried again next */

static struct block *newest_block_now(void) {
    return atomic_load_explicit(&newest, memory_order_relaxed);
}

static void set_newest(struct block *block) {
    atomic_store_explicit(&newest, block, memory_order_relaxed);
}

/* Takes out a held mapping; the last one takes its place. */
static struct held remove_held(struct block *block, size_t place) {
    struct held held = block->place[place];
    block->place[place] = block->place[--block->count];
    return held;
}

/* Makes a held mapping read as zero, without memory tags, also where its pages are locked. */
static void clear(struct held held) {
    if (hak_discard(held.start, held.bytes))
        return;
    __builtin_memset(held.start, 0, held.bytes);
    if (hak_tags_are_known())
        hak_tag_memory(held.start, (char *)held.start + held.bytes, 0);
}

/* Empties a mapping that could not be unmapped and keeps it. If no block of places has room, the
 * mapping itself becomes one. */
static void hold(struct held held) {
    if (hak_is_debug_build && !hak_allow_writes(held.start, held.bytes))
        return; /* the checks had barred it, and the kernel does not open it: it is lost */
    clear(held);
    hak_lock(&held_lock);
    struct block *block = newest_block_now();
    if (block && sizeof *block + (block->count + 1) * sizeof held <= block->bytes) {
        block->place[block->count++] = held;
    } else {
        struct block *more = held.start;
        *more = (struct block){.older = block, .bytes = held.bytes};
        atomic_signal_fence(memory_order_release); /* a fork may come in between */
        set_newest(more);
    }
    hak_unlock(&held_lock);
}

/* Takes out the newest block, which lists nothing. */
static struct held remove_empty(struct block *block) {
    set_newest(block->older);
    return (struct held){block, block->bytes};
}

/* Takes out the mapping whose turn it is; an empty one when there is none. */
static struct held take_next(void) {
    struct held held = {0};
    hak_lock(&held_lock);
    struct block *block = newest_block_now();
    if (block)
        held =
            block->count > 0 ? remove_held(block, next_try++ % block->count) : remove_empty(block);
    hak_unlock(&held_lock);
    return held;
}

void hak_held_unmap(void *start, size_t bytes) {
    if (!hak_unmap(start, bytes)) {
        hold((struct held){start, bytes});
        return;
    }
    hop_count(HAK_COUNTED_LARGE_UNMAP, HAK_CLASS_NONE, bytes);
    if (HAK_LIKELY(!newest_block_now()))
        return;
    struct held held = take_next();
    if (held.start && !hak_unmap(held.start, held.bytes))
        hold(held);
}

static bool fits(size_t held_bytes, size_t bytes) {
    return held_bytes >= bytes && held_bytes <= bytes + bytes / 4;
}

void *hak_held_take(size_t bytes, size_t *mapped_bytes) {
    struct held found = {0};
    if (HAK_LIKELY(!newest_block_now()))
        return NULL;
    hak_lock(&held_lock);
    struct block *block = newest_block_now();
    size_t count = block ? block->count : 0;
    for (size_t i = count; i-- > 0 && count - i <= HELD_LOOKED_AT && !found.start;)
        if (fits(block->place[i].bytes, bytes))
            found = remove_held(block, i);
    bool is_block = block && count == 0 && fits(block->bytes, bytes);
    if (is_block)
        found = remove_empty(block);
    hak_unlock(&held_lock);
    if (is_block) /* it was written into */
        clear(found);
    *mapped_bytes = found.bytes;
    return found.start;
}

static bool is_in(struct held held, const void *p) {
    return (uintptr_t)p - (uintptr_t)held.start < held.bytes;
}

bool hak_held_holds(const void *p) {
    bool holds = false;
    if (!newest_block_now())
        return false;
    hak_lock(&held_lock);
    for (struct block *block = newest_block_now(); block && !holds; block = block->older) {
        holds = is_in((struct held){block, block->bytes}, p);
        for (size_t i = 0; i < block->count && !holds; i++)
            holds = is_in(block->place[i], p);
    }
    hak_unlock(&held_lock);
    return holds;
}

/* The bytes of this block of the list and those behind it. Only the first may be half-changed; the
 * links behind it change by one store. */
static size_t bytes_behind(const struct block *block) {
    size_t bytes = 0;
    for (; block; block = block->older) {
        bytes += block->bytes;
        for (size_t i = 0; i < block->count; i++)
            bytes += block->place[i].bytes;
    }
    return bytes;
}

void hak_held_after_fork(void) {
    if (!hak_lock_was_left(&held_lock) || !newest_block_now())
        return;
    hop_count(HAK_COUNTED_FORK_LEFT, HAK_CLASS_NONE, bytes_behind(newest_block_now()->older));
    set_newest(NULL);
}

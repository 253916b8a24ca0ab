/* Makes event streams as a real program gives them, for the tests of the store: an allocator of 41
 * classes with last-in-first-out caches, threads, call stacks that repeat, and reallocs. The same
 * seed gives the same stream everywhere. */
#ifndef HAK_TEST_STREAM_H
#define HAK_TEST_STREAM_H

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "size_class.h"
#include "store/event.h"

#define STREAM_SUPERSLAB 0x7f21c4a00000ull
#define STREAM_LIVE      4096
#define STREAM_CACHE     4096
#define STREAM_SLOTS_MAX (1u << 20)

struct stream_block {
    uint64_t base, size;
    uint8_t class_index;
    uint32_t n;
};

struct stream {
    uint64_t random, id, ns;
    uint32_t live_count, stacks, threads;
    uint32_t epoch;
    uint64_t slab_next; /* next untouched slab */
    struct {
        uint64_t next, end;
        uint32_t free_count;
        struct stream_block free[STREAM_CACHE];
    } cache[HAK_CLASSES];
    struct stream_block live[STREAM_LIVE];
};

static inline uint64_t stream_random(struct stream *s) {
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

static inline struct stream *stream_new(uint64_t seed, uint32_t threads) {
    struct stream *s = calloc(1, sizeof *s);
    s->random = seed * 0x9e3779b97f4a7c15ull + 1;
    s->threads = threads;
    s->stacks = 200;
    s->slab_next = STREAM_SUPERSLAB + HAK_SLAB_BYTES;
    return s;
}

static inline struct stream_block stream_take(struct stream *s, unsigned c, uint64_t size) {
    struct stream_block b;
    if (s->cache[c].free_count) {
        b = s->cache[c].free[--s->cache[c].free_count];
    } else {
        if (s->cache[c].next + hak_class_bytes(c) > s->cache[c].end) {
            if (s->slab_next % HAK_SUPERSLAB_BYTES == 0)
                s->slab_next += HAK_SLAB_BYTES;
            s->cache[c].next = s->slab_next + hak_first_slot_offset(c);
            s->cache[c].end = s->slab_next + HAK_SLAB_BYTES;
            s->slab_next += HAK_SLAB_BYTES;
            s->epoch++;
        }
        b = (struct stream_block){.base = s->cache[c].next, .class_index = (uint8_t)c, .n = 0};
        s->cache[c].next += hak_class_bytes(c);
    }
    b.size = size;
    return b;
}

static inline struct hak_event stream_event(struct stream *s, struct stream_block *b, uint8_t kind,
                                            uint32_t stack) {
    s->ns += 20 + stream_random(s) % 60;
    return (struct hak_event){
        .id = ++s->id,
        .ns = s->ns,
        .address = b->base + 16,
        .base = b->base,
        .size = b->size,
        .generation = ((uint64_t)(1 + (b->base >> 16) % 64) << 32) | ++b->n,
        .process = 1,
        .thread = 1 + (uint32_t)(s->id / 5000 % s->threads),
        .stack = stack,
        .kind = kind,
        .class_index = b->class_index,
        .place = HAK_PLACE_FRONT,
        .subkind = 0,
        .flags = 0,
    };
}

/* The next event: a malloc while few are live, else a malloc or the free of a random live block. */
static inline struct hak_event stream_next(struct stream *s) {
    uint64_t site = stream_random(s);
    site = site % s->stacks * (site >> 32 & 1) + site % 8; /* few sites make most calls */
    bool is_malloc =
        s->live_count < 16 || (s->live_count < STREAM_LIVE && (stream_random(s) >> 20 & 1));
    if (is_malloc) {
        uint64_t size = 1 + (site * 37 + (site % 5 == 0 ? stream_random(s) % 64 : 0)) % 1000;
        struct stream_block b = stream_take(s, hak_class_of_bytes(size + 17), size);
        struct hak_event e = stream_event(s, &b, HAK_MALLOC, 10 + (uint32_t)site);
        s->live[s->live_count++] = b;
        return e;
    }
    uint32_t pick = (uint32_t)(stream_random(s) % s->live_count);
    if (stream_random(s) & 1) /* half of the blocks are freed soon */
        pick = s->live_count - 1 -
               (uint32_t)(stream_random(s) % (s->live_count < 8 ? s->live_count : 8));
    struct stream_block b = s->live[pick];
    s->live[pick] = s->live[--s->live_count];
    struct hak_event e = stream_event(s, &b, HAK_FREE, 1000 + (uint32_t)(b.size % 97));
    unsigned c = b.class_index;
    if (s->cache[c].free_count < STREAM_CACHE)
        s->cache[c].free[s->cache[c].free_count++] = b;
    return e;
}

#endif

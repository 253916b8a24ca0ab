/* Remembers the large blocks that were freed lately: their mapping is gone, and with it their
 * state, so that a second free would look like one of unmapped memory.
 *
 *   user address --hash--> a set of 8 entries, one of 64: the block as it was when it was freed
 *
 * Of an address two are kept: its last block with a memory tag, and its last one without. A pointer
 * without a tag can then be told for that block's, though others were freed there since. Another
 * address takes the place of the one in its set that was freed longest ago, so that nearly all of
 * the last 256 blocks are there.
 *
 * Asked only about addresses at which nothing is mapped any more, so an entry can outlive its block
 * without doing harm. There is no lock: an entry that is written belongs to one thread meanwhile,
 * and others pass it over. */
#include "guard/locate/locate.h"

#include <limits.h>
#include <stdatomic.h>

enum { SET_BITS = 6, WAYS = 8, ENTRIES = WAYS << SET_BITS };

/* Values of `user` that are no address. */
enum { EMPTY, WRITING };

struct entry {
    _Atomic uintptr_t user;
    uint32_t order; /* of two that lay at an address the later one is meant */
    struct hak_large block;
};

static struct entry entries[ENTRIES];
static _Atomic uint32_t frees;

static struct entry *set_of(uintptr_t user) {
    const uint64_t odd = 0x9e3779b97f4a7c15;
    uint64_t mixed = (user >> 4) * odd;
    mixed = (mixed ^ mixed >> 32) * odd; /* blocks of one length lie at even distances */
    return &entries[WAYS * (mixed >> (64 - SET_BITS))];
}

/* How many frees ago it was, of those up to `now`. */
static uint32_t frees_ago(const struct entry *entry, uint32_t now) {
    uint32_t ago = now - entry->order;
    return ago > INT32_MAX ? 0 : ago; /* another thread's, meanwhile */
}

/* Takes an entry for the block at `user`, with a tag or without: its own; else an empty one, or the
 * oldest. NULL: other threads write all of its set. */
static struct entry *take_entry(uintptr_t user, bool has_tag, uint32_t now) {
    struct entry *set = set_of(user);
    for (unsigned tries = 0; tries < WAYS; tries++) {
        struct entry *chosen = NULL;
        uintptr_t held_by_chosen = EMPTY;
        uint32_t longest = 0;
        for (unsigned i = 0; i < WAYS; i++) {
            uintptr_t held = atomic_load_explicit(&set[i].user, memory_order_acquire);
            bool is_own = held == user && (set[i].block.tag != 0) == has_tag;
            uint32_t ago = is_own || held == EMPTY ? UINT32_MAX : frees_ago(&set[i], now);
            if (held == WRITING || (chosen && !is_own && ago <= longest))
                continue;
            chosen = &set[i];
            held_by_chosen = held;
            longest = ago;
            if (is_own)
                break;
        }
        if (!chosen)
            return NULL;
        if (atomic_compare_exchange_strong_explicit(&chosen->user, &held_by_chosen, WRITING,
                                                    memory_order_relaxed, memory_order_relaxed))
            return chosen;
    }
    return NULL;
}

void hak_remember_large(const struct hak_large *large) {
    uintptr_t user = (uintptr_t)large->base.p + large->user_delta;
    uint32_t now = atomic_fetch_add_explicit(&frees, 1, memory_order_relaxed);
    struct entry *entry = take_entry(user, large->tag != 0, now);
    if (!entry)
        return;
    atomic_thread_fence(memory_order_release);
    entry->block = *large;
    entry->order = now;
    atomic_store_explicit(&entry->user, user, memory_order_release);
}

/* Copies the block of an entry that was `user`'s; false: it is written anew meanwhile. */
static bool copy_former(const struct entry *entry, uintptr_t user, struct hak_large *large) {
    *large = entry->block;
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&entry->user, memory_order_relaxed) == user;
}

bool hak_recall_large(const void *user, struct hak_large *large) {
    struct hak_large found;
    const struct entry *set = set_of((uintptr_t)user);
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < WAYS; i++) {
        uintptr_t held = atomic_load_explicit(&set[i].user, memory_order_acquire);
        uint32_t ago = frees_ago(&set[i], atomic_load_explicit(&frees, memory_order_relaxed));
        if (held != (uintptr_t)user || ago >= least || !copy_former(&set[i], held, &found))
            continue;
        least = ago;
        *large = found;
    }
    return least != UINT32_MAX;
}

/* Finds the last freed large block whose pages held the address and that had one of the memory tags
 * `tags`, a bit for each. */
static bool recall_around(uintptr_t address, unsigned tags, struct hak_large *large) {
    struct hak_large found;
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < ENTRIES; i++) {
        uintptr_t user = atomic_load_explicit(&entries[i].user, memory_order_acquire);
        uint32_t ago = frees_ago(&entries[i], atomic_load_explicit(&frees, memory_order_relaxed));
        if (user <= WRITING || ago > least || !copy_former(&entries[i], user, &found) ||
            address - (uintptr_t)found.base.p >= found.mapped_bytes || !(tags >> found.tag & 1))
            continue;
        least = ago;
        *large = found;
    }
    return least != UINT32_MAX;
}

bool hak_recall_large_around(uintptr_t address, struct hak_large *large) {
    return recall_around(address, UINT_MAX, large);
}

bool hak_recall_large_tagged(uintptr_t address, unsigned tag, struct hak_large *large) {
    return recall_around(address, 1u << tag, large);
}

/* Another thread may write an entry meanwhile: then its tag may be missing. */
unsigned hak_recall_tags(const char *start, size_t bytes) {
    uintptr_t from = (uintptr_t)start;
    unsigned tags = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (atomic_load_explicit(&entries[i].user, memory_order_acquire) <= WRITING)
            continue;
        uintptr_t base = (uintptr_t)entries[i].block.base.p;
        if (base < from + bytes && from < base + entries[i].block.mapped_bytes)
            tags |= 1u << entries[i].block.tag;
    }
    return tags;
}

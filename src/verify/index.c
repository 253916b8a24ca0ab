/* All SuperSlabs of the process in the order of their addresses, with a bit for each slot. */
#include "verify/verify.h"

#include "platform/platform.h"
#include "size_class.h"

enum { SEEN_WORDS = HAK_SLABS * HAK_SLOTS_OF_SLAB / 64 };

static void count_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    (void)superslab;
    (void)owner;
    ++*(size_t *)context;
}

/* Enters a SuperSlab with its bits for blocks seen in caches. */
static void add_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct hak_verify *v = context;
    uint64_t *seen = v->seen_bits ? v->seen_bits + v->entry_count * SEEN_WORDS : NULL;
    v->entries[v->entry_count++] =
        (struct hak_verify_entry){.superslab = superslab, .seen = seen, .owner = owner};
}

static size_t entries_bytes(size_t count) {
    return HAK_PAGES_OF((count + 1) * sizeof(struct hak_verify_entry));
}

static size_t seen_bytes(size_t count) {
    return HAK_PAGES_OF((count + 1) * SEEN_WORDS * sizeof(uint64_t));
}

bool hak_verify_make_index(struct hak_verify *v) {
    size_t count = 0;
    hak_registry_each(count_superslab, &count);
    v->entry_count = 0;
    v->entries = hak_map(entries_bytes(count));
    if (!v->entries)
        return false;
    v->seen_bits = hak_reserve(seen_bytes(count));
    hak_registry_each(add_superslab, v);
    return true;
}

void hak_verify_drop_index(struct hak_verify *v) {
    if (v->entries)
        (void)hak_unmap(v->entries, entries_bytes(v->entry_count));
    if (v->seen_bits)
        (void)hak_unmap(v->seen_bits, seen_bytes(v->entry_count));
    v->entries = NULL;
    v->seen_bits = NULL;
}

struct hak_verify_entry *hak_verify_find(const struct hak_verify *v, const void *p) {
    const struct hak_superslab *wanted = hak_superslab_of(p);
    size_t low = 0, high = v->entry_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (v->entries[middle].superslab < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < v->entry_count && v->entries[low].superslab == wanted;
    return is_there ? &v->entries[low] : NULL;
}

bool hak_verify_locate(const struct hak_verify *v, base_t block, struct hak_verify_slot *at) {
    at->entry = hak_verify_find(v, block.p);
    if (!at->entry)
        return false;
    struct hak_superslab *superslab = at->entry->superslab;
    at->slab_index = hak_slab_index_of(block.p);
    at->slab = &superslab->slabs[at->slab_index];
    at->class_index = superslab->class_of_slab[at->slab_index];
    if (at->class_index >= HAK_CLASSES || !hak_is_slot_start(block.p, at->class_index))
        return false;
    size_t offset = (uintptr_t)block.p % HAK_SLAB_BYTES;
    size_t first_offset = hak_first_slot_offset(at->class_index);
    if (offset < first_offset)
        return false;
    at->slot = hak_slot_index(at->class_index, offset - first_offset);
    return at->slot < hak_class_slots(at->class_index);
}

/* The word and bit for the slot; NULL: the SuperSlab has none. */
static uint64_t *word_of(const struct hak_verify_slot *at, uint64_t *bit) {
    size_t number = (size_t)at->slab_index * HAK_SLOTS_OF_SLAB + at->slot;
    *bit = (uint64_t)1 << number % 64;
    return at->entry->seen ? at->entry->seen + number / 64 : NULL;
}

bool hak_verify_see(const struct hak_verify_slot *at) {
    uint64_t bit, *word = word_of(at, &bit);
    bool is_first = !word || !(*word & bit);
    if (word)
        *word |= bit;
    return is_first;
}

bool hak_verify_was_seen(const struct hak_verify_slot *at) {
    uint64_t bit;
    const uint64_t *word = word_of(at, &bit);
    return word && (*word & bit);
}

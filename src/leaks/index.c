/* Finds the live block that holds an address: a table of the 2 MiB pieces in which blocks lie, made
 * for one scan, with two bits for each block. */
#include "leaks/leaks.h"

#include "large_map/large_map.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

enum { STATES = (HAK_SLABS - 1) * HAK_SLOTS_OF_SLAB, MARK_BYTES = STATES / 4, GRANULE_BITS = 21 };

static uintptr_t granule_of(uintptr_t address) {
    return (address >> GRANULE_BITS) + 1;
}

static size_t place_of_granule(const struct hak_leak_index *index, uintptr_t number) {
    return (size_t)((number * 0x9e3779b97f4a7c15ull) >> 20) & index->granule_mask;
}

/* The granule with this number, or NULL. */
static const struct hak_leak_granule *find_granule(const struct hak_leak_index *index,
                                                   uintptr_t number) {
    for (size_t i = place_of_granule(index, number);; i = (i + 1) & index->granule_mask) {
        if (HAK_LIKELY(index->granules[i].number == number))
            return &index->granules[i];
        if (index->granules[i].number == 0)
            return NULL;
    }
}

/* The granule with this number, made if it is not there. There is room. */
static struct hak_leak_granule *add_granule(struct hak_leak_index *index, uintptr_t number) {
    size_t i = place_of_granule(index, number);
    while (index->granules[i].number != 0 && index->granules[i].number != number)
        i = (i + 1) & index->granule_mask;
    index->granules[i].number = number;
    return &index->granules[i];
}

/* ---- one block ------------------------------------------------------------------------------- */

static inline bool is_live(const struct hak_slot *slot) {
    return __atomic_load_n(&slot->place, __ATOMIC_ACQUIRE) == HAK_PLACE_LIVE;
}

/* Of a block whose bytes are [user, end), by a pointer to `from` or behind it. */
static bool holds(uintptr_t from, uintptr_t user, uintptr_t end, uintptr_t pointer) {
    return (pointer >= from && pointer < end) || pointer == user;
}

/* Fills in where the slot's block begins and ends and where its mark lies. */
static void fill_slot(const struct hak_leak_superslab *entry, size_t state,
                      struct hak_leak_block *block) {
    block->piece = NULL;
    block->user = (uintptr_t)hak_user_in(&block->at);
    block->end = block->user + hak_asked_bytes_of(&block->at);
    block->mark = entry->marks + state / 4;
    block->mark_shift = (unsigned)(state % 4) * 2;
}

/* The live block that the pointer keeps: into it, from its user pointer on or, with `from_base`,
 * from its base on. */
static bool find_in_superslab(const struct hak_leak_superslab *entry, uintptr_t pointer,
                              bool from_base, struct hak_leak_block *block) {
    const void *p = (const void *)pointer;
    unsigned slab = hak_slab_index_of(p);
    unsigned class_index = entry->superslab->class_of_slab[slab];
    block->at = (struct hak_located){.superslab = entry->superslab};
    if (slab == 0 || class_index >= HAK_CLASSES || !entry->superslab->slots ||
        !hak_locate_in_slab(p, class_index, &block->at) || !is_live(block->at.slot))
        return false;
    fill_slot(entry, (size_t)(block->at.slot - entry->superslab->slots), block);
    return holds(from_base ? (uintptr_t)block->at.base : block->user, block->user, block->end,
                 pointer);
}

/* Fills in where the large block begins and ends and where its mark lies. */
static void fill_large(struct hak_leak_large *entry, struct hak_leak_block *block) {
    block->piece = NULL;
    block->at = hak_located_as_large(entry->large);
    block->user = entry->user;
    block->end = entry->end;
    block->mark = &entry->mark;
    block->mark_shift = 0;
}

bool hak_leak_find(const struct hak_leak_index *index, uintptr_t pointer, bool from_base,
                   struct hak_leak_block *block) {
    if (HAK_LIKELY(pointer - index->low >= index->span))
        return false;
    const struct hak_leak_granule *granule = find_granule(index, granule_of(pointer));
    if (!granule)
        return false;
    if (granule->superslab)
        return find_in_superslab(&index->superslabs[granule->superslab - 1], pointer, from_base,
                                 block);
    for (size_t i = granule->first_large - 1; i < index->large_count; i++) {
        struct hak_leak_large *entry = &index->larges[i];
        uintptr_t from = from_base ? base_address(entry->large->base) : entry->user;
        if (pointer < from)
            return false;
        if (holds(from, entry->user, entry->end, pointer)) {
            fill_large(entry, block);
            return true;
        }
    }
    return false;
}

/* ---- all blocks ------------------------------------------------------------------------------ */

/* Calls `visit` for the live slots of one slab. */
static void each_of_slab(const struct hak_leak_superslab *entry, unsigned slab_index,
                         void (*visit)(const struct hak_leak_block *, void *), void *context) {
    const struct hak_slab *slab = &entry->superslab->slabs[slab_index];
    unsigned class_index = entry->superslab->class_of_slab[slab_index];
    if (class_index >= HAK_CLASSES || !entry->superslab->slots)
        return;
    struct hak_leak_block block = {.at = {.superslab = entry->superslab}};
    char *start = (char *)entry->superslab + slab_index * HAK_SLAB_BYTES;
    struct hak_slot *states = hak_states_of(entry->superslab, slab_index);
    unsigned first = hak_first_state(class_index), count = hak_class_slots(class_index);
    if (slab->carved < count)
        count = slab->carved;
    for (unsigned i = first; i < first + count; i++) {
        if (!is_live(&states[i]) ||
            !hak_locate_in_slab(start + i * hak_class_bytes(class_index), class_index, &block.at))
            continue;
        fill_slot(entry, (size_t)(&states[i] - entry->superslab->slots), &block);
        visit(&block, context);
    }
}

void hak_leak_each(const struct hak_leak_index *index,
                   void (*visit)(const struct hak_leak_block *, void *), void *context) {
    struct hak_leak_block block;
    for (size_t i = 0; i < index->large_count; i++) {
        fill_large(&index->larges[i], &block);
        if (is_live(block.at.slot))
            visit(&block, context);
    }
    for (size_t i = 0; i < index->superslab_count; i++)
        for (unsigned slab = 1; slab < HAK_SLABS; slab++)
            each_of_slab(&index->superslabs[i], slab, visit, context);
}

/* ---- making it ------------------------------------------------------------------------------- */

struct count {
    size_t superslabs, larges, granules;
};

static void count_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct count *count = context;
    (void)superslab;
    (void)owner;
    count->superslabs++;
    count->granules++;
}

/* Counts what the index needs for the block: one entry, and a granule for each SuperSlab-sized
 * piece it may touch. */
static void count_large(struct hak_large *large, void *context) {
    struct count *count = context;
    count->larges++;
    count->granules += large->mapped_bytes / HAK_SUPERSLAB_BYTES + 2;
}

/* Widens the range of addresses that can be blocks. */
static void widen(struct hak_leak_index *index, uintptr_t start, uintptr_t end) {
    uintptr_t before_end = index->span ? index->low + index->span : 0;
    if (!index->span || start < index->low)
        index->low = start;
    index->span = (end > before_end ? end : before_end) - index->low;
}

struct making {
    struct hak_leak_index *index;
    struct count room;
};

/* Enters a SuperSlab with its marks. One more than were counted is left out. */
static void add_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct making *making = context;
    struct hak_leak_index *index = making->index;
    (void)owner;
    if (index->superslab_count == making->room.superslabs)
        return;
    size_t i = index->superslab_count++;
    index->superslabs[i].superslab = superslab;
    index->superslabs[i].marks = index->marks + i * MARK_BYTES;
    add_granule(index, granule_of((uintptr_t)superslab))->superslab = (uint32_t)(i + 1);
    widen(index, (uintptr_t)superslab, (uintptr_t)superslab + HAK_SUPERSLAB_BYTES);
}

/* Enters a live large block, unseen. One more than were counted is left out. */
static void add_large(struct hak_large *large, void *context) {
    struct making *making = context;
    struct hak_leak_index *index = making->index;
    if (!is_live(&large->slot) || index->large_count == making->room.larges)
        return;
    struct hak_leak_large *entry = &index->larges[index->large_count++];
    entry->user = base_address(large->base) + large->user_delta;
    entry->end = entry->user + large->asked_bytes;
    entry->large = (struct hak_large *)(uintptr_t)large;
    entry->mark = HAK_MARK_UNSEEN;
    widen(index, base_address(large->base), entry->end + 1);
}

_Static_assert(offsetof(struct hak_leak_large, user) == 0 &&
                   offsetof(struct hak_mark_range, start) == 0,
               "what is sorted by its address begins with it");

/* Heap sort needs no memory and no luck: of the large blocks those above 1 MiB come behind all
 * others, two stretches in order. No memcpy, whose first call may wait for ld.so's lock. */
typedef uintptr_t __attribute__((may_alias)) word_t;

static void swap(word_t *a, word_t *b, size_t words) {
    for (size_t i = 0; i < words; i++) {
        word_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

/* Sinks an entry to its place in a heap of entries of `words` words. */
static void sift(word_t *list, size_t words, size_t at, size_t count) {
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && list[(child + 1) * words] > list[child * words])
            child++;
        if (list[at * words] >= list[child * words])
            return;
        swap(&list[at * words], &list[child * words], words);
    }
}

void hak_leak_sort(void *entries, size_t bytes, size_t count) {
    word_t *list = entries;
    size_t words = bytes / sizeof *list;
    for (size_t i = count / 2; i-- > 0;)
        sift(list, words, i, count);
    for (size_t end = count; end-- > 1;) {
        swap(list, &list[end * words], words);
        sift(list, words, 0, end);
    }
}

/* Enters each large block into the granules it touches; the lowest of a granule stays. */
static void add_larges_granules(struct hak_leak_index *index) {
    for (size_t i = index->large_count; i-- > 0;) {
        const struct hak_leak_large *entry = &index->larges[i];
        uintptr_t last = granule_of(entry->end > entry->user ? entry->end - 1 : entry->user);
        for (uintptr_t number = granule_of(base_address(entry->large->base)); number <= last;
             number++)
            add_granule(index, number)->first_large = (uint32_t)(i + 1);
    }
}

/* Counts a live block and its bytes. */
static void count_indexed(const struct hak_leak_block *block, void *context) {
    struct hak_leak_index *index = context;
    index->blocks++;
    index->bytes += block->end - block->user;
}

bool hak_leak_make_index(struct hak_leak_index *index) {
    struct count count = {0};
    *index = (struct hak_leak_index){0};
    hak_registry_each(count_superslab, &count);
    hak_large_each(count_large, &count);
    size_t places = 64;
    while (places < 2 * count.granules)
        places *= 2;
    size_t superslab_bytes = count.superslabs * sizeof *index->superslabs;
    size_t large_bytes = count.larges * sizeof *index->larges;
    size_t granule_bytes = places * sizeof *index->granules;
    size_t mark_bytes = count.superslabs * MARK_BYTES;
    index->memory_bytes =
        HAK_PAGES_OF(superslab_bytes + large_bytes + granule_bytes + mark_bytes + HAK_PAGE_BYTES);
    index->memory = hak_raw_map(index->memory_bytes);
    if (!index->memory)
        return false;
    char *at = index->memory;
    index->granules = (struct hak_leak_granule *)(void *)at;
    at += granule_bytes;
    index->larges = (struct hak_leak_large *)(void *)at;
    at += large_bytes;
    index->superslabs = (struct hak_leak_superslab *)(void *)at;
    index->marks = (uint8_t *)at + superslab_bytes;
    index->granule_mask = places - 1;
    struct making making = {index, count};
    hak_registry_each(add_superslab, &making);
    hak_large_each(add_large, &making);
    hak_leak_sort(index->larges, sizeof *index->larges, index->large_count);
    add_larges_granules(index);
    hak_leak_each(index, count_indexed, index);
    return true;
}

void hak_leak_drop_index(struct hak_leak_index *index) {
    if (index->memory)
        hak_raw_unmap(index->memory, index->memory_bytes);
    index->memory = NULL;
}

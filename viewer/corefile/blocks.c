/* Finds the block at an address, and visits the live ones. */
#include "viewer/corefile/blocks.h"

#include <stdlib.h>
#include <string.h>
#include "base/sorted.h"
#include "viewer/corefile/parts.h"
#include "viewer/corefile/stacks.h"
#include "viewer/cli/cli.h"

enum { SUBKIND_TAKEN = 7 }; /* the low bits are the call that took it */

/* ---- opening --------------------------------------------------------------------------------- */

static bool open_source(struct core_memory *memory, const struct core_source *source,
                        struct hak_text *error) {
    return source->pid ? core_memory_open_live(memory, source->pid, source->fd, error)
                       : core_memory_open(memory, source->path, source->program, error);
}

int core_blocks_open(struct core_blocks *blocks, const struct core_source *source) {
    struct hak_text error = {0};
    *blocks = (struct core_blocks){.no_memory = false};
    bool is_open = open_source(&blocks->memory, source, &error) &&
                   core_tables_find(&blocks->memory, &blocks->tables, &error);
    if (!is_open) {
        if (blocks->memory.is_truncated)
            hak_text_add(&error, "; the core is cut off: its end is missing");
        view_error_text(&error);
        return VIEW_UNREADABLE;
    }
    for (int i = 0; i < blocks->tables.count; i++) {
        blocks->half[i].table = &blocks->tables.table[i];
        if (!core_walk(&blocks->half[i]))
            blocks->no_memory = true;
    }
    if (blocks->no_memory) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    return 0;
}

void core_blocks_close(struct core_blocks *blocks) {
    for (int i = 0; i < CORE_TABLES_MAX; i++) {
        free(blocks->half[i].superslab);
        free(blocks->half[i].cached);
        free(blocks->half[i].large);
        free(blocks->half[i].heap);
    }
    core_stacks_close(blocks);
    core_memory_close(&blocks->memory);
}

uint64_t core_level(const struct core_blocks *blocks) {
    const struct core_table *t = &blocks->tables.table[0];
    return core_at(t, t->root[HAK_ROOT_options], HAK_AT_options_check);
}

int32_t core_thread_of(const struct core_half *half, uint32_t heap) {
    return heap < half->heap_count ? half->heap[heap].tid : 0;
}

/* ---- a slot ---------------------------------------------------------------------------------- */

uint64_t core_slab_at(const struct core_table *t, uint64_t superslab, unsigned index) {
    return core_place(t, superslab, HAK_AT_superslab_slabs) +
           index * core_value(t, HAK_AT_slab_bytes);
}

unsigned core_class_of_slab(const struct core_table *t, uint64_t superslab, unsigned index) {
    return (unsigned)core_number(
        t->core, core_place(t, superslab, HAK_AT_superslab_class_of_slab) + index, 1);
}

/* Bytes of a slot of the slab; 0: its numbers make no sense. */
static uint64_t slot_bytes_of(const struct core_table *t, uint64_t slab, uint64_t *first) {
    uint64_t bytes = core_at(t, slab, HAK_AT_slab_slot_bytes);
    *first = core_at(t, slab, HAK_AT_slab_first_slot);
    uint64_t most = core_value(t, HAK_AT_slab_size);
    return bytes >= 8 && bytes <= most && *first < most / bytes ? bytes : 0;
}

/* The cache's place that holds this base; NULL: none. */
static const struct core_cached *find_cached(const struct core_half *half, uint64_t base) {
    size_t low =
        HAK_FIRST_ABOVE(half->cached, half->cached_count, base, base - 1); /* none lies at 0 */
    return low < half->cached_count && half->cached[low].base == base ? &half->cached[low] : NULL;
}

bool core_is_free_in_slab(const struct core_table *t, uint64_t slab, unsigned slot) {
    uint64_t bits = core_at(t, slab, HAK_AT_slab_bits);
    return bits && core_pointer(t->core, bits + slot / 64 * 8) >> slot % 64 & 1;
}

/* Reads the block's state: place, subkind, lives, stacks. */
static void read_state(const struct core_table *t, struct core_block *block) {
    block->place = (uint8_t)core_at(t, block->state, HAK_AT_slot_place);
    block->subkind = (unsigned)core_at(t, block->state, HAK_AT_slot_subkind) & SUBKIND_TAKEN;
    block->lives = (unsigned)core_at(t, block->state, HAK_AT_slot_lives);
    block->alloc_stack = (uint32_t)core_at(t, block->state, HAK_AT_slot_alloc_stack);
    block->free_stack = (uint32_t)core_at(t, block->state, HAK_AT_slot_free_stack);
    block->is_live = block->place == HAK_PLACE_LIVE;
}

/* Reads the state of a slot, of the half with checks, and where its user pointer lies. */
static void read_slot_state(const struct core_half *half, struct core_block *block) {
    const struct core_table *t = half->table;
    uint64_t slots = core_at(t, block->superslab, HAK_AT_superslab_slots), first;
    if (t->half != HAK_LAYOUT_CHECKS || !slots || !slot_bytes_of(t, block->slab, &first))
        return;
    uint64_t number =
        (block->slab_index - 1) * core_value(t, HAK_AT_slots_of_slab) + block->slot + first;
    block->state = slots + number * core_value(t, HAK_AT_slot_bytes);
    read_state(t, block);
    if (block->place == HAK_PLACE_UNTOUCHED)
        return;
    block->asked_bytes = core_at(t, block->state, HAK_AT_slot_asked_bytes);
    uint64_t delta = core_at(t, block->state, HAK_AT_slot_user_delta) * 8;
    if (delta < block->bytes)
        block->user = block->base + delta;
}

unsigned core_slots(const struct core_half *half, uint64_t superslab, unsigned slab_index) {
    const struct core_table *t = half->table;
    uint64_t slab = core_slab_at(t, superslab, slab_index), first;
    if (core_class_of_slab(t, superslab, slab_index) == core_value(t, HAK_AT_class_none))
        return 0;
    uint64_t bytes = slot_bytes_of(t, slab, &first);
    uint64_t carved = core_at(t, slab, HAK_AT_slab_carved);
    uint64_t most = bytes ? core_value(t, HAK_AT_slab_size) / bytes - first : 0;
    return (unsigned)(carved < most ? carved : most);
}

bool core_find_slot(const struct core_half *half, const struct core_superslab *superslab,
                    unsigned slab_index, unsigned slot, struct core_block *block) {
    const struct core_table *t = half->table;
    uint64_t slab = core_slab_at(t, superslab->address, slab_index), first;
    uint64_t bytes = slot_bytes_of(t, slab, &first);
    unsigned class_index = core_class_of_slab(t, superslab->address, slab_index);
    if (slab_index == 0 || class_index == core_value(t, HAK_AT_class_none) || bytes == 0 ||
        (slot + first + 1) * bytes > core_value(t, HAK_AT_slab_size))
        return false;
    uint64_t start = superslab->address + slab_index * core_value(t, HAK_AT_slab_size);
    *block = (struct core_block){.kind = CORE_SLOT,
                                 .half = half,
                                 .base = start + (slot + first) * bytes,
                                 .bytes = bytes,
                                 .superslab = superslab->address,
                                 .slab = slab,
                                 .slab_index = slab_index,
                                 .slot = slot,
                                 .class_index = class_index,
                                 .heap = superslab->owner};
    block->user = block->base;
    block->cached = find_cached(half, block->base);
    if (slot >= core_at(t, slab, HAK_AT_slab_carved))
        block->place = HAK_PLACE_UNTOUCHED;
    else if (core_is_free_in_slab(t, slab, slot))
        block->place = HAK_PLACE_SLAB;
    else
        block->place = block->cached ? block->cached->place : HAK_PLACE_LIVE;
    block->is_live = block->place == HAK_PLACE_LIVE;
    read_slot_state(half, block);
    return true;
}

const struct core_superslab *core_find_superslab(const struct core_half *half, uint64_t address) {
    size_t low = HAK_FIRST_ABOVE(half->superslab, half->superslab_count, address, address);
    const struct core_superslab *found = low > 0 ? &half->superslab[low - 1] : NULL;
    return found && address - found->address < core_value(half->table, HAK_AT_superslab_size)
               ? found
               : NULL;
}

/* Finds which slot, free slab, head or reserve the address lies in. */
static void find_in_superslab(const struct core_half *half, const struct core_superslab *superslab,
                              uint64_t address, struct core_block *block) {
    const struct core_table *t = half->table;
    uint64_t size = core_value(t, HAK_AT_slab_size), first;
    unsigned index = (unsigned)((address - superslab->address) / size);
    uint64_t start = superslab->address + index * size;
    *block = (struct core_block){.half = half,
                                 .superslab = superslab->address,
                                 .slab_index = index,
                                 .heap = superslab->owner,
                                 .base = start,
                                 .user = start,
                                 .bytes = size};
    if (superslab->owner == core_value(t, HAK_AT_owner_reserve)) {
        block->kind = CORE_RESERVE;
        return;
    }
    block->kind = index == 0 ? CORE_HEAD : CORE_FREE_SLAB;
    block->class_index = core_class_of_slab(t, superslab->address, index);
    if (index == 0 || block->class_index == core_value(t, HAK_AT_class_none))
        return;
    uint64_t bytes = slot_bytes_of(t, core_slab_at(t, superslab->address, index), &first);
    uint64_t number = bytes ? (address - start) / bytes : 0;
    block->kind = CORE_SLAB_START;
    if (bytes && number >= first)
        (void)core_find_slot(half, superslab, index, (unsigned)(number - first), block);
}

/* ---- a large block --------------------------------------------------------------------------- */

void core_find_large(const struct core_half *half, const struct core_large *large,
                     struct core_block *block) {
    const struct core_table *t = half->table;
    *block = (struct core_block){.kind = CORE_LARGE,
                                 .half = half,
                                 .base = large->base,
                                 .user = large->base,
                                 .bytes = large->bytes,
                                 .class_index = (unsigned)core_value(t, HAK_AT_class_none),
                                 .large = large,
                                 .is_live = large->is_live,
                                 .is_guarded = large->is_guarded,
                                 .place = large->is_live      ? HAK_PLACE_LIVE
                                          : large->is_guarded ? HAK_PLACE_GUARDED
                                                              : HAK_PLACE_BIGCACHE,
                                 .caller = core_at(t, large->address, HAK_AT_large_caller)};
    if (t->half != HAK_LAYOUT_CHECKS)
        return;
    bool was_live = block->is_live;
    block->state = core_place(t, large->address, HAK_AT_large_slot);
    read_state(t, block);
    if (block->place == HAK_PLACE_UNTOUCHED) /* level light */
        block->place = was_live ? HAK_PLACE_LIVE : HAK_PLACE_GUARDED;
    block->is_live = was_live && block->place == HAK_PLACE_LIVE;
    block->asked_bytes = core_at(t, large->address, HAK_AT_large_asked_bytes);
    uint64_t delta = core_at(t, large->address, HAK_AT_large_user_delta);
    if (delta < block->bytes)
        block->user = block->base + delta;
}

/* The large block that holds the address; NULL: none. */
static const struct core_large *find_large(const struct core_half *half, uint64_t address) {
    size_t low = HAK_FIRST_ABOVE(half->large, half->large_count, base, address);
    return low > 0 && address - half->large[low - 1].base < half->large[low - 1].bytes
               ? &half->large[low - 1]
               : NULL;
}

/* ---- all ------------------------------------------------------------------------------------- */

void core_find(struct core_blocks *blocks, uint64_t address, struct core_block *block) {
    *block = (struct core_block){.kind = CORE_NONE};
    for (int i = 0; i < blocks->tables.count; i++) {
        const struct core_half *half = &blocks->half[i];
        const struct core_superslab *superslab = core_find_superslab(half, address);
        const struct core_large *large = superslab ? NULL : find_large(half, address);
        if (superslab)
            find_in_superslab(half, superslab, address, block);
        else if (large)
            core_find_large(half, large, block);
        if (block->kind != CORE_NONE)
            return;
    }
}

void core_each_of(const struct core_half *half, core_visit *visit, void *context) {
    const struct core_table *t = half->table;
    struct core_block block;
    for (size_t n = 0; n < half->superslab_count; n++) {
        const struct core_superslab *superslab = &half->superslab[n];
        bool is_reserved = superslab->owner == core_value(t, HAK_AT_owner_reserve);
        for (unsigned i = 1; !is_reserved && i < core_value(t, HAK_AT_slabs); i++) {
            unsigned slots = core_slots(half, superslab->address, i);
            for (unsigned slot = 0; slot < slots; slot++)
                if (core_find_slot(half, superslab, i, slot, &block))
                    visit(&block, context);
        }
    }
    for (size_t n = 0; n < half->large_count; n++) {
        core_find_large(half, &half->large[n], &block);
        visit(&block, context);
    }
}

void core_each(struct core_blocks *blocks, core_visit *visit, void *context) {
    for (int i = 0; i < blocks->tables.count; i++)
        core_each_of(&blocks->half[i], visit, context);
}

struct live_visit {
    core_visit *visit;
    void *context;
};

/* Hands on live blocks only. */
static void visit_if_live(const struct core_block *block, void *context) {
    const struct live_visit *live = context;
    if (block->is_live)
        live->visit(block, live->context);
}

void core_each_live(struct core_blocks *blocks, core_visit *visit, void *context) {
    core_each(blocks, visit_if_live, &(struct live_visit){visit, context});
}

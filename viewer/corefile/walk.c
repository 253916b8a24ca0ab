/* Reads the allocator's lists: SuperSlabs, heaps, the caches of threads, large blocks. */
#include "viewer/corefile/blocks.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "base/sorted.h"
#include "verify_words.h"
#include "viewer/corefile/parts.h"

enum { SMALLEST_SLOT = 8 };

/* ---- memory that may be damaged -------------------------------------------------------------- */

/* Room for what is read besides lists, and for pages that the core leaves to files. */
enum { SPARE_PLACES = 1 << 20, SPARE_SUPERSLABS = 16 };
/* A large block's record is at least as long; a map that leads back to itself has each of them many
 * times. */
enum { LARGE_PLACES = 8 };

/* Sets how many places and SuperSlabs the core can hold, so that a damaged one ends the walk. */
static void set_bounds(struct core_half *half) {
    uint64_t stored = core_stored_bytes(half->table->core);
    half->places_left = stored / 8 + SPARE_PLACES;
    half->superslabs_left =
        stored / core_value(half->table, HAK_AT_superslab_size) + SPARE_SUPERSLABS;
}

/* Takes `count` places off what is left. False: there is not as much memory as the lists say. */
static bool read_within_limit(struct core_half *half, uint64_t count) {
    bool is_enough = count <= half->places_left;
    half->places_left = is_enough ? half->places_left - count : 0;
    half->is_damaged |= !is_enough;
    return is_enough;
}

/* The nodes of a list on its way: a mark that moves up, farther each time, is met again in a ring
 * of any length. */
struct path {
    uint64_t mark, steps, next_mark;
};

/* Counts a step along a list. False: the list goes in a circle, or there is not as much memory. */
static bool step_along_path(struct core_half *half, struct path *path, uint64_t node) {
    if (path->steps > 0 && node == path->mark) {
        half->is_damaged = true;
        return false;
    }
    if (path->steps++ == path->next_mark) {
        path->mark = node;
        path->next_mark = 2 * path->next_mark + 1;
    }
    return read_within_limit(half, 1);
}

/* ---- SuperSlabs ------------------------------------------------------------------------------ */

static bool is_stored(const struct core_memory *core, uint64_t address) {
    const struct core_range *range = core_range_at(core, address);
    return range && address - range->start < range->stored;
}

/* Adds a SuperSlab of the registry; too many mean damage. False without memory. */
static bool note_superslab(struct core_half *half, uint64_t index, uint16_t owner) {
    const struct core_table *t = half->table;
    uint64_t address = index << core_value(t, HAK_AT_registry_shift);
    if (is_stored(t->core, address) || !t->core->is_truncated) {
        if (half->superslabs_left == 0) {
            half->is_damaged = true;
            return true;
        }
        half->superslabs_left--;
    }
    if (!hak_growing_make_room(&half->superslab, half->superslab_count, &half->superslab_room,
                               sizeof *half->superslab))
        return false;
    half->superslab[half->superslab_count++] = (struct core_superslab){address, owner};
    return true;
}

/* Adds the SuperSlabs of these entries. False without memory. */
static bool read_entries(struct core_half *half, uint64_t entries, uint64_t first, uint64_t count) {
    uint16_t *owner = malloc(count * sizeof *owner);
    bool is_read = true;
    if (!owner)
        return false;
    (void)core_read(half->table->core, entries, owner, count * sizeof *owner);
    for (uint64_t i = 0; i < count && is_read; i++)
        if (owner[i])
            is_read = note_superslab(half, first + i, owner[i]);
    free(owner);
    return is_read;
}

/* Adds all SuperSlabs, from the flat or the two-level registry. False without memory. */
static bool walk_registry(struct core_half *half) {
    const struct core_table *t = half->table;
    uint64_t registry = t->root[HAK_ROOT_registry];
    uint64_t flat = core_at(t, registry, HAK_AT_registry_flat);
    uint64_t entries = core_at(t, registry, HAK_AT_registry_entries);
    uint64_t part = core_value(t, HAK_AT_registry_part_entries);
    uint64_t most =
        (uint64_t)1 << (core_value(t, HAK_AT_address_bits) - core_value(t, HAK_AT_registry_shift));
    bool is_read = true;
    for (uint64_t i = 0; i < (entries < most ? entries : most) / part && is_read; i++)
        if (core_pointer(t->core, t->root[HAK_ROOT_registry_parts] + i / 64 * 8) >> i % 64 & 1)
            is_read = read_entries(half, flat + i * part * 2, i * part, part);
    if (entries)
        return is_read;
    uint64_t leaf_entries = (uint64_t)1 << core_value(t, HAK_AT_registry_leaf_bits);
    for (uint64_t i = 0; i < most / leaf_entries && is_read; i++) {
        uint64_t leaf = core_pointer(t->core, t->root[HAK_ROOT_registry_leaves] + i * 8);
        if (leaf)
            is_read = read_entries(half, leaf, i * leaf_entries, leaf_entries);
    }
    return is_read;
}

/* ---- free blocks of threads ------------------------------------------------------------------ */

struct cache {
    struct core_half *half;
    uint16_t heap;
    uint8_t place;
    uint8_t class_index;
    bool is_linked;
    uint64_t order;
    bool no_memory;
};

/* Notes that two numbers differ. */
static void note_odd(const struct cache *cache, const char *what, uint64_t found,
                     uint64_t expected) {
    struct core_half *half = cache->half;
    if (found != expected && half->odd_count < CORE_ODD_MAX)
        half->odd[half->odd_count++] =
            (struct core_odd){found, expected, what, cache->heap, cache->place};
}

/* Adds a pointer that a cache holds; too many mean damage. */
static void note_cached(struct cache *cache, uint64_t base) {
    struct core_half *half = cache->half;
    if (half->cached_count >= half->cached_most) {
        half->is_damaged = true;
        return;
    }
    if (!hak_growing_make_room(&half->cached, half->cached_count, &half->cached_room,
                               sizeof *half->cached)) {
        cache->no_memory = true;
        return;
    }
    half->cached[half->cached_count++] = (struct core_cached){.base = base,
                                                              .order = cache->order++,
                                                              .heap = cache->heap,
                                                              .place = cache->place,
                                                              .class_index = cache->class_index,
                                                              .is_linked = cache->is_linked};
}

/* Adds the blocks in the array of a class, from its top down. If a fork left the thread behind, the
 * child notes how full it was (front/left.c), until the heap has an owner again. */
static void walk_array(struct cache *cache, uint64_t thread, uint64_t front) {
    const struct core_table *t = cache->half->table;
    unsigned c = cache->class_index;
    uint64_t array =
        core_place(t, front, HAK_AT_front_array) + c * core_value(t, HAK_AT_array_bytes);
    uint64_t bottom = core_at(t, array, HAK_AT_array_bottom);
    uint64_t capacity = core_at(t, array, HAK_AT_array_capacity);
    uint64_t top = thread ? core_pointer(t->core, core_place(t, thread, HAK_AT_thread_top) + c * 8)
                          : bottom + core_at(t, array, HAK_AT_array_left) * 8;
    cache->place = (uint8_t)core_number(t->core, t->root[HAK_ROOT_place_of_array] + c, 1);
    cache->order = 0;
    if (thread && capacity == 0)
        return;
    if (thread && (top < bottom || (top - bottom) / 8 > capacity)) {
        note_odd(cache, HAK_VERIFY_ARRAY_BLOCKS, (top - bottom) / 8, capacity);
        return;
    }
    for (; top > bottom && !cache->no_memory && read_within_limit(cache->half, 1); top -= 8)
        note_cached(cache, core_pointer(t->core, top));
}

/* Adds mid's blocks of the class, until a damaged segment or the limit of steps. */
static void walk_mid(struct cache *cache, uint64_t mid) {
    const struct core_table *t = cache->half->table;
    uint64_t list = core_place(t, mid, HAK_AT_mid_lists) +
                    cache->class_index * core_value(t, HAK_AT_mid_list_bytes);
    uint64_t due = core_at(t, list, HAK_AT_mid_list_count), left = due, seen = 0;
    uint64_t segment = core_at(t, list, HAK_AT_mid_list_newest);
    struct path path = {0};
    cache->place = HAK_PLACE_MID_LIFO;
    cache->order = 0;
    while (segment && left > 0 && !cache->no_memory &&
           step_along_path(cache->half, &path, segment)) {
        uint64_t count = core_at(t, segment, HAK_AT_mid_segment_count);
        if (count == 0 || count > core_value(t, HAK_AT_mid_segment_places) ||
            !read_within_limit(cache->half, count))
            return;
        left -= count < left ? count : left;
        seen += count;
        while (count-- > 0)
            note_cached(cache,
                        core_pointer(t->core, core_place(t, segment, HAK_AT_mid_segment_blocks) +
                                                  count * 8));
        segment = core_at(t, segment, HAK_AT_mid_segment_older);
    }
    note_odd(cache, HAK_VERIFY_LIST_BLOCKS, seen, due);
}

/* Links of a list lie in its blocks, of the checks' half behind the header. One that leads out of
 * all SuperSlabs is the last that is followed; a block that is met again stands there twice. */
static void walk_list(struct cache *cache, uint64_t block, uint64_t due) {
    const struct core_half *half = cache->half;
    uint64_t link = core_link_offset(half), length = 0;
    struct path path = {0};
    for (; block && length < due && !cache->no_memory; length++) {
        bool is_again = path.steps > 0 && block == path.mark;
        bool may_go_on = step_along_path(cache->half, &path, block);
        if (may_go_on || is_again)
            note_cached(cache, block);
        if (!may_go_on || !core_find_superslab(half, block))
            return;
        block = core_pointer(half->table->core, block + link);
    }
    note_odd(cache, HAK_VERIFY_LIST_BLOCKS, length, due);
    if (block)
        note_odd(cache, HAK_VERIFY_LIST_GOES_ON, 1, 0);
}

/* Adds the blocks of a list, stack or ring, as its storage says; ends at the limit of steps. */
static void walk_cache(struct cache *cache, uint64_t address) {
    const struct core_table *t = cache->half->table;
    uint64_t count = core_at(t, address, HAK_AT_cache_count);
    uint64_t storage = core_at(t, address, HAK_AT_cache_storage);
    uint64_t blocks = core_at(t, address, HAK_AT_cache_blocks);
    uint64_t room = core_at(t, address, HAK_AT_cache_room);
    uint64_t oldest = core_at(t, address, HAK_AT_cache_oldest);
    cache->class_index = (uint8_t)core_at(t, address, HAK_AT_cache_class_index);
    cache->place = (uint8_t)core_at(t, address, HAK_AT_cache_place);
    cache->order = 0;
    if (!read_within_limit(cache->half, 1))
        return;
    cache->is_linked = storage == core_value(t, HAK_AT_storage_list);
    if (cache->is_linked) {
        walk_list(cache, core_at(t, address, HAK_AT_cache_head), count);
        return;
    }
    bool is_ring = storage == core_value(t, HAK_AT_storage_ring);
    if (count > room) {
        note_odd(cache, HAK_VERIFY_CACHE_BLOCKS, count, room);
        return;
    }
    while (count-- > 0 && !cache->no_memory && read_within_limit(cache->half, 1)) {
        uint64_t place = is_ring ? (oldest + count) % room : count;
        note_cached(cache, core_pointer(t->core, blocks + place * 8));
    }
}

/* Adds the blocks of a chunk, as many as fit one. */
static void walk_chunk(struct cache *cache, uint64_t chunk) {
    const struct core_table *t = cache->half->table;
    uint64_t count = core_at(t, chunk, HAK_AT_chunk_count);
    cache->class_index = (uint8_t)core_at(t, chunk, HAK_AT_chunk_class_index);
    cache->place = HAK_PLACE_REMOTE;
    for (uint64_t i = 0; i < count && i < core_value(t, HAK_AT_blocks_of_chunk) &&
                         read_within_limit(cache->half, 1);
         i++)
        note_cached(cache,
                    core_pointer(t->core, core_place(t, chunk, HAK_AT_chunk_blocks) + i * 8));
}

/* Adds the blocks of a list of chunks. */
static void walk_chunks(struct cache *cache, uint64_t chunk) {
    struct path path = {0};
    cache->order = 0;
    while (chunk && !cache->no_memory && step_along_path(cache->half, &path, chunk)) {
        walk_chunk(cache, chunk);
        chunk = core_at(cache->half->table, chunk, HAK_AT_chunk_next);
    }
}

/* Adds the blocks on their way to the heap, and those that its thread holds for others. */
static void walk_mail(struct cache *cache, uint64_t heap) {
    const struct core_table *t = cache->half->table;
    walk_chunks(cache, core_at(t, heap, HAK_AT_heap_posted));
    walk_chunks(cache, core_at(t, heap, HAK_AT_heap_draining));
    for (unsigned c = 0; c < core_value(t, HAK_AT_classes); c++)
        walk_chunks(
            cache,
            core_at(t, core_place(t, heap, HAK_AT_heap_mail) + c * core_value(t, HAK_AT_mail_bytes),
                    HAK_AT_mail_chunks));
    uint64_t remote = core_at(t, heap, HAK_AT_heap_remote);
    uint64_t places = core_value(t, HAK_AT_remote_places);
    if (!remote || !read_within_limit(cache->half, places))
        return;
    for (unsigned i = 0; i < places; i++) {
        uint64_t chunk = core_pointer(t->core, core_place(t, remote, HAK_AT_remote_slots) + i * 8);
        cache->order = 0;
        if (chunk)
            walk_chunk(cache, chunk);
    }
}

/* ---- heaps ----------------------------------------------------------------------------------- */

/* A thread's own memory lies on one side of where its thread pointer points, nearest to it, in one
 * range: it was mapped as a whole. */
static int32_t thread_with(const struct core_memory *core, uint64_t address) {
    const struct core_range *range = core_range_at(core, address);
    const struct core_thread *nearest = NULL;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < core->thread_count; i++) {
        const struct core_thread *thread = &core->thread[i];
        uint64_t apart = core->machine->tls_is_above ? address - thread->tp : thread->tp - address;
        if ((int64_t)apart > 0 && apart < least && range &&
            core_range_at(core, thread->tp) == range) {
            nearest = thread;
            least = apart;
        }
    }
    return nearest ? nearest->tid : 0;
}

/* Adds all blocks that the heap's caches hold, and finds its thread. False without memory. */
static bool walk_heap(struct core_half *half, uint16_t id, uint64_t address) {
    const struct core_table *t = half->table;
    uint64_t before;
    struct core_heap *heap = &half->heap[id];
    struct cache cache = {.half = half, .heap = id};
    heap->address = address;
    if (core_at(t, address, HAK_AT_heap_state) == core_value(t, HAK_AT_heap_owned))
        heap->thread = core_at(t, address, HAK_AT_heap_thread);
    heap->tid = heap->thread ? thread_with(t->core, heap->thread) : 0;
    uint64_t front = core_at(t, address, HAK_AT_heap_front_block);
    uint64_t mid = front ? core_at(t, front, HAK_AT_front_mid) : 0;
    for (unsigned c = 0; front && c < core_value(t, HAK_AT_classes) && !cache.no_memory; c++) {
        cache.class_index = (uint8_t)c;
        walk_array(&cache, heap->thread, front);
        if (mid)
            walk_mid(&cache, mid);
    }
    uint64_t caches = front ? core_at(t, front, HAK_AT_front_caches) : 0;
    before = core_number(t->core, t->root[HAK_ROOT_caches_of_plan], 4);
    for (uint64_t i = 0; caches && i < before && i < CORE_CACHES_MAX && !cache.no_memory; i++)
        walk_cache(&cache, caches + i * core_value(t, HAK_AT_cache_bytes));
    cache.is_linked = false;
    walk_mail(&cache, address);
    return !cache.no_memory;
}

/* Walks all heaps. False without memory. */
static bool walk_heaps(struct core_half *half) {
    const struct core_table *t = half->table;
    for (uint64_t id = 0; id <= core_value(t, HAK_AT_heap_id_max); id++) {
        uint64_t address = core_pointer(t->core, t->root[HAK_ROOT_heaps] + id * 8);
        if (!address && id > 1)
            break; /* ids are given out in order, but for the shared heap's */
        if (!hak_growing_reach(&half->heap, id, &half->heap_room, sizeof *half->heap))
            return false;
        half->heap_count = id + 1;
        if (address && read_within_limit(half, 1) && !walk_heap(half, (uint16_t)id, address))
            return false;
    }
    return true;
}

/* ---- large blocks ---------------------------------------------------------------------------- */

/* Adds a large block, if its bounds are possible. False without memory. */
static bool note_large(struct core_half *half, uint64_t address) {
    const struct core_table *t = half->table;
    uint64_t state = core_at(t, address, HAK_AT_large_state);
    struct core_large large = {.address = address,
                               .base = core_at(t, address, HAK_AT_large_base),
                               .bytes = core_at(t, address, HAK_AT_large_mapped_bytes),
                               .is_live = (state & ~core_value(t, HAK_AT_large_sampled)) ==
                                          core_value(t, HAK_AT_large_live),
                               .is_guarded = t->half == HAK_LAYOUT_CHECKS &&
                                             core_at(t, address, HAK_AT_large_guarded_side) != 0};
    if (!large.base || large.base + large.bytes < large.base ||
        !read_within_limit(half, LARGE_PLACES))
        return true;
    if (!hak_growing_make_room(&half->large, half->large_count, &half->large_room,
                               sizeof *half->large))
        return false;
    half->large[half->large_count++] = large;
    return true;
}

/* Visits what a tree of tables of pointers holds; `count[level]` pointers in a table of each level,
 * the lowest one first. False: no memory. */
static bool each_large(struct core_half *half, uint64_t table, const uint64_t *count, int level) {
    if (level < 0)
        return note_large(half, table);
    if (!is_stored(half->table->core, table)) {
        half->table->core->missing++;
        return true;
    }
    if (!read_within_limit(half, count[level]))
        return true;
    uint64_t *pointer = malloc(count[level] * sizeof *pointer);
    bool is_read = true;
    if (!pointer)
        return false;
    (void)core_read(half->table->core, table, pointer, count[level] * sizeof *pointer);
    for (uint64_t i = 0; i < count[level] && is_read; i++)
        if (pointer[i])
            is_read = each_large(half, pointer[i], count, level - 1);
    free(pointer);
    return is_read;
}

/* Adds all large blocks of the map. False without memory. */
static bool walk_large(struct core_half *half) {
    const struct core_table *t = half->table;
    const uint64_t leaves[] = {core_value(t, HAK_AT_map_leaf_places),
                               core_value(t, HAK_AT_map_middle_places),
                               core_value(t, HAK_AT_map_roots)};
    const uint64_t granules[] = {core_value(t, HAK_AT_map_granules),
                                 core_value(t, HAK_AT_map_granule_roots)};
    uint64_t root = core_pointer(t->core, t->root[HAK_ROOT_map_root]);
    return !root || (each_large(half, core_place(t, root, HAK_AT_map_root_middle), leaves, 2) &&
                     each_large(half, core_place(t, root, HAK_AT_map_root_granules), granules, 1));
}

/* Counts the pages of live guarded blocks as missing from gdb's core where all are zero. They have
 * words of hakmem's own, but in level trace. */
static void forget_unsaved(const struct core_half *half) {
    for (size_t i = 0; i < half->large_count; i++)
        if (half->large[i].is_guarded && half->large[i].is_live)
            core_forget_unsaved(half->table->core, half->large[i].base);
}

/* ---- all ------------------------------------------------------------------------------------- */

uint64_t core_link_offset(const struct core_half *half) {
    const struct core_table *t = half->table;
    bool has_header = t->half == HAK_LAYOUT_CHECKS &&
                      core_at(t, t->root[HAK_ROOT_options], HAK_AT_options_layout) ==
                          core_value(t, HAK_AT_layout_header);
    return has_header ? CORE_HEADER_BYTES : 0;
}

bool core_walk_memory(struct core_half *half) {
    set_bounds(half);
    return walk_registry(half) && walk_large(half);
}

bool core_walk(struct core_half *half) {
    if (!core_walk_memory(half))
        return false;
    forget_unsaved(half);
    half->cached_most =
        half->superslab_count * (core_value(half->table, HAK_AT_superslab_size) / SMALLEST_SLOT) +
        half->large_count;
    hak_sort_by_first(half->superslab, half->superslab_count, sizeof *half->superslab);
    if (!walk_heaps(half))
        return false;
    hak_sort_by_first(half->cached, half->cached_count, sizeof *half->cached);
    hak_sort_by_first(half->large, half->large_count, sizeof *half->large);
    return true;
}

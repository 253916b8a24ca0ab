/* Adds up what the heap of a running process has, from outside and while it goes on.
 *
 *   registry --> heads of SuperSlabs --> slabs, used slots, pages that are kept
 *   heaps --> counts of caches, slow paths, frees for others     no list of blocks is followed
 *   address map --> large blocks; shards --> free pages of the pool
 *
 * The figures are those of hak_read_stats (src/verify/api.c), read one after the other while
 * threads work: sums of one moment they are not. Each number is taken as damaged if it is larger
 * than what can be there. */
#include "viewer/corefile/corefile.h"

#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "viewer/corefile/parts.h"

enum { RUNS_MOST = 1 << 20, SHARDS_MOST = 1 << 16, SMALLEST = 8, COMING_BLOCKS = 1 << 16 };
#define BYTES_MOST ((uint64_t)1 << 47)

struct figures {
    struct core_half *half;
    struct core_figures *sums;
    uint64_t slot_states; /* 1: the half keeps them */
    uint64_t runs_left;
};

/* A number that is at most `most`; else the half is damaged, and it counts as 0. */
static uint64_t at_most(const struct figures *f, uint64_t number, uint64_t most) {
    f->half->is_damaged |= number > most;
    return number > most ? 0 : number;
}

/* ---- SuperSlabs ------------------------------------------------------------------------------ */

/* Adds the bytes of live slots that nobody asked for, which the states of the slots say. */
static void sum_slack(const struct figures *f, struct core_class_figures *row, uint64_t states,
                      uint64_t carved) {
    const struct core_table *t = f->half->table;
    uint64_t bytes = core_value(t, HAK_AT_slot_bytes);
    for (uint64_t i = 0; i < carved; i++) {
        uint64_t slot = states + i * bytes;
        uint64_t asked = core_at(t, slot, HAK_AT_slot_asked_bytes);
        if (core_at(t, slot, HAK_AT_slot_place) == HAK_PLACE_LIVE && asked < row->slot_bytes)
            row->slack_bytes += row->slot_bytes - asked;
    }
}

/* Adds a slab that serves the class of `row`. */
static void sum_slab(const struct figures *f, struct core_class_figures *row, uint64_t superslab,
                     unsigned index) {
    const struct core_table *t = f->half->table;
    uint64_t slab = core_slab_at(t, superslab, index), slab_bytes = core_value(t, HAK_AT_slab_size);
    uint64_t most = row->slot_bytes >= SMALLEST ? slab_bytes / row->slot_bytes : 0;
    uint64_t used = at_most(f, core_at(t, slab, HAK_AT_slab_used), most);
    uint64_t carved = at_most(f, core_at(t, slab, HAK_AT_slab_carved), most);
    row->mapped_bytes += slab_bytes;
    row->live_blocks += used; /* cached ones are taken off later */
    row->free_blocks += carved > used ? carved - used : 0;
    uint64_t states = core_at(t, superslab, HAK_AT_superslab_slots);
    if (f->slot_states && states)
        sum_slack(f, row,
                  states + (index - 1) * core_value(t, HAK_AT_slots_of_slab) *
                               core_value(t, HAK_AT_slot_bytes),
                  carved);
}

/* Adds a SuperSlab: its head, its slabs by class, and those that serve none. */
static void sum_superslab(const struct figures *f, const struct core_superslab *superslab) {
    const struct core_table *t = f->half->table;
    struct core_figures *sums = f->sums;
    uint64_t slab_bytes = core_value(t, HAK_AT_slab_size),
             bytes = core_value(t, HAK_AT_superslab_size);
    uint64_t dirty = core_at(t, superslab->address, HAK_AT_superslab_dirty_slabs);
    uint64_t head = core_value(t, HAK_AT_superslab_bytes);
    sums->mapped_bytes += bytes;
    sums->resident_bytes += (head + CORE_PAGE_BYTES - 1) / CORE_PAGE_BYTES * CORE_PAGE_BYTES;
    if (superslab->owner == core_value(t, HAK_AT_owner_reserve)) {
        uint64_t kept = (uint64_t)__builtin_popcountll(dirty) * slab_bytes;
        kept = kept < bytes ? kept : bytes;
        sums->unused_bytes += bytes;
        sums->dirty_bytes += kept;
        sums->clean_bytes += bytes - kept;
        return;
    }
    for (unsigned i = 1; i < core_value(t, HAK_AT_slabs); i++) {
        unsigned c = core_class_of_slab(t, superslab->address, i);
        if (c < sums->class_count) {
            sum_slab(f, &sums->by_class[c], superslab->address, i);
            continue;
        }
        sums->unused_bytes += slab_bytes;
        *(dirty >> i & 1 ? &sums->dirty_bytes : &sums->clean_bytes) += slab_bytes;
    }
}

/* ---- heaps ----------------------------------------------------------------------------------- */

static void sum_cached(const struct figures *f, uint64_t class_index, uint64_t blocks) {
    if (class_index < f->sums->class_count)
        f->sums->by_class[class_index].cached_blocks += blocks;
}

/* Adds the blocks in a thread's arrays, by their tops, and in its overflow lists. */
static void sum_arrays(const struct figures *f, uint64_t thread, uint64_t front) {
    const struct core_table *t = f->half->table;
    uint64_t mid = core_at(t, front, HAK_AT_front_mid);
    for (unsigned c = 0; c < f->sums->class_count; c++) {
        uint64_t array =
            core_place(t, front, HAK_AT_front_array) + c * core_value(t, HAK_AT_array_bytes);
        uint64_t bottom = core_at(t, array, HAK_AT_array_bottom);
        uint64_t capacity = core_at(t, array, HAK_AT_array_capacity);
        uint64_t top = core_pointer(t->core, core_place(t, thread, HAK_AT_thread_top) + c * 8);
        /* The thread may just be moving to a larger one: nothing of it is known then. */
        if (capacity && top > bottom && (top - bottom) / 8 <= capacity)
            sum_cached(f, c, (top - bottom) / 8);
        uint64_t list =
            core_place(t, mid, HAK_AT_mid_lists) + c * core_value(t, HAK_AT_mid_list_bytes);
        if (mid)
            sum_cached(f, c, core_at(t, list, HAK_AT_mid_list_count));
    }
}

/* Adds the blocks in the caches beside the arrays. */
static void sum_caches(const struct figures *f, uint64_t front) {
    const struct core_table *t = f->half->table;
    uint64_t caches = core_at(t, front, HAK_AT_front_caches);
    uint64_t count = core_number(t->core, t->root[HAK_ROOT_caches_of_plan], 4);
    for (uint64_t i = 0; caches && i < count && i < CORE_CACHES_MAX; i++) {
        uint64_t cache = caches + i * core_value(t, HAK_AT_cache_bytes);
        sum_cached(f, core_at(t, cache, HAK_AT_cache_class_index),
                   core_at(t, cache, HAK_AT_cache_count));
    }
}

/* Adds the blocks that a thread collects for others. */
static void sum_remote(const struct figures *f, uint64_t remote) {
    const struct core_table *t = f->half->table;
    for (unsigned i = 0; i < core_value(t, HAK_AT_remote_places); i++) {
        uint64_t chunk = core_pointer(t->core, core_place(t, remote, HAK_AT_remote_slots) + i * 8);
        uint64_t count = chunk ? core_at(t, chunk, HAK_AT_chunk_count) : 0;
        if (count <= core_value(t, HAK_AT_blocks_of_chunk))
            sum_cached(f, core_at(t, chunk, HAK_AT_chunk_class_index), count);
    }
}

static void sum_heap(const struct figures *f, uint64_t heap) {
    const struct core_table *t = f->half->table;
    uint64_t front = core_at(t, heap, HAK_AT_heap_front_block);
    uint64_t remote = core_at(t, heap, HAK_AT_heap_remote);
    uint64_t thread = core_at(t, heap, HAK_AT_heap_thread);
    f->sums->slow_paths += front ? core_at(t, front, HAK_AT_front_slow_paths) : 0;
    f->sums->remote_frees += remote ? core_at(t, remote, HAK_AT_remote_posted_blocks) : 0;
    if (!thread || core_at(t, heap, HAK_AT_heap_state) != core_value(t, HAK_AT_heap_owned))
        return;
    if (front) {
        sum_arrays(f, thread, front);
        sum_caches(f, front);
    }
    if (remote)
        sum_remote(f, remote);
}

static void sum_heaps(const struct figures *f) {
    const struct core_table *t = f->half->table;
    for (uint64_t id = 1; id <= core_value(t, HAK_AT_heap_id_max); id++) {
        uint64_t heap = core_pointer(t->core, t->root[HAK_ROOT_heaps] + id * 8);
        if (heap)
            sum_heap(f, heap);
        else if (id > CORE_SHARED_HEAP)
            break; /* ids are given out in order */
    }
}

/* ---- large blocks ---------------------------------------------------------------------------- */

/* Adds the free pages of a shard: runs by whether they have their pages, and the tail. */
static void sum_shard(struct figures *f, uint64_t shard) {
    const struct core_table *t = f->half->table;
    uint64_t pages_most = core_value(t, HAK_AT_pages_of_chunk), dirty = 0, clean = 0;
    uint64_t runs = core_place(t, shard, HAK_AT_shard_runs);
    for (unsigned bin = 0; bin < core_value(t, HAK_AT_run_bins); bin++) {
        uint64_t run = core_pointer(t->core, core_place(t, runs, HAK_AT_runs_bins) + bin * 8);
        for (; run && f->runs_left > 0; f->runs_left--) {
            uint64_t pages = core_at(t, run, HAK_AT_run_pages);
            uint64_t resident = core_at(t, run, HAK_AT_run_dirty);
            if (resident <= pages && pages <= pages_most) {
                dirty += resident;
                clean += pages - resident;
            }
            run = core_at(t, run, HAK_AT_run_next);
        }
    }
    uint64_t newest = core_at(t, runs, HAK_AT_runs_newest);
    uint64_t top = newest ? core_at(t, newest, HAK_AT_page_chunk_top) : pages_most;
    uint64_t resident = newest ? core_at(t, newest, HAK_AT_page_chunk_dirty) : 0;
    if (top <= pages_most && resident <= pages_most - top) {
        dirty += resident;
        clean += pages_most - top - resident;
    }
    f->sums->dirty_bytes += dirty * CORE_PAGE_BYTES;
    f->sums->clean_bytes += clean * CORE_PAGE_BYTES;
}

/* Adds large blocks, spare mappings and the pool's free pages. */
static void sum_large(struct figures *f) {
    const struct core_table *t = f->half->table;
    uint64_t shard = core_pointer(t->core, t->root[HAK_ROOT_newest_shard]);
    for (size_t i = 0; i < f->half->large_count; i++) {
        const struct core_large *large = &f->half->large[i];
        if (large->is_live) {
            f->sums->large_blocks++;
            f->sums->large_bytes += at_most(f, large->bytes, BYTES_MOST);
        } else if (!large->is_guarded) {
            f->sums->dirty_bytes += at_most(f, large->bytes, BYTES_MOST);
        }
    }
    f->sums->dirty_bytes +=
        at_most(f, core_pointer(t->core, t->root[HAK_ROOT_spare_bytes]), BYTES_MOST);
    for (unsigned i = 0; i < core_value(t, HAK_AT_kept_chunks); i++) {
        uint64_t chunk = core_pointer(t->core, t->root[HAK_ROOT_kept_chunks] + i * 8);
        uint64_t resident = chunk ? core_at(t, chunk, HAK_AT_page_chunk_dirty) : 0;
        f->sums->dirty_bytes +=
            at_most(f, resident, core_value(t, HAK_AT_pages_of_chunk)) * CORE_PAGE_BYTES;
    }
    for (unsigned i = 0; shard && i < SHARDS_MOST; i++) {
        sum_shard(f, shard);
        shard = core_at(t, shard, HAK_AT_shard_next);
    }
    f->half->is_damaged |= f->runs_left == 0 || shard != 0;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* Whether the half keeps a state for each slot, which says what was asked for. */
static bool has_states(const struct core_half *half) {
    return half->table->half == HAK_LAYOUT_CHECKS;
}

/* Sets the slots' bytes of each class. False: there are more classes than can be. */
static bool read_classes(const struct core_table *t, struct core_figures *sums) {
    sums->class_count = (unsigned)core_value(t, HAK_AT_classes);
    if (sums->class_count > CORE_CLASSES_MAX)
        return false;
    for (unsigned c = 0; c < sums->class_count; c++)
        sums->by_class[c].slot_bytes =
            core_number(t->core, t->root[HAK_ROOT_class_bytes] + c * 2, 2);
    return true;
}

/* A class without another below it has blocks of no bytes, too. */
static uint64_t most_slack(const struct core_class_figures *row, uint64_t below) {
    return below && below < row->slot_bytes ? row->slot_bytes - below - 1 : row->slot_bytes;
}

/* Takes what lies in caches off what is live, and makes sums of the rows. */
static void end_rows(const struct figures *f) {
    struct core_figures *sums = f->sums;
    for (unsigned c = 0; c < sums->class_count; c++) {
        struct core_class_figures *row = &sums->by_class[c];
        uint64_t below = c > 0 ? sums->by_class[c - 1].slot_bytes : 0;
        /* Slabs that came after they were counted have blocks in caches by now. */
        uint64_t room = row->slot_bytes ? row->mapped_bytes / row->slot_bytes : 0;
        uint64_t cached = at_most(f, row->cached_blocks, 2 * room + COMING_BLOCKS);
        row->cached_blocks = cached;
        row->live_blocks = cached < row->live_blocks ? row->live_blocks - cached : 0;
        if (!sums->is_slack_known)
            row->slack_bytes = row->live_blocks * most_slack(row, below);
        sums->live_bytes += row->live_blocks * row->slot_bytes;
        sums->cached_bytes += cached * row->slot_bytes;
        sums->resident_bytes += row->mapped_bytes;
    }
    sums->mapped_bytes += sums->large_bytes;
    sums->live_bytes += sums->large_bytes;
    sums->resident_bytes += sums->large_bytes + sums->dirty_bytes;
}

/* Reads what is known of the thread that gives memory back. */
static void read_background(const struct core_table *t, struct core_figures *sums) {
    if (!t->root[HAK_ROOT_background_word])
        return;
    sums->background_threads = core_number(t->core, t->root[HAK_ROOT_background_word], 4) != 0;
    sums->background_bytes = core_pointer(t->core, t->root[HAK_ROOT_background_bytes]);
    sums->background_failures = core_number(t->core, t->root[HAK_ROOT_background_failures], 4);
}

/* Adds up a half. False: out of memory, or a table that cannot be. */
static bool sum_half(struct core_half *half, struct core_figures *sums) {
    struct figures f = {
        .half = half, .sums = sums, .slot_states = has_states(half), .runs_left = RUNS_MOST};
    sums->is_slack_known = has_states(half);
    if (!read_classes(half->table, sums) || !core_walk_memory(half))
        return false;
    for (size_t i = 0; i < half->superslab_count; i++)
        sum_superslab(&f, &half->superslab[i]);
    sum_heaps(&f);
    sum_large(&f);
    sums->given_back_bytes =
        core_pointer(half->table->core, half->table->root[HAK_ROOT_given_back]);
    read_background(half->table, sums);
    end_rows(&f);
    return true;
}

const struct core_table *core_find_serving(const struct core_tables *tables,
                                           const struct core_table **checks) {
    const struct core_table *light = NULL;
    *checks = NULL;
    for (int i = 0; i < tables->count; i++) {
        const struct core_table *t = &tables->table[i];
        if (t->half == HAK_LAYOUT_CHECKS)
            *checks = t;
        else if (t->half == HAK_LAYOUT_LIGHT)
            light = t;
    }
    if (!*checks)
        return &tables->table[0];
    uint64_t level = core_at(*checks, (*checks)->root[HAK_ROOT_options], HAK_AT_options_check);
    return level == HAK_CHECK_LIGHT && light ? light : *checks;
}

static const char *level_word(const struct core_table *checks) {
    uint64_t level =
        checks ? core_at(checks, checks->root[HAK_ROOT_options], HAK_AT_options_check) : 0;
    return !checks                     ? "none"
           : level == HAK_CHECK_TRACE  ? "trace"
           : level == HAK_CHECK_NORMAL ? "normal"
           : level == HAK_CHECK_LIGHT  ? "light"
                                       : "unknown";
}

/* Adds guarded blocks: of level light those that were sampled, of others those of the map. */
static void sum_guarded(const struct core_table *checks, const struct core_half *half,
                        struct core_figures *sums) {
    for (size_t i = 0; i < half->large_count; i++)
        sums->guarded_blocks += half->large[i].is_live && half->large[i].is_guarded;
    uint64_t control = checks ? checks->root[HAK_ROOT_control] : 0;
    if (!control || half->table == checks)
        return;
    int32_t live = (int32_t)core_at(checks, control, HAK_AT_control_live);
    sums->guarded_blocks = live > 0 ? (uint64_t)live : 0;
    sums->guarded_so_far = core_at(checks, control, HAK_AT_control_blocks);
    if (checks->root[HAK_ROOT_sample_ns])
        sums->guard_ns = core_pointer(checks->core, checks->root[HAK_ROOT_sample_ns]);
}

/* Counts and sums that cannot be are 0. */
static void drop_wild(struct core_figures *sums) {
    uint64_t *const number[] = {
        &sums->mapped_bytes,   &sums->live_bytes,       &sums->cached_bytes,
        &sums->unused_bytes,   &sums->large_bytes,      &sums->dirty_bytes,
        &sums->clean_bytes,    &sums->resident_bytes,   &sums->slow_paths,
        &sums->remote_frees,   &sums->given_back_bytes, &sums->guard_ns,
        &sums->guarded_so_far, &sums->guarded_blocks,   &sums->background_bytes};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        if (*number[i] >> 62) {
            *number[i] = 0;
            sums->is_damaged = true;
        }
}

static bool read_once(int32_t pid, struct core_figures *sums, struct hak_text *error) {
    static struct core_tables tables;
    struct core_memory memory;
    struct core_half half = {0};
    const struct core_table *checks = NULL;
    *sums = (struct core_figures){0};
    bool is_read =
        core_memory_open_live(&memory, pid, -1, error) && core_tables_find(&memory, &tables, error);
    if (is_read) {
        half.table = core_find_serving(&tables, &checks);
        is_read = sum_half(&half, sums);
        if (!is_read)
            hak_text_add(error, "out of memory, or a table that cannot be");
    }
    if (is_read) {
        sum_guarded(checks, &half, sums);
        snprintf(sums->version, sizeof sums->version, "%s", half.table->built);
        sums->level = level_word(checks);
        sums->is_damaged = half.is_damaged;
        drop_wild(sums);
    }
    free(half.superslab);
    free(half.large);
    core_memory_close(&memory);
    return is_read;
}

/* A slab that goes to another class while it is read looks damaged; it is read again. */
bool core_figures_read(int32_t pid, struct core_figures *sums, struct hak_text *error) {
    enum { TIMES = 5 };
    bool is_read = read_once(pid, sums, error);
    for (int i = 1; i < TIMES && is_read && sums->is_damaged; i++)
        is_read = read_once(pid, sums, error);
    return is_read;
}

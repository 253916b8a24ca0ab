/* Follows blocks, with those that a forked child inherits. */
#include "store/reader/follow.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "store/reader/inner.h"

/* Loads each process's parent and fork; an exec'd image has none. 0, or an error. */
static int load_processes(struct hak_follow *f, struct hak_store_reader *r) {
    uint64_t highest;
    int found = hak_database_numbers(&r->db, "SELECT coalesce(max(id), 0), ?1 FROM process", 0,
                                     &highest, 1);
    if (found < 0)
        return found;
    f->processes = highest < HAK_FOLLOW_PROCESSES ? (uint32_t)highest + 1 : HAK_FOLLOW_PROCESSES;
    f->parent_of = calloc(f->processes, sizeof *f->parent_of);
    f->fork_of = calloc(f->processes, sizeof *f->fork_of);
    if (!f->parent_of || !f->fork_of)
        return hak_store_no_memory(r->db.path);
    struct hak_query q = hak_ask(
        &r->db,
        "SELECT p.id, p.parent, p.fork_event FROM process p"
        " JOIN process q ON q.id = p.parent WHERE p.session = q.session AND p.parent < p.id",
        "reading processes");
    while (hak_query_next(&q)) {
        uint64_t id = hak_query_number(&q, 0);
        if (id == 0 || id >= f->processes)
            continue;
        f->parent_of[id] = hak_query_id(&q, 1);
        f->fork_of[id] = hak_query_number(&q, 2);
    }
    return hak_query_end(&q);
}

int hak_follow_init(struct hak_follow *f, struct hak_store_reader *r, uint32_t kept_bytes) {
    *f = (struct hak_follow){.block_bytes = (uint32_t)sizeof(struct hak_followed) + kept_bytes};
    int error = load_processes(f, r);
    if (error)
        hak_follow_free(f);
    return error;
}

void hak_follow_free(struct hak_follow *f) {
    free(f->blocks);
    hak_index_free(&f->index);
    free(f->parent_of);
    free(f->fork_of);
    *f = (struct hak_follow){0};
}

void hak_follow_clear(struct hak_follow *f) {
    hak_index_free(&f->index);
    f->used = 0;
}

static uint64_t key_of(uint64_t process, uint64_t base) {
    return base ^ process << 48;
}

/* The block as it is followed in the process; NULL: it is not yet. */
static struct hak_followed *find_followed(const struct hak_follow *f, uint32_t process,
                                          uint64_t base) {
    uint64_t place = 0;
    for (uint32_t row; (row = hak_index_find(&f->index, key_of(process, base), &place)) != 0;) {
        struct hak_followed *block = hak_follow_block(f, row - 1);
        if (block->process == process && block->base == base)
            return block;
    }
    return NULL;
}

bool hak_follow_keep_below(struct hak_follow *f, uint64_t below) {
    uint32_t before = f->used;
    hak_follow_clear(f);
    for (uint32_t i = 0; i < before; i++) {
        const struct hak_followed *block = hak_follow_block(f, i);
        if (block->base >= below)
            continue;
        if (!hak_index_add(&f->index, key_of(block->process, block->base), f->used + 1))
            return false;
        memmove(hak_follow_block(f, f->used++), block, f->block_bytes);
    }
    return true;
}

static uint32_t parent_of(const struct hak_follow *f, uint32_t process) {
    return process < f->processes ? f->parent_of[process] : 0;
}

/* A child's first event of a block: takes over what a parent's block was, if that is certain. */
static void inherit(const struct hak_follow *f, struct hak_followed *child, uint64_t generation) {
    uint32_t process = child->process;
    uint64_t until = UINT64_MAX, base = child->base;
    while (parent_of(f, process) != 0) {
        until = f->fork_of[process] < until ? f->fork_of[process] : until;
        process = parent_of(f, process);
        const struct hak_followed *parent = find_followed(f, process, base);
        if (!parent)
            continue;
        if (parent->last_id > until) {
            child->is_midway = true; /* it went on since: what it was is not known */
            return;
        }
        uint32_t own = child->process;
        bool is_next = parent->generation >> 32 == generation >> 32 &&
                       hak_generation_distance(parent->generation, generation) == 1;
        memcpy(child, parent, is_next ? f->block_bytes : sizeof *child);
        child->process = own & (HAK_FOLLOW_PROCESSES - 1);
        child->is_midway |= !is_next;
        return;
    }
}

/* The block as it is followed, entered now if need be. NULL without memory. */
static struct hak_followed *find_block(struct hak_follow *f, uint32_t process, uint64_t base,
                                       uint64_t generation, bool *is_first) {
    struct hak_followed *block = find_followed(f, process, base);
    if (block)
        return block;
    if (!hak_growing_make_room(&f->blocks, f->used, &f->room, f->block_bytes) ||
        !hak_index_add(&f->index, key_of(process, base), f->used + 1))
        return NULL;
    block = hak_follow_block(f, f->used++);
    memset(block, 0, f->block_bytes);
    *is_first = true;
    block->process = process & (HAK_FOLLOW_PROCESSES - 1);
    block->base = base;
    block->is_midway = f->may_start_late;
    inherit(f, block, generation);
    return block;
}

struct hak_follow_step hak_follow_next(struct hak_follow *f, uint32_t process, uint64_t base,
                                       uint64_t generation, uint64_t id) {
    bool is_first = false;
    struct hak_followed *block = find_block(f, process, base, generation, &is_first);
    struct hak_follow_step step = {.block = block};
    if (!block)
        return step;
    block->last_id = id;
    step.before = block->generation;
    if (!generation) {
        block->has_place = false;
        return step;
    }
    uint32_t n = (uint32_t)generation;
    bool is_known = block->is_known, is_midway = block->is_midway;
    step.is_new = !is_known || block->generation >> 32 != generation >> 32;
    step.is_early = is_known && !hak_generation_is_before(block->generation, generation);
    if (step.is_early) {
        block->has_place = false;
        return step;
    }
    if (!step.is_new)
        step.missing = hak_generation_distance(block->generation, generation) - 1;
    else if ((is_known || !is_midway) && n > 1) /* the slab begins under this address */
        step.missing = n - 1;
    if (step.missing || step.is_new)
        block->has_place = false;
    if (is_first && step.missing == 1 && parent_of(f, process))
        step.missing = 0;
    block->is_known = true;
    block->generation = generation;
    return step;
}

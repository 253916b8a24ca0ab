/* Marks the blocks that pointers lead to: from the roots, then from lost blocks, as the scan inside
 * the program does it (src/leaks/mark.c). */
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "base/sorted.h"
#include "viewer/corefile/leaks.h"

enum { COOKIE_BYTES = 8 };

/* The calls that take a block. */
enum {
#define TAKEN(name, number, words) TAKEN_BY_##name = number,
#include "hops.def"
};

/* ---- blocks ---------------------------------------------------------------------------------- */

static void note_block(const struct core_block *block, void *context) {
    struct core_leaks *leaks = context;
    bool has_size = block->state && block->asked_bytes <= block->bytes;
    if (leaks->no_memory || leaks->count == UINT32_MAX)
        return;
    if (!hak_growing_make_room(&leaks->block, leaks->count, &leaks->room, sizeof *leaks->block)) {
        leaks->no_memory = true;
        return;
    }
    leaks->block[leaks->count++] = (struct core_leak_block){
        .base = block->base,
        .user = block->user,
        .end = has_size ? block->user + block->asked_bytes : block->base + block->bytes,
        .alloc_stack = block->alloc_stack,
        .class_index = (uint8_t)block->class_index,
        .is_large = block->kind == CORE_LARGE,
        .is_new_array = block->subkind == TAKEN_BY_NEW_ARRAY,
        .has_size = has_size,
    };
}

static int by_base(const void *a, const void *b) {
    const struct core_leak_block *left = a, *right = b;
    return (left->base > right->base) - (left->base < right->base);
}

/* Ends each block where the next one begins, and has the user's bytes inside it. Only damaged
 * tables need it: no byte is then read for two blocks. */
static void part_overlapping(struct core_leaks *leaks) {
    for (size_t i = 0; i < leaks->count; i++) {
        struct core_leak_block *block = &leaks->block[i];
        bool is_last = i + 1 == leaks->count;
        if (block->user >= block->base && block->user <= block->end &&
            (is_last || block->end <= block[1].base))
            continue;
        leaks->is_damaged = true;
        if (block->end < block->base)
            block->end = block->base;
        if (!is_last && block->end > block[1].base)
            block->end = block[1].base;
        if (block->user < block->base || block->user > block->end)
            block->user = block->end;
    }
}

/* The block whose bytes a pointer leads into; NULL = none. */
static struct core_leak_block *find(const struct core_leaks *leaks, uint64_t word, bool from_base) {
    size_t above = HAK_FIRST_ABOVE(leaks->block, leaks->count, base, word);
    struct core_leak_block *block = above > 0 ? &leaks->block[above - 1] : NULL;
    if (!block || (word >= block->end && word != block->user))
        return NULL;
    return from_base || word >= block->user ? block : NULL;
}

static void see(struct core_leaks *leaks, struct core_leak_block *block) {
    if (block->mark != CORE_UNSEEN)
        return;
    block->mark = (uint8_t)leaks->found_as;
    leaks->work[leaks->work_count++] = (uint32_t)(block - leaks->block);
}

/* new T[0] of a type with a destructor asks for a cookie of 8 bytes, which holds 0, and the program
 * has the address behind it. */
static struct core_leak_block *find_empty_array(const struct core_leaks *leaks, uint64_t word,
                                                bool is_found) {
    struct core_leak_block *block = find(leaks, word - COOKIE_BYTES, false);
    if (!block || block->user != word - COOKIE_BYTES || block->end - block->user != COOKIE_BYTES ||
        (block->has_size && is_found && !block->is_new_array) ||
        core_pointer(&leaks->blocks->memory, block->user) != 0)
        return NULL;
    return block;
}

void core_leaks_see(struct core_leaks *leaks, uint64_t word, bool from_base) {
    if (leaks->count == 0 || word < leaks->block[0].base ||
        word > leaks->block[leaks->count - 1].end + COOKIE_BYTES)
        return;
    struct core_leak_block *block = find(leaks, word, from_base);
    if (block)
        see(leaks, block);
    block = from_base ? NULL : find_empty_array(leaks, word, block != NULL);
    if (block)
        see(leaks, block);
}

/* ---- from block to block --------------------------------------------------------------------- */

static void see_inside(struct core_leaks *leaks, const struct core_leak_block *block) {
    uint64_t words[512];
    uint64_t at = (block->user + 7) & ~(uint64_t)7, end = block->end & ~(uint64_t)7;
    while (at < end) {
        size_t bytes = end - at < sizeof words ? end - at : sizeof words;
        const struct core_range *range = core_range_at(&leaks->blocks->memory, at);
        if (!range || at - range->start >= range->stored) {
            uint64_t stop = range && range->end < end ? range->end : end;
            leaks->missing_bytes += stop - at;
            at = stop;
            continue;
        }
        if (range->is_readable && !core_read(&leaks->blocks->memory, at, words, bytes))
            leaks->missing_bytes += bytes;
        for (size_t i = 0; range->is_readable && i < bytes / sizeof *words; i++)
            core_leaks_see(leaks, words[i], false);
        at += bytes;
    }
}

static void follow_work(struct core_leaks *leaks) {
    while (leaks->work_count > 0)
        see_inside(leaks, &leaks->block[leaks->work[--leaks->work_count]]);
}

/* Makes `block` the head of all blocks that it leads to and no other has led to before. */
static void follow(struct core_leaks *leaks, struct core_leak_block *block) {
    block->mark = CORE_DIRECT;
    see_inside(leaks, block);
    follow_work(leaks);
}

static void follow_unseen(struct core_leaks *leaks, bool is_large) {
    for (size_t i = 0; i < leaks->count; i++)
        if (leaks->block[i].mark == CORE_UNSEEN && leaks->block[i].is_large == is_large) {
            leaks->heads[leaks->head_count++] = (uint32_t)i;
            follow(leaks, &leaks->block[i]);
        }
}

/* Twice, since a head that comes later may lead to one that came before it, but never the other way
 * round: going back from the last head, no other one leads to a head that is still unseen. */
static void part_lost(struct core_leaks *leaks) {
    leaks->found_as = CORE_INDIRECT;
    follow_unseen(leaks, true);
    follow_unseen(leaks, false);
    if (leaks->head_count < 2)
        return;
    for (size_t i = 0; i < leaks->count; i++)
        if (leaks->block[i].mark != CORE_REACHED)
            leaks->block[i].mark = CORE_UNSEEN;
    while (leaks->head_count > 0) {
        struct core_leak_block *head = &leaks->block[leaks->heads[--leaks->head_count]];
        if (head->mark == CORE_UNSEEN)
            follow(leaks, head);
    }
}

void core_leaks_scan(struct core_leaks *leaks) {
    core_each_live(leaks->blocks, note_block, leaks);
    if (leaks->no_memory || leaks->count == 0)
        return;
    qsort(leaks->block, leaks->count, sizeof *leaks->block, by_base);
    part_overlapping(leaks);
    leaks->work = calloc(leaks->count, sizeof *leaks->work);
    leaks->heads = calloc(leaks->count, sizeof *leaks->heads);
    leaks->no_memory = !leaks->work || !leaks->heads;
    leaks->found_as = CORE_REACHED;
    if (!leaks->no_memory)
        core_leaks_roots(leaks);
    if (leaks->no_memory)
        return;
    follow_work(leaks);
    part_lost(leaks);
}

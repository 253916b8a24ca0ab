/* Has the marker mark the live blocks of a core: from registers, stacks, and all memory that the
 * program could write, except hakmem's. */
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "base/sorted.h"
#include "viewer/corefile/leaks.h"

enum { RED_ZONE_BYTES = 128 };
/* The calls that take a block. */
enum {
#define TAKEN(name, number, words) TAKEN_BY_##name = number,
#include "hops.def"
};

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Copies what the marking needs of a live block; without memory leaks->no_memory is set. */
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

/* ---- what the marker asks -------------------------------------------------------------------- */

typedef struct core_leaks marking_t;
typedef struct core_leak_block block_t;

/* The block that the word keeps: it points into it, or with `from_base` from its base on. NULL:
 * none. */
static const block_t *find_block(const marking_t *leaks, uint64_t word, bool from_base,
                                 block_t *room) {
    size_t above = HAK_FIRST_ABOVE(leaks->block, leaks->count, base, word);
    const block_t *block = above > 0 ? &leaks->block[above - 1] : NULL;
    (void)room;
    return block && (word < block->end || word == block->user) && (from_base || word >= block->user)
               ? block
               : NULL;
}

/* Visits the large blocks, then the others. */
static void each_block(marking_t *leaks, void (*visit)(const block_t *, void *)) {
    for (int is_large = 1; is_large >= 0; is_large--)
        for (size_t i = 0; i < leaks->count; i++)
            if (leaks->block[i].is_large == is_large)
                visit(&leaks->block[i], leaks);
}
#define block_at(leaks, number, room) ((void)(room), &(leaks)->block[number])
#define number_of(leaks, at)          ((uint64_t)((at) - (leaks)->block))
#define may_be_array(block)           ((block)->is_new_array || !(block)->has_size)
#define mark_of(block)                ((block)->mark)
#define set_mark(leaks, at, as)       ((leaks)->block[number_of(leaks, at)].mark = (uint8_t)(as))

#define buffer_room(words)      (words)
#define plain_word(leaks, word) ((word) & ~(leaks)->blocks->memory.machine->tag_bits)
static const uint64_t *read_words(marking_t *leaks, uint64_t at, size_t bytes, uint64_t *buffer,
                                  bool *is_whole) {
    *is_whole = core_read(&leaks->blocks->memory, at, buffer, bytes);
    return buffer;
}

/* Makes room for another range. False without memory. */
static bool make_room(marking_t *leaks) {
    struct hak_marking *marking = &leaks->marking;
    leaks->no_memory |= !hak_growing_make_room(&marking->left_out, marking->left_out_count,
                                               &leaks->left_out_room, sizeof *marking->left_out);
    return !leaks->no_memory;
}
#define sort_ranges(ranges, count) hak_sort_by_first(ranges, count, sizeof *(ranges))

/* ---- threads --------------------------------------------------------------------------------- */

#define thread_count(leaks)             ((leaks)->blocks->memory.thread_count)
#define thread_tp(leaks, place)         ((leaks)->blocks->memory.thread[place].tp)
#define may_be_alive(leaks, place, tp)  (thread_tp(leaks, place) == (tp))
#define thread_words(leaks, place)      ((leaks)->blocks->memory.thread[place].words)
#define thread_word_count(leaks, place) ((leaks)->blocks->memory.thread[place].word_count)

#include "marker.h"

/* ---- stacks ---------------------------------------------------------------------------------- */

/* Whether nothing of the program lies below the stack in its range: the range is the kernel's own,
 * or behind a guard, which gdb's cores mark readable. */
static bool begins_a_stack(const struct core_memory *core, const struct core_range *range) {
    const struct core_range *before = range - 1;
    if (core->main_stack - range->start < range->end - range->start)
        return true;
    return range > core->range && (before->end != range->start || !before->is_readable ||
                                   (!before->is_writable && !core_mapping_at(core, before->start)));
}

/* Where the stack of a thread begins, behind its guard, as glibc notes in the thread's descriptor:
 *
 *   | where the mapping begins | its bytes | bytes of the guard |
 *
 * 0: it does not stand there, as for a stack of the program's own. Since 2.42 the guard is no
 * mapping of its own: stacks side by side are one range. */
static uint64_t noted_stack(struct core_memory *core, uint64_t tp) {
    uint64_t words[HAK_PTHREAD_BYTES / 8], missing = core->missing;
    bool is_there = core_read(core, tp, words, sizeof words);
    core->missing = missing;
    for (size_t i = HAK_TCB_WORDS; is_there && i + 2 < sizeof words / sizeof *words; i++) {
        uint64_t start = words[i], bytes = words[i + 1], guard = words[i + 2];
        if ((start | bytes | guard) % CORE_PAGE_BYTES == 0 && guard > 0 && guard < bytes &&
            tp - start > guard && tp - start < bytes &&
            bytes - (tp - start) < HAK_PTHREAD_BYTES + CORE_PAGE_BYTES)
            return start + guard;
    }
    return 0;
}

/* Where the stack begins that ends with the thread descriptor at `tp`; 0 = not known. */
static uint64_t stack_start(marking_t *leaks, uint64_t tp) {
    struct core_memory *core = &leaks->blocks->memory;
    const struct core_range *range = core_range_at(core, tp);
    uint64_t noted = range ? noted_stack(core, tp) : 0;
    if (range && noted < range->start)
        noted = begins_a_stack(core, range) ? range->start : 0;
    return noted;
}

/* Finds the thread's stack: what is dead below its pointer, and where it ends. */
static void find_stack(marking_t *leaks, size_t place, struct mark_stack *stack) {
    const struct core_memory *core = &leaks->blocks->memory;
    const struct core_thread *thread = &core->thread[place];
    const struct core_range *range = core_range_at(core, thread->sp);
    bool is_main = range && core->main_stack - range->start < range->end - range->start;
    bool has_thread = range && thread->tp > thread->sp && thread->tp < range->end;
    uint64_t start = is_main ? range->start : has_thread ? stack_start(leaks, thread->tp) : 0;
    *stack = (struct mark_stack){.sp = thread->sp,
                                 .end = range ? range->end : 0,
                                 .is_in_hakmem = core_leaks_is_own_code(leaks, thread->ip)};
    if (start && start <= thread->sp)
        stack->dead = (struct hak_mark_range){start, thread->sp - core->machine->red_zone_bytes};
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* True for memory of a device, which is no root. */
static bool is_device(const struct core_memory *core, const struct core_range *range) {
    const struct core_mapping *mapping = core_mapping_at(core, range->start);
    const char *path = mapping ? core->file[mapping->file].path : "";
    return strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/zero", 9) != 0 &&
           strncmp(path, "/dev/shm", 8) != 0;
}

static void count_missing(marking_t *leaks, uint64_t start, uint64_t end) {
    leaks->marking.missing_bytes += end - start;
}

/* Calls `visit` for all that can hold pointers in the core, but for code, which is as its file has
 * it, and devices; read-only data that was relocated is in the core. */
static void each_root(marking_t *leaks, void (*visit)(marking_t *, uint64_t, uint64_t)) {
    const struct core_memory *core = &leaks->blocks->memory;
    for (size_t i = 0; i < core->range_count && !leaks->no_memory; i++) {
        const struct core_range *range = &core->range[i];
        uint64_t left = range->end - range->start;
        uint64_t stored = range->start + (range->stored < left ? range->stored : left);
        if (!range->is_readable || (!range->is_writable && range->is_executable) ||
            is_device(core, range))
            continue;
        visit(leaks, range->start, stored);
        if (range->is_writable && leaks->marking.are_stacks_left_out)
            each_kept(leaks, stored, range->end, count_missing);
    }
}

/* Marks what the words of these bytes of a reached block point to; bytes that the core lacks are
 * counted. */
static void look_between(marking_t *leaks, uint64_t at, uint64_t end) {
    struct core_memory *core = &leaks->blocks->memory;
    uint64_t words[512];
    while (at < end) {
        size_t bytes = end - at < sizeof words ? end - at : sizeof words;
        const struct core_range *range = core_range_at(core, at);
        if (!range || at - range->start >= range->stored) {
            uint64_t stop = range && range->end < end ? range->end : end;
            leaks->marking.missing_bytes += stop - at;
            at = stop;
            continue;
        }
        if (range->is_readable && !core_read(core, at, words, bytes))
            leaks->marking.missing_bytes += bytes;
        if (range->is_readable)
            mark_words(leaks, words, bytes / sizeof *words);
        at += bytes;
    }
}

/* Looks at all words of a block, also from its start where that is no multiple of 8: a guarded
 * block may lie so, and its members with it. */
static void look_inside(marking_t *leaks, const block_t *block) {
    look_between(leaks, (block->user + 7) & ~(uint64_t)7, block->end & ~(uint64_t)7);
    if (block->user % 8 != 0)
        look_between(leaks, block->user, block->end - (block->end - block->user) % 8);
}

/* ---- the whole ------------------------------------------------------------------------------- */

void core_leaks_leave_out(struct core_leaks *leaks, uint64_t start, uint64_t end) {
    leave_out(leaks, start, end);
}

void core_leaks_scan(struct core_leaks *leaks) {
    struct hak_marking *marking = &leaks->marking;
    core_each_live(leaks->blocks, note_block, leaks);
    if (leaks->no_memory || leaks->count == 0)
        return;
    hak_sort_by_first(leaks->block, leaks->count, sizeof *leaks->block);
    part_overlapping(leaks);
    marking->low = leaks->block[0].base;
    marking->span = leaks->block[leaks->count - 1].end + COOKIE_BYTES + 1 - marking->low;
    marking->capacity = leaks->count;
    marking->work = calloc(leaks->count, sizeof *marking->work);
    marking->heads = calloc(leaks->count, sizeof *marking->heads);
    leaks->no_memory = !marking->work || !marking->heads;
    if (!leaks->no_memory)
        core_leaks_leave_out_own(leaks);
    if (!leaks->no_memory)
        mark_roots(leaks);
    if (leaks->no_memory)
        return;
    mark_pending(leaks);
    part_lost(leaks);
}

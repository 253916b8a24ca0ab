/* Finds the roots: registers, and all memory that the program could write, except hakmem's own, and
 * stacks below their stack pointer or of ended threads.
 *
 *   hakmem-debug.so  a bit for each page that it has mapped (platform/own.h)
 *   all              SuperSlabs, large blocks, and by the table what lists and arrays are made of;
 *                    the module itself; its part of each thread's TLS, by the dtv */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "viewer/corefile/leaks.h"

/* struct pthread begins with a tcbhead_t; words. */
enum { TCB_SELF = 0, TCB_DTV = 1, TCB_SELF_AGAIN = 2, TCB_GUARD = 5, TCB_GUARD_2 = 6, TCB_WORDS };
enum {
    PTHREAD_BYTES = 2304,
    PTHREAD_ALIGNMENT = 64,
    RED_ZONE_BYTES = 128,
    IN_HAND_BYTES = 8 << 10,
    HAKMEM_PARTS_MAX = 64,
    MODULES_MAX = 4096, /* with thread-local memory */
    OWN_PAGE_BITS = 12,
};
/* Bounds for following lists: each node lies in memory of its own, of at least NODE_BYTES. */
enum { NODE_BYTES = 64, SPARE_STEPS = 1 << 20 };

/* ---- what is left out ------------------------------------------------------------------------ */

/* One step further. False: the lists are damaged, and lead to more than there is. */
static bool step_within_limit(struct core_leaks *leaks) {
    bool is_left = leaks->steps_left > 0;
    leaks->is_damaged |= !is_left;
    leaks->steps_left -= is_left;
    return is_left && !leaks->no_memory;
}

static void leave_out(struct core_leaks *leaks, uint64_t start, uint64_t end) {
    if (start >= end || leaks->no_memory)
        return;
    struct core_leaks_range *last =
        leaks->left_out_count ? &leaks->left_out[leaks->left_out_count - 1] : NULL;
    if (last && last->end == start) {
        last->end = end;
        return;
    }
    if (!hak_growing_make_room(&leaks->left_out, leaks->left_out_count, &leaks->left_out_room,
                               sizeof *leaks->left_out)) {
        leaks->no_memory = true;
        return;
    }
    leaks->left_out[leaks->left_out_count++] = (struct core_leaks_range){start, end};
}

static void leave_out_bytes(struct core_leaks *leaks, uint64_t start, uint64_t bytes) {
    if (start && start + bytes > start)
        leave_out(leaks, start, start + bytes);
}

static int compare_left_out(const void *a, const void *b) {
    const struct core_leaks_range *left = a, *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

static void sort_left_out(struct core_leaks *leaks) {
    size_t kept = 0;
    if (leaks->left_out_count == 0)
        return;
    qsort(leaks->left_out, leaks->left_out_count, sizeof *leaks->left_out, compare_left_out);
    for (size_t i = 1; i < leaks->left_out_count; i++) {
        struct core_leaks_range *last = &leaks->left_out[kept], *next = &leaks->left_out[i];
        if (next->start > last->end)
            leaks->left_out[++kept] = *next;
        else if (next->end > last->end)
            last->end = next->end;
    }
    leaks->left_out_count = kept + 1;
}

/* The pages of a range that the debug library has mapped. */
static void leave_out_noted(struct core_leaks *leaks, const struct core_table *t,
                            const struct core_range *range) {
    unsigned leaf_bits = (unsigned)core_value(t, HAK_AT_own_leaf_page_bits);
    uint64_t page = range->start >> OWN_PAGE_BITS, end = range->end >> OWN_PAGE_BITS;
    uint64_t last = (uint64_t)1 << (core_value(t, HAK_AT_address_bits) - OWN_PAGE_BITS);
    uint64_t mask = ((uint64_t)1 << leaf_bits) - 1;
    for (end = end < last ? end : last; page < end;) {
        uint64_t leaf =
            core_pointer(t->core, t->root[HAK_ROOT_own_leaves] + (page >> leaf_bits) * 8);
        if (!leaf) {
            page = (page | mask) + 1;
            continue;
        }
        uint64_t word = core_pointer(t->core, leaf + (page & mask) / 64 * 8);
        uint64_t stop = (page | 63) + 1;
        if (word && !step_within_limit(leaks))
            return;
        for (; word && page < stop && page < end; page++)
            if (word >> page % 64 & 1)
                leave_out(leaks, page << OWN_PAGE_BITS, (page + 1) << OWN_PAGE_BITS);
        page = stop;
    }
}

static void leave_out_list(struct core_leaks *leaks, const struct core_table *t, uint64_t node,
                           enum hak_layout_id next, enum hak_layout_id bytes) {
    while (node && step_within_limit(leaks)) {
        leave_out_bytes(leaks, node, core_value(t, bytes));
        node = core_at(t, node, next);
    }
}

static void leave_out_chunks(struct core_leaks *leaks, const struct core_table *t, uint64_t chunk) {
    leave_out_list(leaks, t, chunk, HAK_AT_chunk_next, HAK_AT_chunk_bytes);
}

static void leave_out_segments(struct core_leaks *leaks, const struct core_table *t,
                               uint64_t segment) {
    leave_out_list(leaks, t, segment, HAK_AT_mid_segment_older, HAK_AT_mid_segment_bytes);
}

/* A thread's arrays, rings and overflow lists hold blocks that it gave out again. */
static void leave_out_front(struct core_leaks *leaks, const struct core_table *t, uint64_t front) {
    uint64_t mid = core_at(t, front, HAK_AT_front_mid);
    uint64_t caches = core_at(t, front, HAK_AT_front_caches);
    uint64_t cache_count = core_number(t->core, t->root[HAK_ROOT_caches_of_plan], 4);
    leave_out_bytes(leaks, front, core_value(t, HAK_AT_front_bytes));
    for (uint64_t c = 0; c < core_value(t, HAK_AT_classes); c++) {
        uint64_t array =
            core_place(t, front, HAK_AT_front_array) + c * core_value(t, HAK_AT_array_bytes);
        uint64_t places = core_at(t, array, HAK_AT_array_limit);
        uint64_t capacity = core_at(t, array, HAK_AT_array_capacity);
        places = (capacity > places ? capacity : places) + 1;
        leave_out_bytes(leaks, core_at(t, array, HAK_AT_array_larger),
                        (places * 8 + CORE_PAGE_BYTES - 1) / CORE_PAGE_BYTES * CORE_PAGE_BYTES);
        if (mid)
            leave_out_segments(leaks, t,
                               core_at(t,
                                       core_place(t, mid, HAK_AT_mid_lists) +
                                           c * core_value(t, HAK_AT_mid_list_bytes),
                                       HAK_AT_mid_list_newest));
    }
    if (mid)
        leave_out_segments(leaks, t, core_at(t, mid, HAK_AT_mid_unused));
    for (uint64_t i = 0;
         caches && i < cache_count && i < CORE_CACHES_MAX && step_within_limit(leaks); i++) {
        uint64_t cache = caches + i * core_value(t, HAK_AT_cache_bytes);
        leave_out_bytes(leaks, cache, core_value(t, HAK_AT_cache_bytes));
        leave_out_bytes(leaks, core_at(t, cache, HAK_AT_cache_blocks),
                        core_at(t, cache, HAK_AT_cache_room) * 8);
    }
}

static void leave_out_heap(struct core_leaks *leaks, const struct core_table *t, uint64_t heap) {
    uint64_t front = core_at(t, heap, HAK_AT_heap_front_block);
    uint64_t remote = core_at(t, heap, HAK_AT_heap_remote);
    leave_out_bytes(leaks, heap, core_value(t, HAK_AT_heap_bytes));
    leave_out_chunks(leaks, t, core_at(t, heap, HAK_AT_heap_posted));
    leave_out_chunks(leaks, t, core_at(t, heap, HAK_AT_heap_draining));
    for (uint64_t c = 0; c < core_value(t, HAK_AT_classes); c++)
        leave_out_chunks(
            leaks, t,
            core_at(t, core_place(t, heap, HAK_AT_heap_mail) + c * core_value(t, HAK_AT_mail_bytes),
                    HAK_AT_mail_chunks));
    for (uint64_t i = 0; remote && i < core_value(t, HAK_AT_remote_places); i++) {
        uint64_t chunk = core_pointer(t->core, core_place(t, remote, HAK_AT_remote_slots) + i * 8);
        if (chunk && step_within_limit(leaks))
            leave_out_bytes(leaks, chunk, core_value(t, HAK_AT_chunk_bytes));
    }
    if (remote)
        leave_out_chunks(leaks, t, core_at(t, remote, HAK_AT_remote_spare_chunks));
    if (front)
        leave_out_front(leaks, t, front);
}

static void leave_out_blocks(struct core_leaks *leaks, const struct core_half *half) {
    const struct core_table *t = half->table;
    for (size_t i = 0; i < half->superslab_count; i++)
        leave_out_bytes(leaks, half->superslab[i].address, core_value(t, HAK_AT_superslab_size));
    for (size_t i = 0; i < half->large_count; i++) {
        const struct core_large *large = &half->large[i];
        uint64_t chunk = core_at(t, large->address, HAK_AT_large_chunk);
        leave_out_bytes(leaks, large->base, large->bytes);
        leave_out_bytes(leaks, large->address, core_value(t, HAK_AT_large_bytes));
        if (chunk) /* free pages of the pool, too */
            leave_out_bytes(leaks, core_at(t, chunk, HAK_AT_page_chunk_start),
                            core_value(t, HAK_AT_page_chunk_size));
    }
}

/* ---- the module ------------------------------------------------------------------------------ */

struct module {
    uint64_t start, end;
    uint64_t tls_bytes;
};

static void read_hakmem_module(const struct core_table *t, struct module *module) {
    Elf64_Ehdr header;
    Elf64_Phdr part[HAKMEM_PARTS_MAX];
    uint64_t first = UINT64_MAX, end = 0, page = CORE_PAGE_BYTES;
    *module = (struct module){.start = 0};
    if (!core_read(t->core, t->file->start, &header, sizeof header) ||
        header.e_phentsize != sizeof *part)
        return;
    size_t count = header.e_phnum < HAKMEM_PARTS_MAX ? header.e_phnum : HAKMEM_PARTS_MAX;
    if (!core_read(t->core, t->file->start + header.e_phoff, part, count * sizeof *part))
        return;
    for (size_t i = 0; i < count; i++) {
        if (part[i].p_type == PT_TLS)
            module->tls_bytes = part[i].p_memsz;
        if (part[i].p_type != PT_LOAD)
            continue;
        first = part[i].p_vaddr < first ? part[i].p_vaddr : first;
        end = part[i].p_vaddr + part[i].p_memsz > end ? part[i].p_vaddr + part[i].p_memsz : end;
    }
    /* A program that libhakmem.a is linked into: its own variables lie there, too. */
    if (first == UINT64_MAX || !strstr(core_file_name(t->file), ".so"))
        return;
    module->start = t->file->start;
    module->end = module->start + (end + page - 1) / page * page - first / page * page;
}

/* The address of a thread's variables of the module that holds `variable` of some thread: the entry
 * of the dtv is the same for all. 0 = not known. */
static uint64_t tls_of(struct core_leaks *leaks, const struct module *module, uint64_t tp,
                       uint64_t variable) {
    struct core_memory *core = &leaks->blocks->memory;
    uint64_t dtv = core_pointer(core, tp + TCB_DTV * 8);
    uint64_t count = dtv ? core_pointer(core, dtv - 16) : 0;
    for (uint64_t i = 1; i <= count && i < MODULES_MAX && step_within_limit(leaks); i++) {
        uint64_t block = core_pointer(core, dtv + i * 16);
        if (block && variable - block < module->tls_bytes)
            return block;
    }
    return 0;
}

/* The distance from the thread pointer is the same in all threads. */
static void leave_out_tls(struct core_leaks *leaks, const struct core_half *half,
                          const struct module *module) {
    const struct core_memory *core = &leaks->blocks->memory;
    uint64_t offset = 0;
    for (size_t h = 0; h < half->heap_count && offset == 0 && module->tls_bytes; h++)
        for (size_t i = 0; half->heap[h].thread && i < core->thread_count && offset == 0; i++) {
            uint64_t tp = core->thread[i].fs_base;
            uint64_t block = tp ? tls_of(leaks, module, tp, half->heap[h].thread) : 0;
            offset = block ? tp - block : 0;
        }
    for (size_t i = 0; offset && i < core->thread_count; i++)
        if (core->thread[i].fs_base)
            leave_out_bytes(leaks, core->thread[i].fs_base - offset, module->tls_bytes);
}

static bool is_in_module(const struct core_leaks *leaks, uint64_t ip) {
    for (int n = 0; n < leaks->blocks->tables.count; n++) {
        struct module module;
        read_hakmem_module(&leaks->blocks->tables.table[n], &module);
        if (ip - module.start < module.end - module.start)
            return true;
    }
    return false;
}

/* ---- stacks ---------------------------------------------------------------------------------- */

/* True when nothing of the program lies below the stack in its range: the kernel's own, or behind a
 * guard, which gdb's cores mark readable. */
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
    uint64_t words[PTHREAD_BYTES / 8], missing = core->missing;
    bool is_there = core_read(core, tp, words, sizeof words);
    core->missing = missing;
    for (size_t i = TCB_WORDS; is_there && i + 2 < sizeof words / sizeof *words; i++) {
        uint64_t start = words[i], bytes = words[i + 1], guard = words[i + 2];
        if ((start | bytes | guard) % CORE_PAGE_BYTES == 0 && guard > 0 && guard < bytes &&
            tp - start > guard && tp - start < bytes &&
            bytes - (tp - start) < PTHREAD_BYTES + CORE_PAGE_BYTES)
            return start + guard;
    }
    return 0;
}

/* The start of the stack that lies in the range and has the thread's descriptor; 0: not known. */
static uint64_t stack_start(struct core_memory *core, const struct core_range *range, uint64_t tp) {
    uint64_t noted = noted_stack(core, tp);
    return noted >= range->start ? noted : begins_a_stack(core, range) ? range->start : 0;
}

static void leave_out_below(struct core_leaks *leaks, const struct core_thread *thread) {
    struct core_memory *core = &leaks->blocks->memory;
    const struct core_range *range = core_range_at(core, thread->sp);
    bool is_main = range && core->main_stack - range->start < range->end - range->start;
    bool has_thread = range && thread->fs_base > thread->sp && thread->fs_base < range->end;
    uint64_t start = is_main      ? range->start
                     : has_thread ? stack_start(core, range, thread->fs_base)
                                  : 0;
    if (start && start <= thread->sp)
        leave_out(leaks, start, thread->sp - RED_ZONE_BYTES);
}

typedef void visit_words(struct core_leaks *leaks, const struct core_range *range, uint64_t at,
                         const uint64_t *words, size_t count);

static bool is_alive(const struct core_memory *core, uint64_t tp) {
    for (size_t i = 0; i < core->thread_count; i++)
        if (core->thread[i].fs_base == tp)
            return true;
    return false;
}

/* Leaves out the stacks of ended threads, which glibc keeps for the next ones: the guards are the
 * same in all. */
static void leave_out_dead(struct core_leaks *leaks, const struct core_range *range, uint64_t at,
                           const uint64_t *words, size_t count) {
    struct core_memory *core = &leaks->blocks->memory;
    uint64_t own[TCB_WORDS];
    size_t first = (PTHREAD_ALIGNMENT - at % PTHREAD_ALIGNMENT) % PTHREAD_ALIGNMENT / 8;
    for (size_t i = first; i + TCB_WORDS <= count; i += PTHREAD_ALIGNMENT / 8) {
        const uint64_t *tcb = &words[i];
        uint64_t tp = at + i * 8;
        if (tcb[TCB_SELF] != tp || tcb[TCB_SELF_AGAIN] != tp || is_alive(core, tp) ||
            !core_read(core, core->thread[0].fs_base, own, sizeof own) ||
            tcb[TCB_GUARD] != own[TCB_GUARD] || tcb[TCB_GUARD_2] != own[TCB_GUARD_2])
            continue;
        uint64_t start = stack_start(core, range, tp);
        if (!start)
            continue;
        leave_out(leaks, start, tp + PTHREAD_BYTES);
        core_leaks_see(leaks, tcb[TCB_DTV], false); /* kept with the stack */
    }
}

/* ---- roots ----------------------------------------------------------------------------------- */

static void see_words(struct core_leaks *leaks, const struct core_range *range, uint64_t at,
                      const uint64_t *words, size_t count) {
    (void)range;
    (void)at;
    for (size_t i = 0; i < count; i++)
        core_leaks_see(leaks, words[i], false);
}

/* [start, end) of a range; what is not stored is counted where the program could write. */
static void visit_part(struct core_leaks *leaks, const struct core_range *range, uint64_t start,
                       uint64_t end, visit_words *visit) {
    uint64_t words[CORE_PAGE_BYTES / 8];
    uint64_t stored = range->start + range->stored;
    uint64_t stop = end < stored ? end : stored;
    for (uint64_t at = (start + 7) & ~(uint64_t)7; at + 8 <= stop;) {
        uint64_t page_end = (at | (CORE_PAGE_BYTES - 1)) + 1;
        size_t bytes = (size_t)(((page_end < stop ? page_end : stop) - at) & ~(uint64_t)7);
        if (bytes == 0)
            break;
        if (!core_read(&leaks->blocks->memory, at, words, bytes))
            leaks->missing_bytes += bytes;
        visit(leaks, range, at, words, bytes / 8);
        at += bytes;
    }
    if (visit == see_words && range->is_writable && end > stored)
        leaks->missing_bytes += end - (start > stored ? start : stored);
}

static bool is_device(const struct core_memory *core, const struct core_range *range) {
    const struct core_mapping *mapping = core_mapping_at(core, range->start);
    const char *path = mapping ? core->file[mapping->file].path : "";
    return strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/zero", 9) != 0 &&
           strncmp(path, "/dev/shm", 8) != 0;
}

/* Code is as its file has it; read-only data that was relocated is in the core. */
static void visit_roots(struct core_leaks *leaks, visit_words *visit) {
    const struct core_memory *core = &leaks->blocks->memory;
    size_t next = 0, count = leaks->left_out_count;
    for (size_t i = 0; i < core->range_count && !leaks->no_memory; i++) {
        const struct core_range *range = &core->range[i];
        uint64_t at = range->start;
        if (!range->is_readable || (!range->is_writable && range->is_executable) ||
            is_device(core, range))
            continue;
        while (next < count && leaks->left_out[next].end <= at)
            next++;
        for (size_t n = next; n < count && leaks->left_out[n].start < range->end; n++) {
            if (leaks->left_out[n].start > at)
                visit_part(leaks, range, at, leaks->left_out[n].start, visit);
            at = leaks->left_out[n].end;
        }
        if (at < range->end)
            visit_part(leaks, range, at, range->end, visit);
    }
}

/* A thread that was stopped inside malloc or free may have no more of the block than its base. */
static void see_in_hand(struct core_leaks *leaks, const struct core_thread *thread) {
    uint64_t at = (thread->sp + 7) & ~(uint64_t)7;
    const struct core_range *range = core_range_at(&leaks->blocks->memory, at);
    if (!is_in_module(leaks, thread->ip))
        return;
    for (unsigned i = 0; i < 16; i++)
        core_leaks_see(leaks, thread->registers[i], true);
    for (unsigned i = 0; range && i < IN_HAND_BYTES / 8 && at + i * 8 < range->end; i++)
        core_leaks_see(leaks, core_pointer(&leaks->blocks->memory, at + i * 8), true);
}

static void see_registers(struct core_leaks *leaks) {
    const struct core_memory *core = &leaks->blocks->memory;
    for (size_t i = 0; i < core->thread_count; i++) {
        for (unsigned r = 0; r < 16; r++)
            core_leaks_see(leaks, core->thread[i].registers[r], false);
        for (unsigned r = 0; r < 32; r++)
            core_leaks_see(leaks, core->thread[i].vectors[r], false);
        see_in_hand(leaks, &core->thread[i]);
    }
}

void core_leaks_roots(struct core_leaks *leaks) {
    const struct core_memory *core = &leaks->blocks->memory;
    leaks->steps_left = core_stored_bytes(core) / NODE_BYTES + SPARE_STEPS;
    for (int n = 0; n < leaks->blocks->tables.count; n++) {
        const struct core_half *half = &leaks->blocks->half[n];
        const struct core_table *t = half->table;
        struct module module;
        read_hakmem_module(t, &module);
        leave_out(leaks, module.start, module.end);
        leave_out_tls(leaks, half, &module);
        for (size_t i = 0;
             t->half == HAK_LAYOUT_CHECKS && t->root[HAK_ROOT_own_leaves] && i < core->range_count;
             i++)
            if (core->range[i].is_readable)
                leave_out_noted(leaks, t, &core->range[i]);
        leave_out_blocks(leaks, half);
        for (size_t h = 0; h < half->heap_count; h++)
            if (half->heap[h].address)
                leave_out_heap(leaks, t, half->heap[h].address);
    }
    for (size_t i = 0; i < core->thread_count; i++)
        leave_out_below(leaks, &core->thread[i]);
    sort_left_out(leaks);
    if (core->thread_count > 0)
        visit_roots(leaks, leave_out_dead);
    sort_left_out(leaks);
    visit_roots(leaks, see_words);
    see_registers(leaks);
}

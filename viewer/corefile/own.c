/* Leaves hakmem's memory out of the roots.
 *
 *   hakmem-debug.so  a bit for each page that it has mapped (platform/own.h)
 *   all              SuperSlabs, large blocks, and by the table what lists and arrays are made of;
 *                    the module itself; its part of each thread's TLS, by the dtv */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "viewer/corefile/leaks.h"

enum {
    HAKMEM_PARTS_MAX = 64,
    MODULES_MAX = 4096, /* with thread-local memory */
    OWN_PAGE_BITS = 12,
};
/* Bounds for following lists: each node lies in memory of its own, of at least NODE_BYTES. */
enum { NODE_BYTES = 64, SPARE_STEPS = 1 << 20 };

/* ---- what is left out ------------------------------------------------------------------------ */

/* Counts one step further along the lists. False: they are damaged, and lead to more than there is,
 * or memory is out. */
static bool step_within_limit(struct core_leaks *leaks) {
    bool is_left = leaks->steps_left > 0;
    leaks->is_damaged |= !is_left;
    leaks->steps_left -= is_left;
    return is_left && !leaks->no_memory;
}

static void leave_out_bytes(struct core_leaks *leaks, uint64_t start, uint64_t bytes) {
    if (start && start + bytes > start)
        core_leaks_leave_out(leaks, start, start + bytes);
}

/* Leaves out the pages of a range that the debug library has noted as its own. */
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
                core_leaks_leave_out(leaks, page << OWN_PAGE_BITS, (page + 1) << OWN_PAGE_BITS);
        page = stop;
    }
}

/* Leaves the nodes of a list out. */
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

/* Leaves out a thread's front: its arrays, rings and overflow lists hold blocks that it gave out
 * again. */
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

/* Leaves a heap's structures out: its mail, remote chunks and front. */
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

/* Leaves SuperSlabs and large blocks out, with hakmem's structs for them. */
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

/* Finds hakmem's module and its thread-local bytes; a program with it linked in is not left out. */
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
    uint64_t dtv = core_pointer(core, tp + core->machine->dtv_word * 8u);
    uint64_t count = dtv ? core_pointer(core, dtv - 16) : 0;
    for (uint64_t i = 1; i <= count && i < MODULES_MAX && step_within_limit(leaks); i++) {
        uint64_t block = core_pointer(core, dtv + i * 16);
        if (block && variable - block < module->tls_bytes)
            return block;
    }
    return 0;
}

/* Leaves out the module's variables of all threads; their distance from the thread pointer is the
 * same in all. */
static void leave_out_tls(struct core_leaks *leaks, const struct core_half *half,
                          const struct module *module) {
    const struct core_memory *core = &leaks->blocks->memory;
    uint64_t offset = 0;
    for (size_t h = 0; h < half->heap_count && offset == 0 && module->tls_bytes; h++)
        for (size_t i = 0; half->heap[h].thread && i < core->thread_count && offset == 0; i++) {
            uint64_t tp = core->thread[i].tp;
            uint64_t block = tp ? tls_of(leaks, module, tp, half->heap[h].thread) : 0;
            offset = block ? tp - block : 0;
        }
    for (size_t i = 0; offset && i < core->thread_count; i++)
        if (core->thread[i].tp)
            leave_out_bytes(leaks, core->thread[i].tp - offset, module->tls_bytes);
}

bool core_leaks_is_own_code(const struct core_leaks *leaks, uint64_t ip) {
    for (int n = 0; n < leaks->blocks->tables.count; n++) {
        struct module module;
        read_hakmem_module(&leaks->blocks->tables.table[n], &module);
        if (ip - module.start < module.end - module.start)
            return true;
    }
    return false;
}

void core_leaks_leave_out_own(struct core_leaks *leaks) {
    const struct core_memory *core = &leaks->blocks->memory;
    leaks->steps_left = core_stored_bytes(core) / NODE_BYTES + SPARE_STEPS;
    for (int n = 0; n < leaks->blocks->tables.count; n++) {
        const struct core_half *half = &leaks->blocks->half[n];
        const struct core_table *t = half->table;
        struct module module;
        read_hakmem_module(t, &module);
        core_leaks_leave_out(leaks, module.start, module.end);
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
}

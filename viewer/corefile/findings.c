/* Notes what --check finds, and which threads stopped inside the allocator. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/corefile/check.h"

/* ---- who is at work -------------------------------------------------------------------------- */

/* Whether the code is of the library that the table is of. If that is the program itself
 * (libhakmem.a), the allocator's part of its code is not known: false. */
static bool is_in_library(const struct core_half *half, uint64_t ip) {
    const struct core_memory *core = half->table->core;
    const struct core_mapping *mapping = core_mapping_at(core, ip);
    const char *name = core_file_name(half->table->file);
    bool is_library = strstr(name, "hakmem") != NULL;
    return is_library && mapping && &core->file[mapping->file] == half->table->file;
}

bool core_find_at_work(struct core_check *check, int n) {
    const struct core_half *half = &check->blocks->half[n];
    const struct core_memory *core = &check->blocks->memory;
    check->is_at_work[n] = calloc(half->heap_count + 1, sizeof **check->is_at_work);
    if (!check->is_at_work[n])
        return false;
    for (size_t i = 0; i < core->thread_count; i++) {
        const struct core_thread *thread = &core->thread[i];
        if (!is_in_library(half, thread->ip))
            continue;
        check->some_at_work = true;
        for (size_t heap = 0; heap < half->heap_count; heap++)
            check->is_at_work[n][heap] |= half->heap[heap].tid == thread->tid;
    }
    /* A fork leaves its other threads' heaps as they were just then. */
    for (size_t heap = 0; heap < half->heap_count && !core->is_live; heap++)
        if (half->heap[heap].thread && !half->heap[heap].tid) {
            check->is_at_work[n][heap] = true;
            check->some_at_work = true;
        }
    return true;
}

bool core_is_at_work(const struct core_check *check, const struct core_half *half, uint32_t heap) {
    const bool *is_at_work = check->is_at_work[half - check->blocks->half];
    return heap < half->heap_count && is_at_work[heap];
}

/* ---- findings -------------------------------------------------------------------------------- */

static struct core_finding *next_finding(struct core_check *check) {
    return check->count < CORE_FINDINGS_MAX ? &check->finding[check->count++] : NULL;
}

struct core_finding *core_note_fault(struct core_check *check, enum core_fault_code code,
                                     const struct core_block *block) {
    check->faults++;
    struct core_finding *finding = next_finding(check);
    if (!finding)
        return NULL;
    finding->code = code;
    if (block)
        finding->block = *block;
    return finding;
}

/* "block 0x7f.., slab 3 (64 B) of SuperSlab 0x.., front of heap 2: ", as hak_verify says it. */
static void add_where(struct hak_text *text, const struct core_where *where) {
    if (where->block)
        hak_text_add(text, "block 0x%" PRIx64 "%s", where->block,
                     where->superslab || where->list ? ", " : "");
    if (where->superslab && where->slab) {
        hak_text_add(text, "slab %u", where->slab);
        if (where->class_index < core_value(where->half->table, HAK_AT_classes))
            hak_text_add(text, " (%" PRIu64 " B)", hak_words_slot_bytes(NULL, where->class_index));
        hak_text_add(text, " of ");
    }
    if (where->superslab)
        hak_text_add(text, "SuperSlab 0x%" PRIx64 "%s", where->superslab,
                     where->list || where->heap ? ", " : "");
    if (where->list)
        hak_text_add(text, "%s%s", where->list, where->heap ? " of " : "");
    if (where->heap)
        hak_text_add(text, "heap %" PRIu32, where->heap);
    hak_text_add(text, ": ");
}

void core_note(struct core_check *check, const struct core_where *where, const char *format, ...) {
    if (where->heap && core_is_at_work(check, where->half, where->heap))
        return;
    check->disagreements++;
    struct core_finding *finding = next_finding(check);
    va_list list;
    if (!finding)
        return;
    add_where(&finding->text, where);
    va_start(list, format);
    hak_text_vadd(&finding->text, format, list);
    va_end(list);
}

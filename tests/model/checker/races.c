/* Checks that plain accesses are ordered by the memory orders that the source names. Vector clocks
 * for each byte, as in FastTrack (Flanagan and Freund, PLDI 2009), without its shortcuts.
 *
 * A clock counts what a thread has released. Byte by byte it is kept who wrote last and who read
 * since, at which count; an access whose predecessor is not known to its thread is a race. Known
 * are the ways into a state, not all histories of it: a state that was seen is not gone into again
 * with another history. So the mutants say how much this sees. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "engine.h"

enum { CLOCK_BITS = 13 };

static struct model_thread *self(void) {
    return &model->now.threads[model->current];
}

static uint16_t access_of(unsigned thread, unsigned clock) {
    return (uint16_t)((thread + 1) << CLOCK_BITS | clock);
}

/* Is what was done then known to the current thread? */
static bool is_ordered(uint16_t access) {
    if (access == 0)
        return true;
    unsigned thread = (access >> CLOCK_BITS) - 1u;
    return thread == model->current ||
           self()->clocks[thread] >= (access & ((1u << CLOCK_BITS) - 1));
}

static void join(clock_set into, const clock_set from) {
    for (unsigned t = 0; t < THREADS_MAX; t++)
        if (from[t] > into[t])
            into[t] = from[t];
}

/* A release ends the thread's period; what it does later is not known by it. */
static void tick(void) {
    if (++self()->clocks[model->current] >> CLOCK_BITS)
        model_fail("more releases than clocks count");
}

void races_start(void) {
    for (unsigned t = 0; t < THREADS_MAX; t++)
        model->now.threads[t].clocks[t] = 1;
}

/* ---- plain accesses -------------------------------------------------------------------------- */

static struct cell *cell_of(uintptr_t address) {
    const void *start = (const void *)(address & ~(uintptr_t)7);
    size_t i = (address >> 3) * 0x9e3779b97f4a7c15u >> 40;
    for (i %= 2 * CELLS_MAX; model->cell_addresses[i]; i = (i + 1) % (2 * CELLS_MAX))
        if (model->cell_addresses[i] == start)
            return &model->cells[model->cell_indices[i]];
    if (model->cell_count == CELLS_MAX)
        model_fail("more than %d words are accessed", CELLS_MAX);
    model->cell_addresses[i] = start;
    model->cell_indices[i] = (uint16_t)model->cell_count;
    return &model->cells[model->cell_count++];
}

static _Noreturn void report(uintptr_t address, bool is_write, uint16_t before, bool was_write,
                             const void *where) {
    printf("thread %u %s", model->current, is_write ? "writes" : "reads");
    report_where(where);
    printf("\n");
    model_fail("a race: %s, %s by thread %u before, is %s by thread %u, and nothing orders the two",
               report_name_of((const void *)address), was_write ? "written" : "read",
               (before >> CLOCK_BITS) - 1u, is_write ? "written" : "read", model->current);
}

static void look_at_byte(uintptr_t address, bool is_write, const void *where) {
    struct cell *cell = cell_of(address);
    unsigned byte = address & 7;
    uint16_t now = access_of(model->current, self()->clocks[model->current]);
    if (!is_ordered(cell->wrote[byte]))
        report(address, is_write, cell->wrote[byte], true, where);
    if (!is_write) {
        cell->read[model->current][byte] = now;
        return;
    }
    for (unsigned t = 0; t < THREADS_MAX; t++) {
        if (!is_ordered(cell->read[t][byte]))
            report(address, is_write, cell->read[t][byte], false, where);
        cell->read[t][byte] = 0;
    }
    cell->wrote[byte] = now;
}

void races_plain(const void *start, size_t bytes, bool is_write, const void *where) {
    const char *p = start;
    bool is_data = p >= model->data_start && p < model->data_end;
    if (!is_data && (p < SPAN_START || p >= SPAN_START + SPAN_BYTES))
        return; /* a stack, or what belongs to one thread */
    if (!platform_is_mapped(p))
        model_fail("thread %u %s memory that is not mapped: %s", model->current,
                   is_write ? "writes" : "reads", report_name_of(where));
    for (size_t i = 0; i < bytes; i++)
        look_at_byte((uintptr_t)p + i, is_write, where);
}

/* Fresh memory: what was done at the address before counts no more. */
void races_forget(void *start, size_t bytes) {
    for (size_t i = 0; i < 2 * CELLS_MAX; i++) {
        const char *address = model->cell_addresses[i];
        if (address && address >= (char *)start && address < (char *)start + bytes)
            memset(&model->cells[model->cell_indices[i]], 0, sizeof *model->cells);
    }
}

/* ---- atomic accesses ------------------------------------------------------------------------- */

static struct sync *sync_of(const void *address) {
    size_t i = ((uintptr_t)address >> 1) % SYNCS_MAX;
    for (unsigned tried = 0; tried < SYNCS_MAX; tried++, i = (i + 1) % SYNCS_MAX) {
        if (!model->sync_addresses[i])
            model->sync_addresses[i] = address;
        if (model->sync_addresses[i] == address)
            return &model->syncs[i];
    }
    model_fail("more than %d atomic variables", SYNCS_MAX);
}

static bool acquires(int order) {
    return order != memory_order_relaxed && order != memory_order_release;
}

static bool releases_by(int order) {
    return order == memory_order_release || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

void races_load(void *address, int order) {
    const struct sync *sync = sync_of(address);
    join(acquires(order) ? self()->clocks : self()->acquired_later, sync->clocks);
}

/* The clocks that a store of this order by the current thread hands on. */
void races_store_clocks(clock_set clocks, int order, bool *releases) {
    *releases = true;
    if (releases_by(order)) {
        memcpy(clocks, self()->clocks, sizeof(clock_set));
        tick();
        return;
    }
    memcpy(clocks, self()->released_before, sizeof(clock_set));
}

/* The store reaches memory. A change continues what was released there before. */
void races_release(const void *address, const clock_set clocks, bool releases, bool is_change) {
    struct sync *sync = sync_of(address);
    if (!is_change)
        memset(sync->clocks, 0, sizeof sync->clocks);
    if (releases)
        join(sync->clocks, clocks);
}

void races_fence(int order) {
    if (acquires(order))
        join(self()->clocks, self()->acquired_later);
    if (releases_by(order)) {
        memcpy(self()->released_before, self()->clocks, sizeof(clock_set));
        tick();
    }
}

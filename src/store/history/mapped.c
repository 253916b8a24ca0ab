/* Follows what each process maps and unmaps. */
#include "store/history/mapped.h"

#include <stdlib.h>
#include "hop.h"
#include "store/error.h"
#include "store/reader/inner.h"
#include "trace/record.h"

struct mapped {
    const struct hak_mapped_query *query;
    struct hak_lineup lineup;
    struct hak_ranges **list; /* of each process of the lineup; NULL = it has none */
    uint32_t next_turn;
    uint32_t process;       /* whose ranges change now, a row id */
    bool is_behind, failed; /* behind query->from */
};

static void tell(const struct mapped *m, enum hak_mapped_piece what, uint32_t process,
                 const struct hak_range *range) {
    if (!m->query->process || m->query->process == process)
        m->query->piece(m->query->context, what, process, range);
}

/* Tells of all ranges that are mapped now, of each process. */
static void tell_all(const struct mapped *m, enum hak_mapped_piece what) {
    for (uint32_t i = 0; i < m->lineup.processes; i++)
        for (uint32_t k = 0; m->list[i] && k < m->list[i]->count; k++)
            tell(m, what, m->lineup.process[i].process, &m->list[i]->range[k]);
}

/* Tells of a piece that went, where the query's start has passed. */
static void tell_gone(void *context, const struct hak_range *piece) {
    const struct mapped *m = context;
    if (m->is_behind)
        tell(m, HAK_MAPPED_WENT, m->process, piece);
}

/* ---- processes -------------------------------------------------------------------------------
 */

static void drop_ranges(struct mapped *m, uint32_t number) {
    hak_ranges_leave(m->list[number]);
    m->list[number] = NULL;
}

/* Applies a turn of a process: at its fork it shares its parent's ranges; after its last event it
 * has none. */
static void apply_turn(struct mapped *m, const struct hak_lineup_turn *t) {
    bool ends_before = m->query->to || t->before <= m->query->from;
    int64_t parent = t->what == HAK_LINEUP_FORK
                         ? hak_lineup_find(&m->lineup, m->lineup.process[t->number].parent)
                         : -1;
    if (t->what == HAK_LINEUP_LAST && ends_before)
        drop_ranges(m, t->number);
    if (parent < 0 || !m->list[parent] || parent == t->number)
        return;
    drop_ranges(m, t->number);
    m->list[t->number] = m->list[parent];
    m->list[parent]->users++;
}

/* Applies forks, execs and ends up to this event. */
static void apply_turns(struct mapped *m, uint64_t id) {
    for (; m->next_turn < m->lineup.turns; m->next_turn++) {
        const struct hak_lineup_turn *t = &m->lineup.turn[m->next_turn];
        if (t->before > id)
            return;
        apply_turn(m, t);
    }
}

/* Applies all turns up to an event, which has not happened yet; on the way tells of what was mapped
 * at the range's start. */
static void advance(struct mapped *m, uint64_t id) {
    if (!m->is_behind && id > m->query->from) {
        apply_turns(m, m->query->from);
        if (m->query->from)
            tell_all(m, HAK_MAPPED_BEFORE);
        m->is_behind = true;
    }
    apply_turns(m, id);
}

/* ---- events ----------------------------------------------------------------------------------
 */

/* Tells of a range that came, where the query's start has passed. */
static void tell_came(void *context, const struct hak_range *piece) {
    const struct mapped *m = context;
    if (m->is_behind)
        tell(m, HAK_MAPPED_CAME, m->process, piece);
}

/* Enters a mapped range, which replaces what lay there. False without memory. */
static bool add(struct mapped *m, struct hak_ranges *r, const struct hak_event *e, uint64_t start,
                uint64_t bytes, unsigned way) {
    struct hak_range range = {.start = start,
                              .end = bytes < UINT64_MAX - start ? start + bytes : UINT64_MAX,
                              .event = e->id,
                              .ns = e->ns,
                              .thread = e->thread,
                              .stack = e->stack,
                              .way = (uint8_t)way};
    struct hak_ranges_gone gone = {tell_gone, m};
    if (!hak_ranges_remove(r, range.start, range.end, NULL, &gone) || !hak_ranges_add(r, &range))
        return false;
    if (bytes)
        tell_came(m, &range);
    return true;
}

/* Removes a range, with the call that did it. False without memory. */
static bool unmap_range(struct mapped *m, struct hak_ranges *r, const struct hak_event *e,
                        uint64_t start, uint64_t bytes) {
    uint64_t took = (uint32_t)e->generation;
    struct hak_ranges_call call = {e->thread, e->ns > took ? e->ns - took : 0};
    struct hak_ranges_gone gone = {tell_gone, m};
    uint64_t end = bytes < UINT64_MAX - start ? start + bytes : UINT64_MAX;
    return hak_ranges_remove(r, start, end, &call, &gone);
}

/* Moves mapped memory: takes the old range away and adds the new one, mapped in the same way. False
 * without memory. */
static bool remap(struct mapped *m, struct hak_ranges *r, const struct hak_event *e) {
    const struct hak_range *old = hak_ranges_at(r, e->old_address);
    unsigned way = old ? old->way : 0;
    uint64_t bytes = (e->generation >> 32) * HAK_MAPPED_PAGE_BYTES;
    return unmap_range(m, r, e, e->old_address, bytes) && add(m, r, e, e->address, e->size, way);
}

/* Changes the access of a range; memory that is opened belongs to the call that opens it. False
 * without memory. */
static bool protect(struct mapped *m, struct hak_ranges *r, const struct hak_event *e) {
    struct hak_range now = {.event = e->id,
                            .ns = e->ns,
                            .thread = e->thread,
                            .stack = e->stack,
                            .way = e->subkind & HAK_MAPPED_CLOSED};
    struct hak_ranges_gone gone = {tell_gone, m}, came = {tell_came, m};
    uint64_t end = e->size < UINT64_MAX - e->address ? e->address + e->size : UINT64_MAX;
    return hak_ranges_protect(r, e->address, end, &now, &gone, &came);
}

/* Applies one mapping event to the process's ranges. False without memory. */
static bool change(struct mapped *m, struct hak_ranges *r, const struct hak_event *e) {
    struct hak_ranges_gone gone = {tell_gone, m};
    switch (e->kind) {
    case HAK_PROGRAM_MAP:
        return add(m, r, e, e->address, e->size, e->subkind);
    case HAK_PROGRAM_UNMAP:
        return unmap_range(m, r, e, e->address, e->size);
    case HAK_PROGRAM_REMAP:
        return remap(m, r, e);
    case HAK_PROGRAM_PROTECT:
        return protect(m, r, e);
    default:
        return e->address > e->old_address
                   ? add(m, r, e, e->old_address, e->address - e->old_address, 0)
                   : hak_ranges_remove(r, e->address, e->old_address, NULL, &gone);
    }
}

static bool is_protected(const struct mapped *m, const struct hak_event *e) {
    return e->kind == HAK_PROGRAM_PROTECT && m->query->address - e->address < e->size;
}

/* Changes the ranges by an event, and tells the query's step of changes at the address that is
 * followed. False: no memory. */
static bool change_and_tell(struct mapped *m, struct hak_ranges *r, const struct hak_event *e) {
    const struct hak_range *was = hak_ranges_at(r, m->query->address);
    struct hak_range before = was ? *was : (struct hak_range){0};
    if (!change(m, r, e))
        return false;
    const struct hak_range *after = hak_ranges_at(r, m->query->address);
    bool is_other = !was != !after || (after && after->event != before.event);
    if (is_other || (after && is_protected(m, e)))
        m->query->step(m->query->context, e, was ? &before : NULL, after);
    return true;
}

/* Applies turns up to the event, then the event, and tells of the change if asked. 1 without
 * memory. */
static int follow_mapping_event(void *context, const struct hak_event *e) {
    struct mapped *m = context;
    int64_t number = hak_lineup_find(&m->lineup, e->process);
    advance(m, e->id);
    if (number < 0)
        return 0;
    m->process = e->process;
    struct hak_ranges *r = hak_ranges_own(&m->list[number]);
    m->failed = !r || !(m->query->step ? change_and_tell(m, r, e) : change(m, r, e));
    return m->failed;
}

/* ---- reading ---------------------------------------------------------------------------------
 */

/* A filter for the mapping events up to the query's end. */
static struct hak_filter filter_of(const struct mapped *m) {
    struct hak_filter filter = {.class_index = -1, .id_to = m->query->to};
    for (unsigned kind = HAK_PROGRAM_MAP; kind <= HAK_PROGRAM_PROTECT; kind++)
        filter.kind_mask_high |= (uint64_t)1 << (kind - 64);
    return filter;
}

static int stop_at_once(void *context, const struct hak_event *e) {
    (void)context;
    (void)e;
    return 1;
}

/* Follows all mapping events, then tells of what is mapped at the end. 0, or an error. */
static int follow(struct mapped *m, struct hak_store_reader *r) {
    struct hak_filter filter = filter_of(m);
    m->list = calloc(m->lineup.processes + 1, sizeof(struct hak_ranges *));
    int error = m->list ? hak_store_scan(r, &filter, false, follow_mapping_event, m) : 0;
    if (!m->list || m->failed)
        return hak_store_no_memory(r->db.path);
    if (error < 0)
        return error;
    advance(m, m->query->to ? m->query->to : UINT64_MAX);
    tell_all(m, HAK_MAPPED_THERE);
    return 0;
}

int hak_mapped_read(struct hak_store_reader *r, const struct hak_mapped_query *query) {
    struct mapped m = {.query = query};
    struct hak_filter filter = filter_of(&m);
    int found = hak_store_scan(r, &filter, false, stop_at_once, NULL);
    if (found != 1)
        return found; /* chunks say of which kinds their events are, the lineup reads more */
    int error = hak_lineup_read(r, 0, query->to, &m.lineup);
    if (!error)
        error = follow(&m, r);
    for (uint32_t i = 0; m.list && i < m.lineup.processes; i++)
        hak_ranges_leave(m.list[i]);
    free(m.list);
    if (query->lineup)
        *query->lineup = m.lineup;
    else
        hak_lineup_free(&m.lineup);
    return error;
}

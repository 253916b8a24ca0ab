/* Follows one address through the calls by which processes map and unmap. */
#include "store/history/mapping.h"

#include <stdlib.h>
#include "base/growing.h"
#include "hop.h"
#include "store/error.h"
#include "store/reader/inner.h"
#include "trace/record.h"

/* A process in which the address is mapped at the moment. */
struct place {
    uint32_t process;
    struct hak_range range;
};

struct following {
    struct hak_mapped_place *out; /* with the steps of all processes, until one is chosen */
    uint64_t address;
    struct place *place;
    uint32_t places, place_room;
    bool failed;
};

/* Keeps an event with the range as it was after it, or before it if it went. */
static void take_step(void *context, const struct hak_event *event, const struct hak_range *before,
                      const struct hak_range *after) {
    struct following *f = context;
    struct hak_mapped_place *out = f->out;
    f->failed =
        f->failed || !hak_growing_make_room(&out->step, out->steps, &out->room, sizeof *out->step);
    if (f->failed)
        return;
    out->step[out->steps++] =
        (struct hak_mapped_step){*event, after ? *after : *before, after != NULL};
}

/* Keeps a range that holds the address at the end; without memory f->failed is set. */
static void take_piece(void *context, enum hak_mapped_piece what, uint32_t process,
                       const struct hak_range *range) {
    struct following *f = context;
    if (what != HAK_MAPPED_THERE || f->address < range->start || f->address >= range->end)
        return;
    f->failed =
        f->failed || !hak_growing_make_room(&f->place, f->places, &f->place_room, sizeof *f->place);
    if (!f->failed)
        f->place[f->places++] = (struct place){process, *range};
}

/* Whether the event is of the process itself, or of one that it was forked by, before that. */
static bool is_of(const struct hak_lineup *lineup, uint32_t process, const struct hak_event *e) {
    uint64_t until = UINT64_MAX;
    for (uint32_t i = 0; process && i <= lineup->processes; i++) {
        if (e->process == process && e->id <= until)
            return true;
        int64_t number = hak_lineup_find(lineup, process);
        if (number < 0)
            return false;
        const struct hak_lineup_process *p = &lineup->process[number];
        until = p->fork_event < until ? p->fork_event : until;
        process = p->parent;
    }
    return false;
}

/* Pages stay mapped as one call says until the next one says otherwise. Pages that were moved here
 * are as they were elsewhere. */
static void note_way(struct hak_mapped_place *m, const struct hak_event *e) {
    const uint8_t of_map = HAK_MAPPED_FILE | HAK_MAPPED_SHARED;
    switch (e->kind) {
    case HAK_PROGRAM_MAP:
    case HAK_PROGRAM_BREAK:
        m->way = e->subkind;
        m->is_way_known = true;
        m->is_break = e->kind == HAK_PROGRAM_BREAK;
        break;
    case HAK_PROGRAM_PROTECT:
        m->way = (uint8_t)((m->way & of_map) | (e->subkind & ~of_map));
        break;
    case HAK_PROGRAM_REMAP:
        m->is_way_known &= e->address == e->old_address;
        break;
    default:
        break;
    }
}

/* Chooses the process, that of the last step if none was asked for, and keeps its steps and range.
 */
static void choose(struct following *f, const struct hak_lineup *lineup, uint32_t process) {
    struct hak_mapped_place *m = f->out;
    uint32_t kept = 0;
    m->process = process ? process : m->step[m->steps - 1].event.process;
    for (uint32_t i = 0; i < m->steps; i++) {
        if (!is_of(lineup, m->process, &m->step[i].event))
            continue;
        m->step[kept++] = m->step[i];
        note_way(m, &m->step[i].event);
    }
    m->steps = kept;
    if (kept)
        m->range = m->step[kept - 1].range;
    for (uint32_t i = 0; i < f->places; i++) {
        if (f->place[i].process != m->process)
            continue;
        m->is_there = true;
        m->range = f->place[i].range;
    }
}

int hak_mapped_place_read(struct hak_store_reader *r, uint64_t address, uint32_t process,
                          uint64_t to, struct hak_mapped_place *out) {
    struct following f = {.out = out, .address = address};
    struct hak_lineup lineup = {0};
    struct hak_mapped_query query = {.to = to,
                                     .piece = take_piece,
                                     .step = take_step,
                                     .address = address,
                                     .lineup = &lineup,
                                     .context = &f};
    *out = (struct hak_mapped_place){0};
    int error = hak_mapped_read(r, &query);
    if (!error && f.failed)
        error = hak_store_no_memory(r->db.path);
    if (!error && out->steps)
        choose(&f, &lineup, process);
    hak_lineup_free(&lineup);
    free(f.place);
    if (error || !out->steps)
        hak_mapped_place_free(out);
    return error ? error : out->steps != 0;
}

void hak_mapped_place_free(struct hak_mapped_place *mapping) {
    free(mapping->step);
    *mapping = (struct hak_mapped_place){0};
}

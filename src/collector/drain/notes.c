/* Makes rows of the other facts in records: threads, modules, marks, forks, losses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/drain/records.h"
#include "hop.h"
#include "base/growing.h"

/* As trace/ring/ring.h numbers them: the subkind of a LOSS record. */
static const char *const reasons[] = {"ring full", "handler left by longjmp", "in a signal handler",
                                      HAK_LOSS_UNSTORED};

void hak_drain_free(struct hak_drain *drain) {
    hak_drain_forget_pending(drain);
    free(drain->pending);
}

/* Keeps a note until the event at its place has an id. */
static void keep_pending(struct hak_drain *d, struct hak_drain_pending n) {
    if (!hak_growing_make_room(&d->pending, d->pending_count, &d->pending_capacity,
                               sizeof *d->pending)) {
        free(n.text);
        return;
    }
    d->pending[d->pending_count++] = n;
}

/* ---- byte strings ---------------------------------------------------------------------------- */

/* Fills in a thread's id, name, creator or end, as the record tells; one that is too short is
 * passed over. */
static void read_thread(struct hak_drain *d, const struct hak_event *e, uint32_t creator,
                        const struct hak_drain_bytes *p) {
    struct {
        int32_t tid;
        uint32_t number;
        char name[16];
    } told;
    uint32_t thread = e->thread;
    struct hak_thread_info *t = hak_rows_thread_info(d->rows, thread);
    if (!t || p->count < sizeof told)
        return;
    memcpy(&told, p->bytes, sizeof told);
    char name[sizeof told.name + 1] = {0};
    memcpy(name, told.name, sizeof told.name);
    hak_rows_name_thread(d->rows, thread, name);
    t->row.tid = told.tid;
    if (e->kind == HAK_THREAD_END) {
        t->row.end_ns = e->ns;
    } else if (t->row.creator == 0 && t->row.stack == 0) {
        t->row.creator = creator; /* the first start that knows it: a later one may not */
        t->row.stack = e->stack;
    }
    hak_rows_touch_thread(d->rows, thread);
}

/* Whether the process has this module loaded now, at the same addresses by the same path; `*id` is
 * its row. */
static bool is_known(struct hak_rows *rows, uint32_t process, const struct hak_module_row *m,
                     uint32_t *id) {
    const struct hak_process_info *p = hak_rows_process_info(rows, process);
    for (uint32_t i = p ? p->module_count : 0; i > 0; i--) {
        const struct hak_module_info *known = &rows->modules[p->modules[i - 1] - 1];
        if (known->row.start == m->start && known->row.end == m->end && !known->unloaded &&
            strcmp(known->row.path, m->path) == 0) {
            *id = known->row.id;
            return true;
        }
    }
    return false;
}

/* Adds the module that a record tells of, with its time; one that is known, or a record that cannot
 * be right, is passed over. */
static void read_module(struct hak_drain *d, struct hak_client *c, uint32_t process, uint32_t place,
                        const struct hak_drain_bytes *p, uint64_t ns) {
    struct {
        uint64_t load_bias, start, end;
        uint32_t generation;
        uint16_t id_bytes, path_bytes;
    } told;
    char path[HAK_PATH_BYTES], id[2 * 64 + 1] = "";
    if (p->count < sizeof told)
        return;
    memcpy(&told, p->bytes, sizeof told);
    if (told.id_bytes > 64 || told.path_bytes >= sizeof path ||
        (uint32_t)told.id_bytes + told.path_bytes > p->count - sizeof told ||
        told.end <= told.start)
        return;
    const uint8_t *from = p->bytes + sizeof told;
    for (uint32_t i = 0; i < told.id_bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", from[i]);
    memcpy(path, from + told.id_bytes, told.path_bytes);
    path[told.path_bytes] = 0;
    struct hak_module_row row = {.process = process,
                                 .generation = told.generation,
                                 .start = told.start,
                                 .end = told.end,
                                 .load_bias = told.load_bias,
                                 .path = path,
                                 .build_id = id};
    uint32_t module;
    if (is_known(d->rows, process, &row, &module))
        return;
    module = hak_rows_add_module(d->rows, &row, ns);
    if (module)
        keep_pending(d, (struct hak_drain_pending){
                            .place = place, .row = module, .kind = HAK_MODULE_LOAD, .client = c});
}

/* Marks the newest loaded module at `start` as unloaded, by the event at `place`. */
static void unload_module(struct hak_drain *d, struct hak_client *c, uint32_t process,
                          uint32_t place, uint64_t start) {
    const struct hak_process_info *p = hak_rows_process_info(d->rows, process);
    for (uint32_t i = p ? p->module_count : 0; i > 0; i--) {
        struct hak_module_info *m = &d->rows->modules[p->modules[i - 1] - 1];
        if (m->row.start != start || m->unloaded)
            continue;
        m->unloaded = true;
        keep_pending(d,
                     (struct hak_drain_pending){
                         .place = place, .row = m->row.id, .kind = HAK_MODULE_UNLOAD, .client = c});
        return;
    }
}

/* Keeps a record's text for the process until the event has its number. */
static void read_text(struct hak_drain *d, struct hak_client *c, uint32_t process, uint32_t place,
                      const struct hak_drain_bytes *p, uint8_t kind) {
    char *text = strndup((const char *)p->bytes, p->count);
    keep_pending(d, (struct hak_drain_pending){
                        .place = place, .row = process, .kind = kind, .client = c, .text = text});
}

/* `told` is the low 48 bits of a time not later than `ticks`. */
static uint64_t loss_time(const struct hak_client *c, uint64_t told, uint64_t ticks) {
    uint64_t before = hak_record_time_bits(ticks - told);
    return hak_clock_ns(&c->clock, before <= ticks ? ticks - before : ticks);
}

void hak_drain_note(struct hak_drain *d, const struct hak_drain_origin *origin, uint32_t place,
                    const struct hak_event *e, const struct hak_event_fields *f,
                    const struct hak_drain_bytes *p) {
    struct hak_client *c = origin->client;
    switch (f->kind) {
    case HAK_THREAD_START:
    case HAK_THREAD_END:
        read_thread(d, e, f->record_count, p);
        break;
    case HAK_MODULE_LOAD:
        read_module(d, c, e->process, place, p, e->ns);
        break;
    case HAK_MODULE_UNLOAD:
        unload_module(d, c, e->process, place, f->address);
        break;
    case HAK_MARK:
    case HAK_POOL:
    case HAK_POOL_CREATE:
    case HAK_POOL_PLACE:
        read_text(d, c, e->process, place, p, HAK_MARK);
        break;
    case HAK_ALLOCATOR:
        read_text(d, c, e->process, place, p, HAK_ALLOCATOR);
        break;
    case HAK_FORK:
        keep_pending(d, (struct hak_drain_pending){.place = place,
                                                   .row = e->process,
                                                   .value = f->size,
                                                   .kind = HAK_FORK,
                                                   .client = c});
        break;
    case HAK_FAULT:
        keep_pending(d, (struct hak_drain_pending){.place = place,
                                                   .row = e->process,
                                                   .value = origin->position,
                                                   .ring = origin->ring,
                                                   .kind = HAK_FAULT,
                                                   .client = c});
        break;
    case HAK_LEAK:
        if (d->leaks)
            hak_leaks_take(d->leaks, c, e);
        if (e->subkind >= HAK_LEAK_IS_SCAN)
            keep_pending(d, (struct hak_drain_pending){
                                .place = place, .row = e->process, .kind = HAK_LEAK, .client = c});
        break;
    case HAK_LOSS:
        c->rings[origin->ring].lost_told += f->size;
        hak_rows_add_loss(
            d->rows, e->process, e->thread, loss_time(c, f->address, origin->ticks),
            f->old_address ? loss_time(c, f->old_address, origin->ticks) : e->ns, f->size,
            f->subkind < sizeof reasons / sizeof *reasons ? reasons[f->subkind] : "not told");
        break;
    case HAK_RECORD_STOP:
        hak_rows_stop(d->rows, e->process, e->ns);
        break;
    case HAK_RECORD_START:
        hak_rows_go_on(d->rows, e->process, e->ns);
        break;
    default:
        break;
    }
}

/* ---- afterwards ------------------------------------------------------------------------------ */

/* Notes a fork's event for a child to come; a child that was seen already gets its parent and event
 * now. */
static void settle_fork(struct hak_drain *d, const struct hak_drain_pending *n, uint64_t id) {
    struct hak_client *c = n->client;
    uint32_t newest = d->rows->process_count;
    c->forks[c->fork_count++ % HAK_PROCESSES] = (struct hak_fork_note){n->row, n->value, id};
    /* The child may have been seen already, and even its end; its row comes after its parent's. */
    for (uint32_t row = newest; row > n->row && newest - row < HAK_PROCESSES && n->value; row--) {
        struct hak_process_info *p = hak_rows_process_info(d->rows, row);
        if (p->fork_number != n->value || p->row.session != c->image || p->row.fork_event)
            continue;
        p->row.parent = n->row;
        p->row.fork_event = id;
        hak_rows_touch_process(d->rows, row);
        return;
    }
}

/* Stores the module that serves malloc in the process of a row, as meta allocator.N. 0, or an
 * error. */
static int put_allocator(struct hak_store_writer *writer, uint32_t row, const char *module) {
    char key[64];
    snprintf(key, sizeof key, "allocator.%u", row);
    return hak_store_put_meta(writer, key, module);
}

int hak_drain_settle(struct hak_drain *drain, struct hak_store_writer *writer) {
    const uint64_t *ns = drain->batch->columns.value[HAK_COLUMN_NS];
    int error = 0;
    for (uint32_t i = 0; i < drain->pending_count && error == 0; i++) {
        struct hak_drain_pending *n = &drain->pending[i];
        uint64_t id = hak_batch_id(drain->batch, n->place);
        struct hak_module_info *m = hak_rows_module_info(drain->rows, n->row);
        switch (n->kind) {
        case HAK_MODULE_LOAD:
            if (m)
                m->row.load_event = id;
            hak_rows_touch_module(drain->rows, n->row);
            break;
        case HAK_MODULE_UNLOAD:
            if (m)
                m->row.unload_event = id;
            hak_rows_touch_module(drain->rows, n->row);
            break;
        case HAK_FORK:
            settle_fork(drain, n, id);
            break;
        case HAK_FAULT:
            n->client->last_fault_event = id;
            n->client->last_fault_ring = n->ring;
            n->client->last_fault_position = n->value;
            break;
        case HAK_LEAK:
            if (drain->leaks)
                hak_leaks_note_event(drain->leaks, n->row, id);
            break;
        case HAK_ALLOCATOR:
            error = put_allocator(writer, n->row, n->text ? n->text : "");
            break;
        default:
            error = hak_store_put_mark(writer, id, ns[hak_batch_place(drain->batch, n->place)],
                                       n->row, n->text ? n->text : "");
            break;
        }
    }
    return error;
}

void hak_drain_forget_pending(struct hak_drain *drain) {
    for (uint32_t i = 0; i < drain->pending_count; i++)
        free(drain->pending[i].text);
    drain->pending_count = 0;
}

/* The calls of a process before the fault, read backwards from it. */
#include "viewer/reduce/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "hop.h"
#include "trace/record.h"

struct reading {
    const struct reduction *r;
    struct hak_event event[LOG_CALLS_MAX]; /* newest first */
    uint32_t count, most;
    struct {
        uint64_t address;  /* the last one */
        int64_t alignment; /* 0 = not asked for */
        bool is_live;
    } block[LOG_CALLS_MAX + 1]; /* from 1 */
    uint32_t blocks;
};

static int take_event(void *context, const struct hak_event *e) {
    struct reading *reading = context;
    uint64_t before = reading->r->event;
    if ((before == 0 || e->id < before) && !(e->flags & HAK_RECORD_ILLEGAL))
        reading->event[reading->count++] = *e;
    return reading->count == reading->most || view_is_interrupted();
}

/* The newest block of an address; 0 = none. */
static uint32_t find_block(const struct reading *reading, uint64_t address, bool wants_live) {
    for (uint32_t i = reading->blocks; i > 0; i--)
        if (reading->block[i].address == address && (reading->block[i].is_live || !wants_live))
            return i;
    return 0;
}

static enum sequence_verb verb_of(const struct hak_event *e) {
    if (e->kind == HAK_REALLOC_FROM)
        return SEQUENCE_FREE;
    if (e->kind != HAK_FREE)
        return verb_of_birth(e->subkind);
    switch (e->subkind) {
    case HAK_GIVEN_BY_DELETE:
    case HAK_GIVEN_BY_DELETE_SIZED:
        return SEQUENCE_DELETE;
    case HAK_GIVEN_BY_DELETE_ALIGNED:
    case HAK_GIVEN_BY_DELETE_SIZED_ALIGNED:
        return SEQUENCE_DELETE_ALIGNED;
    case HAK_GIVEN_BY_DELETE_ARRAY:
    case HAK_GIVEN_BY_DELETE_ARRAY_SIZED:
        return SEQUENCE_DELETE_ARRAY;
    case HAK_GIVEN_BY_DELETE_ARRAY_ALIGNED:
    case HAK_GIVEN_BY_DELETE_ARRAY_SIZED_ALIGNED:
        return SEQUENCE_DELETE_ARRAY_ALIGNED;
    default:
        return SEQUENCE_FREE;
    }
}

/* Makes the step of an event; a realloc that moved is a new block and the end of the old one, which
 * has its own pointer then. False: it is none. */
static bool make_step(struct reading *reading, const struct hak_event *e, struct step *out) {
    struct sequence_step *made = &out->made;
    bool is_new = e->kind == HAK_MALLOC || (e->kind == HAK_REALLOC && e->place != HAK_PLACE_LIVE);
    bool is_end = e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM;
    uint32_t block = is_new ? 0 : find_block(reading, e->address, true);
    if (is_end && block == 0)
        return false;
    made->verb = e->kind == HAK_REALLOC && block ? SEQUENCE_REALLOC : verb_of(e);
    if (made->verb == SEQUENCE_REALLOC)
        made->b = (int64_t)e->size;
    else if (!is_end) {
        made->a = (int64_t)e->size;
        made->b = verb_is_aligned(made->verb) ? alignment_of(e->address) : 0;
    }
    if (block == 0)
        block = ++reading->blocks;
    if (!is_end)
        reading->block[block].alignment = made->verb == SEQUENCE_REALLOC ? 0 : made->b;
    else if (made->verb == SEQUENCE_DELETE_ALIGNED || made->verb == SEQUENCE_DELETE_ARRAY_ALIGNED)
        made->b = reading->block[block].alignment;
    made->block = block;
    reading->block[block].address = e->address;
    reading->block[block].is_live = !is_end;
    return true;
}

static bool add_steps(struct reading *reading, struct sequence *out) {
    struct hak_store_reader *reader = reading->r->view->reader;
    uint32_t row = 0, number = 1;
    for (uint32_t i = reading->count; i > 0; i--) {
        const struct hak_event *e = &reading->event[i - 1];
        struct step step = {.function = ""};
        if (e->thread != row) {
            row = e->thread;
            number = (uint32_t)hak_database_number(hak_store_database(reader),
                                                   "SELECT number FROM thread WHERE id = ?1", row);
        }
        if (!make_step(reading, e, &step))
            continue;
        step.made.thread = number ? number : 1;
        const char *function = e->stack ? hak_store_stack_function(reader, e->stack) : NULL;
        snprintf(step.function, sizeof step.function, "%s", function ? function : "");
        if (!sequence_add(out, &step))
            return false;
    }
    return true;
}

int log_add(const struct reduction *r, uint32_t most, struct sequence *out, uint32_t *block) {
    struct hak_filter filter = {.process = r->process,
                                .kind_mask_low = 1ull << HAK_MALLOC | 1ull << HAK_FREE |
                                                 1ull << HAK_REALLOC | 1ull << HAK_REALLOC_FROM,
                                .class_index = -1};
    *block = 0;
    if (r->event == 0 && !r->check)
        return 0;
    if (r->event)
        filter.id_to = r->event - 1;
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return hak_store_no_memory(r->view->store_path);
    reading->r = r;
    reading->most = most < LOG_CALLS_MAX ? most : LOG_CALLS_MAX;
    int error = hak_store_scan(r->view->reader, &filter, true, take_event, reading);
    bool good = error >= 0 && add_steps(reading, out);
    const char *user = hak_json_string(json_object_get(r->document, "block"), "user");
    *block = user[0] ? find_block(reading, strtoull(user, NULL, 16), false) : 0;
    free(reading);
    if (error < 0)
        return view_store_error(r->view, error);
    if (!good)
        view_error("reduce: out of memory");
    return good ? 0 : VIEW_UNREADABLE;
}

/* ---- the call that is in no record -------------------------------------------------------------
 */

enum { LAST_CALLS = 16 };

static bool is_end_step(const struct sequence_step *made) {
    return made->verb >= SEQUENCE_FREE && verb_takes_pointer(made->verb);
}

/* Is the block of step `birth` live at the end? */
static bool is_live(const struct sequence *log, uint32_t birth) {
    for (uint32_t i = birth + 1; i < log->count; i++)
        if (log->step[i].made.block == log->step[birth].made.block &&
            is_end_step(&log->step[i].made))
            return false;
    return true;
}

/* Is there a newer allocation of the same size? */
static bool has_newer(const struct sequence *log, uint32_t birth) {
    for (uint32_t i = birth + 1; i < log->count; i++)
        if (verb_is_birth(log->step[i].made.verb) && log->step[i].made.a == log->step[birth].made.a)
            return true;
    return false;
}

bool log_add_last(struct sequence *log) {
    uint32_t count = log->count, block = sequence_last_block(log), sizes = 0, ends = 0;
    if (count == 0)
        return true;
    uint32_t thread = log->step[count - 1].made.thread;
    struct step added[2 * LAST_CALLS];
    for (uint32_t i = count; i > 0; i--) {
        struct step step = log->step[i - 1];
        if (!verb_is_birth(step.made.verb))
            continue;
        step.made.thread = thread;
        if (ends < LAST_CALLS && is_live(log, i - 1)) {
            added[LAST_CALLS + ends] = step;
            added[LAST_CALLS + ends++].made = (struct sequence_step){
                thread, step.made.block, SEQUENCE_REALLOC, 0, 2 * step.made.a};
        }
        if (sizes < LAST_CALLS && !has_newer(log, i - 1)) {
            added[sizes] = step;
            added[sizes++].made.block = ++block;
        }
    }
    for (uint32_t i = 0; i < sizes; i++)
        if (!sequence_add(log, &added[i]))
            return false;
    for (uint32_t i = 0; i < ends; i++) {
        struct step *last = &added[LAST_CALLS + i];
        if (!sequence_add(log, last))
            return false;
        last->made.verb = SEQUENCE_FREE;
        last->made.b = 0;
        if (!sequence_add(log, last))
            return false;
    }
    return true;
}

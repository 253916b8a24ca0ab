/* Reads from a store what it has of the hunted fault. */
#include "viewer/hunt/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/findings/findings.h"

enum { FIRST_OF_LAYERS = 101, LAST_OF_LAYERS = 104, FIRST_OF_CALLS = 201, LAST_OF_CALLS = 204 };

void hunt_forget_fault(struct hunt_fault *fault) {
    free(fault->site);
    free(fault->place);
    free(fault->headline);
    *fault = (struct hunt_fault){0};
}

bool hunt_copy_fault(struct hunt_fault *to, const struct hunt_fault *from) {
    struct hunt_fault copy = *from;
    copy.site = strdup(from->site ? from->site : "");
    copy.place = strdup(from->place ? from->place : "");
    copy.headline = strdup(from->headline ? from->headline : "");
    bool good = copy.place && copy.headline && copy.site;
    hunt_forget_fault(to);
    *to = copy;
    if (!good)
        view_error("hunt: out of memory");
    return good;
}

static enum hunt_sight sight_of(unsigned code, const json_t *fault) {
    const char *by = hak_json_string(fault, "found_by");
    if (code == 0)
        return HUNT_CRASH;
    if (code >= FIRST_OF_LAYERS && code <= LAST_OF_LAYERS)
        return HUNT_HOP;
    if (strcmp(by, "watchpoint") == 0)
        return HUNT_INSTRUCTION;
    if (strcmp(by, "access") == 0) /* else a pointer that an earlier read took from the block */
        return json_is_string(json_object_get(fault, "access")) ? HUNT_INSTRUCTION : HUNT_DAMAGE;
    return strcmp(by, "function") == 0 || (code >= FIRST_OF_CALLS && code <= LAST_OF_CALLS)
               ? HUNT_CALL
               : HUNT_DAMAGE;
}

static bool take_json(struct view *view, struct hunt_fault *out, const char *text) {
    json_t *document = json_loads(text, 0, NULL);
    const json_t *fault = json_object_get(document, "fault");
    const json_t *asked = json_object_get(json_object_get(document, "block"), "asked_bytes");
    out->sight = sight_of(out->code, fault);
    out->is_read = strcmp(hak_json_string(fault, "access"), "read") == 0;
    out->has_block = json_is_integer(asked);
    out->asked_bytes = (uint64_t)json_integer_value(asked);
    out->offset = json_integer_value(json_object_get(fault, "offset"));
    bool is_damaged = json_integer_value(json_object_get(fault, "damaged_bytes")) > 0;
    if (out->sight == HUNT_CALL && out->has_block && is_damaged) {
        out->sight = HUNT_SYMPTOM;
        out->offset = (int64_t)out->asked_bytes; /* the writer began there */
    }
    out->event = (uint64_t)json_integer_value(json_object_get(fault, "event"));
    const json_t *lives = json_object_get(document, "lives");
    const json_t *last = json_array_get(lives, json_array_size(lives) - 1);
    out->birth =
        (uint64_t)json_integer_value(json_object_get(json_object_get(last, "birth"), "id"));
    out->site = hunt_site_of(view, json_object_get(fault, "allocated"));
    json_decref(document);
    return out->site != NULL;
}

/* The row `one`, whole. */
static bool take_finding(struct view *view, const struct finding *one, struct hunt_fault *out) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader), "SELECT json FROM fault WHERE id = ?1",
                "reading faults", one->row);
    struct hak_text place = {0};
    *out = (struct hunt_fault){.row = one->row, .code = one->code, .name = one->name};
    bool good = hak_query_next(&q) && take_json(view, out, hak_query_text(&q, 0));
    if (view_end_query(view, &q, good) != 0)
        return false;
    const struct hak_frame *frame = finding_place(one);
    if (frame) {
        hak_words_add_function(&place, frame->function);
        hak_text_add(&place, " ");
        hak_words_add_location(&place, frame, 1);
    }
    out->place = hak_text_take(&place);
    out->headline = strdup(one->headline);
    return out->headline != NULL;
}

#define CALLS (1ull << HAK_MALLOC | 1ull << HAK_REALLOC | 1ull << HAK_FREE)

static int count_call(void *context, const struct hak_event *event) {
    uint64_t *count = context;
    (void)event;
    ++*count;
    return 0;
}

/* A process of a lineage, up to where the next one begins. */
struct link {
    uint64_t process, id_to, ns_to; /* 0 = open */
};

/* Finds the process that has become, or forked, that of `link`. False: none is known. */
static bool find_origin(struct view *view, const struct link *link, struct link *origin) {
    enum { EXECUTED_BY, PARENT, FORK_EVENT, START_NS, VALUES };
    uint64_t row[VALUES];
    if (hak_database_numbers(
            hak_store_database(view->reader),
            "SELECT (SELECT max(q.id) FROM process q WHERE q.pid = p.pid AND q.id < p.id"
            " AND q.start_time = p.start_time AND q.end_kind = 3),"
            " parent, fork_event, start_ns FROM process p WHERE id = ?1",
            link->process, row, VALUES) != 1)
        return false;
    bool is_executed = row[EXECUTED_BY] != 0;
    *origin = (struct link){.process = is_executed ? row[EXECUTED_BY] : row[PARENT],
                            .id_to = is_executed ? 0 : row[FORK_EVENT]};
    if (origin->id_to == 0)
        origin->ns_to = row[START_NS];
    return origin->process != 0;
}

static bool count_calls(struct view *view, const struct link *link, uint64_t *count) {
    struct hak_filter filter = {.id_to = link->id_to,
                                .ns_to = link->ns_to,
                                .process = (uint32_t)link->process,
                                .kind_mask_low = CALLS,
                                .class_index = -1};
    *count = 0;
    return hak_store_scan(view->reader, &filter, false, count_call, count) == 0;
}

/* Finds out when the fault came. */
static void find_moment(struct view *view, struct hunt_fault *fault) {
    struct link link[HUNT_DEPTH];
    struct hak_event found;
    int depth = 0;
    fault->moment = (struct hunt_moment){0};
    if (fault->event == 0 || hak_store_event(view->reader, fault->event, &found) != 1)
        return;
    link[depth++] = (struct link){.process = found.process, .id_to = fault->event};
    while (depth < HUNT_DEPTH && find_origin(view, &link[depth - 1], &link[depth]))
        depth++;
    if (depth == HUNT_DEPTH)
        return; /* the outermost one may not be there */
    for (int i = 0; i < depth; i++)
        if (!count_calls(view, &link[depth - 1 - i], &fault->moment.calls[i]))
            return;
    fault->moment.depth = depth;
}

/* Chooses the fault that comes before the others (hunt_comes_before). */
static bool choose(struct view *view, const struct findings *findings, uint32_t wanted,
                   struct hunt_fault *out) {
    enum { MOMENTS = 8 }; /* of the first findings: each takes a scan of the events before it */
    int moments = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->list[i];
        struct hunt_fault fault;
        bool is_meant = wanted ? one->row == wanted : one->state == FINDING_NEW;
        if (one->kind == FINDING_LEAK || !is_meant)
            continue;
        if (!take_finding(view, one, &fault)) {
            hunt_forget_fault(&fault);
            return false;
        }
        if (fault.sight > HUNT_CRASH && !wanted && moments++ < MOMENTS)
            find_moment(view, &fault);
        if (hunt_comes_before(&fault, out)) {
            hunt_forget_fault(out);
            *out = fault;
        } else {
            hunt_forget_fault(&fault);
        }
    }
    return true;
}

int hunt_read_fault(struct view *view, const char *path, uint32_t wanted, struct hunt_fault *out) {
    struct findings findings = {0};
    *out = (struct hunt_fault){0};
    int error = hak_store_open(path, &view->reader);
    if (error == 0)
        error = hak_store_summarise(view->reader, &view->summary);
    if (error != 0)
        return view_store_error(view, error);
    view->store_path = strdup(path);
    if (!findings_gather(view, 0, &findings))
        return VIEW_UNREADABLE;
    bool good = findings_compare(view, &findings) && choose(view, &findings, wanted, out);
    findings_free(&findings);
    return good ? 0 : VIEW_UNREADABLE;
}

void hunt_read_counts(struct view *view, uint64_t *guarded, uint64_t *left) {
    static const char *const names[] = {"served.GUARDED", "GUARD_MEMORY.times",
                                        "GUARD_MAPPINGS.times", "GUARD_REFUSED.times"};
    uint64_t read[4];
    (void)view_read_reached(view, names, read, 4);
    *guarded = read[0];
    *left = read[1] + read[2] + read[3];
}

struct tally {
    uint64_t size, count, count_of_size;
};

static int count_block(void *context, const struct hak_event *event) {
    struct tally *tally = context;
    tally->count++;
    tally->count_of_size += event->size == tally->size;
    return 0;
}

/* Up to the event `to` of a process. */
static bool count_blocks_of(struct view *view, uint32_t process, uint32_t stack, uint64_t to,
                            struct tally *tally) {
    struct hak_filter filter = {.id_to = to,
                                .process = process,
                                .stack = stack,
                                .kind_mask_low = 1ull << HAK_MALLOC | 1ull << HAK_REALLOC,
                                .class_index = -1};
    return hak_store_scan(view->reader, &filter, false, count_block, tally) == 0;
}

void hunt_count_blocks(struct view *view, struct hunt_fault *fault) {
    struct hak_event birth;
    struct tally tally = {.size = fault->asked_bytes};
    if (fault->birth == 0 || hak_store_event(view->reader, fault->birth, &birth) != 1)
        return;
    /* A child goes on with the numbers of its parent. */
    uint64_t origin[2] = {birth.process, fault->birth}; /* process, up to this event */
    while (birth.stack != 0 && origin[0] != 0 && origin[1] != 0) {
        if (!count_blocks_of(view, (uint32_t)origin[0], birth.stack, origin[1], &tally))
            return;
        uint64_t process = origin[0];
        origin[0] = origin[1] = 0;
        hak_database_numbers(hak_store_database(view->reader),
                             "SELECT parent, fork_event FROM process WHERE id = ?1", process,
                             origin, 2);
    }
    fault->number = tally.count;
    fault->ordinal = tally.count_of_size;
}

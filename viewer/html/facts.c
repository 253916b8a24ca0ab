/* Writes the page's facts beside the profile: the capture, its processes, marks, findings and
 * layers. */
#include "viewer/html/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>
#include "fault_codes.h"
#include "report/words/words.h"
#include "version.h"
#include "viewer/findings/findings.h"
#include "viewer/layers/layers.h"

#define MARKS_MAX     2000
#define FINDINGS_MAX  2000
#define PROCESSES_MAX 5000
#define INTERVALS     120 /* of the layers */

#define RESIDENT_PARTS 300

/* ---- the capture -------------------------------------------------------------------------------
 */

/* Sets a text of the capture, "" if it has none. */
static void set_meta(struct view *view, json_t *data, const char *name, const char *key) {
    char *text = hak_database_meta(hak_store_database(view->reader), key);
    hak_json_set(data, TEXT(name, text ? text : ""));
    free(text);
}

/* Sets when the recording began, in UTC; "" if the capture does not say. */
static void set_started(struct view *view, json_t *data) {
    time_t seconds = view_start_time(view);
    struct tm parts;
    char when[64] = "";
    if (seconds > 0 && gmtime_r(&seconds, &parts))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &parts);
    hak_json_set(data, WORD("started", when));
}

/* Sets what is said of the whole capture. */
static void set_capture(struct view *view, json_t *data, const struct timeline *t,
                        uint32_t process) {
    const struct hak_store_summary *summary = &view->summary;
    struct hak_text of = {0};
    hak_json_set(data, WORD("version", HAK_VERSION),
                 TEXT("store", hak_words_path(view->store_path, 1, false)));
    set_meta(view, data, "command_line", "command_line");
    set_meta(view, data, "check", "check");
    set_started(view, data);
    if (process)
        view_add_process(&of, view, process);
    hak_json_set(data, TEXT("only_process", hak_text_string(&of)));
    hak_text_free(&of);
    hak_json_set(data, NUMBER("events", summary->events), NUMBER("threads", summary->threads),
                 NUMBER("from_ns", t->flow.from_ns), NUMBER("to_ns", t->flow.to_ns),
                 NUMBER("peak_event", t->flow.peak.id), NUMBER("peak_ns", t->flow.peak.ns),
                 SUM("peak", t->flow.peak.live), SUM("unknown", t->flow.unknown),
                 JSON("completeness", view_completeness_json(view)));
}

/* ---- processes and marks -----------------------------------------------------------------------
 */

/* The process in the timeline; NULL: none. */
static const struct hak_flow_process *find_process(const struct timeline *t, uint32_t row) {
    for (uint32_t i = 0; i < t->flow.processes; i++)
        if (t->flow.process[i].process == row)
            return &t->flow.process[i];
    return NULL;
}

/* A process as JSON: its names and times, how it ended, its peak and what it held at the end. */
static json_t *process_json(struct view *view, struct hak_query *q, const struct timeline *t) {
    uint32_t row = hak_query_id(q, 0);
    const struct hak_flow_process *p = find_process(t, row);
    struct hak_text name = {0};
    json_t *object = json_object();
    view_add_process(&name, view, row);
    hak_json_set(
        object, NUMBER("id", row), TEXT("name", hak_text_string(&name)),
        NUMBER("parent", hak_query_number(q, 1)), NUMBER("start_ns", hak_query_number(q, 2)),
        KNOWN("end_ns", hak_query_number(q, 3) != 0, hak_query_number(q, 3)),
        TEXT("command_line", hak_query_text(q, 4)), NUMBER("end_kind", hak_query_number(q, 5)),
        NUMBER("exit_status", (int64_t)hak_query_number(q, 6)),
        NUMBER("signal", hak_query_number(q, 7)), NUMBER("peak_bytes", p ? p->peak.live.bytes : 0),
        KNOWN("peak_ns", p && p->peak.id, p ? p->peak.ns : 0),
        NUMBER("held_bytes", p ? p->live.bytes : 0), NUMBER("held_blocks", p ? p->live.blocks : 0));
    hak_text_free(&name);
    return object;
}

/* Sets the list of at most PROCESSES_MAX processes. Returns a status. */
static int set_processes(struct view *view, json_t *data, const struct timeline *t,
                         uint32_t process) {
    json_t *list = json_array();
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT id, parent, start_ns, end_ns, command_line, end_kind,"
                                 " exit_status, signal FROM process WHERE ?1 = 0 OR id = ?1"
                                 " ORDER BY id",
                                 "reading processes", process);
    while (hak_query_next(&q) && json_array_size(list) < PROCESSES_MAX)
        json_array_append_new(list, process_json(view, &q, t));
    hak_json_set(data, JSON("processes", list));
    return view_end_query(view, &q, true);
}

/* Sets the first MARKS_MAX marks, up to the end of the answer; names of pools stand in the same
 * table and are left out. Returns a status. */
static int set_marks(struct view *view, json_t *data) {
    json_t *list = json_array();
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT event, name FROM mark WHERE ?1 = 0 OR event <= ?1 ORDER BY event",
                "reading marks", view->end_event);
    struct hak_event event;
    int found = 0;
    while (found >= 0 && hak_query_next(&q) && json_array_size(list) < MARKS_MAX) {
        found = hak_store_event(view->reader, hak_query_number(&q, 0), &event);
        if (found == 1 && event.kind == HAK_MARK)
            hak_json_add(list, NUMBER("event", event.id), NUMBER("ns", event.ns),
                         TEXT("name", hak_query_text(&q, 1)));
    }
    hak_json_set(data, JSON("marks", list));
    int status = found < 0 ? view_store_error(view, found) : 0;
    int unread = view_end_query(view, &q, true);
    return status ? status : unread;
}

/* ---- findings ----------------------------------------------------------------------------------
 */

static json_t *finding_json(const struct finding *f) {
    static const char *const kinds[] = {
        [FINDING_FAULT] = "fault", [FINDING_LEAK] = "leak", [FINDING_CRASH] = "crash"};
    struct hak_text place = {0};
    json_t *object = json_object();
    if (finding_is_at_allocation(f))
        hak_text_add(&place, "allocated ");
    finding_add_place(&place, f);
    hak_json_set(
        object, WORD("kind", kinds[f->kind]), NUMBER("code", f->code), TEXT("name", f->name),
        TEXT("headline", f->headline ? f->headline : ""), TEXT("place", hak_text_string(&place)),
        JSON("report", hak_json_lines(f->report ? f->report : "")),
        TEXT("meaning", f->meaning ? f->meaning : ""), TEXT("advice", f->advice ? f->advice : ""),
        NUMBER("process", f->process), NUMBER("event", f->event), NUMBER("ns", f->ns),
        NUMBER("blocks", f->blocks), NUMBER("bytes", f->bytes));
    hak_text_free(&place);
    return object;
}

/* Adds direct leaks that count as no fault and that nothing suppressed, of the newest scan of each
 * process, most bytes first, until the list has FINDINGS_MAX. Returns a status. */
static int add_leaks(struct view *view, json_t *list, uint32_t process) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT l.process, l.ns, l.stack, l.count, l.bytes FROM leak l"
                " WHERE " VIEW_LEAK_IS_REPORTED_ONLY " AND (?1 = 0 OR l.process = ?1)"
                " ORDER BY l.bytes DESC, l.id",
                "reading leaks", process);
    while (hak_query_next(&q) && json_array_size(list) < FINDINGS_MAX) {
        struct finding leak = {.kind = FINDING_LEAK,
                               .code = HAK_FAULT_MEMORY_LEAK,
                               .name = "memory-leak",
                               .process = hak_query_id(&q, 0),
                               .ns = hak_query_count(&q, 1),
                               .blocks = hak_query_count(&q, 3),
                               .bytes = hak_query_count(&q, 4)};
        struct hak_text line = {0}, stack = {0};
        hak_text_add(&line, "HKM-%u %s: %s in ", leak.code, leak.name, hak_words_bytes(leak.bytes));
        hak_text_add(&line, "%s never given back, allocated in ",
                     hak_words_count(leak.blocks, "block", "blocks"));
        view_add_place(&line, view, hak_query_id(&q, 2));
        view_add_stack(&stack, view, hak_query_id(&q, 2), 0);
        json_t *object = finding_json(&leak);
        hak_json_set(object, TEXT("headline", hak_text_string(&line)), TEXT("place", ""),
                     JSON("report", hak_json_lines(hak_text_string(&stack))));
        json_array_append_new(list, object);
        hak_text_free(&line);
        hak_text_free(&stack);
    }
    return view_end_query(view, &q, true);
}

/* Sets the list of findings, up to FINDINGS_MAX with the leaks behind them, and how many there are.
 * Returns a status. */
static int set_findings(struct view *view, json_t *data, uint32_t process) {
    struct findings findings = {0};
    json_t *list = json_array();
    if (!findings_gather(view, process, &findings)) {
        json_decref(list);
        findings_free(&findings);
        return VIEW_UNREADABLE;
    }
    for (uint32_t i = 0; i < findings.count && i < FINDINGS_MAX; i++)
        json_array_append_new(list, finding_json(&findings.list[i]));
    int status = add_leaks(view, list, process);
    if (status == 0 && !findings_gather_reported(view, process, &findings))
        status = VIEW_UNREADABLE;
    hak_json_set(data, JSON("findings", list), NUMBER("findings_count", findings.count));
    findings_free(&findings);
    return status;
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

/* Sets the layers over time; null where the program kept its own allocator, and where all events
 * would have to be read to count them, or cannot be: they are said to be left out then. Returns a
 * status. */
static int set_layers(struct view *view, json_t *data, const struct timeline *timeline,
                      uint32_t process) {
    uint64_t span = view->summary.last_ns / INTERVALS;
    bool is_left_out =
        (timeline->is_of_runs || view->end_event) && !hak_store_is_kept(view->reader);
    json_t *layers = NULL;
    hak_json_set(data, FLAG("layers_left_out", is_left_out));
    int status = is_left_out || hak_store_is_kept(view->reader)
                     ? 0
                     : layers_over_time(view, process, span ? span : 1, &layers);
    hak_json_set(data, JSON("layers", layers ? layers : json_null()));
    return status;
}

/* Sets the most that the kernel held in memory in each part of the time: [its end, bytes]. */
static int set_resident(struct view *view, json_t *data, const struct timeline *timeline,
                        uint32_t process) {
    const struct hak_flow *flow = &timeline->flow;
    uint64_t span = flow->to_ns > flow->from_ns ? flow->to_ns - flow->from_ns : 0, begin = 0;
    struct profile_memory *memory = NULL;
    json_t *list = json_array();
    int status = profile_memory_read(view, process, &memory);
    for (unsigned i = 1; i <= RESIDENT_PARTS && status == 0; i++) {
        struct profile_memory_totals totals;
        uint64_t end = flow->from_ns + (uint64_t)((unsigned __int128)span * i / RESIDENT_PARTS);
        profile_memory_in(memory, begin, end, &totals);
        begin = end;
        if (totals.kernel_ns)
            json_array_append_new(
                list, json_pack("[I, I]", (json_int_t)end, (json_int_t)profile_resident(&totals)));
    }
    profile_memory_free(memory);
    hak_json_set(data, JSON("resident", list));
    return status;
}

int html_set_facts(struct view *view, json_t *data, const struct timeline *timeline,
                   uint32_t process) {
    set_capture(view, data, timeline, process);
    int status = set_processes(view, data, timeline, process);
    if (status == 0)
        status = set_marks(view, data);
    if (status == 0)
        status = set_findings(view, data, process);
    if (status == 0)
        status = set_layers(view, data, timeline, process);
    if (status == 0)
        status = set_resident(view, data, timeline, process);
    return status;
}

/* The events of the log as CSV and as JSON lines, one for each: with --process, --thread and
 * --between. */
#include "viewer/export/parts.h"

#include <stdlib.h>
#include "hop.h"
#include "report/words/words.h"
#include "trace/record.h"
#include "viewer/events/events.h"
#include "viewer/export/csv.h"

struct log {
    struct export *export;
    struct event_filter filter;
    bool is_csv;
};

/* Writes an event as a row of CSV, with its process, thread and the place of its stack; NULL: the
 * heading. */
static void write_csv(struct export *e, const struct hak_event *event) {
    static const struct hak_event none;
    const struct hak_event *is = event ? event : &none;
    const struct export_process *process = export_find_process(e, is->process);
    const struct stack_label *label = is->stack ? view_stack_label(e->view, is->stack) : NULL;
    bool has_class = is->kind < HAK_THREAD_START;
    struct hak_thread_words thread;
    struct hak_text text = {0};
    hak_lookup_thread(e->view->reader, is->thread, &thread);
    csv_row(&text, !event, NUMBER("id", is->id), NUMBER("ns", is->ns),
            WORD("kind", hak_words_kind(is->kind)), NUMBER("process", is->process),
            NUMBER("pid", process ? process->pid : 0), NUMBER("thread", thread.number),
            TEXT("thread_name", thread.name), ADDRESS("address", is->address),
            ADDRESS("base", is->base), NUMBER("size", is->size),
            ADDRESS("old_address", is->old_address),
            TEXT("class", has_class ? hak_words_class(e->view->reader, is->class_index) : ""),
            WORD("place", hak_words_place(is->place)),
            FLAG("illegal", is->flags & HAK_RECORD_ILLEGAL), NUMBER("stack", is->stack),
            TEXT("function", label ? label->function : ""),
            TEXT("location", label ? label->location : ""));
    view_sink_add(e->sink, &text);
}

/* Writes an event that passes the filter. 1: the output failed. */
static int write_event(void *context, const struct hak_event *event) {
    struct log *log = context;
    struct export *e = log->export;
    if (!event_passes(e->view, &log->filter, event))
        return 0;
    if (log->is_csv)
        write_csv(e, event);
    else
        export_add_json_line(e->sink, hak_json_event(e->view->reader, event, false));
    return e->sink->error != 0;
}

/* The event of a moment; 0 = the start, the end. */
static int find_event(struct export *e, uint32_t process, struct view_moment *at) {
    return at->kind == VIEW_AT_PEAK ? view_find_peak(e->view, process, at) : 0;
}

/* Reads --process, --thread and --between. 0, or an exit status: printed. */
static int read_filter(struct log *log) {
    struct export *e = log->export;
    struct profile_query *q = &e->query;
    if (!profile_read_query(e->view, q))
        return view_question_status();
    log->filter = (struct event_filter){.band = -1,
                                        .layer = -1,
                                        .store = {.class_index = -1, .process = q->process},
                                        .thread_number = (uint32_t)q->thread};
    int status = find_event(e, q->process, &q->from);
    if (status == 0)
        status = find_event(e, q->process, &q->at);
    if (status || !view_given(e->view, "between"))
        return status;
    log->filter.store.id_from = q->from.event ? q->from.event + 1 : 0;
    log->filter.store.id_to = q->at.event;
    log->filter.is_empty |= q->from.kind == VIEW_AT_END || q->at.kind == VIEW_AT_START ||
                            (q->at.event && q->at.event <= q->from.event);
    return 0;
}

/* Writes the events as CSV or JSON lines. Returns a status. */
static int write_log(struct export *e, bool is_csv) {
    struct log log = {.export = e, .is_csv = is_csv};
    int status = read_filter(&log);
    if (status == 0)
        status = export_read_processes(e);
    if (status == 0 && is_csv)
        write_csv(e, NULL);
    if (status == 0 && !log.filter.is_empty) {
        int error = hak_store_scan(e->view->reader, &log.filter.store, false, write_event, &log);
        status = error < 0 ? view_store_error(e->view, error) : view_look_again(e->view);
    }
    event_filter_free(&log.filter);
    return status;
}

int export_log_csv(struct export *e) {
    return write_log(e, true);
}

int export_log_jsonl(struct export *e) {
    return write_log(e, false);
}

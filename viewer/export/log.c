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

/* Appends an event as a row of CSV, with its process, thread and the place of its stack. */
static void add_csv_event(struct hak_text *text, struct export *e, const struct hak_event *event) {
    const struct export_process *process = export_find_process(e, event->process);
    const struct stack_label *label = event->stack ? view_stack_label(e->view, event->stack) : NULL;
    struct hak_thread_words thread;
    hak_lookup_thread(e->view->reader, event->thread, &thread);
    csv_add_number(text, event->id);
    csv_add_number(text, event->ns);
    csv_add_foreign(text, hak_words_kind(event->kind));
    csv_add_number(text, event->process);
    csv_add_number(text, process ? (uint64_t)process->pid : 0);
    csv_add_number(text, thread.number);
    csv_add_foreign(text, thread.name);
    csv_add_address(text, event->address);
    csv_add_address(text, event->base);
    csv_add_number(text, event->size);
    csv_add_address(text, event->old_address);
    csv_add_foreign(text, event->kind < HAK_THREAD_START
                              ? hak_words_class(e->view->reader, event->class_index)
                              : "");
    csv_add_foreign(text, hak_words_place(event->place));
    csv_add_flag(text, event->flags & HAK_RECORD_ILLEGAL);
    csv_add_number(text, event->stack);
    csv_add_foreign(text, label ? label->function : "");
    csv_add_foreign(text, label ? label->location : "");
    csv_end_row(text);
}

/* Writes an event that passes the filter. 1: the output failed. */
static int write_event(void *context, const struct hak_event *event) {
    struct log *log = context;
    struct export *e = log->export;
    struct hak_text text = {0};
    if (!event_passes(e->view, &log->filter, event))
        return 0;
    if (log->is_csv) {
        add_csv_event(&text, e, event);
        view_sink_add(e->sink, &text);
    } else {
        export_add_json_line(e->sink, hak_json_event(e->view->reader, event, false));
    }
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
    struct hak_text heading = {0};
    int status = read_filter(&log);
    if (status == 0)
        status = export_read_processes(e);
    if (status == 0 && is_csv) {
        hak_text_add(&heading, "id,ns,kind,process,pid,thread,thread_name,address,base,size,"
                               "old_address,class,place,illegal,stack,function,location\n");
        view_sink_add(e->sink, &heading);
    }
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

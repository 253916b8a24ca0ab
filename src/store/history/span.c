/* Asks the stored profile for a span, and the events where it has no answer. */
#include "store/history/span.h"

#include "store/history/heap.h"
#include "store/reader/inner.h"

/* ---- processes that are gone -------------------------------------------------------------------
 * They hold nothing behind their last event. The profile's rows have the blocks of their own ends.
 */

/* Whether a process had ended at an event, in a capture that keeps only the profile: by the times
 * of the processes' ends. */
static bool is_over(struct hak_store_reader *r, uint32_t process, uint64_t event) {
    if (!event || !hak_store_is_profile_only(r))
        return false;
    struct hak_query ended =
        hak_ask(hak_store_database(r),
                "SELECT 1 FROM process WHERE id = ?1 AND end_kind <> 0 AND end_ns <="
                " (SELECT max(to_ns) FROM profile_run WHERE last <= ?2)",
                "reading processes", process, event);
    bool is = hak_query_next(&ended);
    hak_query_end(&ended);
    return is;
}

/* The answers for one process, whose rows follow one another. */
struct gone {
    uint32_t process, at; /* at: its place in the heap's list, or where it would be */
    bool at_from, at_to;
};

/* Notes whether the process had ended at the start and at the end of the span. */
static void look_at_process(struct hak_store_reader *r, const struct hak_heap *heap,
                            const struct hak_span_query *query, uint32_t process,
                            struct gone *gone) {
    const struct hak_heap_process *p = NULL;
    while (gone->at < heap->processes && heap->process[gone->at].process < process)
        gone->at++;
    if (gone->at < heap->processes && heap->process[gone->at].process == process)
        p = &heap->process[gone->at];
    gone->process = process;
    uint64_t from = query->is_only_moment ? 0 : query->from;
    gone->at_from = (p && hak_heap_is_gone(p, from)) || is_over(r, process, from);
    gone->at_to = (p && hak_heap_is_gone(p, query->to)) || is_over(r, process, query->to);
}

/* Gives the rows of stored sums to the receiver, in one read transaction, as it may look stacks
 * up. */
static void give_stored(struct hak_store_reader *r, const struct hak_heap *heap,
                        const struct hak_span_query *query,
                        void (*each)(void *context, const struct hak_flow_row *row),
                        void *context) {
    const struct hak_amount none = {0};
    struct gone gone = {0};
    bool is_own = hak_database_begin_reading(hak_store_database(r));
    for (uint32_t i = 0; i < heap->rows; i++) {
        const struct hak_heap_row *row = &heap->row[i];
        if (i == 0 || row->process != gone.process)
            look_at_process(r, heap, query, row->process, &gone);
        struct hak_flow_row out = {.process = row->process,
                                   .stack = row->stack,
                                   .before = gone.at_from ? none : row->before,
                                   .inherited = row->inherited,
                                   .came = row->came,
                                   .went = row->went,
                                   .brief = row->brief,
                                   .live = gone.at_from || gone.at_to ? none : row->live};
        each(context, &out);
    }
    hak_database_end_reading(hak_store_database(r), is_own);
}

/* Answers a span from stored sums. 1, 0: they have no answer, or an error. */
static int read_stored(struct hak_store_reader *r, const struct hak_span_query *query,
                       void (*each)(void *context, const struct hak_flow_row *row), void *context,
                       uint64_t *unknown) {
    struct hak_heap heap = {0};
    int result =
        hak_heap_read(r, query->is_only_moment ? 0 : query->from, query->to, query->process, &heap);
    if (result == 1)
        give_stored(r, &heap, query, each, context);
    for (uint32_t i = 0; i < heap.processes && result == 1 && !query->is_only_moment; i++)
        *unknown += heap.process[i].unknown_ends;
    hak_heap_free(&heap);
    return result;
}

int hak_span_read(struct hak_store_reader *r, const struct hak_span_query *query,
                  void (*each)(void *context, const struct hak_flow_row *row), void *context,
                  uint64_t *unknown) {
    *unknown = 0;
    int stored = read_stored(r, query, each, context, unknown);
    if (stored != 0)
        return stored < 0 ? stored : 0;
    if (hak_store_is_profile_only(r))
        return hak_reader_refuse_events(r);
    const struct hak_flow_query span = {.from = query->is_only_moment ? query->to : query->from,
                                        .to = query->to,
                                        .process = query->process};
    struct hak_flow flow = {0};
    int error = hak_flow_read(r, &span, &flow);
    for (uint32_t i = 0; i < flow.rows && !error; i++)
        each(context, &flow.row[i]);
    *unknown = flow.unknown.blocks;
    hak_flow_free(&flow);
    return error;
}

int hak_span_read_kept_peak(struct hak_store_reader *r,
                            void (*each)(void *context, const struct hak_flow_row *row),
                            void *context, uint64_t *event, uint64_t *ns) {
    struct hak_heap heap = {0};
    struct hak_heap_peak peak;
    int result = hak_heap_read_peak(r, &peak, &heap);
    for (uint32_t i = 0; i < heap.rows && result == 1; i++) {
        const struct hak_heap_row *row = &heap.row[i];
        each(context, &(struct hak_flow_row){
                          .process = row->process, .stack = row->stack, .live = row->live});
    }
    hak_heap_free(&heap);
    *event = peak.event;
    *ns = peak.ns;
    return result;
}

/* ---- the peak ----------------------------------------------------------------------------------
 */

/* The event as the profile knows it: 1; 0: it does not, or there is none; or an error. */
static int find_stored_peak(struct hak_store_reader *r, uint32_t process, uint64_t *event) {
    const struct hak_database *db = hak_store_database(r);
    struct hak_heap heap = {0};
    struct hak_heap_peak peak = {0};
    bool is_of_one = process || hak_database_number(db, "SELECT count(*) FROM process", 0) == 1;
    int result = !process && hak_store_is_profile_only(r) ? hak_heap_read_peak(r, &peak, &heap)
                 : is_of_one                              ? hak_heap_read(r, 0, 0, process, &heap)
                                                          : hak_heap_find_peak(r, 0, 0, &peak);
    if (result == 1 && heap.processes == 1)
        peak.event = heap.process[0].peak_event;
    *event = peak.event;
    hak_heap_free(&heap);
    return result == 1 ? *event != 0 : result;
}

/* The event of the process's peak: the stored one, else by following all events. 1, 0 for none, or
 * an error. */
static int find_peak_event(struct hak_store_reader *r, uint32_t process, uint64_t *event) {
    int result = find_stored_peak(r, process, event);
    if (result != 0 || hak_store_is_profile_only(r))
        return result;
    struct hak_flow flow = {0};
    const struct hak_flow_query all = {.process = process};
    result = hak_flow_read(r, &all, &flow);
    *event = flow.peak.id;
    hak_flow_free(&flow);
    return result < 0 ? result : *event != 0;
}

int hak_span_find_peak(struct hak_store_reader *r, uint32_t process, uint64_t *event,
                       uint64_t *ns) {
    *ns = 0;
    int result = find_peak_event(r, process, event);
    if (result != 1)
        return result;
    struct hak_event at;
    if (hak_store_is_profile_only(r))
        return 1;
    result = hak_store_event(r, *event, &at);
    *ns = result == 1 ? at.ns : 0;
    return result < 0 ? result : 1;
}

/* ---- times -------------------------------------------------------------------------------------
 */

static int keep_first(void *context, const struct hak_event *event) {
    *(struct hak_event *)context = *event;
    return 1;
}

int hak_span_find_event(struct hak_store_reader *r, uint64_t ns, uint64_t *event) {
    static const char begin[] = "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE "
                                "key = 'trimmed_events'), 0)";
    struct hak_event first = {0};
    *event = 0;
    if (hak_store_is_profile_only(r)) {
        static const char last[] = "SELECT coalesce(max(to_ns), 0) FROM profile_run";
        struct hak_heap_end end;
        if (hak_database_number(hak_store_database(r), last, 0) < ns)
            return 0;
        int error = hak_heap_nearest(r, 0, ns, &end);
        *event = end.event;
        return error ? error : 1;
    }
    const struct hak_filter later = {.class_index = -1, .ns_from = ns + 1};
    int found = hak_store_scan(r, &later, false, keep_first, &first);
    if (found == 1 && first.id > hak_database_number(hak_store_database(r), begin, 0) + 1)
        *event = first.id - 1;
    return found;
}

/* Reads what `layers` shows: the counters' snapshots, and the log counted in the same way. */
#include "viewer/layers/counts.h"
#include "viewer/layers/changes.h"

#include <stdlib.h>
#include <string.h>
#include "collector/session/session.h"
#include "base/growing.h"
#include "store/history/history.h"

static bool is_served(unsigned metric) {
    return metric < (unsigned)HAK_METRIC_SERVED_FIRST + HAK_LAYERS;
}

static struct layers_process *process_at(const struct layers *l, uint32_t row) {
    return row < l->process_rows ? &l->processes[row] : NULL;
}

/* Adds to the interval of this time, if --over asks for them. */
static void add_to_interval(struct layers *l, uint64_t ns, unsigned metric, unsigned metric_class,
                            uint64_t amount) {
    uint64_t at = l->over_ns ? ns / l->over_ns : 0;
    if (!l->intervals || amount == 0 || at >= l->interval_count ||
        !layers_shows_class(l, metric_class))
        return;
    l->intervals[at].sum[metric] += amount;
    l->intervals[at].has_any = true;
}

/* When the snapshot before the one at `ns` was taken; `ns` where that is not known. */
static uint64_t since(const struct layers *l, uint32_t process, uint64_t ns) {
    size_t low = 0, high = l->snapshot_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct layers_snapshot *s = &l->snapshots[middle];
        if (s->process < process || (s->process == process && s->ns < ns))
            low = middle + 1;
        else
            high = middle;
    }
    const struct layers_snapshot *found = &l->snapshots[low];
    bool is_it = low < l->snapshot_count && found->process == process && found->ns == ns;
    return is_it && found->since_ns < ns ? found->since_ns : ns;
}

/* Spreads a snapshot's increase evenly over the time since the one before. */
static void spread(struct layers *l, uint32_t process, uint64_t ns, unsigned metric,
                   unsigned metric_class, uint64_t amount) {
    uint64_t from = l->intervals ? since(l, process, ns) : ns, given = 0;
    if (from == ns) {
        add_to_interval(l, ns, metric, metric_class, amount);
        return;
    }
    for (uint64_t at = from; at < ns && at / l->over_ns < l->interval_count;) {
        uint64_t end = (at / l->over_ns + 1) * l->over_ns;
        if (end > ns || end <= at)
            end = ns;
        uint64_t until_end =
            (uint64_t)((unsigned __int128)amount * (end - from) / (ns - from)) - given;
        add_to_interval(l, at, metric, metric_class, until_end);
        given += until_end;
        at = end;
    }
}

/* Takes a snapshot's row: what came since the one before. Names that this build does not know are
 * taken only if they served a malloc. */
static void take_row(struct layers *l, uint32_t process, uint64_t ns, const char *name,
                     int class_index, double increase) {
    struct layers_process *p = process_at(l, process);
    unsigned metric = hak_metric_named(name), k = HAK_METRIC_NO_CLASS;
    bool is_unknown = metric == HAK_METRICS && strncmp(name, "served.", 7) == 0;
    if (!p)
        return;
    l->with_counters += !p->has_counters;
    p->has_counters = true;
    if (strcmp(name, HAK_SNAPSHOT_END) == 0)
        p->has_last = true;
    if ((metric == HAK_METRICS && !is_unknown) || !(increase > 0) || increase > 1e19)
        return;
    if (class_index >= 0 && class_index < HAK_CLASSES)
        k = (unsigned)class_index;
    uint64_t amount = (uint64_t)increase;
    if (is_unknown || is_served(metric))
        p->counted += amount;
    if (l->is_from_log)
        return;
    if (is_unknown) {
        l->all->unknown[k] += amount;
        return;
    }
    l->all->cells[k][metric] += amount;
    spread(l, process, ns, metric, k, amount);
}

/* Reads when each snapshot was taken, and the one before it. 0, or an exit status. */
static int read_snapshot_times(struct layers *l) {
    uint32_t room = 0;
    bool has_memory = true;
    struct hak_query q =
        hak_ask(hak_store_database(l->view->reader),
                "SELECT process, ns, value FROM metric WHERE name = ?1 AND ns >= 0 AND "
                "value >= 0 AND value <= ns ORDER BY process, ns",
                "reading metrics");
    hak_query_bind_text(&q, 1, HAK_SNAPSHOT_SINCE);
    while (has_memory && hak_query_next(&q)) {
        has_memory =
            hak_growing_make_room(&l->snapshots, l->snapshot_count, &room, sizeof *l->snapshots);
        if (has_memory)
            l->snapshots[l->snapshot_count++] = (struct layers_snapshot){
                hak_query_id(&q, 0), hak_query_number(&q, 2), hak_query_number(&q, 1)};
    }
    return view_end_query(l->view, &q, has_memory);
}

/* Reads the counters' changes from snapshot to snapshot. Returns a status, said if not 0. */
static int read_snapshots(struct layers *l) {
    struct hak_query q =
        hak_ask(hak_store_database(l->view->reader),
                "SELECT process, ns, name, class, value - coalesce(lag(value) OVER "
                "(PARTITION BY process, name, class ORDER BY id), 0) FROM metric "
                "WHERE (?1 = 0 OR process = ?1) AND name NOT LIKE 'memory.%'",
                "reading metrics", l->process);
    while (hak_query_next(&q))
        take_row(l, hak_query_id(&q, 0), hak_query_number(&q, 1), hak_query_text(&q, 2),
                 (int)hak_query_number(&q, 3), sqlite3_column_double(q.statement, 4));
    return view_end_query(l->view, &q, true);
}

/* Adds a count of the log to its process and, if asked for, to all. */
static int take_count(void *context, const struct hak_layer_count *count) {
    struct layers *l = context;
    struct layers_process *p = process_at(l, count->process);
    if (p && is_served(count->metric))
        p->logged += count->amount;
    if (p && l->is_from_log) {
        l->all->cells[count->metric_class][count->metric] += count->amount;
        add_to_interval(l, count->ns, count->metric, count->metric_class, count->amount);
    }
    return 0;
}

/* Counts the log. Returns a status, said if not 0. */
static int read_log(struct layers *l) {
    int error = hak_store_count_layers(l->view->reader, l->process, take_count, l);
    l->log_was_read = error == 0;
    return error < 0 ? view_store_error(l->view, error) : 0;
}

/* Counts each process's threads whose end was not seen. Returns a status. */
static int read_unended_threads(struct layers *l) {
    struct hak_query q =
        hak_ask(hak_store_database(l->view->reader),
                "SELECT process, count(*) FROM thread WHERE end_ns = 0 GROUP BY process",
                "reading threads");
    while (hak_query_next(&q)) {
        struct layers_process *p = process_at(l, hak_query_id(&q, 0));
        if (p)
            p->unended = hak_query_id(&q, 1);
    }
    return view_end_query(l->view, &q, true);
}

/* Compares a process's counted calls with those of the log. A call is counted shortly before its
 * record is complete: where a process ends in between, each of its threads may have counted one
 * that the log does not have. */
static void compare_process(struct layers *l, const struct layers_process *p) {
    uint64_t more = p->counted - p->logged;
    l->counted += p->counted;
    l->logged += p->logged;
    if (p->counted < p->logged || more > p->unended)
        l->differing++;
    else
        l->cut_short += more;
}

/* Mallocs by counters and by the log, of the processes that have both. */
static void compare(struct layers *l) {
    for (uint32_t row = 0; row < l->process_rows; row++) {
        const struct layers_process *p = &l->processes[row];
        l->without_last += p->has_counters ? !p->has_last : p->logged > 0;
        if (p->has_last)
            compare_process(l, p);
    }
}

/* True when the capture has counters of the process. */
static bool has_snapshots(const struct layers *l) {
    return hak_database_number(hak_store_database(l->view->reader),
                               "SELECT 1 FROM metric WHERE (?1 = 0 OR process = ?1) AND "
                               "name NOT LIKE 'memory.%' LIMIT 1",
                               l->process) != 0;
}

int layers_gather(struct layers *l) {
    bool has_any = has_snapshots(l);
    int status = 0;
    l->is_from_log |= !has_any;
    if (l->is_from_log && view_given(l->view, "quick")) {
        view_error("%s has no counters, and --quick does not read the log", l->view->store_path);
        return VIEW_USAGE;
    }
    if (has_any && l->intervals)
        status = read_snapshot_times(l);
    if (has_any && status == 0)
        status = read_snapshots(l);
    if (status == 0 && !view_given(l->view, "quick") && (!l->compares_nothing || !has_any))
        status = read_log(l);
    if (status == 0 && !view_given(l->view, "quick"))
        status = layers_read_changes(l);
    if (status == 0)
        status = read_unended_threads(l);
    if (l->with_counters > 0 && !l->compares_nothing)
        compare(l);
    return status;
}

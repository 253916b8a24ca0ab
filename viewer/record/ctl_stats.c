/* `ctl PID stats`: prints figures of the allocator in a process that goes on, as a table, as JSON
 * or as metrics that Prometheus reads. The process does nothing for it.
 *
 *   viewer/corefile/figures.c --> struct core_figures --stats.def--> text, JSON, OpenMetrics 1.0 */
#include "viewer/record/ctl_stats.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "arch.h"
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/corefile.h"

/* ---- figures that are not in the process's memory -------------------------------------------- */

/* Bytes of the process that are resident, from /proc/PID/statm; 0: not known. */
static uint64_t resident_of(pid_t pid) {
    char path[64];
    uint64_t pages = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

double ctl_ns_of_tick(void) {
    static double ns_of_tick;
    enum { LOOK_NS = 5000000 };
    if (ns_of_tick > 0)
        return ns_of_tick;
    uint64_t ns = view_now_ns(), ticks = hak_ticks_now(), now;
    do
        now = view_now_ns();
    while (now - ns < LOOK_NS);
    ticks = hak_ticks_now() - ticks;
    ns_of_tick = ticks > 0 ? (double)(now - ns) / (double)ticks : 1;
    return ns_of_tick;
}

/* Everything that is printed. */
struct stats {
    const struct ctl_target *target;
    struct core_figures heap;
    uint64_t process_resident_bytes;
};

enum stat_type { gauge, counter };
struct ctl_figure {
    const char *name, *unit, *sentence;
    enum stat_type type;
    uint64_t value;
};

/* Number `n` of the process's figures. False: there is none such. */
static bool stat_at(const struct stats *s, unsigned n, struct ctl_figure *stat) {
    const struct ctl_figure all[] = {
#define STAT(name, type, unit, value, sentence) {#name, unit, sentence, type, value},
#include "viewer/record/stats.def"
    };
    if (n >= sizeof all / sizeof *all)
        return false;
    *stat = all[n];
    return true;
}

/* The same of a class; of the two slacks one has no name. */
static bool class_stat_at(const struct stats *s, const struct core_class_figures *row, unsigned n,
                          struct ctl_figure *stat) {
    const struct ctl_figure all[] = {
#define CLASS_STAT(name, unit, value, sentence) {#name, unit, sentence, gauge, value},
#include "viewer/record/stats.def"
    };
    if (n >= sizeof all / sizeof *all)
        return false;
    *stat = all[n];
    if (strcmp(stat->name, s->heap.is_slack_known ? "slack_bound_bytes" : "slack_bytes") == 0)
        stat->name = NULL;
    return true;
}

/* The share of the class's slabs that is not live. */
static double fragmentation(const struct core_class_figures *row) {
    double live = (double)row->live_blocks * (double)row->slot_bytes;
    return row->mapped_bytes && live < (double)row->mapped_bytes
               ? 1 - live / (double)row->mapped_bytes
               : 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

enum { FIGURES_AT = 12 };

static void add_size(struct hak_text *text, const struct view *view, const char *heading,
                     uint64_t bytes) {
    view_add_heading(text, view, heading, FIGURES_AT);
    hak_text_add(text, "%s", hak_words_size(bytes));
}

/* The thread of HAKMEM_BACKGROUND, if there was one, or should have been. */
static void add_background(struct hak_text *text, const struct view *view,
                           const struct core_figures *h) {
    if (!h->background_threads && !h->background_bytes && !h->background_failures)
        return;
    view_add_heading(text, view, "background", FIGURES_AT);
    hak_text_add(text, "%s, which gave back %s",
                 h->background_threads ? "a thread" : "no thread now",
                 hak_words_size(h->background_bytes));
    if (h->background_failures)
        hak_text_add(text, "; it could not begin %s",
                     hak_words_count(h->background_failures, "time", "times"));
    hak_text_add(text, "\n");
}

/* The process and its sums. */
static void add_sums(struct hak_text *text, const struct view *view, const struct stats *s) {
    const struct core_figures *h = &s->heap;
    bool has_checks = strcmp(h->level, "none") != 0;
    view_add_heading(text, view, "process", FIGURES_AT);
    hak_text_add(text, "%d %s\n", (int)s->target->pid, s->target->name);
    view_add_heading(text, view, "allocator", FIGURES_AT);
    hak_text_add(text, "hakmem %s, %s%s\n", h->version, has_checks ? "level " : "without checks",
                 has_checks ? h->level : "");
    add_size(text, view, "mapped", h->mapped_bytes);
    add_size(text, view, "\nlive", h->live_bytes);
    hak_text_add(text, ", of it %s in %s", hak_words_size(h->large_bytes),
                 hak_words_count(h->large_blocks, "large block", "large blocks"));
    add_size(text, view, "\ncached", h->cached_bytes);
    hak_text_add(text, " in threads");
    add_size(text, view, "\nunused", h->unused_bytes);
    hak_text_add(text, " in free slabs");
    add_size(text, view, "\nkept", h->dirty_bytes);
    hak_text_add(text, " with pages, %s without", hak_words_size(h->clean_bytes));
    add_size(text, view, "\nresident", h->resident_bytes);
    hak_text_add(text, " at most; the whole process %s", hak_words_size(s->process_resident_bytes));
    add_size(text, view, "\ngiven back", h->given_back_bytes);
    hak_text_add(text, " to the kernel so far\n");
    view_add_heading(text, view, "slow paths", FIGURES_AT);
    hak_text_add(text, "%s, and ", hak_words_number(h->slow_paths));
    hak_text_add(text, "%s for other threads\n", hak_words_count(h->remote_frees, "free", "frees"));
    add_background(text, view, h);
    if (!h->guarded_so_far && !h->guarded_blocks)
        return;
    view_add_heading(text, view, "guarded", FIGURES_AT);
    hak_text_add(text, "%s now", hak_words_count(h->guarded_blocks, "block", "blocks"));
    if (h->guarded_so_far)
        hak_text_add(text, ", %s so far, which took %s", hak_words_number(h->guarded_so_far),
                     hak_words_ago(s->heap.guard_ns));
    hak_text_add(text, "\n");
}

/* Adds a line for each class that has slabs. */
static void add_classes(struct hak_text *text, const struct view *view, const struct stats *s) {
    struct table table = {0};
    table_add_headings(&table, s->heap.is_slack_known
                                   ? "class|mapped|live|cached|free|slack|fragmented"
                                   : "class|mapped|live|cached|free|slack at most|fragmented");
    for (unsigned c = 0; c < s->heap.class_count; c++) {
        const struct core_class_figures *row = &s->heap.by_class[c];
        struct hak_text share = {0};
        if (!row->mapped_bytes)
            continue;
        hak_text_add(&share, "%.1f %%", 100 * fragmentation(row));
        table_add_count(&table, row->slot_bytes);
        table_add_count(&table, row->mapped_bytes);
        table_add_count(&table, row->live_blocks * row->slot_bytes);
        table_add_count(&table, row->cached_blocks * row->slot_bytes);
        table_add_count(&table, row->free_blocks * row->slot_bytes);
        table_add_count(&table, row->slack_bytes);
        table_add_text(&table, &share);
    }
    hak_text_add(text, "\n");
    table_append(text, &table, view);
}

static bool print_lines(const struct view *view, const struct stats *s) {
    struct hak_text text = {0};
    add_sums(&text, view, s);
    add_classes(&text, view, s);
    return view_print(&text);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char damaged[] = "some numbers are larger than they can be, and were left out";

static json_t *classes_json(const struct stats *s) {
    json_t *list = json_array();
    struct ctl_figure stat;
    for (unsigned c = 0; c < s->heap.class_count; c++) {
        const struct core_class_figures *row = &s->heap.by_class[c];
        if (!row->mapped_bytes)
            continue;
        json_t *object = hak_json_object(NUMBER("slot_bytes", row->slot_bytes));
        for (unsigned n = 0; class_stat_at(s, row, n, &stat); n++)
            if (stat.name)
                hak_json_set(object, NUMBER(stat.name, stat.value));
        hak_json_append(list,
                        hak_json_set(object, JSON("fragmentation", json_real(fragmentation(row)))));
    }
    return list;
}

static bool print_json(const struct view *view, const struct stats *s) {
    json_t *document = view_json_document(view), *sums = json_object();
    struct ctl_figure stat;
    for (unsigned n = 0; stat_at(s, n, &stat); n++)
        hak_json_set(sums, NUMBER(stat.name, stat.value));
    hak_json_set(sums, NUMBER("guard_ns", s->heap.guard_ns));
    json_t *process = hak_json_object(NUMBER("pid", s->target->pid), TEXT("name", s->target->name));
    json_t *own = hak_json_object(TEXT("version", s->heap.version), WORD("level", s->heap.level));
    hak_json_set(document, JSON("process", process), JSON("allocator", own), JSON("stats", sums),
                 JSON("classes", classes_json(s)),
                 JSON("incomplete", s->heap.is_damaged ? json_string(damaged) : json_null()));
    return view_print_json(hak_json_print(document));
}

/* ---- metrics: OpenMetrics 1.0 ---------------------------------------------------------------- */

/* Adds a value of a label, of text from outside. */
static void add_label(struct hak_text *text, const char *value) {
    struct hak_text utf8 = {0};
    hak_text_add_utf8(&utf8, value, HAK_TEXT_NAME_MAX);
    for (const char *c = hak_text_string(&utf8); *c; c++) {
        const char *escaped = *c == '\\' ? "\\\\" : *c == '"' ? "\\\"" : *c == '\n' ? "\\n" : NULL;
        if (escaped)
            hak_text_add_bytes(text, escaped, 2);
        else
            hak_text_add_bytes(text, c, 1);
    }
    hak_text_free(&utf8);
}

/* Adds the lines in front of a metric's samples. */
static void add_family(struct hak_text *text, const char *name, const struct ctl_figure *stat) {
    hak_text_add(text, "# TYPE %s %s\n", name, stat->type == counter ? "counter" : "gauge");
    if (*stat->unit)
        hak_text_add(text, "# UNIT %s %s\n", name, stat->unit);
    hak_text_add(text, "# HELP %s %s\n", name, stat->sentence);
}

/* Adds a sample up to its value. `class_bytes` 0: it is of the process. */
static void begin_sample(struct hak_text *text, const struct stats *s, const char *name,
                         const char *suffix, uint64_t class_bytes) {
    hak_text_add(text, "%s%s{", name, suffix);
    if (class_bytes)
        hak_text_add(text, "class=\"%" PRIu64 "\",", class_bytes);
    hak_text_add(text, "program=\"");
    add_label(text, s->target->name);
    hak_text_add(text, "\",pid=\"%d\"", (int)s->target->pid);
}

/* Adds the metric number `n` of the classes. False: there is none such. */
static bool add_class_metric(struct hak_text *text, const struct stats *s, unsigned n) {
    char name[64];
    struct ctl_figure stat;
    bool has_family = false;
    for (unsigned c = 0; c < s->heap.class_count; c++) {
        const struct core_class_figures *row = &s->heap.by_class[c];
        if (!class_stat_at(s, row, n, &stat))
            return false;
        if (!stat.name || !row->mapped_bytes)
            continue;
        snprintf(name, sizeof name, "hakmem_class_%s", stat.name);
        if (!has_family)
            add_family(text, name, &stat);
        has_family = true;
        begin_sample(text, s, name, "", row->slot_bytes);
        hak_text_add(text, "} %" PRIu64 "\n", stat.value);
    }
    return s->heap.class_count > 0;
}

static void add_fragmentation(struct hak_text *text, const struct stats *s) {
    static const char name[] = "hakmem_class_fragmentation_ratio";
    const struct ctl_figure stat = {NULL, "ratio", "share of the slabs that is not live", gauge, 0};
    bool has_family = false;
    for (unsigned c = 0; c < s->heap.class_count; c++) {
        const struct core_class_figures *row = &s->heap.by_class[c];
        if (!row->mapped_bytes)
            continue;
        if (!has_family)
            add_family(text, name, &stat);
        has_family = true;
        begin_sample(text, s, name, "", row->slot_bytes);
        hak_text_add(text, "} %.6f\n", fragmentation(row));
    }
}

static bool print_metrics(const struct stats *s) {
    static const char info[] = "hakmem_allocator_info", seconds[] = "hakmem_guard_seconds";
    struct hak_text text = {0};
    char name[64];
    struct ctl_figure stat = {NULL, "", "the allocator of the process, always 1", gauge, 0};
    add_family(&text, info, &stat);
    begin_sample(&text, s, info, "", 0);
    hak_text_add(&text, ",level=\"%s\",version=\"", s->heap.level);
    add_label(&text, s->heap.version);
    hak_text_add(&text, "\"} 1\n");
    for (unsigned n = 0; stat_at(s, n, &stat); n++) {
        snprintf(name, sizeof name, "hakmem_%s", stat.name);
        add_family(&text, name, &stat);
        begin_sample(&text, s, name, stat.type == counter ? "_total" : "", 0);
        hak_text_add(&text, "} %" PRIu64 "\n", stat.value);
    }
    stat = (struct ctl_figure){NULL, "seconds", "level light: time that guarded blocks took",
                               counter, 0};
    add_family(&text, seconds, &stat);
    begin_sample(&text, s, seconds, "_total", 0);
    hak_text_add(&text, "} %.9f\n", (double)s->heap.guard_ns / 1e9);
    for (unsigned n = 0; add_class_metric(&text, s, n); n++)
        continue;
    add_fragmentation(&text, s);
    hak_text_add(&text, "# EOF\n");
    return view_print(&text);
}

/* ---- the word -------------------------------------------------------------------------------- */

/* Prints the figures of the process. Returns the exit status. */
int ctl_show_stats(const struct view *view, struct ctl_target *t) {
    static struct stats stats;
    struct hak_text error = {0};
    if (view->json && view_given(view, "prometheus")) {
        view_error("ctl: --json and --prometheus are two forms");
        return VIEW_USAGE;
    }
    stats = (struct stats){.target = t, .process_resident_bytes = resident_of(t->pid)};
    if (!core_figures_read(t->shown, &stats.heap, &error)) {
        struct hak_text line = {0};
        hak_text_add(&line, "ctl: ");
        hak_text_add_text(&line, &error);
        hak_text_free(&error);
        view_error_text(&line);
        return VIEW_USAGE;
    }
    hak_text_free(&error);
    bool is_printed = view_given(view, "prometheus") ? print_metrics(&stats)
                      : view->json                   ? print_json(view, &stats)
                                                     : print_lines(view, &stats);
    if (!is_printed)
        return VIEW_UNREADABLE;
    if (stats.heap.is_damaged)
        view_error("ctl: process %d: %s", (int)t->pid, damaged);
    return stats.heap.is_damaged ? VIEW_INCOMPLETE : VIEW_OK;
}

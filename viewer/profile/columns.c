/* Numbers of lines, totals and moments, in text and in JSON. */
#include "viewer/profile/columns.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "report/words/words.h"

#define SHARE_WIDTH 8 /* "-100.0 %" */

/* ---- cells -------------------------------------------------------------------------------------
 */

enum { NO_MEASURE = -1 };

/* The measure of a column: the one that is sorted by stands first, then of a moment bytes or
 * blocks, of a span calls, bytes, short-lived, growth. NO_MEASURE: there is no such column. */
static int measure_of(const struct profile_query *q, unsigned column) {
    static const enum profile_measure of_span[] = {PROFILE_CALLS, PROFILE_BYTES,
                                                   PROFILE_SHORT_LIVED, PROFILE_GROWTH};
    enum profile_measure first = q->is_span && q->by == PROFILE_BLOCKS ? PROFILE_CALLS : q->by;
    if (column == 0)
        return (int)first;
    if (!q->is_span && column == 1)
        return first == PROFILE_BYTES ? PROFILE_BLOCKS : PROFILE_BYTES;
    bool has_brief = !view_sampled_rate(q->view) && !q->is_mapped && !q->is_of_pools;
    for (size_t i = 0; i < sizeof of_span / sizeof *of_span && q->is_span; i++)
        if (of_span[i] != first && (has_brief || of_span[i] != PROFILE_SHORT_LIVED) &&
            --column == 0)
            return (int)of_span[i];
    return NO_MEASURE;
}

const char *profile_heading(const struct profile_query *q, unsigned column) {
    int measure = measure_of(q, column);
    return measure == NO_MEASURE       ? NULL
           : measure == PROFILE_GROWTH ? "grown"
                                       : profile_measure_name((enum profile_measure)measure);
}

void profile_add_share(struct hak_text *text, const struct profile_query *q,
                       const struct profile_sums *sums, const struct profile_sums *all) {
    enum profile_measure first = (enum profile_measure)measure_of(q, 0);
    int64_t part = profile_value(q, sums, first), whole = profile_value(q, all, first);
    double percent = whole > 0 ? 100.0 * (double)part / (double)whole : 0;
    char cell[32];
    snprintf(cell, sizeof cell, "%.1f %%", percent);
    if (whole > 0)
        hak_text_add(text, "%*s", SHARE_WIDTH,
                     fabs(percent) < 100000 ? cell
                     : percent < 0          ? "< -1e5 %"
                                            : "> 1e5 %");
}

void profile_add_number(struct hak_text *text, int64_t value, bool is_change) {
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    hak_text_add(text, "%s%s",
                 value < 0            ? "-"
                 : is_change && value ? "+"
                                      : "",
                 hak_words_number(size));
}

void profile_add_column(struct hak_text *text, const struct profile_query *q,
                        const struct profile_sums *sums, unsigned column) {
    int measure = measure_of(q, column);
    if (column && measure == PROFILE_SHORT_LIVED && sums->came.blocks)
        hak_text_add(text, "%.1f %%",
                     100.0 * (double)sums->brief.blocks / (double)sums->came.blocks);
    else if (measure != NO_MEASURE && (!column || measure != PROFILE_SHORT_LIVED))
        profile_add_number(text, profile_value(q, sums, (enum profile_measure)measure),
                           measure == PROFILE_GROWTH);
}

/* ---- words -------------------------------------------------------------------------------------
 */

/* "1,234,567 bytes (1.2 MiB)" */
static void add_bytes(struct hak_text *text, uint64_t bytes) {
    hak_text_add(text, "%s", hak_words_bytes(bytes));
    if (bytes >= 10240)
        hak_text_add(text, " (%s)", hak_words_size(bytes));
}

static const char *count_of(const struct profile_query *q, uint64_t blocks) {
    return q->is_mapped     ? hak_words_count(blocks, "mapping", "mappings")
           : q->is_of_pools ? hak_words_count(blocks, "piece", "pieces")
                            : hak_words_count(blocks, "block", "blocks");
}

/* Adds by how many bytes and blocks all groups together grew or shrank. */
static void add_total_growth(struct hak_text *text, const struct profile_query *q,
                             const struct profile_sums *all) {
    int64_t bytes = profile_growth_bytes(all), blocks = profile_growth_blocks(all);
    uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    hak_text_add(text, "%s by ", bytes < 0 ? "shrunk" : "grown");
    add_bytes(text, size);
    hak_text_add(text, " and %s%s", blocks < 0 ? "-" : "",
                 count_of(q, blocks < 0 ? -(uint64_t)blocks : (uint64_t)blocks));
}

void profile_add_total(struct hak_text *text, const struct profile_query *q,
                       const struct profile_sums *all) {
    if (!q->is_span) {
        hak_text_add(text, "%s of ", count_of(q, all->live.blocks));
        add_bytes(text, all->live.bytes);
        hak_text_add(text, q->is_mapped ? " there" : " live");
        return;
    }
    hak_text_add(text, "%s of ", count_of(q, all->came.blocks));
    add_bytes(text, all->came.bytes);
    hak_text_add(text, q->is_mapped ? " mapped, %s of " : " allocated, %s of ",
                 hak_words_number(all->went.blocks));
    add_bytes(text, all->went.bytes);
    if (q->is_mapped)
        hak_text_add(text, " unmapped, ");
    else if (q->is_of_pools || view_sampled_rate(q->view))
        hak_text_add(text, " freed, ");
    else
        hak_text_add(text, " freed, %s of them short-lived, ", hak_words_number(all->brief.blocks));
    add_total_growth(text, q, all);
}

void profile_add_when(struct hak_text *text, const struct profile_query *q) {
    if (!q->is_span) {
        view_add_moment(text, q->view, &q->at);
        if (q->at.kind == VIEW_AT_PEAK)
            hak_text_add(text, " (%s, event %s)", hak_words_time(q->at.ns),
                         hak_words_number(q->at.event));
        return;
    }
    uint64_t from = profile_time(q, &q->from), to = profile_time(q, &q->at);
    hak_text_add(text, "from %s to %s", hak_words_time(from), hak_words_time(to));
    if (q->growth)
        hak_text_add(text, " (%s)", profile_growth_words(q->growth));
}

const char *profile_growth_words(const struct growth *growth) {
    return growth->has_teardown ? "the second half of the time before the teardown"
                                : "the second half of the time";
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

/* The live blocks as JSON and, for a span, also those that came, went, were short-lived, and the
 * growth. */
json_t *profile_sums_json(const struct profile_query *q, const struct profile_sums *sums) {
    json_t *object = hak_json_object(SUM("live", sums->live));
    if (!q->is_span)
        return object;
    return hak_json_set(object, SUM("allocated", sums->came), SUM("freed", sums->went),
                        SUM("short_lived", sums->brief),
                        NUMBER("grown_blocks", profile_growth_blocks(sums)),
                        NUMBER("grown_bytes", profile_growth_bytes(sums)));
}

/* A moment as JSON: how it was named (event, start, end, peak, mark), its event and time. */
json_t *profile_moment_json(const struct profile_query *q, const struct view_moment *at) {
    static const char *const kinds[] = {[VIEW_AT_EVENT] = "event",
                                        [VIEW_AT_START] = "start",
                                        [VIEW_AT_END] = "end",
                                        [VIEW_AT_PEAK] = "peak"};
    json_t *object = hak_json_object(WORD("kind", at->name[0] ? "mark" : kinds[at->kind]),
                                     KNOWN("event", at->event != 0, at->event),
                                     NUMBER("ns", profile_time(q, at)));
    if (at->name[0])
        hak_json_set(object, TEXT("mark", at->name));
    return object;
}

void profile_set_label(json_t *object, const struct profile_label *label) {
    hak_json_set(object, TEXT("function", label->function), TEXT("file", label->file),
                 KNOWN("line", label->line != 0, label->line), TEXT("module", label->module),
                 KNOWN("module_offset", label->offset != 0, label->offset));
}

void profile_set_query(json_t *document, const struct profile_query *q) {
    hak_json_set(document, WORD("per", profile_key_name(q->per)),
                 WORD("by", profile_measure_name(q->by)));
    if (q->is_span)
        hak_json_set(document, JSON("from", profile_moment_json(q, &q->from)));
    hak_json_set(document, JSON("at", profile_moment_json(q, &q->at)));
}

json_t *profile_memory_json(const struct profile_memory_totals *m, bool has_superslabs) {
    static const char *const names[MEMORY_KINDS] = {[MEMORY_ANONYMOUS] = "anonymous_bytes",
                                                    [MEMORY_FILE] = "file_bytes",
                                                    [MEMORY_SHARED] = "shared_bytes",
                                                    [MEMORY_SWAPPED] = "swapped_bytes",
                                                    [MEMORY_MOST_RESIDENT] = "most_resident_bytes",
                                                    [MEMORY_SUPERSLABS] = "superslab_bytes",
                                                    [MEMORY_QUARANTINE] = "quarantine_slot_bytes",
                                                    [MEMORY_SLACK] = "slack_bytes"};
    json_t *object =
        hak_json_object(KNOWN("kernel_ns", m->kernel_ns != 0, m->kernel_ns),
                        KNOWN("changed_ns", m->kernel_ns != 0, m->changed_ns),
                        KNOWN("quarantine_ns", m->quarantine_ns != 0, m->quarantine_ns),
                        KNOWN("slack_ns", m->slack_ns != 0, m->slack_ns),
                        KNOWN("resident_bytes", m->kernel_ns != 0, profile_resident(m)));
    for (unsigned kind = 0; kind < MEMORY_KINDS; kind++) {
        uint64_t known = kind == MEMORY_SUPERSLABS   ? has_superslabs
                         : kind == MEMORY_QUARANTINE ? m->quarantine_ns
                         : kind == MEMORY_SLACK      ? m->slack_ns
                                                     : m->kernel_ns;
        hak_json_set(object, KNOWN(names[kind], known != 0, m->bytes[kind]));
    }
    return object;
}

/* Tells how much of a capture was checked, in words and in JSON. */
#include "viewer/capture/capture.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"

/* The level of checks that the capture says it was recorded at. */
static enum view_check read_level(struct view *view) {
    char *check = hak_database_meta(hak_store_database(view->reader), "check");
    enum view_check level = hak_store_is_kept(view->reader)         ? VIEW_CHECK_KEPT
                            : check && strcmp(check, "trace") == 0  ? VIEW_CHECK_TRACE
                            : check && strcmp(check, "normal") == 0 ? VIEW_CHECK_NORMAL
                            : check && strcmp(check, "light") == 0  ? VIEW_CHECK_LIGHT
                                                                    : VIEW_CHECK_NONE;
    free(check);
    return level;
}

int view_read_reached(const struct view *view, const char *const *names, uint64_t *reached,
                      int count) {
    struct hak_text list = {0}, sql = {0};
    for (int i = 0; i < count; i++)
        hak_text_add(&list, "%s'%s'", i ? ", " : "", names[i]);
    hak_text_add(&sql, VIEW_REACHED("n.text IN (%s)", "text, sum(most)") " GROUP BY text",
                 hak_text_string(&list));
    struct hak_query q =
        hak_ask(hak_store_database(view->reader), hak_text_string(&sql), "reading its tables");
    memset(reached, 0, (size_t)count * sizeof *reached);
    while (hak_query_next(&q))
        for (int i = 0; i < count; i++)
            if (strcmp(names[i], hak_query_text(&q, 0)) == 0)
                reached[i] = hak_query_number(&q, 1);
    hak_text_free(&list);
    hak_text_free(&sql);
    return hak_query_end(&q);
}

/* Reads how much was guarded, and the calls that handed out a block or took one back, in one
 * question: a capture that is being written goes on between two. Not counted: no snapshot of the
 * counters was taken, as of a program that is not recorded (HAKMEM_TRACE=off). */
static int read_counts(const struct view *view, struct view_checked *out) {
    struct hak_query q = hak_ask(
        hak_store_database(view->reader),
        VIEW_REACHED(
            "n.text GLOB 'served.*' OR n.text GLOB 'given.*' OR n.text GLOB 'GUARD_*'"
            " OR n.text = 'snapshot.since'",
            "text, sum(most), text GLOB 'served.*' OR text GLOB 'given.*'") " GROUP BY text",
        "reading its tables");
    out->coverage = (struct hak_coverage){0};
    out->calls = 0;
    out->is_counted = false;
    while (hak_query_next(&q)) {
        out->is_counted = true;
        hak_coverage_add(&out->coverage, hak_query_text(&q, 0), hak_query_number(&q, 1));
        if (hak_query_number(&q, 2))
            out->calls += hak_query_number(&q, 1);
    }
    return hak_query_end(&q);
}

int view_read_coverage(const struct view *view, struct hak_coverage *out) {
    struct view_checked checked;
    int error = read_counts(view, &checked);
    *out = checked.coverage;
    return error;
}

int view_read_watched(const struct view *view, uint64_t *blocks, uint64_t *calls) {
    struct hak_query q = hak_ask(
        hak_store_database(view->reader),
        "SELECT sum(CASE WHEN key GLOB 'watched_blocks.*' THEN CAST(value AS INTEGER) ELSE 0 END),"
        " sum(CASE WHEN key GLOB 'watched_calls.*' THEN CAST(value AS INTEGER) ELSE 0 END)"
        " FROM meta WHERE key GLOB 'watched_*'",
        "reading its tables");
    *blocks = *calls = 0;
    if (hak_query_next(&q)) {
        *blocks = hak_query_number(&q, 0);
        *calls = hak_query_number(&q, 1);
    }
    return hak_query_end(&q);
}

/* Level light has no counters: its processes say at a report what they have watched by then. */
static int read_counts_of_light(const struct view *view, struct view_checked *out) {
    struct hak_coverage *coverage = &out->coverage;
    int error = view_read_watched(view, &coverage->guarded, &coverage->blocks);
    if (coverage->blocks < coverage->guarded)
        coverage->blocks = coverage->guarded; /* as a damaged store may say */
    out->is_counted = coverage->blocks > 0;
    return error;
}

int view_read_checked(struct view *view, struct view_checked *out) {
    *out = (struct view_checked){.level = read_level(view)};
    int error =
        out->level == VIEW_CHECK_LIGHT ? read_counts_of_light(view, out) : read_counts(view, out);
    out->is_counted |= out->level == VIEW_CHECK_KEPT || out->level == VIEW_CHECK_NONE;
    if (error)
        return error;
    int found = hak_database_numbers(hak_store_database(view->reader),
                                     "SELECT count(*) FROM leak_scan", 0, &out->leak_scans, 1);
    return found < 0 ? found : 0;
}

int view_count_leaks(struct view *view, uint32_t process, uint64_t *count) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT (SELECT count(*) FROM leak_scan WHERE ?1 = 0 OR process = ?1),"
                " (SELECT count(*) FROM leak l WHERE (?1 = 0 OR l.process = ?1)"
                "  AND (" VIEW_LEAK_COUNTS " OR " VIEW_LEAK_IS_REPORTED_ONLY "))",
                "reading leaks", process);
    bool is_scanned = false;
    *count = 0;
    if (hak_query_next(&q)) {
        is_scanned = hak_query_number(&q, 0) > 0;
        *count = hak_query_number(&q, 1);
    }
    return view_end_query(view, &q, true) ? -1 : is_scanned || *count > 0;
}

/* A block ends up to 15 bytes before its closed page, for its alignment. */
static void add_guarded(struct hak_text *text, const struct view_checked *checked) {
    hak_words_add_coverage(text, &checked->coverage, "padding aside");
}

static void add_leaks(struct hak_text *text, const struct view_checked *checked) {
    if (checked->leak_scans == 0)
        hak_text_add(text, ", leaks not looked for%s%s", checked->unscanned ? ": " : " (--leaks)",
                     checked->unscanned ? checked->unscanned : "");
}

void view_add_checked(struct hak_text *text, const struct view_checked *checked) {
    switch (checked->level) {
    case VIEW_CHECK_NORMAL:
        if (checked->is_counted) {
            hak_text_add(text, "writes checked in all %s, reads in ",
                         hak_words_count(checked->calls, "call", "calls"));
            add_guarded(text, checked);
        } else {
            hak_text_add(text, "writes checked in all calls, reads in guarded blocks; how many is "
                               "not recorded");
        }
        add_leaks(text, checked);
        return;
    case VIEW_CHECK_LIGHT:
        hak_text_add(text, "reads and writes checked in ");
        if (checked->is_counted)
            add_guarded(text, checked);
        hak_text_add(text, checked->is_counted ? ", until the last report"
                                               : "watched blocks; how many is not recorded");
        return;
    case VIEW_CHECK_KEPT:
        hak_text_add(text, "nothing checked: the program kept its own allocator");
        return;
    case VIEW_CHECK_TRACE:
        if (checked->is_counted)
            hak_text_add(
                text, "%s checked",
                hak_words_count(checked->calls - checked->coverage.blocks, "free", "frees"));
        else
            hak_text_add(text, "frees checked, how many is not recorded");
        hak_text_add(text, ", no writes and reads (level trace)");
        add_leaks(text, checked);
        return;
    default:
        hak_text_add(text, "nothing checked: the level is not known");
    }
}

json_t *view_checked_json(const struct view_checked *checked) {
    bool writes = checked->level == VIEW_CHECK_NORMAL;
    bool light = checked->level == VIEW_CHECK_LIGHT;
    bool has_calls = !light && checked->is_counted;
    return hak_json_object(
        KNOWN("calls", has_calls, checked->calls),
        KNOWN("blocks", checked->is_counted, checked->coverage.blocks),
        KNOWN("writes_in_calls", !writes || has_calls, writes ? checked->calls : 0),
        KNOWN("reads_in_blocks", checked->is_counted,
              writes || light ? checked->coverage.guarded : 0),
        NUMBER("leak_scans", checked->leak_scans));
}

/* Reads the results of leak scans from the store. */
#include "viewer/leaks/rows.h"

#include <stdlib.h>
#include <string.h>
#include "viewer/capture/capture.h"
#include "base/growing.h"
#include "fault_codes.h"
#include "trace/record.h"

static void copy_text(const struct hak_query *query, int column, char *to, size_t bytes) {
    snprintf(to, bytes, "%s", hak_query_text(query, column));
}

/* Appends a scan. False without memory. */
static bool read_scan(struct leaks_list *list, const struct hak_query *query) {
    if (!hak_growing_make_room(&list->scans, list->scan_count, &list->scan_capacity,
                               sizeof *list->scans))
        return false;
    struct leaks_scan *scan = &list->scans[list->scan_count++];
    *scan = (struct leaks_scan){
        .row = hak_query_id(query, 0),
        .process = hak_query_id(query, 1),
        .ns = hak_query_count(query, 2),
        .live_blocks = hak_query_count(query, 3),
        .live_bytes = hak_query_count(query, 4),
        .lost_blocks = hak_query_count(query, 5),
        .known_blocks = hak_query_count(query, 6),
        .microseconds = hak_query_count(query, 7),
        .is_error = hak_query_count(query, 8) != 0,
    };
    copy_text(query, 9, scan->reason, sizeof scan->reason);
    copy_text(query, 10, scan->notes, sizeof scan->notes);
    return true;
}

/* The kind by its name in the store; every name but direct and indirect is taken as reachable. */
static unsigned kind_of(const char *text) {
    return strcmp(text, "direct") == 0     ? HAK_LEAK_IS_DIRECT
           : strcmp(text, "indirect") == 0 ? HAK_LEAK_IS_INDIRECT
                                           : HAK_LEAK_IS_REACHABLE;
}

/* Appends a leak, new until it is judged. False without memory. */
static bool add_row(struct leaks_list *list, const struct hak_query *query) {
    char kind[16];
    if (!hak_growing_make_room(&list->rows, list->row_count, &list->row_capacity,
                               sizeof *list->rows))
        return false;
    struct leaks_row *row = &list->rows[list->row_count++];
    *row = (struct leaks_row){
        .row = hak_query_id(query, 0),
        .scan = hak_query_id(query, 1),
        .process = hak_query_id(query, 2),
        .stack = hak_query_id(query, 3),
        .ns = hak_query_count(query, 4),
        .count = hak_query_count(query, 5),
        .bytes = hak_query_count(query, 6),
        .oldest_ns = hak_query_count(query, 7),
        .newest_ns = hak_query_count(query, 8),
        .is_finding = hak_query_count(query, 9) != 0,
        .state = FINDING_NEW,
    };
    copy_text(query, 10, kind, sizeof kind);
    copy_text(query, 11, row->layer, sizeof row->layer);
    copy_text(query, 12, row->fingerprint, sizeof row->fingerprint);
    row->kind = kind_of(kind);
    return true;
}

/* Adds the rows that the question finds. Returns a status, said if not 0. */
static int read_rows(struct view *view, struct leaks_list *list, const char *sql, uint32_t process,
                     uint64_t scan, bool (*add)(struct leaks_list *, const struct hak_query *)) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader), sql, "reading leaks", process, scan);
    bool has_memory = true;
    while (has_memory && hak_query_next(&q))
        has_memory = add(list, &q);
    return view_end_query(view, &q, has_memory);
}

/* True of a direct leak that has grown since the baseline was written. */
static bool has_grown(const struct leaks_list *list, const struct hak_baseline_entry *entry,
                      struct leaks_row *row) {
    uint64_t blocks = 0, bytes = 0;
    if (row->kind != HAK_LEAK_IS_DIRECT)
        return false;
    for (size_t i = 0; i < list->row_count; i++)
        if (list->rows[i].kind == HAK_LEAK_IS_DIRECT && list->rows[i].process == row->process &&
            strcmp(list->rows[i].fingerprint, row->fingerprint) == 0) {
            blocks += list->rows[i].count;
            bytes += list->rows[i].bytes;
        }
    if (!hak_baseline_has_grown(entry, blocks, bytes, list->known_by.leak_growth))
        return false;
    row->old_blocks = entry->blocks;
    row->old_bytes = entry->bytes;
    row->all_blocks = blocks;
    row->all_bytes = bytes;
    return true;
}

/* Marks the rows that suppressions or the baseline know, and counts these rows and the reachable
 * blocks. */
static void mark_known(struct view *view, struct leaks_list *list) {
    for (size_t i = 0; i < list->row_count; i++) {
        struct leaks_row *row = &list->rows[i];
        struct hak_frames frames = {0};
        list->reachable += row->kind == HAK_LEAK_IS_REACHABLE ? row->count : 0;
        if (list->known_by.suppressions && row->kind != HAK_LEAK_IS_REACHABLE) {
            hak_frames_load(&frames, view->reader, row->stack);
            if (hak_suppressions_match(list->known_by.suppressions, HAK_FAULT_MEMORY_LEAK,
                                       frames.frame, frames.count))
                row->state = FINDING_SUPPRESSED;
            hak_frames_free(&frames);
        }
        const struct hak_baseline_entry *entry =
            row->state == FINDING_NEW ? hak_baseline_find(list->known_by.baseline, row->fingerprint)
                                      : NULL;
        if (entry && !has_grown(list, entry, row))
            row->state = FINDING_BASELINE;
        list->known += row->state != FINDING_NEW;
    }
}

int leaks_read(struct view *view, struct leaks_list *list) {
    static const char scans[] =
        "SELECT id, process, ns, live_blocks, live_bytes, lost_blocks, known_blocks, microseconds,"
        " is_error, reason, notes FROM leak_scan s WHERE (?1 = 0 OR process = ?1) AND"
        " CASE WHEN ?2 = 0 THEN id = (SELECT max(id) FROM leak_scan n WHERE n.process = s.process)"
        " ELSE id = ?2 END ORDER BY id";
    static const char rows[] =
        "SELECT id, scan, process, stack, ns, count, bytes, oldest_ns, newest_ns, is_finding, kind,"
        " layer, fingerprint FROM leak l WHERE (?1 = 0 OR process = ?1) AND"
        " CASE WHEN ?2 = 0 THEN scan = (SELECT max(id) FROM leak_scan n WHERE n.process ="
        " l.process) ELSE scan = ?2 END"
        " ORDER BY CASE kind WHEN 'direct' THEN 0 WHEN 'indirect' THEN 1 ELSE 2 END, bytes DESC,"
        " id";
    uint32_t process;
    uint64_t scan = 0;
    *list = (struct leaks_list){0};
    if (!view_choose_process(view, &process) || !view_read_number(view, "scan", &scan))
        return view_question_status();
    if (!findings_compare(view, &list->known_by))
        return VIEW_USAGE;
    int error = read_rows(view, list, scans, process, scan, read_scan);
    if (error == 0)
        error = read_rows(view, list, rows, process, scan, add_row);
    if (error == 0)
        mark_known(view, list);
    return error;
}

void leaks_free(struct leaks_list *list) {
    free(list->scans);
    free(list->rows);
    findings_free(&list->known_by);
    *list = (struct leaks_list){0};
}

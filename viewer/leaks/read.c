/* Reads what leak scans left in the store. */
#include "viewer/leaks/rows.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/capture/capture.h"
#include "base/array.h"
#include "trace/record.h"

static int sql_error(struct view *view) {
    view_error("%s: %s", view->store_path, sqlite3_errmsg(hak_store_database(view->reader)));
    return VIEW_UNREADABLE;
}

static bool has_table(struct view *view) {
    sqlite3_stmt *query = NULL;
    bool found = sqlite3_prepare_v2(hak_store_database(view->reader),
                                    "SELECT 1 FROM sqlite_master WHERE name = 'leak_scan'", -1,
                                    &query, NULL) == SQLITE_OK &&
                 sqlite3_step(query) == SQLITE_ROW;
    sqlite3_finalize(query);
    return found;
}

static void copy_text(sqlite3_stmt *query, int column, char *to, size_t bytes) {
    const unsigned char *text = sqlite3_column_text(query, column);
    snprintf(to, bytes, "%s", text ? (const char *)text : "");
}

/* None is below 0 in a store that hakmem wrote. */
static uint64_t number(sqlite3_stmt *query, int column) {
    sqlite3_int64 value = sqlite3_column_int64(query, column);
    return value > 0 ? (uint64_t)value : 0;
}

static bool add_scan(struct leaks_list *list, sqlite3_stmt *query) {
    if (!hak_array_make_room(&list->scans, list->scan_count, &list->scan_capacity,
                             sizeof *list->scans))
        return false;
    struct leaks_scan *scan = &list->scans[list->scan_count++];
    *scan = (struct leaks_scan){
        .row = (uint32_t)number(query, 0),
        .process = (uint32_t)number(query, 1),
        .ns = number(query, 2),
        .live_blocks = number(query, 3),
        .live_bytes = number(query, 4),
        .lost_blocks = number(query, 5),
        .known_blocks = number(query, 6),
        .microseconds = number(query, 7),
        .is_error = number(query, 8) != 0,
    };
    copy_text(query, 9, scan->reason, sizeof scan->reason);
    copy_text(query, 10, scan->notes, sizeof scan->notes);
    return true;
}

static unsigned kind_of(const char *text) {
    return strcmp(text, "direct") == 0     ? HAK_LEAK_IS_DIRECT
           : strcmp(text, "indirect") == 0 ? HAK_LEAK_IS_INDIRECT
                                           : HAK_LEAK_IS_REACHABLE;
}

static bool add_row(struct leaks_list *list, sqlite3_stmt *query) {
    char kind[16];
    if (!hak_array_make_room(&list->rows, list->row_count, &list->row_capacity, sizeof *list->rows))
        return false;
    struct leaks_row *row = &list->rows[list->row_count++];
    *row = (struct leaks_row){
        .row = (uint32_t)number(query, 0),
        .scan = (uint32_t)number(query, 1),
        .process = (uint32_t)number(query, 2),
        .stack = (uint32_t)number(query, 3),
        .ns = number(query, 4),
        .count = number(query, 5),
        .bytes = number(query, 6),
        .oldest_ns = number(query, 7),
        .newest_ns = number(query, 8),
        .is_finding = number(query, 9) != 0,
        .state = FINDING_NEW,
    };
    copy_text(query, 10, kind, sizeof kind);
    copy_text(query, 11, row->layer, sizeof row->layer);
    copy_text(query, 12, row->fingerprint, sizeof row->fingerprint);
    row->kind = kind_of(kind);
    return true;
}

static int read_rows(struct view *view, struct leaks_list *list, const char *sql, uint32_t first,
                     uint64_t second, bool (*add)(struct leaks_list *, sqlite3_stmt *)) {
    sqlite3_stmt *query = NULL;
    int step;
    bool good = true;
    if (sqlite3_prepare_v2(hak_store_database(view->reader), sql, -1, &query, NULL) != SQLITE_OK)
        return sql_error(view);
    sqlite3_bind_int64(query, 1, first);
    sqlite3_bind_int64(query, 2, (sqlite3_int64)second);
    while ((step = sqlite3_step(query)) == SQLITE_ROW && good)
        good = add(list, query);
    sqlite3_finalize(query);
    if (good && step != SQLITE_DONE)
        return sql_error(view);
    if (!good)
        view_error("out of memory");
    return good ? 0 : VIEW_UNREADABLE;
}

/* What baseline or suppressions know. */
static void compare(struct view *view, struct leaks_list *list) {
    for (size_t i = 0; i < list->row_count; i++) {
        struct leaks_row *row = &list->rows[i];
        struct hak_frames frames = {0};
        list->reachable += row->kind == HAK_LEAK_IS_REACHABLE ? row->count : 0;
        if (list->known_by.suppressions && row->kind != HAK_LEAK_IS_REACHABLE) {
            hak_frames_load(&frames, view->reader, row->stack);
            if (hak_suppressions_match(list->known_by.suppressions, 401, frames.frame,
                                       frames.count))
                row->state = FINDING_SUPPRESSED;
            hak_frames_free(&frames);
        }
        if (row->state == FINDING_NEW && list->known_by.baseline &&
            hak_baseline_find(list->known_by.baseline, row->fingerprint))
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
    if (!view_process(view, &process) || !view_number(view, "scan", &scan))
        return VIEW_USAGE;
    if (!findings_compare(view, &list->known_by))
        return VIEW_USAGE;
    if (!has_table(view))
        return 0;
    int error = read_rows(view, list, scans, process, scan, add_scan);
    if (error == 0)
        error = read_rows(view, list, rows, process, scan, add_row);
    if (error == 0)
        compare(view, list);
    return error;
}

void leaks_free(struct leaks_list *list) {
    free(list->scans);
    free(list->rows);
    findings_free(&list->known_by);
    *list = (struct leaks_list){0};
}

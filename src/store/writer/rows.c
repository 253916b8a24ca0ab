/* Writes the plain rows of a store: processes, threads, modules, stacks, symbols, faults, losses.
 */
#include "store/writer/state.h"

#include <stdlib.h>
#include <string.h>

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long statements over two lines */
static const char *const row_sql[HAK_ROW_STATEMENTS] = {
    [HAK_ROW_META] = "INSERT OR REPLACE INTO meta VALUES(?1, ?2)",
    [HAK_ROW_PROCESS] = "INSERT OR REPLACE INTO process VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                        " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    [HAK_ROW_THREAD] = "INSERT OR REPLACE INTO thread VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [HAK_ROW_IMAGE] = "INSERT OR REPLACE INTO image VALUES(?1, ?2, ?3)",
    [HAK_ROW_MAPPING] = "INSERT OR REPLACE INTO mapping VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [HAK_ROW_NODE_MAP] = "INSERT OR REPLACE INTO node_map VALUES(?1, ?2, ?3, ?4)",
    [HAK_ROW_SYMBOL] = "INSERT OR REPLACE INTO symbol VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [HAK_ROW_FAULT] =
        "INSERT OR REPLACE INTO fault VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [HAK_ROW_LOSS] = "INSERT INTO loss VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6)",
    [HAK_ROW_SUPPRESSION] = "INSERT INTO suppression VALUES(?1, ?2, ?3, ?4) ON CONFLICT(path, line)"
                            " DO UPDATE SET used = used + excluded.used",
    [HAK_ROW_LEAK] = "INSERT OR REPLACE INTO leak VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                     " ?11, ?12, ?13, NULL, NULL)",
    [HAK_ROW_LEAK_SCAN] = "INSERT OR REPLACE INTO leak_scan VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
                          " ?9, ?10, ?11, ?12, ?13, ?14)",
    [HAK_ROW_CURSOR] = "INSERT OR REPLACE INTO cursor VALUES(?1, ?2, ?3, ?4)",
    [HAK_ROW_MARK] = "INSERT OR REPLACE INTO mark VALUES(?1, ?2, ?3, ?4)",
    [HAK_ROW_SAMPLE] = "INSERT INTO sample VALUES(NULL, ?1, ?2, ?3, ?4, ?5)",
    [HAK_ROW_CHUNK] = "INSERT INTO chunk VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [HAK_ROW_CHUNK_DATA] = "INSERT INTO chunk_data VALUES(?1, ?2)",
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

sqlite3_stmt *hak_writer_row(struct hak_store_writer *w, enum hak_row_statement which) {
    return hak_database_keep(&w->db, &w->row[which], row_sql[which], "preparing to write");
}

int hak_writer_step(struct hak_store_writer *w, enum hak_row_statement which, const char *doing) {
    return hak_database_run(&w->db, w->row[which], doing);
}

static void bind_number(sqlite3_stmt *s, int at, uint64_t value) {
    sqlite3_bind_int64(s, at, (sqlite3_int64)value);
}
static void bind_text(sqlite3_stmt *s, int at, const char *text) {
    sqlite3_bind_text(s, at, text ? text : "", -1, SQLITE_STATIC);
}

int hak_store_put_meta(struct hak_store_writer *w, const char *key, const char *value) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_META);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_text(s, 1, key);
    bind_text(s, 2, value);
    return hak_writer_step(w, HAK_ROW_META, "storing a named value");
}

int hak_store_put_process(struct hak_store_writer *w, const struct hak_process_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_PROCESS);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->id);
    bind_number(s, 2, row->parent);
    bind_number(s, 3, row->fork_event);
    sqlite3_bind_int(s, 4, row->pid);
    sqlite3_bind_int(s, 5, row->parent_pid);
    bind_number(s, 6, row->session);
    bind_number(s, 7, row->start_time);
    bind_number(s, 8, row->start_ns);
    bind_number(s, 9, row->end_ns);
    sqlite3_bind_int(s, 10, row->end_kind);
    bind_number(s, 11, row->free_of_null);
    bind_number(s, 12, row->failed_calls);
    bind_number(s, 13, row->foreign_frees);
    bind_number(s, 14, row->no_stack);
    bind_number(s, 15, row->lost);
    bind_text(s, 16, row->program);
    bind_text(s, 17, row->command_line);
    sqlite3_bind_int(s, 18, row->exit_status);
    sqlite3_bind_int(s, 19, row->signal);
    bind_text(s, 20, row->note);
    return hak_writer_step(w, HAK_ROW_PROCESS, "storing a process");
}

int hak_store_put_thread(struct hak_store_writer *w, const struct hak_thread_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_THREAD);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->id);
    bind_number(s, 2, row->process);
    bind_number(s, 3, row->number);
    sqlite3_bind_int(s, 4, row->tid);
    bind_number(s, 5, row->start_ns);
    bind_number(s, 6, row->end_ns);
    bind_text(s, 7, row->name);
    bind_number(s, 8, row->creator);
    bind_number(s, 9, row->stack);
    return hak_writer_step(w, HAK_ROW_THREAD, "storing a thread");
}

static int put_image(struct hak_store_writer *w, const struct hak_module_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_IMAGE);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->id);
    bind_text(s, 2, row->path);
    bind_text(s, 3, row->build_id);
    return hak_writer_step(w, HAK_ROW_IMAGE, "storing a module's file");
}

int hak_store_put_module(struct hak_store_writer *w, const struct hak_module_row *row) {
    bool is_first = row->image == 0 || row->image == row->id;
    int error = is_first ? put_image(w, row) : 0;
    sqlite3_stmt *s = error ? NULL : hak_writer_row(w, HAK_ROW_MAPPING);
    if (!s)
        return error ? error : HAK_STORE_INTERNAL;
    bind_number(s, 1, row->id);
    bind_number(s, 2, row->process);
    bind_number(s, 3, row->generation);
    bind_number(s, 4, row->start);
    bind_number(s, 5, row->end);
    bind_number(s, 6, row->load_bias);
    bind_number(s, 7, row->load_event);
    bind_number(s, 8, row->unload_event);
    bind_number(s, 9, is_first ? row->id : row->image);
    return hak_writer_step(w, HAK_ROW_MAPPING, "storing a module");
}

int hak_store_put_frame(struct hak_store_writer *w, const struct hak_frame_row *row) {
    uint32_t function = 0, file = 0;
    int error = hak_names_id(w->names, row->function, &function);
    if (!error)
        error = hak_names_id(w->names, row->file, &file);
    sqlite3_stmt *s = error ? NULL : hak_writer_row(w, HAK_ROW_SYMBOL);
    if (!s)
        return error ? error : HAK_STORE_INTERNAL;
    bind_number(s, 1, row->module);
    bind_number(s, 2, row->offset);
    bind_number(s, 3, row->level);
    bind_number(s, 4, row->line);
    bind_number(s, 5, function);
    bind_number(s, 6, file);
    return hak_writer_step(w, HAK_ROW_SYMBOL, "storing a symbol");
}

int hak_store_put_fault(struct hak_store_writer *w, const struct hak_fault_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_FAULT);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->id);
    bind_number(s, 2, row->code);
    bind_number(s, 3, row->event);
    bind_number(s, 4, row->ns);
    bind_number(s, 5, row->process);
    bind_number(s, 6, row->thread);
    bind_text(s, 7, row->summary);
    bind_text(s, 8, row->report);
    bind_text(s, 9, row->json);
    bind_text(s, 10, row->fingerprint);
    return hak_writer_step(w, HAK_ROW_FAULT, "storing a fault");
}

int hak_store_put_leak(struct hak_store_writer *w, const struct hak_leak_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_LEAK);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->id);
    bind_number(s, 2, row->process);
    bind_number(s, 3, row->scan);
    bind_number(s, 4, row->ns);
    bind_text(s, 5, row->kind);
    bind_number(s, 6, row->stack);
    bind_number(s, 7, row->count);
    bind_number(s, 8, row->bytes);
    bind_number(s, 9, row->oldest_ns);
    bind_number(s, 10, row->newest_ns);
    bind_text(s, 11, row->layer);
    bind_text(s, 12, row->fingerprint);
    bind_number(s, 13, row->is_finding);
    return hak_writer_step(w, HAK_ROW_LEAK, "storing a leak");
}

int hak_store_put_leak_scan(struct hak_store_writer *w, const struct hak_leak_scan_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_LEAK_SCAN);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->id);
    bind_number(s, 2, row->process);
    bind_number(s, 3, row->event);
    bind_number(s, 4, row->ns);
    bind_text(s, 5, row->reason);
    bind_number(s, 6, row->live_blocks);
    bind_number(s, 7, row->live_bytes);
    bind_number(s, 8, row->lost_blocks);
    bind_number(s, 9, row->known_blocks);
    bind_number(s, 10, row->microseconds);
    bind_number(s, 11, row->is_error);
    bind_text(s, 12, row->notes);
    bind_text(s, 13, row->summary);
    bind_text(s, 14, row->report);
    return hak_writer_step(w, HAK_ROW_LEAK_SCAN, "storing a leak scan");
}

void hak_store_leak_marks(struct hak_store_writer *w, uint32_t *next_scan, uint32_t *next_leak) {
    *next_scan = (uint32_t)hak_database_number(&w->db, "SELECT max(id) FROM leak_scan", 0) + 1;
    *next_leak = (uint32_t)hak_database_number(&w->db, "SELECT max(id) FROM leak", 0) + 1;
}

int hak_store_put_loss(struct hak_store_writer *w, const struct hak_loss_row *row) {
    hak_live_note_loss(w->live);
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_LOSS);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->process);
    bind_number(s, 2, row->thread);
    bind_number(s, 3, row->from_ns);
    bind_number(s, 4, row->to_ns);
    bind_number(s, 5, row->count);
    bind_text(s, 6, row->reason);
    return hak_writer_step(w, HAK_ROW_LOSS, "storing a loss");
}

int hak_store_put_suppression(struct hak_store_writer *w, const struct hak_suppression_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_SUPPRESSION);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_text(s, 1, row->path);
    bind_number(s, 2, row->line);
    bind_text(s, 3, row->text);
    bind_number(s, 4, row->used);
    return hak_writer_step(w, HAK_ROW_SUPPRESSION, "storing a suppression");
}

int hak_store_put_cursor(struct hak_store_writer *w, const struct hak_cursor_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_CURSOR);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->session);
    bind_number(s, 2, row->ring);
    bind_number(s, 3, row->position);
    bind_number(s, 4, row->time);
    return hak_writer_step(w, HAK_ROW_CURSOR, "storing how far a ring is read");
}

int hak_store_put_metric(struct hak_store_writer *w, const struct hak_metric_row *row) {
    uint32_t name = 0;
    int error = hak_names_id(w->names, row->name, &name);
    sqlite3_stmt *s = error ? NULL : hak_writer_row(w, HAK_ROW_SAMPLE);
    if (!s)
        return error ? error : HAK_STORE_INTERNAL;
    bind_number(s, 1, row->ns);
    bind_number(s, 2, row->process);
    bind_number(s, 3, name);
    sqlite3_bind_int(s, 4, row->class_index);
    sqlite3_bind_double(s, 5, (double)row->value);
    return hak_writer_step(w, HAK_ROW_SAMPLE, "storing a counter");
}

int hak_store_put_mark(struct hak_store_writer *w, uint64_t event, uint64_t ns, uint32_t process,
                       const char *name) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_MARK);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, event);
    bind_number(s, 2, ns);
    bind_number(s, 3, process);
    bind_text(s, 4, name);
    return hak_writer_step(w, HAK_ROW_MARK, "storing a mark");
}

int hak_store_each_cursor(struct hak_store_writer *w,
                          int (*each)(void *context, const struct hak_cursor_row *row),
                          void *context) {
    struct hak_query q = hak_ask(&w->db, "SELECT session, ring, position, time FROM cursor",
                                 "reading how far rings are stored");
    int told = 0;
    while (!told && hak_query_next(&q)) {
        struct hak_cursor_row row = {
            .session = hak_query_id(&q, 0),
            .ring = hak_query_id(&q, 1),
            .position = hak_query_number(&q, 2),
            .time = hak_query_number(&q, 3),
        };
        told = each(context, &row);
    }
    int error = hak_query_end(&q);
    return told ? told : error;
}

int hak_store_put_node_map(struct hak_store_writer *w, const struct hak_node_map_row *row) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_NODE_MAP);
    if (!s)
        return HAK_STORE_INTERNAL;
    bind_number(s, 1, row->session);
    bind_number(s, 2, row->id);
    bind_number(s, 3, row->ids);
    sqlite3_bind_blob64(s, 4, row->data, row->bytes, SQLITE_STATIC);
    return hak_writer_step(w, HAK_ROW_NODE_MAP, "storing which stacks are known");
}

int hak_store_copy_node_map(struct hak_store_writer *w, uint32_t from, uint32_t to) {
    struct hak_query q = hak_ask(&w->db,
                                 "INSERT OR REPLACE INTO node_map SELECT ?2, id, ids, data FROM"
                                 " node_map WHERE session = ?1",
                                 "copying which stacks are known", from, to);
    hak_query_next(&q);
    return hak_query_end(&q);
}

int hak_store_node_map_end(struct hak_store_writer *w, uint32_t session, uint64_t *end) {
    int found = hak_database_numbers(
        &w->db, "SELECT id + ids FROM node_map WHERE session = ?1 ORDER BY id DESC LIMIT 1",
        session, end, 1);
    return found < 0 ? found : 0;
}

int hak_store_read_node_map(struct hak_store_writer *w, uint32_t session, uint32_t id,
                            int (*take)(void *context, const struct hak_node_map_row *row),
                            void *context) {
    struct hak_query q =
        hak_ask(&w->db, "SELECT ids, data FROM node_map WHERE session = ?1 AND id = ?2",
                "reading which stacks are known", session, id);
    int told = 0;
    if (hak_query_next(&q)) {
        struct hak_node_map_row row = {.session = session,
                                       .id = id,
                                       .ids = hak_query_id(&q, 0),
                                       .data = sqlite3_column_blob(q.statement, 1),
                                       .bytes = (size_t)sqlite3_column_bytes(q.statement, 1)};
        told = take(context, &row);
    }
    int error = hak_query_end(&q);
    return told ? told : error;
}

int hak_store_high_marks(struct hak_store_writer *w, struct hak_store_high_marks *out) {
    static const char sql[] =
        "SELECT (SELECT max(id) FROM process), (SELECT max(id) FROM thread),"
        " (SELECT max(id) FROM mapping), (SELECT max(id + nodes - 1) FROM node_chunk),"
        " (SELECT max(id) FROM fault)";
    uint64_t v[5];
    int found = hak_database_numbers(&w->db, sql, 0, v, 5);
    *out = (struct hak_store_high_marks){(uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2],
                                         (uint32_t)v[3], (uint32_t)v[4]};
    return found < 0 ? found : 0;
}

const char *hak_store_get_meta(struct hak_store_writer *w, const char *key) {
    free(w->meta_value);
    return w->meta_value = hak_database_meta(&w->db, key);
}

/* Writes the plain rows of a store: processes, threads, modules, stacks, symbols, faults, losses.
 */
#include "store/writer/inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(value) HAK_NUMBER(value)
#define T(value) HAK_TEXT(value)

#define SUPPRESSED_KEY 64

int hak_store_put_meta(struct hak_store_writer *w, const char *key, const char *value) {
    return hak_do(&w->db, "INSERT OR REPLACE INTO meta VALUES(?, ?)", "storing a named value",
                  T(key), T(value));
}

static void name_suppressed(char key[SUPPRESSED_KEY], uint64_t event) {
    snprintf(key, SUPPRESSED_KEY, HAK_SUPPRESSED_FAULT "%llu", (unsigned long long)event);
}

int hak_store_put_suppressed(struct hak_store_writer *w, uint64_t event) {
    char key[SUPPRESSED_KEY];
    name_suppressed(key, event);
    return hak_store_put_meta(w, key, "1");
}

bool hak_store_is_suppressed(struct hak_store_writer *w, uint64_t event) {
    char key[SUPPRESSED_KEY];
    name_suppressed(key, event);
    return hak_store_get_meta(w, key) != NULL;
}

int hak_store_put_process(struct hak_store_writer *w, const struct hak_process_row *row) {
    hak_profile_writer_process(w->profile, row->id, row->parent, row->fork_event, row->session,
                               row->end_kind != 0);
    return hak_do(&w->db,
                  "INSERT OR REPLACE INTO process"
                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "storing a process", N(row->id), N(row->parent), N(row->fork_event), N(row->pid),
                  N(row->parent_pid), N(row->session), N(row->start_time), N(row->start_ns),
                  N(row->end_ns), N(row->end_kind), N(row->free_of_null), N(row->failed_calls),
                  N(row->foreign_frees), N(row->no_stack), N(row->lost), T(row->program),
                  T(row->command_line), N(row->exit_status), N(row->signal), T(row->note));
}

int hak_store_put_thread(struct hak_store_writer *w, const struct hak_thread_row *row) {
    hak_profile_writer_thread(w->profile, row->id, row->number);
    return hak_do(&w->db, "INSERT OR REPLACE INTO thread VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "storing a thread", N(row->id), N(row->process), N(row->number), N(row->tid),
                  N(row->start_ns), N(row->end_ns), T(row->name), N(row->creator), N(row->stack));
}

int hak_store_put_module(struct hak_store_writer *w, const struct hak_module_row *row) {
    bool is_first = row->image == 0 || row->image == row->id;
    int error = !is_first
                    ? 0
                    : hak_do(&w->db, "INSERT OR REPLACE INTO image VALUES(?, ?, ?)",
                             "storing a module's file", N(row->id), T(row->path), T(row->build_id));
    return error
               ? error
               : hak_do(&w->db, "INSERT OR REPLACE INTO mapping VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        "storing a module", N(row->id), N(row->process), N(row->generation),
                        N(row->start), N(row->end), N(row->load_bias), N(row->load_event),
                        N(row->unload_event), N(is_first ? row->id : row->image));
}

int hak_store_put_frame(struct hak_store_writer *w, const struct hak_frame_row *row) {
    uint32_t function = 0, file = 0;
    int error = hak_names_id(w->names, row->function, &function);
    if (!error)
        error = hak_names_id(w->names, row->file, &file);
    return error ? error
                 : hak_do(&w->db, "INSERT OR REPLACE INTO symbol VALUES(?, ?, ?, ?, ?, ?)",
                          "storing a symbol", N(row->module), N(row->offset), N(row->level),
                          N(row->line), N(function), N(file));
}

int hak_store_put_fault(struct hak_store_writer *w, const struct hak_fault_row *row) {
    return hak_do(&w->db, "INSERT OR REPLACE INTO fault VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "storing a fault", N(row->id), N(row->code), N(row->event), N(row->ns),
                  N(row->process), N(row->thread), T(row->summary), T(row->report), T(row->json),
                  T(row->fingerprint));
}

int hak_store_put_leak(struct hak_store_writer *w, const struct hak_leak_row *row) {
    return hak_do(&w->db,
                  "INSERT OR REPLACE INTO leak"
                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                  "storing a leak", N(row->id), N(row->process), N(row->scan), N(row->ns),
                  T(row->kind), N(row->stack), N(row->count), N(row->bytes), N(row->oldest_ns),
                  N(row->newest_ns), T(row->layer), T(row->fingerprint), N(row->is_finding));
}

int hak_store_name_leak(struct hak_store_writer *w, uint32_t leak, const char *fingerprint) {
    return hak_do(&w->db, "UPDATE leak SET fingerprint = ? WHERE id = ?", "storing a leak",
                  T(fingerprint), N(leak));
}

int hak_store_put_leak_scan(struct hak_store_writer *w, const struct hak_leak_scan_row *row) {
    return hak_do(&w->db,
                  "INSERT OR REPLACE INTO leak_scan"
                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "storing a leak scan", N(row->id), N(row->process), N(row->event), N(row->ns),
                  T(row->reason), N(row->live_blocks), N(row->live_bytes), N(row->lost_blocks),
                  N(row->known_blocks), N(row->microseconds), N(row->is_error), T(row->notes),
                  T(row->summary), T(row->report));
}

void hak_store_leak_marks(struct hak_store_writer *w, uint32_t *next_scan, uint32_t *next_leak) {
    *next_scan = (uint32_t)hak_database_number(&w->db, "SELECT max(id) FROM leak_scan", 0) + 1;
    *next_leak = (uint32_t)hak_database_number(&w->db, "SELECT max(id) FROM leak", 0) + 1;
}

int hak_store_put_loss(struct hak_store_writer *w, const struct hak_loss_row *row) {
    if (row->is_stop_end)
        return hak_do(&w->db,
                      "UPDATE loss SET to_ns = ? WHERE process = ? AND reason = ? AND to_ns = ?",
                      "storing the end of a stop", N(row->to_ns), N(row->process),
                      T(HAK_LOSS_STOPPED), N(HAK_LOSS_OPEN));
    hak_live_note_loss(w->live);
    return hak_do(&w->db, "INSERT INTO loss VALUES(NULL, ?, ?, ?, ?, ?, ?)", "storing a loss",
                  N(row->process), N(row->thread), N(row->from_ns), N(row->to_ns), N(row->count),
                  T(row->reason));
}

int hak_store_put_suppression(struct hak_store_writer *w, const struct hak_suppression_row *row) {
    return hak_do(&w->db,
                  "INSERT INTO suppression VALUES(?, ?, ?, ?) ON CONFLICT(path, line)"
                  " DO UPDATE SET used = used + excluded.used",
                  "storing a suppression", T(row->path), N(row->line), T(row->text), N(row->used));
}

int hak_store_put_cursor(struct hak_store_writer *w, const struct hak_cursor_row *row) {
    return hak_do(&w->db, "INSERT OR REPLACE INTO cursor VALUES(?, ?, ?, ?)",
                  "storing how far a ring is read", N(row->session), N(row->ring), N(row->position),
                  N(row->time));
}

int hak_store_put_metric(struct hak_store_writer *w, const struct hak_metric_row *row) {
    uint32_t name = 0;
    int error = hak_names_id(w->names, row->name, &name);
    return error ? error
                 : hak_do(&w->db, "INSERT INTO sample VALUES(NULL, ?, ?, ?, ?, ?)",
                          "storing a counter", N(row->ns), N(row->process), N(name),
                          N(row->class_index), N(row->value));
}

int hak_store_put_mark(struct hak_store_writer *w, uint64_t event, uint64_t ns, uint32_t process,
                       const char *name) {
    return hak_do(&w->db, "INSERT OR REPLACE INTO mark VALUES(?, ?, ?, ?)", "storing a mark",
                  N(event), N(ns), N(process), T(name));
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
    return hak_do(&w->db, "INSERT OR REPLACE INTO node_map VALUES(?, ?, ?, ?)",
                  "storing which stacks are known", N(row->session), N(row->id), N(row->ids),
                  HAK_BYTES(row->data, row->bytes));
}

int hak_store_copy_node_map(struct hak_store_writer *w, uint32_t from, uint32_t to) {
    return hak_do(&w->db,
                  "INSERT OR REPLACE INTO node_map SELECT ?2, id, ids, data FROM node_map"
                  " WHERE session = ?1",
                  "copying which stacks are known", N(from), N(to));
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

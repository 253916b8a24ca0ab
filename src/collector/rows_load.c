/* Loads the rows of a store that an earlier worker wrote, so that the next one draws no id twice
 * and knows every node, thread and module again. Reads the tables of docs/specs/store.md. */
#include <sqlite3.h>
#include <stddef.h>
#include "collector/rows.h"

static const char *text(sqlite3_stmt *row, int column) {
    const char *found = (const char *)sqlite3_column_text(row, column);
    return found ? found : "";
}
static uint32_t number(sqlite3_stmt *row, int column) {
    return (uint32_t)sqlite3_column_int64(row, column);
}
static uint64_t wide(sqlite3_stmt *row, int column) {
    return (uint64_t)sqlite3_column_int64(row, column);
}

static bool load_process(struct hak_rows *rows, sqlite3_stmt *row) {
    struct hak_process_row p = {.parent = number(row, 1),
                                .fork_event = wide(row, 2),
                                .pid = sqlite3_column_int(row, 3),
                                .parent_pid = sqlite3_column_int(row, 4),
                                .session = number(row, 5),
                                .start_time = wide(row, 6),
                                .start_ns = wide(row, 7),
                                .end_ns = wide(row, 8),
                                .end_kind = sqlite3_column_int(row, 9),
                                .free_of_null = wide(row, 10),
                                .failed_calls = wide(row, 11),
                                .foreign_frees = wide(row, 12),
                                .no_stack = wide(row, 13),
                                .lost = wide(row, 14),
                                .program = text(row, 15),
                                .command_line = text(row, 16),
                                .exit_status = sqlite3_column_int(row, 17),
                                .signal = sqlite3_column_int(row, 18),
                                .note = text(row, 19)};
    return hak_rows_add_process(rows, &p) == number(row, 0);
}

static bool load_thread(struct hak_rows *rows, sqlite3_stmt *row) {
    uint32_t id = hak_rows_thread(rows, number(row, 1), number(row, 2), sqlite3_column_int(row, 3),
                                  wide(row, 4));
    struct hak_thread_info *t = hak_rows_thread_info(rows, id);
    if (t) {
        t->row.end_ns = wide(row, 5);
        t->row.creator = number(row, 7);
        t->row.stack = number(row, 8);
    }
    return id == number(row, 0) && hak_rows_name_thread(rows, id, text(row, 6));
}

static bool load_module(struct hak_rows *rows, sqlite3_stmt *row) {
    struct hak_module_row m = {.process = number(row, 1),
                               .generation = number(row, 2),
                               .start = wide(row, 3),
                               .end = wide(row, 4),
                               .load_bias = wide(row, 5),
                               .load_event = wide(row, 6),
                               .unload_event = wide(row, 7),
                               .path = text(row, 8),
                               .build_id = text(row, 9)};
    uint32_t id = hak_rows_add_module(rows, &m, 0);
    struct hak_module_info *info = hak_rows_module_info(rows, id);
    if (info)
        info->unloaded = m.unload_event != 0;
    return id == number(row, 0);
}

static int load_table(struct hak_rows *rows, sqlite3 *database, const char *query,
                      bool (*load)(struct hak_rows *, sqlite3_stmt *)) {
    sqlite3_stmt *row;
    if (sqlite3_prepare_v2(database, query, -1, &row, NULL) != SQLITE_OK)
        return HAK_STORE_BROKEN;
    int step;
    bool ok = true;
    while (ok && (step = sqlite3_step(row)) == SQLITE_ROW)
        ok = load(rows, row);
    sqlite3_finalize(row);
    return ok && step == SQLITE_DONE ? 0 : HAK_STORE_BROKEN;
}

int hak_rows_load(struct hak_rows *rows, struct hak_store_writer *writer) {
    sqlite3 *database = hak_store_writer_database(writer);
    int error = load_table(
        rows, database,
        "SELECT id, parent, fork_event, pid, parent_pid, session, start_time, start_ns, end_ns,"
        " end_kind, free_of_null, failed_calls, foreign_frees, no_stack, lost, program,"
        " command_line, exit_status, signal, note FROM process ORDER BY id",
        load_process);
    if (error == 0)
        error = load_table(rows, database,
                           "SELECT id, process, number, tid, start_ns, end_ns, name, creator, stack"
                           " FROM thread"
                           " ORDER BY id",
                           load_thread);
    if (error == 0)
        error = load_table(rows, database,
                           "SELECT id, process, generation, start, \"end\", load_bias, load_event,"
                           " unload_event, path, build_id FROM module ORDER BY id",
                           load_module);
    struct hak_store_high_marks marks = {0};
    if (error == 0)
        error = hak_store_high_marks(writer, &marks);
    rows->writer = writer;
    rows->dirty_put = rows->dirty_count;
    rows->node_count = rows->nodes_put = marks.node;
    hak_rows_committed(rows);
    return error;
}

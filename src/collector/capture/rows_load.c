/* Loads the rows of a store that an earlier worker wrote, so that the next one draws no id twice
 * and knows every node, thread and module again. Reads the tables of docs/specs/store.md. */
#include "collector/capture/rows.h"

/* Makes a process of a stored row. Returns its number, 0 without memory. */
static uint32_t load_process(struct hak_rows *rows, const struct hak_query *row) {
    struct hak_process_row p = {.parent = hak_query_id(row, 1),
                                .fork_event = hak_query_number(row, 2),
                                .pid = (int)hak_query_number(row, 3),
                                .parent_pid = (int)hak_query_number(row, 4),
                                .session = hak_query_id(row, 5),
                                .start_time = hak_query_number(row, 6),
                                .start_ns = hak_query_number(row, 7),
                                .end_ns = hak_query_number(row, 8),
                                .end_kind = (int)hak_query_number(row, 9),
                                .free_of_null = hak_query_number(row, 10),
                                .failed_calls = hak_query_number(row, 11),
                                .foreign_frees = hak_query_number(row, 12),
                                .no_stack = hak_query_number(row, 13),
                                .lost = hak_query_number(row, 14),
                                .program = hak_query_text(row, 15),
                                .command_line = hak_query_text(row, 16),
                                .exit_status = (int)hak_query_number(row, 17),
                                .signal = (int)hak_query_number(row, 18),
                                .note = hak_query_text(row, 19)};
    return hak_rows_add_process(rows, &p);
}

/* Makes a thread of a stored row, with its name. Returns its number, 0 without memory. */
static uint32_t load_thread(struct hak_rows *rows, const struct hak_query *row) {
    uint32_t id = hak_rows_thread(rows, hak_query_id(row, 1), hak_query_id(row, 2),
                                  (int)hak_query_number(row, 3), hak_query_number(row, 4));
    struct hak_thread_info *t = hak_rows_thread_info(rows, id);
    if (t) {
        t->row.end_ns = hak_query_number(row, 5);
        t->row.creator = hak_query_id(row, 7);
        t->row.stack = hak_query_id(row, 8);
    }
    return hak_rows_name_thread(rows, id, hak_query_text(row, 6)) ? id : 0;
}

/* Makes a module of a stored row. Returns its number, 0 without memory or its process. */
static uint32_t load_module(struct hak_rows *rows, const struct hak_query *row) {
    struct hak_module_row m = {.process = hak_query_id(row, 1),
                               .generation = hak_query_id(row, 2),
                               .start = hak_query_number(row, 3),
                               .end = hak_query_number(row, 4),
                               .load_bias = hak_query_number(row, 5),
                               .load_event = hak_query_number(row, 6),
                               .unload_event = hak_query_number(row, 7),
                               .path = hak_query_text(row, 8),
                               .build_id = hak_query_text(row, 9)};
    uint32_t id = hak_rows_add_module(rows, &m, 0);
    struct hak_module_info *info = hak_rows_module_info(rows, id);
    if (info)
        info->unloaded = m.unload_event != 0;
    return id;
}

/* Loads each row of a query. 0, or an error: also where a row gets another number than it has. */
static int load_table(struct hak_rows *rows, const struct hak_database *database, const char *sql,
                      uint32_t (*load)(struct hak_rows *, const struct hak_query *)) {
    struct hak_query q = hak_ask(database, sql, "reading its rows");
    uint32_t due = 0, made = 0;
    while (made == due && hak_query_next(&q)) {
        due = hak_query_id(&q, 0);
        made = load(rows, &q);
    }
    int error = hak_query_end(&q);
    if (made == due)
        return error;
    return rows->out_of_memory
               ? hak_store_no_memory(database->path)
               : hak_store_fail(HAK_STORE_BROKEN,
                                "%s: row %u of its processes, threads or modules does not follow "
                                "the one before; the store is damaged: copy it again from where "
                                "it was made",
                                database->path, due);
}

int hak_rows_load(struct hak_rows *rows, struct hak_store_writer *writer) {
    const struct hak_database *database = hak_store_writer_database(writer);
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
    rows->dirty.put = rows->dirty.count;
    rows->node_count = rows->nodes_put = marks.node;
    hak_rows_committed(rows);
    return error;
}

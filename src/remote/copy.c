/* Sends a store: its rows in parts of a few MiB, each in a transaction of its own together with a
 * line that says that it has come. The same store is cut into the same parts and has the same
 * number each time, so that a push that was cut short goes on where it was, and two at once send
 * nothing twice. Who may only insert can push: nothing is asked of the server. */
#include "remote/copy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "base/checksum.h"
#include "store/error.h"

enum { PART_BYTES = 4 << 20, PART_ROWS = 65536 };

/* COPY's binary form: https://www.postgresql.org/docs/15/sql-copy.html */
static const char copy_head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";

struct part {
    char *data;
    size_t bytes, room;
    uint64_t rows, of_rows; /* bytes of the values alone */
};

struct push {
    struct hak_link link;
    struct hak_remote_tables tables;
    sqlite3 *store;
    const char *path;
    struct part part;
    struct hak_remote_pushed *out;
    void (*told)(void *context, uint64_t bytes);
    void *context;
};

/* ---- a part -----------------------------------------------------------------------------------
 */

static bool add(struct part *p, const void *data, size_t bytes) {
    if (p->room - p->bytes < bytes) {
        size_t room = 2 * p->room + bytes + 4096;
        char *larger = realloc(p->data, room);
        if (!larger)
            return false;
        p->data = larger;
        p->room = room;
    }
    if (bytes)
        memcpy(p->data + p->bytes, data, bytes);
    p->bytes += bytes;
    return true;
}

static bool add_short(struct part *p, unsigned value) {
    return add(p, (unsigned char[]){(unsigned char)(value >> 8), (unsigned char)value}, 2);
}

static bool add_value(struct part *p, const void *data, int bytes) {
    unsigned length = data ? (unsigned)bytes : UINT32_MAX;
    unsigned char head[4] = {(unsigned char)(length >> 24), (unsigned char)(length >> 16),
                             (unsigned char)(length >> 8), (unsigned char)length};
    p->of_rows += data ? (uint64_t)bytes : 0;
    return add(p, head, 4) && add(p, data, data ? (size_t)bytes : 0);
}

static bool add_number(struct part *p, uint64_t value) {
    unsigned char bytes[8];
    hak_link_put(value, bytes);
    return add_value(p, bytes, 8);
}

static bool begin_part(struct part *p) {
    p->bytes = p->rows = p->of_rows = 0;
    return add(p, copy_head, sizeof copy_head);
}

/* 1 added, 0 no memory, -1 a value is not what its column is for. */
static int add_column(struct part *p, sqlite3_stmt *row, int at, enum hak_remote_type type) {
    int kind = sqlite3_column_type(row, at);
    double real = sqlite3_column_double(row, at);
    uint64_t bits;
    if (kind == SQLITE_NULL)
        return add_value(p, NULL, 0);
    switch (type) {
    case HAK_REMOTE_NUMBER:
        return kind != SQLITE_INTEGER ? -1 : add_number(p, (uint64_t)sqlite3_column_int64(row, at));
    case HAK_REMOTE_REAL:
        memcpy(&bits, &real, sizeof bits);
        return kind == SQLITE_TEXT || kind == SQLITE_BLOB ? -1 : add_number(p, bits);
    case HAK_REMOTE_TEXT:
    case HAK_REMOTE_BYTES:
        break;
    }
    const void *data = type == HAK_REMOTE_TEXT ? (const void *)sqlite3_column_text(row, at)
                                               : sqlite3_column_blob(row, at);
    return add_value(p, data ? data : "", sqlite3_column_bytes(row, at));
}

static int add_row(struct push *push, const struct hak_remote_table *t, sqlite3_stmt *row) {
    struct part *p = &push->part;
    bool has_memory = add_short(p, (unsigned)t->columns + 1) && add_number(p, push->out->capture);
    for (int i = 0; i < t->columns && has_memory; i++) {
        int added = add_column(p, row, i, t->column[i].type);
        if (added < 0)
            return hak_store_fail(HAK_STORE_BROKEN,
                                  "%s: table %s, column %s has a value that is none of its kind; "
                                  "the store is damaged: copy it again from where it was made",
                                  push->path, t->name, t->column[i].name);
        has_memory = added;
    }
    p->rows++;
    return has_memory ? 0 : hak_store_no_memory(push->path);
}

/* ---- and away ---------------------------------------------------------------------------------
 */

static int ask(struct push *push, const char *sql, const struct hak_link_value *values, int count,
               const char *doing, bool *is_new) {
    int error;
    PGresult *result = hak_link_ask(&push->link, sql, values, count, doing, &error);
    if (is_new && result)
        *is_new = strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return error;
}

/* The line of the part; `is_new` is false where the server has it. */
static int announce(struct push *push, const char *name, uint64_t number, bool *is_new) {
    static const char sql[] =
        "INSERT INTO hakmem.part(capture, number, name, row_count, byte_count, checksum)"
        " VALUES($1::bigint, $2::bigint, $3::bytea, $4::bigint, $5::bigint, $6::bigint)"
        " ON CONFLICT DO NOTHING";
    const struct part *p = &push->part;
    unsigned char values[5][8];
    hak_link_put(push->out->capture, values[0]);
    hak_link_put(number, values[1]);
    hak_link_put(p->rows, values[2]);
    hak_link_put(p->of_rows, values[3]);
    hak_link_put(hak_crc32c(p->data, p->bytes), values[4]);
    return ask(push, sql,
               (struct hak_link_value[]){{values[0], 8},
                                         {values[1], 8},
                                         {name, (int)strlen(name)},
                                         {values[2], 8},
                                         {values[3], 8},
                                         {values[4], 8}},
               6, "announcing a part", is_new);
}

static int copy(struct push *push, const struct hak_remote_table *t) {
    PGconn *connection = push->link.connection;
    char *sql = NULL;
    size_t length;
    FILE *text = open_memstream(&sql, &length);
    if (!text)
        return hak_store_no_memory(push->path);
    fprintf(text, "COPY hakmem.\"c_%s\"(capture", t->name);
    for (int i = 0; i < t->columns; i++)
        fprintf(text, ", \"%s\"", t->column[i].name);
    fprintf(text, ") FROM STDIN (FORMAT binary)");
    fclose(text);
    PGresult *result = PQexec(connection, sql);
    free(sql);
    bool is_sent = PQresultStatus(result) == PGRES_COPY_IN;
    PQclear(is_sent ? result : NULL);
    if (!is_sent) {
        int error = hak_link_fail(&push->link, result, "sending rows");
        PQclear(result);
        return error;
    }
    is_sent = PQputCopyData(connection, push->part.data, (int)push->part.bytes) == 1 &&
              PQputCopyEnd(connection, NULL) == 1;
    int error = is_sent ? 0 : hak_link_fail(&push->link, NULL, "sending rows");
    while ((result = PQgetResult(connection)) != NULL) {
        if (!error && PQresultStatus(result) != PGRES_COMMAND_OK)
            error = hak_link_fail(&push->link, result, "sending rows");
        PQclear(result);
    }
    return error;
}

static int send_part(struct push *push, const struct hak_remote_table *t) {
    struct hak_remote_pushed *out = push->out;
    bool is_new = false;
    if (!add_short(&push->part, 0xffff)) /* the end of COPY */
        return hak_store_no_memory(push->path);
    int error = hak_link_do(&push->link, "BEGIN", "sending rows");
    if (!error)
        error = announce(push, t->name, out->parts, &is_new);
    if (!error && is_new)
        error = copy(push, t);
    if (!error)
        error = hak_link_do(&push->link, is_new ? "COMMIT" : "ROLLBACK", "sending rows");
    if (error)
        return error;
    out->parts++;
    out->rows += push->part.rows;
    out->bytes += push->part.of_rows;
    out->sent_parts += is_new;
    out->sent_bytes += is_new ? push->part.bytes : 0;
    if (push->told)
        push->told(push->context, out->bytes);
    return 0;
}

/* ---- a store ----------------------------------------------------------------------------------
 */

static sqlite3_stmt *rows_of(struct push *push, const struct hak_remote_table *t) {
    sqlite3_stmt *rows = NULL;
    sqlite3_str *sql = sqlite3_str_new(push->store);
    for (int i = 0; i < t->columns; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "SELECT ", t->column[i].name);
    sqlite3_str_appendf(sql, " FROM \"%w\" ORDER BY ", t->name);
    for (int i = 1; i <= t->keys; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i > 1 ? ", " : "", hak_remote_key(t, i)->name);
    char *text = sqlite3_str_finish(sql);
    if (text)
        (void)sqlite3_prepare_v2(push->store, text, -1, &rows, NULL);
    sqlite3_free(text);
    return rows;
}

static int send_table(struct push *push, const struct hak_remote_table *t) {
    sqlite3_stmt *rows = rows_of(push, t);
    int error = !rows ? hak_store_fail_sqlite(push->store, push->path, "reading its rows")
                : begin_part(&push->part) ? 0
                                          : hak_store_no_memory(push->path);
    int step = SQLITE_DONE;
    while (!error && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        error = add_row(push, t, rows);
        if (error || (push->part.bytes < PART_BYTES && push->part.rows < PART_ROWS))
            continue;
        error = send_part(push, t);
        if (!error && !begin_part(&push->part))
            error = hak_store_no_memory(push->path);
    }
    if (!error && step != SQLITE_DONE)
        error = hak_store_fail_sqlite(push->store, push->path, "reading its rows");
    if (!error && push->part.rows)
        error = send_part(push, t);
    sqlite3_finalize(rows);
    return error;
}

/* The store's number: of what no other has, who ran when, and of how much there is. */
static int find_number(struct push *push) {
    static const char sql[] =
        "SELECT p.pid || ' ' || coalesce(p.start_time, 0) || ' ' || coalesce(p.start_ns, 0) || ' '"
        " || coalesce(p.program, '') || ' ' || coalesce(p.command_line, '') FROM process p"
        " UNION ALL SELECT key || ' ' || value FROM meta"
        " UNION ALL SELECT count(*) || ' ' || coalesce(max(id + events), 0) || ' '"
        " || coalesce(max(max_ns), 0) FROM chunk";
    sqlite3_stmt *rows = NULL;
    struct utsname machine;
    struct part *p = &push->part;
    bool has_memory =
        uname(&machine) == 0 && begin_part(p) && add(p, machine.nodename, strlen(machine.nodename));
    int step = sqlite3_prepare_v2(push->store, sql, -1, &rows, NULL);
    while (has_memory && rows && (step = sqlite3_step(rows)) == SQLITE_ROW)
        has_memory = add(p, sqlite3_column_text(rows, 0), (size_t)sqlite3_column_bytes(rows, 0)) &&
                     add(p, "\n", 1);
    int error = !has_memory           ? hak_store_no_memory(push->path)
                : step != SQLITE_DONE ? hak_store_fail_sqlite(push->store, push->path, "reading it")
                                      : 0;
    sqlite3_finalize(rows);
    uint64_t high = hak_crc32c(p->data, p->bytes);
    if (!error && !add(p, "2", 1))
        error = hak_store_no_memory(push->path);
    push->out->capture = (high << 31 ^ hak_crc32c(p->data, p->bytes)) & INT64_MAX;
    return error;
}

/* The line that says that it comes, or that all of it has. */
static int announce_capture(struct push *push) {
    static const char sql[] = "INSERT INTO hakmem.capture(capture, host, file)"
                              " VALUES($1::bigint, $2::bytea, $3::bytea) ON CONFLICT DO NOTHING";
    const char *slash = strrchr(push->path, '/'), *name = slash ? slash + 1 : push->path;
    struct utsname machine = {0};
    unsigned char id[8];
    (void)uname(&machine);
    hak_link_put(push->out->capture, id);
    return ask(push, sql,
               (struct hak_link_value[]){{id, 8},
                                         {machine.nodename, (int)strlen(machine.nodename)},
                                         {name, (int)strlen(name)}},
               3, "announcing the capture", NULL);
}

static int end_capture(struct push *push) {
    static const char sql[] =
        "INSERT INTO hakmem.capture_end(capture, part_count, row_count, byte_count)"
        " VALUES($1::bigint, $2::bigint, $3::bigint, $4::bigint) ON CONFLICT DO NOTHING";
    const uint64_t numbers[] = {push->out->capture, push->out->parts, push->out->rows,
                                push->out->bytes};
    unsigned char bytes[4][8];
    struct hak_link_value values[4];
    for (int i = 0; i < 4; i++) {
        hak_link_put(numbers[i], bytes[i]);
        values[i] = (struct hak_link_value){bytes[i], 8};
    }
    return ask(push, sql, values, 4, "ending the capture", NULL);
}

static int push_all(struct push *push, const char *url) {
    int error = hak_link_open(&push->link, url);
    if (!error)
        error = hak_remote_tables_read(push->store, &push->tables);
    if (!error)
        error = find_number(push);
    if (!error)
        error = hak_remote_tables_make(&push->link, &push->tables);
    if (!error)
        error = announce_capture(push);
    for (int i = 0; i < push->tables.tables && !error; i++)
        error = send_table(push, &push->tables.table[i]);
    return error ? error : end_capture(push);
}

int hak_remote_push(const char *url, sqlite3 *store, const char *path,
                    void (*told)(void *context, uint64_t bytes), void *context,
                    struct hak_remote_pushed *out, char **why) {
    struct push push = {.store = store, .path = path, .told = told, .context = context, .out = out};
    *out = (struct hak_remote_pushed){0};
    *why = NULL;
    int error = push_all(&push, url);
    if (error)
        *why = strdup(hak_store_message());
    free(push.part.data);
    hak_remote_tables_free(&push.tables);
    hak_link_close(&push.link);
    return error;
}

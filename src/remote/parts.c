/* Reads a store table by table in the order of keys, and puts its rows together as COPY takes them:
 * https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format". */
#include "remote/parts.h"

#include <stdlib.h>
#include <string.h>
#include "store/error.h"

enum { PART_BYTES = 4 << 20, PART_ROWS = 65536 };

static const char copy_head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* with the last 0 */

struct cutting {
    sqlite3 *store;
    const char *path;
    uint64_t capture;
    struct hak_remote_part part;
    hak_remote_part_each each;
    void *context;
};

/* ---- hashes ------------------------------------------------------------------------------------
 *
 * Against accidents, not against attackers: 64 bits of a multiplication and a shift a word. */

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    return hash ^ hash >> 29;
}

/* Mixes length and bytes into the checksum. */
static uint64_t mix_bytes(uint64_t hash, const char *data, size_t bytes) {
    uint64_t word;
    hash = mix(hash, bytes);
    for (; bytes >= sizeof word; data += sizeof word, bytes -= sizeof word) {
        memcpy(&word, data, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    if (bytes)
        memcpy(&word, data, bytes);
    return mix(hash, word);
}

/* ---- rows -------------------------------------------------------------------------------------
 */

/* Appends bytes to the part's data. False without memory. */
static bool add(struct hak_remote_part *p, const void *data, size_t bytes) {
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

static bool add_short(struct hak_remote_part *p, unsigned value) {
    return add(p, (unsigned char[]){(unsigned char)(value >> 8), (unsigned char)value}, 2);
}

/* Appends a value in COPY's binary form; NULL data is NULL. */
static bool add_value(struct hak_remote_part *p, const void *data, int bytes) {
    unsigned length = data ? (unsigned)bytes : UINT32_MAX;
    unsigned char head[4] = {(unsigned char)(length >> 24), (unsigned char)(length >> 16),
                             (unsigned char)(length >> 8), (unsigned char)length};
    p->value_bytes += data ? (uint64_t)bytes : 0;
    return add(p, head, 4) && add(p, data, data ? (size_t)bytes : 0);
}

static bool add_number_value(struct hak_remote_part *p, uint64_t value) {
    unsigned char bytes[8];
    hak_link_put(value, bytes);
    return add_value(p, bytes, 8);
}

/* Adds a value to the part: 1 added, 0 no memory, -1 it is not what its column is for. */
static int add_column(struct hak_remote_part *p, sqlite3_stmt *row, int at,
                      enum hak_remote_type type) {
    int kind = sqlite3_column_type(row, at);
    double real = sqlite3_column_double(row, at);
    uint64_t bits;
    if (kind == SQLITE_NULL)
        return add_value(p, NULL, 0);
    switch (type) {
    case HAK_REMOTE_NUMBER:
        return kind != SQLITE_INTEGER
                   ? -1
                   : add_number_value(p, (uint64_t)sqlite3_column_int64(row, at));
    case HAK_REMOTE_REAL:
        memcpy(&bits, &real, sizeof bits);
        return kind == SQLITE_TEXT || kind == SQLITE_BLOB ? -1 : add_number_value(p, bits);
    case HAK_REMOTE_TEXT:
    case HAK_REMOTE_BYTES:
        break;
    }
    const void *data = type == HAK_REMOTE_TEXT ? (const void *)sqlite3_column_text(row, at)
                                               : sqlite3_column_blob(row, at);
    return add_value(p, data ? data : "", sqlite3_column_bytes(row, at));
}

/* Appends the row in COPY's binary form, and mixes it into the checksums of the part and the
 * capture. An error: a value does not fit its column. */
static int add_row(struct cutting *c, sqlite3_stmt *row) {
    struct hak_remote_part *p = &c->part;
    bool has_memory =
        add_short(p, (unsigned)p->table->columns + 1) && add_number_value(p, c->capture);
    size_t from = p->bytes;
    for (int i = 0; i < p->table->columns && has_memory; i++) {
        int added = add_column(p, row, i, p->table->column[i].type);
        if (added < 0)
            return hak_store_fail(HAK_STORE_BROKEN,
                                  "%s: table %s, column %s has a value that is none of its kind; "
                                  "the store is damaged: copy it again from where it was made",
                                  c->path, p->table->name, p->table->column[i].name);
        has_memory = added;
    }
    if (!has_memory)
        return hak_store_no_memory(c->path);
    p->rows++;
    p->checksum = mix_bytes(p->checksum, p->data + from, p->bytes - from);
    p->so_far = mix_bytes(p->so_far, p->data + from, p->bytes - from);
    return 0;
}

/* ---- parts ------------------------------------------------------------------------------------
 */

/* Empties the part, and begins it with COPY's header. */
static int begin_part(struct cutting *c) {
    struct hak_remote_part *p = &c->part;
    p->bytes = p->rows = p->value_bytes = 0;
    p->room = p->data ? p->room : 0;
    p->checksum = mix_bytes(0, p->table->name, strlen(p->table->name));
    return add(p, copy_head, sizeof copy_head) ? 0 : hak_store_no_memory(c->path);
}

/* Ends the part, hands it to `each`, and begins the next. */
static int end_part(struct cutting *c) {
    if (!add_short(&c->part, 0xffff)) /* the end of COPY */
        return hak_store_no_memory(c->path);
    int error = c->each(c->context, &c->part);
    c->part.number++;
    return error ? error : begin_part(c);
}

/* All rows of the table in the order of its key, which the parts' checksums depend on. NULL: an
 * error. */
static sqlite3_stmt *rows_of(struct cutting *c, const struct hak_remote_table *t) {
    sqlite3_stmt *rows = NULL;
    sqlite3_str *sql = sqlite3_str_new(c->store);
    for (int i = 0; i < t->columns; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "SELECT ", t->column[i].name);
    sqlite3_str_appendf(sql, " FROM \"%w\" ORDER BY ", t->name);
    for (int i = 1; i <= t->keys; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i > 1 ? ", " : "", hak_remote_key(t, i)->name);
    char *text = sqlite3_str_finish(sql);
    if (text)
        sqlite3_prepare_v2(c->store, text, -1, &rows, NULL);
    sqlite3_free(text);
    return rows;
}

/* Cuts a table into parts, each of them ended by the row that reaches PART_BYTES or PART_ROWS, and
 * hands each out. 0, or an error. */
static int cut_table(struct cutting *c, const struct hak_remote_table *t) {
    c->part.table = t;
    c->part.so_far = mix_bytes(c->part.so_far, t->name, strlen(t->name));
    int error = begin_part(c);
    sqlite3_stmt *rows = error ? NULL : rows_of(c, t);
    if (!rows)
        return error ? error : hak_store_fail_sqlite(c->store, c->path, "reading its rows");
    int step = SQLITE_DONE;
    while (!error && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        error = add_row(c, rows);
        if (!error && (c->part.bytes >= PART_BYTES || c->part.rows >= PART_ROWS))
            error = end_part(c);
    }
    if (!error && step != SQLITE_DONE)
        error = hak_store_fail_sqlite(c->store, c->path, "reading its rows");
    if (!error && c->part.rows)
        error = end_part(c);
    sqlite3_finalize(rows);
    return error;
}

int hak_remote_cut(sqlite3 *store, const char *path, const struct hak_remote_tables *tables,
                   uint64_t capture, hak_remote_part_each each, void *context) {
    struct cutting c = {
        .store = store, .path = path, .capture = capture, .each = each, .context = context};
    int error = 0;
    for (int i = 0; i < tables->tables && !error; i++)
        error = cut_table(&c, &tables->table[i]);
    free(c.part.data);
    return error;
}

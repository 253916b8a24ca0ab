/* A capture on the server as an SQLite connection, so that every reader of stores can read it: each
 * table is a virtual one, which asks the server for the rows and columns that are wanted. All of a
 * connection sees one state of the capture. */
#include "remote/reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "remote/kept.h"
#include "remote/schema.h"
#include "store/error.h"

/* Rows of the first answer, without a cursor, at most; at once from then on, of such with blobs. */
enum { FIRST_ROWS = 32, MORE_ROWS = 1024, MORE_BLOBS = 32 };

struct capture {
    struct hak_link link;
    struct hak_remote_tables tables;
    struct hak_remote_kept kept;
};

struct table {
    sqlite3_vtab vtab;
    struct capture *of;
    const struct hak_remote_table *table;
    int at; /* its number */
};

struct cursor {
    sqlite3_vtab_cursor vtab;
    sqlite3_stmt *here; /* the rows of a table that is kept; NULL: as follows */
    bool is_done;       /* no row left of it */
    PGresult *rows;     /* those that are here */
    int row;
    uint64_t before; /* rows of earlier answers */
    char *sql;       /* without an end: for the cursor, when there are more */
    struct hak_link_value value[HAK_REMOTE_COLUMNS * 4];
    unsigned char *bytes[HAK_REMOTE_COLUMNS * 4];    /* of the values */
    sqlite3_value *argument[HAK_REMOTE_COLUMNS * 4]; /* the same as SQLite gave them, in filter */
    int values, first, at_once;       /* rows of the first answer, and of each that follows */
    unsigned number;                  /* of the cursor on the server; 0 = none */
    bool is_last;                     /* no rows behind these */
    int8_t place[HAK_REMOTE_COLUMNS]; /* of a column in an answer; -1 = not asked for */
};

/* ---- the question, as text --------------------------------------------------------------------
 *
 * idxStr is "MASK" of the columns that are used, in hex, then words: "=a" compares column 'a' with
 * the next argument (= > ] < [ as in store/virtual_table.h), "+a" and "-a" order by it, "#a" says
 * that no more rows are wanted than the next argument, "@a" looks for column 'a' in the list that
 * is the next argument. */

static int fail(sqlite3_vtab *vtab, int error) {
    sqlite3_free(vtab->zErrMsg);
    vtab->zErrMsg = sqlite3_mprintf("%s", hak_store_message());
    return error == HAK_STORE_BROKEN ? SQLITE_CORRUPT : SQLITE_ERROR;
}

static char operator_of(unsigned char op) {
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return '=';
    case SQLITE_INDEX_CONSTRAINT_GT:
        return '>';
    case SQLITE_INDEX_CONSTRAINT_GE:
        return ']';
    case SQLITE_INDEX_CONSTRAINT_LT:
        return '<';
    case SQLITE_INDEX_CONSTRAINT_LE:
        return '[';
    case SQLITE_INDEX_CONSTRAINT_LIMIT:
        return '#';
    default:
        return 0;
    }
}

/* The column that a constraint or an order names; the row's id is an integer key. -1: none. */
static int column_of(const struct hak_remote_table *t, int column) {
    if (column >= 0)
        return column;
    for (int i = 0; i < t->columns; i++)
        if (t->keys == 1 && t->column[i].key == 1 && t->column[i].type == HAK_REMOTE_NUMBER)
            return i;
    return -1;
}

static bool orders_by_columns(const struct hak_remote_table *t, const sqlite3_index_info *info) {
    for (int i = 0; i < info->nOrderBy; i++)
        if (column_of(t, info->aOrderBy[i].iColumn) < 0)
            return false;
    return true;
}

/* `keys` has a bit for each column of the key that is given. */
static bool is_whole_key(const struct hak_remote_table *t, unsigned keys) {
    return __builtin_popcount(keys) >= t->keys;
}

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    const struct hak_remote_table *t = ((struct table *)vtab)->table;
    sqlite3_str *plan = sqlite3_str_new(NULL);
    int taken = 0, equal = 0, ranges = 0;
    unsigned keys = 0; /* a bit for each column of the key that is given */
    sqlite3_str_appendf(plan, "%llx", (unsigned long long)info->colUsed);
    for (int i = 0; i < info->nConstraint; i++) {
        char op = operator_of(info->aConstraint[i].op);
        int column = op == '#' ? 0 : column_of(t, info->aConstraint[i].iColumn);
        if (!info->aConstraint[i].usable || !op || column < 0 ||
            taken == HAK_REMOTE_COLUMNS * 4 - 1)
            continue;
        const struct hak_remote_column *c = &t->column[column];
        if (op == '=' && c->type == HAK_REMOTE_NUMBER && sqlite3_vtab_in(info, i, 1))
            op = '@'; /* all of an IN at once */
        if (op == '=' && c->key > 0)
            keys |= 1u << c->key;
        equal += (op == '=' || op == '@') && c->is_indexed;
        ranges += strchr("><][", op) && c->is_indexed;
        sqlite3_str_appendf(plan, " %c%c", op, 'a' + column);
        info->aConstraintUsage[i].argvIndex = ++taken;
    }
    info->orderByConsumed = info->nOrderBy > 0 && orders_by_columns(t, info);
    for (int i = 0; i < info->nOrderBy && info->orderByConsumed; i++)
        sqlite3_str_appendf(plan, " %c%c", info->aOrderBy[i].desc ? '-' : '+',
                            'a' + column_of(t, info->aOrderBy[i].iColumn));
    bool is_one = is_whole_key(t, keys);
    info->idxFlags = is_one ? SQLITE_INDEX_SCAN_UNIQUE : 0;
    info->estimatedRows = is_one ? 1 : equal ? 20 : ranges ? 1000 : 100000;
    info->estimatedCost = 10.0 + (double)info->estimatedRows;
    info->idxStr = sqlite3_str_finish(plan);
    info->needToFreeIdxStr = 1;
    return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- an argument as the server's value ---------------------------------------------------------
 */

/* Takes a value that the server can compare with the column; false: SQLite compares it itself. */
static bool take_value(struct cursor *c, enum hak_remote_type type, sqlite3_value *from) {
    int kind = sqlite3_value_type(from);
    const void *data = NULL;
    unsigned char number[8];
    int bytes = 8;
    if (type == HAK_REMOTE_NUMBER && kind == SQLITE_INTEGER) {
        hak_link_put((uint64_t)sqlite3_value_int64(from), number);
        data = number;
    } else if (type == HAK_REMOTE_TEXT && kind == SQLITE_TEXT) {
        data = sqlite3_value_text(from);
        bytes = sqlite3_value_bytes(from);
    }
    unsigned char *own = data ? malloc((size_t)bytes + 1) : NULL;
    if (!own)
        return false;
    memcpy(own, data, (size_t)bytes);
    c->bytes[c->values] = own;
    c->value[c->values++] = (struct hak_link_value){own, bytes};
    return true;
}

/* The numbers of an IN as the server's array; for SQLite's own as a text, which goes into `sql`.
 * False: no memory. */
static bool take_list(struct cursor *c, sqlite3_value *list, FILE *sql) {
    static const unsigned char head[20] = {[3] = 1, [11] = 20, [19] = 1}; /* 1 dimension of int8 */
    unsigned char *own = malloc(sizeof head);
    size_t bytes = sizeof head;
    uint32_t count = 0;
    sqlite3_value *value;
    if (!own)
        return false;
    int step = sqlite3_vtab_in_first(list, &value);
    for (; step == SQLITE_OK; step = sqlite3_vtab_in_next(list, &value)) {
        if (sqlite3_value_type(value) != SQLITE_INTEGER)
            continue; /* no number is equal to it: SQLite has made those that are whole integers */
        unsigned char *larger = realloc(own, bytes + 12);
        if (!larger)
            break;
        own = larger;
        memcpy(own + bytes, (unsigned char[4]){0, 0, 0, 8}, 4);
        hak_link_put((uint64_t)sqlite3_value_int64(value), own + bytes + 4);
        bytes += 12;
        if (sql)
            fprintf(sql, "%s%lld", count ? ", " : "", sqlite3_value_int64(value));
        count++;
    }
    if (step != SQLITE_DONE) {
        free(own);
        return false;
    }
    memcpy(own, head, sizeof head);
    for (int i = 0; i < 4; i++)
        own[12 + i] = (unsigned char)(count >> (24 - 8 * i));
    c->bytes[c->values] = own;
    c->value[c->values++] = (struct hak_link_value){own, (int)bytes};
    return true;
}

static const char *sign_of(char op) {
    return op == ']' ? ">=" : op == '[' ? "<=" : op == '>' ? ">" : op == '<' ? "<" : "=";
}

static void add_order(FILE *sql, bool is_first, const struct hak_remote_column *c, bool is_down) {
    fprintf(sql, "%s\"%s\"%s%s", is_first ? " ORDER BY " : ", ", c->name, is_down ? " DESC" : "",
            c->key    ? ""
            : is_down ? " NULLS LAST"
                      : " NULLS FIRST");
}

/* Without an order of SQLite's the rows come as they do from the file: by the key, which also ends
 * an order that leaves some open. */
static void add_end_of_order(FILE *sql, const struct hak_remote_table *t, unsigned ordered) {
    for (int i = 1; i <= t->keys; i++) {
        const struct hak_remote_column *c = hak_remote_key(t, i);
        if (!(ordered >> (c - t->column) & 1))
            add_order(sql, i == 1 && !ordered, c, false);
    }
}

/* The columns that are wanted, and of each its place in the answer. */
static void select_columns(FILE *sql, struct cursor *c, const struct hak_remote_table *t,
                           uint64_t used) {
    int asked = 0;
    bool has_blobs = false;
    fprintf(sql, "SELECT ");
    for (int i = 0; i < t->columns; i++) {
        bool is_used = used >> i & 1 || t->column[i].key;
        c->place[i] = (int8_t)(is_used ? asked++ : -1);
        has_blobs |= is_used && t->column[i].type == HAK_REMOTE_BYTES;
        if (is_used)
            fprintf(sql, "%s\"%s\"", asked > 1 ? ", " : "", t->column[i].name);
    }
    c->at_once = has_blobs ? MORE_BLOBS : MORE_ROWS;
}

static bool take_capture(struct cursor *c, uint64_t capture) {
    unsigned char *own = malloc(8);
    if (!own)
        return false;
    hak_link_put(capture, own);
    c->bytes[0] = own;
    c->value[0] = (struct hak_link_value){own, 8};
    c->values = 1;
    return true;
}

/* Makes the question to the server, or, `is_here`, to the kept tables; $1 is the capture. */
static int make_sql(struct cursor *c, const struct table *t, const char *plan,
                    sqlite3_value **arguments, int count, bool is_here) {
    size_t length;
    char *end;
    FILE *sql = take_capture(c, t->of->link.capture) ? open_memstream(&c->sql, &length) : NULL;
    if (!sql)
        return SQLITE_NOMEM;
    unsigned ordered = 0, keys = 0; /* of the columns; of the key's, as in best_index */
    int argument = 0;
    c->first = FIRST_ROWS;
    select_columns(sql, c, t->table, strtoull(plan, &end, 16));
    fprintf(sql,
            is_here ? " FROM \"%s\" WHERE 1"
                    : " FROM hakmem.\"c_%s\" WHERE capture = CAST($1 AS BIGINT)",
            t->table->name);
    for (; *end; end += 3) {
        char op = end[1];
        const struct hak_remote_column *column = &t->table->column[end[2] - 'a'];
        if (op == '#') {
            sqlite3_int64 wanted =
                argument < count ? sqlite3_value_int64(arguments[argument++]) : 0;
            c->first = wanted > 0 && wanted < FIRST_ROWS ? (int)wanted : FIRST_ROWS;
        } else if (op == '@') {
            fprintf(sql, is_here ? " AND \"%s\" IN (" : " AND \"%s\" = ANY(", column->name);
            if (argument >= count || !take_list(c, arguments[argument++], is_here ? sql : NULL)) {
                fclose(sql);
                return SQLITE_NOMEM;
            }
            c->argument[c->values - 1] = NULL;
            if (!is_here)
                fprintf(sql, "CAST($%d AS BIGINT[])", c->values);
            fprintf(sql, ")");
        } else if (op == '+' || op == '-') {
            if (!is_whole_key(t->table, keys))
                add_order(sql, !ordered, column, op == '-');
            ordered |= 1u << (end[2] - 'a');
        } else if (argument < count && take_value(c, column->type, arguments[argument++])) {
            c->argument[c->values - 1] = arguments[argument - 1];
            fprintf(sql, is_here ? " AND \"%s\" %s ?%d" : " AND \"%s\" %s CAST($%d AS %s)",
                    column->name, sign_of(op), c->values,
                    column->type == HAK_REMOTE_NUMBER ? "BIGINT" : "BYTEA");
            if (op == '=' && column->key > 0)
                keys |= 1u << column->key;
        }
    }
    if (!is_whole_key(t->table, keys))
        add_end_of_order(sql, t->table, ordered);
    return fclose(sql) == 0 ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- rows -------------------------------------------------------------------------------------
 */

static struct capture *capture_of(struct cursor *c) {
    return ((struct table *)c->vtab.pVtab)->of;
}

static int fetch_rows(struct cursor *c, int rows, const char *verb) {
    struct capture *of = capture_of(c);
    char sql[96];
    int error;
    snprintf(sql, sizeof sql, "%s %d FROM hakmem_%u", verb, rows, c->number);
    PQclear(c->rows);
    PGresult *result = hak_link_exec_values(&of->link, sql, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    error = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK
                ? 0
                : hak_link_fail(&of->link, result, "reading rows");
    c->rows = result;
    c->row = 0;
    c->is_last = PQntuples(result) < rows;
    return error ? fail(c->vtab.pVtab, error) : SQLITE_OK;
}

/* There are more rows than the first answer has: a cursor goes on behind them. */
static int open_on_server(struct cursor *c) {
    struct capture *of = capture_of(c);
    char *sql = NULL;
    int error;
    c->number = ++of->link.cursors;
    if (asprintf(&sql, "DECLARE hakmem_%u NO SCROLL CURSOR FOR %s", c->number, c->sql) < 0)
        return SQLITE_NOMEM;
    PGresult *result = hak_link_exec_values(&of->link, sql, NULL, c->value, c->values);
    error = PQresultStatus(result) == PGRES_COMMAND_OK
                ? 0
                : hak_link_fail(&of->link, result, "reading rows");
    PQclear(result);
    free(sql);
    if (error)
        return fail(c->vtab.pVtab, error);
    return fetch_rows(c, c->first, "MOVE");
}

static int more(struct cursor *c) {
    c->before += (uint64_t)PQntuples(c->rows);
    int result = c->number ? SQLITE_OK : open_on_server(c);
    return result == SQLITE_OK ? fetch_rows(c, c->at_once, "FETCH") : result;
}

static int fail_here(struct cursor *c) {
    struct capture *of = capture_of(c);
    return fail(c->vtab.pVtab,
                hak_store_fail_sqlite(of->kept.database, of->link.name, "reading it"));
}

static int step_here(struct cursor *c) {
    int step = sqlite3_step(c->here);
    c->is_done = step != SQLITE_ROW;
    return step == SQLITE_ROW || step == SQLITE_DONE ? SQLITE_OK : fail_here(c);
}

/* Of a table that is kept. */
static int open_here(struct cursor *c) {
    sqlite3 *database = capture_of(c)->kept.database;
    if (sqlite3_prepare_v2(database, c->sql, -1, &c->here, NULL) != SQLITE_OK)
        return fail_here(c);
    for (int i = 1; i < c->values; i++)
        if (c->argument[i] && sqlite3_bind_value(c->here, i + 1, c->argument[i]) != SQLITE_OK)
            return fail_here(c);
    return step_here(c);
}

static int next(sqlite3_vtab_cursor *cursor) {
    struct cursor *c = (struct cursor *)cursor;
    c->row++;
    if (c->here)
        return step_here(c);
    return c->row >= PQntuples(c->rows) && !c->is_last ? more(c) : SQLITE_OK;
}

static void forget(struct cursor *c) {
    struct capture *of = capture_of(c);
    if (c->number) {
        char sql[48];
        snprintf(sql, sizeof sql, "CLOSE hakmem_%u", c->number);
        (void)hak_link_do(&of->link, sql, "closing a cursor");
    }
    for (int i = 0; i < c->values; i++)
        free(c->bytes[i]);
    PQclear(c->rows);
    sqlite3_finalize(c->here);
    free(c->sql);
    *c = (struct cursor){.vtab = c->vtab};
}

static bool wants_blobs(const struct hak_remote_table *t, const char *plan) {
    char *end;
    uint64_t used = strtoull(plan, &end, 16);
    for (; *end; end += 3)
        if (end[1] != '#')
            used |= (uint64_t)1 << (end[2] - 'a');
    for (int i = 0; i < t->columns; i++)
        if (t->column[i].type == HAK_REMOTE_BYTES && (used >> i & 1 || t->column[i].key))
            return true;
    return false;
}

static int filter(sqlite3_vtab_cursor *cursor, int number, const char *plan, int count,
                  sqlite3_value **arguments) {
    struct cursor *c = (struct cursor *)cursor;
    struct table *t = (struct table *)cursor->pVtab;
    char *sql = NULL;
    int error;
    (void)number;
    forget(c);
    int is_here = hak_remote_keep_asked(&t->of->kept, &t->of->link, &t->of->tables, t->at,
                                        wants_blobs(t->table, plan));
    if (is_here < 0)
        return fail(&t->vtab, is_here);
    int result = make_sql(c, t, plan, arguments, count, is_here);
    if (result != SQLITE_OK)
        return result;
    if (is_here)
        return open_here(c);
    if (asprintf(&sql, "%s FETCH FIRST %d ROWS ONLY", c->sql, c->first) < 0)
        return SQLITE_NOMEM;
    c->rows = hak_link_ask(&t->of->link, sql, c->value, c->values, "reading rows", &error);
    free(sql);
    if (!c->rows)
        return fail(&t->vtab, error);
    c->is_last = PQntuples(c->rows) < c->first;
    return SQLITE_OK;
}

static int is_at_end(sqlite3_vtab_cursor *cursor) {
    struct cursor *c = (struct cursor *)cursor;
    return c->here ? c->is_done : c->row >= PQntuples(c->rows);
}

static int fail_cell(struct cursor *c) {
    return fail(c->vtab.pVtab, hak_link_fail_cell(&capture_of(c)->link, "reading rows"));
}

/* False: the value is none of the column's kind. */
static bool give(sqlite3_context *out, enum hak_remote_type type, const struct cursor *c,
                 int place) {
    const char *text = NULL;
    size_t bytes;
    uint64_t number;
    double real;
    bool is_whole = true;
    switch (type) {
    case HAK_REMOTE_NUMBER:
        is_whole = hak_link_number(c->rows, c->row, place, &number);
        sqlite3_result_int64(out, (sqlite3_int64)number);
        break;
    case HAK_REMOTE_REAL:
        is_whole = hak_link_real(c->rows, c->row, place, &real);
        sqlite3_result_double(out, real);
        break;
    case HAK_REMOTE_TEXT:
        text = hak_link_text(c->rows, c->row, place, &bytes);
        sqlite3_result_text(out, text, (int)bytes, SQLITE_TRANSIENT);
        return text != NULL;
    case HAK_REMOTE_BYTES:
        text = hak_link_text(c->rows, c->row, place, &bytes);
        sqlite3_result_blob(out, text, (int)bytes, SQLITE_TRANSIENT);
        return text != NULL;
    }
    return is_whole;
}

static int column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int number) {
    struct cursor *c = (struct cursor *)cursor;
    const struct hak_remote_table *t = ((struct table *)cursor->pVtab)->table;
    int place = number < t->columns ? c->place[number] : -1;
    if (c->here && place >= 0)
        sqlite3_result_value(out, sqlite3_column_value(c->here, place));
    else if (place >= 0 && !PQgetisnull(c->rows, c->row, place) &&
             !give(out, t->column[number].type, c, place))
        return fail_cell(c);
    return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out) {
    struct cursor *c = (struct cursor *)cursor;
    const struct hak_remote_table *t = ((struct table *)cursor->pVtab)->table;
    int key = column_of(t, -1);
    uint64_t number = c->before + (uint64_t)c->row;
    if (key >= 0 && c->here)
        number = (uint64_t)sqlite3_column_int64(c->here, c->place[key]);
    else if (key >= 0 && !hak_link_number(c->rows, c->row, c->place[key], &number))
        return fail_cell(c);
    *out = (sqlite3_int64)number;
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    struct cursor *c = calloc(1, sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    (void)vtab;
    *out = &c->vtab;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor) {
    forget((struct cursor *)cursor);
    free(cursor);
    return SQLITE_OK;
}

/* ---- the tables -------------------------------------------------------------------------------
 */

static const char *declared(enum hak_remote_type type) {
    static const char *const names[] = {[HAK_REMOTE_NUMBER] = "INTEGER",
                                        [HAK_REMOTE_REAL] = "REAL",
                                        [HAK_REMOTE_TEXT] = "TEXT",
                                        [HAK_REMOTE_BYTES] = "BLOB"};
    return names[type];
}

static int connect(sqlite3 *database, void *context, int count, const char *const *words,
                   sqlite3_vtab **out, char **message) {
    struct capture *of = context;
    struct table *t = calloc(1, sizeof *t);
    (void)message;
    for (int i = 0; t && i < of->tables.tables; i++)
        if (count > 2 && strcmp(of->tables.table[i].name, words[2]) == 0)
            t->table = &of->tables.table[t->at = i];
    sqlite3_str *sql = sqlite3_str_new(database);
    for (int i = 0; t && t->table && i < t->table->columns; i++)
        sqlite3_str_appendf(sql, "%s\"%w\" %s%s", i ? ", " : "CREATE TABLE x(",
                            t->table->column[i].name, declared(t->table->column[i].type),
                            t->table->column[i].key ? " NOT NULL" : ""); /* min() ends at a row */
    sqlite3_str_appendall(sql, ")");
    char *text = sqlite3_str_finish(sql);
    int result = text && t && t->table ? sqlite3_declare_vtab(database, text) : SQLITE_ERROR;
    sqlite3_free(text);
    if (result != SQLITE_OK) {
        free(t);
        return result;
    }
    sqlite3_vtab_config(database, SQLITE_VTAB_INNOCUOUS); /* the store's own views name it */
    t->of = of;
    *out = &t->vtab;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *vtab) {
    free(vtab);
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 1,
    .xCreate = connect,
    .xConnect = connect,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xBestIndex = best_index,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = is_at_end,
    .xColumn = column,
    .xRowid = row_id,
};

static void end(void *context) {
    struct capture *of = context;
    hak_remote_kept_free(&of->kept);
    hak_link_close(&of->link);
    hak_remote_tables_free(&of->tables);
    free(of);
}

/* ---- a capture --------------------------------------------------------------------------------
 */

static bool run_formatted(sqlite3 *database, const char *format, const char *word) {
    char *sql = sqlite3_mprintf(format, word);
    bool is_done = sql && sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return is_done;
}

/* The views of a store are those of its file. */
static bool add_views(sqlite3 *layout, sqlite3 *database) {
    sqlite3_stmt *views = NULL;
    int step = sqlite3_prepare_v2(
        layout, "SELECT sql FROM sqlite_master WHERE type = 'view' ORDER BY rowid", -1, &views,
        NULL);
    bool is_whole = step == SQLITE_OK;
    while (is_whole && (step = sqlite3_step(views)) == SQLITE_ROW)
        is_whole = run_formatted(database, "%s", (const char *)sqlite3_column_text(views, 0));
    sqlite3_finalize(views);
    return is_whole && step == SQLITE_DONE;
}

static int add_tables(struct capture *of, sqlite3 *layout, sqlite3 *database) {
    bool is_done = true;
    for (int i = 0; i < of->tables.tables && is_done; i++)
        is_done = run_formatted(database, "CREATE VIRTUAL TABLE \"%w\" USING hakmem_remote",
                                of->tables.table[i].name);
    if (is_done && add_views(layout, database))
        return 0;
    return hak_store_fail(HAK_STORE_INTERNAL, "%s: its tables cannot be laid out: %s",
                          of->link.name, sqlite3_errmsg(database));
}

static int judge_capture(const struct hak_link *link, bool is_there, bool is_whole) {
    if (is_there && is_whole)
        return 0;
    return is_there
               ? hak_store_fail(HAK_STORE_BROKEN,
                                "%s: capture %" PRIu64 " has come in parts only; push it again "
                                "from where it was recorded: what is there already is not sent "
                                "twice",
                                link->name, link->capture)
               : hak_store_fail(HAK_STORE_MISSING,
                                "%s: has no capture %" PRIu64
                                "; `hakmem-trace push -s FILE --to URL` sends one",
                                link->name, link->capture);
}

/* There, and all of it? `*bytes` are those of its rows; a small table comes along. */
static int look_for(struct capture *of, uint64_t *bytes) {
    static char begin[] = "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
    static char look[] =
        "SELECT (SELECT count(*) FROM hakmem.capture WHERE capture = CAST($1 AS BIGINT)),"
        " (SELECT byte_count FROM hakmem.capture_end WHERE capture = CAST($1 AS BIGINT))";
    static char sizes[] =
        "SELECT name, CAST(least(greatest(sum(row_count), -1), 9223372036854775807) AS BIGINT),"
        " CAST(least(greatest(sum(byte_count), -1), 9223372036854775807) AS BIGINT) FROM "
        "hakmem.part"
        " WHERE capture = CAST($1 AS BIGINT) GROUP BY name";
    struct hak_link *link = &of->link;
    unsigned char id[8];
    const struct hak_link_value value = {id, 8};
    PGresult *found[4];
    if (!link->capture)
        return hak_store_fail(HAK_STORE_MISSING,
                              "%s: names no capture; expected "
                              "postgresql://HOST/DATABASE?capture=N, as push printed it",
                              link->name);
    hak_link_put(link->capture, id);
    int error =
        hak_link_ask_all(link,
                         (const struct hak_link_question[]){{begin, NULL, 0},
                                                            {look, &value, 1},
                                                            {sizes, &value, 1},
                                                            {hak_remote_schema_versions, NULL, 0}},
                         4, "looking for the capture", found);
    if (error)
        return error;
    uint64_t captures;
    bool has_end = hak_link_number(found[1], 0, 1, bytes);
    error = !hak_link_number(found[1], 0, 0, &captures) || (has_end && *bytes > INT64_MAX)
                ? hak_link_fail_cell(link, "looking for the capture")
                : judge_capture(link, captures > 0, has_end);
    if (!error)
        error = hak_remote_schema_judge(link, found[3]);
    if (!error)
        error = hak_remote_keep_small(&of->kept, link, &of->tables, found[2]);
    for (int i = 0; i < 4; i++)
        PQclear(found[i]);
    return error;
}

static int open_all(struct capture *of, const char *url, sqlite3 *layout,
                    struct hak_remote_capture *out) {
    int error = hak_link_open(&of->link, url);
    if (!error)
        error = hak_remote_tables_read(layout, &of->tables);
    if (!error)
        error = look_for(of, &out->bytes);
    if (!error &&
        asprintf(&out->name, "%s?capture=%" PRIu64, of->link.name, of->link.capture) < 0) {
        out->name = NULL;
        error = hak_store_no_memory(of->link.name);
    }
    if (!error && sqlite3_open_v2(":memory:", &out->connection,
                                  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        error = hak_store_no_memory(out->name);
    return error;
}

int hak_remote_open(const char *url, sqlite3 *layout, struct hak_remote_capture *out, char **why) {
    struct capture *of = calloc(1, sizeof *of);
    *out = (struct hak_remote_capture){0};
    *why = NULL;
    int error = of ? open_all(of, url, layout, out) : hak_store_no_memory("the capture");
    if (error && of)
        end(of);
    else if (!error && sqlite3_create_module_v2(out->connection, "hakmem_remote", &module, of,
                                                end) != SQLITE_OK)
        error = hak_store_no_memory(out->name); /* `of` has ended */
    else if (!error)
        error = add_tables(of, layout, out->connection);
    if (error) {
        *why = strdup(hak_store_message());
        free(out->name);
        sqlite3_close(out->connection);
        *out = (struct hak_remote_capture){0};
    }
    return error;
}

/* The table `node` of stores that keep their stack nodes as blobs: rows by id. */
#include <stdlib.h>
#include "store/stacks/node_reader.h"
#include "store/error.h"
#include "store/virtual_table.h"

enum { ID, PARENT, PROCESS, GENERATION, IP };
enum { PLAN_EQUAL = 1, PLAN_FROM = 2, PLAN_ABOVE = 4, PLAN_TO = 8, PLAN_BELOW = 16 };

struct node_table {
    sqlite3_vtab vtab;
    struct hak_node_reader *reader;
};

struct cursor {
    struct hak_table_cursor head;
    struct hak_node_row row;
    uint32_t last; /* the highest id that may be told */
};

static int node_connect(sqlite3 *database, void *context, int count, const char *const *words,
                        sqlite3_vtab **out, char **message) {
    (void)context;
    (void)count;
    (void)words;
    int result = sqlite3_declare_vtab(
        database, "CREATE TABLE node(id INTEGER PRIMARY KEY, parent INTEGER, process INTEGER,"
                  " generation INTEGER, ip INTEGER)");
    if (result != SQLITE_OK)
        return result;
    sqlite3_vtab_config(database, SQLITE_VTAB_INNOCUOUS); /* the store's own views name it */
    const char *path = sqlite3_db_filename(database, "main");
    struct node_table *t = calloc(1, sizeof *t);
    if (!t)
        return SQLITE_NOMEM;
    /* The name lives as long as the connection. */
    struct hak_database db = {database, (char *)(path && *path ? path : "store"), NULL};
    if (hak_node_reader_make(&db, &t->reader)) {
        *message = sqlite3_mprintf("%s", hak_store_message());
        free(t);
        return SQLITE_ERROR;
    }
    *out = &t->vtab;
    return SQLITE_OK;
}

static int node_disconnect(sqlite3_vtab *vtab) {
    struct node_table *t = (struct node_table *)vtab;
    hak_node_reader_free(t->reader);
    free(t);
    return SQLITE_OK;
}

static int plan_of(unsigned char operator) {
    switch (operator) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return PLAN_EQUAL;
    case SQLITE_INDEX_CONSTRAINT_GE:
        return PLAN_FROM;
    case SQLITE_INDEX_CONSTRAINT_GT:
        return PLAN_ABOVE;
    case SQLITE_INDEX_CONSTRAINT_LE:
        return PLAN_TO;
    case SQLITE_INDEX_CONSTRAINT_LT:
        return PLAN_BELOW;
    default:
        return 0;
    }
}

/* Takes what limits the id, each kind of limit once; SQLite checks ranges again. The arguments come
 * in the order of the bits. */
static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    (void)vtab;
    int place[5] = {-1, -1, -1, -1, -1}, arguments = 0, plan = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        int bit = info->aConstraint[i].iColumn <= ID ? plan_of(info->aConstraint[i].op) : 0;
        if (!bit || !info->aConstraint[i].usable || plan & bit)
            continue;
        plan |= bit;
        place[__builtin_ctz((unsigned)bit)] = i;
    }
    if (plan & PLAN_EQUAL)
        plan = PLAN_EQUAL;
    for (int i = 0; i < 5; i++)
        if (plan >> i & 1)
            info->aConstraintUsage[place[i]].argvIndex = ++arguments;
    info->idxNum = plan;
    info->estimatedCost = plan & PLAN_EQUAL ? 2 : plan ? 100000 : 1000000;
    info->estimatedRows = plan & PLAN_EQUAL ? 1 : plan ? 100000 : 1000000;
    if (plan & PLAN_EQUAL) {
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
        info->aConstraintUsage[place[0]].omit = 1;
    }
    info->orderByConsumed =
        info->nOrderBy == 1 && info->aOrderBy[0].iColumn <= ID && !info->aOrderBy[0].desc;
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    struct cursor *c = calloc(1, sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    (void)vtab;
    *out = &c->head.vtab;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor) {
    free(cursor);
    return SQLITE_OK;
}

static int move_to(struct cursor *c, int64_t id) {
    struct node_table *t = (struct node_table *)c->head.vtab.pVtab;
    int found = id <= (int64_t)c->last
                    ? hak_node_reader_next(t->reader, (uint32_t)(id > 1 ? id : 1), &c->row)
                    : 0;
    c->head.is_at_end = found != 1 || c->row.id > c->last;
    c->head.number = c->row.id;
    return found < 0 ? hak_table_fail(&t->vtab, found) : SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *cursor, int plan, const char *text, int count,
                  sqlite3_value **arguments) {
    struct cursor *c = (struct cursor *)cursor;
    int64_t from = 1, to = UINT32_MAX;
    (void)text;
    (void)count;
    for (int bit = 1, at = 0; bit <= PLAN_BELOW; bit *= 2) {
        if (!(plan & bit))
            continue;
        sqlite3_value *value = arguments[at++];
        int type = sqlite3_value_numeric_type(value);
        int64_t number = sqlite3_value_int64(value);
        bool is_whole = type == SQLITE_INTEGER ||
                        (type == SQLITE_FLOAT && (double)number == sqlite3_value_double(value));
        if (bit == PLAN_EQUAL && !is_whole)
            to = 0; /* nothing equals it */
        if (type != SQLITE_INTEGER && (bit != PLAN_EQUAL || !is_whole))
            continue; /* SQLite compares by itself */
        if (bit <= PLAN_ABOVE && number > from)
            from = number;
        if ((bit == PLAN_EQUAL || bit >= PLAN_TO) && number < to)
            to = number < 0 ? 0 : number;
    }
    c->last = (uint32_t)to;
    return move_to(c, from);
}

static int next(sqlite3_vtab_cursor *cursor) {
    struct cursor *c = (struct cursor *)cursor;
    return move_to(c, (int64_t)c->row.id + 1);
}

static int column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column) {
    const struct hak_node_row *n = &((struct cursor *)cursor)->row;
    const uint64_t values[] = {[ID] = n->id,
                               [PARENT] = n->parent,
                               [PROCESS] = n->process,
                               [GENERATION] = n->generation,
                               [IP] = n->ip};
    sqlite3_result_int64(out, (sqlite3_int64)values[column]);
    return SQLITE_OK;
}

static const sqlite3_module node_module = {HAK_TABLE_METHODS, .xConnect = node_connect,
                                           .xDisconnect = node_disconnect};

/* Module that is registered already must not be replaced: statements may be using its table. */
static bool is_registered(const struct hak_database *db) {
    return hak_database_number(db, "SELECT 1 FROM pragma_module_list WHERE name = 'node'", 0) != 0;
}

int hak_store_add_node_table(const struct hak_database *db) {
    if (is_registered(db) ||
        sqlite3_create_module_v2(db->connection, "node", &node_module, NULL, NULL) == SQLITE_OK)
        return 0;
    return hak_database_fail(db, "adding its table of stacks");
}

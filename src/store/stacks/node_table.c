/* The table `node` of stores that keep their stack nodes as blobs: rows by id. */
#include <stdlib.h>
#include "store/stacks/node_reader.h"
#include "store/error.h"
#include "store/virtual_table.h"

enum { ID, PARENT, PROCESS, GENERATION, IP };

struct node_table {
    sqlite3_vtab vtab;
    struct hak_node_reader *reader;
};

struct node_cursor {
    struct hak_table_cursor head;
    struct hak_node_row row;
    uint32_t last; /* the highest id that may be told */
};

/* xConnect: declares the table of nodes and makes its reader. */
static int connect_nodes(sqlite3 *database, void *context, int count, const char *const *words,
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
    /* The name lives as long as the connection; in memory it is none, or no path. */
    struct hak_database db = {database, (char *)(path && *path == '/' ? path : "store"), NULL};
    if (hak_node_reader_make(&db, &t->reader)) {
        *message = sqlite3_mprintf("%s", hak_store_message());
        free(t);
        return SQLITE_ERROR;
    }
    *out = &t->vtab;
    return SQLITE_OK;
}

/* xDisconnect: frees the table of nodes. */
static int disconnect_nodes(sqlite3_vtab *vtab) {
    struct node_table *t = (struct node_table *)vtab;
    hak_node_reader_free(t->reader);
    free(t);
    return SQLITE_OK;
}

/* xBestIndex: takes limits on the id, and the order by it. */
static int plan_nodes(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned has_id = 0;
    (void)vtab;
    int result = hak_table_take(info, 1u << ID | HAK_TABLE_ROWID, 1u << ID, 1u << ID, &has_id);
    if (result != SQLITE_OK)
        return result;
    info->estimatedCost = has_id ? 2 : info->idxStr[0] ? 100000 : 1000000;
    info->estimatedRows = (sqlite3_int64)info->estimatedCost;
    if (has_id)
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    info->orderByConsumed =
        info->nOrderBy == 1 && info->aOrderBy[0].iColumn <= ID && !info->aOrderBy[0].desc;
    return SQLITE_OK;
}

/* xOpen: makes a cursor. */
static int open_nodes(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    struct node_cursor *c = calloc(1, sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    (void)vtab;
    *out = &c->head.vtab;
    return SQLITE_OK;
}

static int close_nodes(sqlite3_vtab_cursor *cursor) {
    free(cursor);
    return SQLITE_OK;
}

/* Moves to the first node from `id` on, or to the end. SQLITE_OK, or an error of SQLite. */
static int move_to(struct node_cursor *c, uint64_t id) {
    struct node_table *t = (struct node_table *)c->head.vtab.pVtab;
    int found = id <= c->last ? hak_node_reader_next(t->reader, id ? (uint32_t)id : 1, &c->row) : 0;
    c->head.is_at_end = found != 1 || c->row.id > c->last;
    c->head.number = c->row.id;
    return found < 0 ? hak_table_fail(&t->vtab, found) : SQLITE_OK;
}

/* xFilter: begins with the nodes with ids in the limits. */
static int filter_nodes(sqlite3_vtab_cursor *cursor, int number, const char *plan, int count,
                        sqlite3_value **arguments) {
    struct node_cursor *c = (struct node_cursor *)cursor;
    uint64_t from = 0, to = 0, value;
    (void)number;
    c->head.is_at_end = true;
    for (int i = 0; i < count; i++)
        if (!hak_table_number(arguments[i], plan[2 * i + 1], &value) ||
            !hak_table_narrow(plan[2 * i + 1], value, &from, &to))
            return SQLITE_OK;
    c->last = to && to < UINT32_MAX ? (uint32_t)to : UINT32_MAX;
    return move_to(c, from);
}

static int next_node(sqlite3_vtab_cursor *cursor) {
    struct node_cursor *c = (struct node_cursor *)cursor;
    return move_to(c, (uint64_t)c->row.id + 1);
}

/* xColumn: gives a column of the node at hand. */
static int read_node_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int column) {
    const struct hak_node_row *n = &((struct node_cursor *)cursor)->row;
    const uint64_t values[] = {[ID] = n->id,
                               [PARENT] = n->parent,
                               [PROCESS] = n->process,
                               [GENERATION] = n->generation,
                               [IP] = n->ip};
    sqlite3_result_int64(out, (sqlite3_int64)values[column]);
    return SQLITE_OK;
}

static const sqlite3_module node_module = {
    HAK_TABLE_METHODS,       .xConnect = connect_nodes, .xDisconnect = disconnect_nodes,
    .xOpen = open_nodes,     .xClose = close_nodes,     .xBestIndex = plan_nodes,
    .xFilter = filter_nodes, .xNext = next_node,        .xColumn = read_node_column};

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

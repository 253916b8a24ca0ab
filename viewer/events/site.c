/* Finds the stacks that have a text in them: first the nodes whose own frame has it, then all nodes
 * that stand above one of these. */
#include "viewer/events/site.h"

#include <sqlite3.h>
#include <stdlib.h>

static sqlite3_stmt *prepare(struct view *view, const char *sql) {
    sqlite3_stmt *query = NULL;
    if (sqlite3_prepare_v2(hak_store_database(view->reader), sql, -1, &query, NULL) == SQLITE_OK)
        return query;
    view_error("%s: %s", view->store_path, sqlite3_errmsg(hak_store_database(view->reader)));
    sqlite3_finalize(query);
    return NULL;
}

static bool mark_own(struct view *view, const char *site, unsigned char *has, size_t count) {
    sqlite3_stmt *query = prepare(view, "SELECT node FROM node_frame WHERE instr(function, ?1) OR"
                                        " instr(file || ':' || line, ?1) OR instr(module, ?1)");
    if (!query)
        return false;
    sqlite3_bind_text(query, 1, site, -1, SQLITE_STATIC);
    while (sqlite3_step(query) == SQLITE_ROW) {
        sqlite3_int64 node = sqlite3_column_int64(query, 0);
        if (node > 0 && (size_t)node < count)
            has[node] = 1;
    }
    return sqlite3_finalize(query) == SQLITE_OK;
}

/* A stack has what its callers' stack has. Parents nearly always have lower ids, so that one pass
 * is enough; whatever the order, passes go on until nothing changes. */
static bool mark_above(struct view *view, unsigned char *has, size_t count) {
    sqlite3_stmt *query = prepare(view, "SELECT id, parent FROM node ORDER BY id");
    bool changed = true, good = query != NULL;
    while (good && changed) {
        changed = false;
        while (sqlite3_step(query) == SQLITE_ROW) {
            sqlite3_int64 id = sqlite3_column_int64(query, 0);
            sqlite3_int64 parent = sqlite3_column_int64(query, 1);
            if (id <= 0 || (size_t)id >= count || parent <= 0 || (size_t)parent >= count ||
                has[id] || !has[parent])
                continue;
            has[id] = 1;
            changed |= parent > id;
        }
        good = sqlite3_reset(query) == SQLITE_OK;
    }
    sqlite3_finalize(query);
    return good;
}

unsigned char *site_find_stacks(struct view *view, const char *site, size_t *count) {
    sqlite3_stmt *query = prepare(view, "SELECT max(id) FROM node");
    bool good = query && sqlite3_step(query) == SQLITE_ROW;
    *count = good ? (size_t)sqlite3_column_int64(query, 0) + 1 : 0;
    sqlite3_finalize(query);
    unsigned char *has = good ? calloc(*count, 1) : NULL;
    if (good && !has)
        view_error("out of memory");
    if (!has || !mark_own(view, site, has, *count) || !mark_above(view, has, *count)) {
        free(has);
        return NULL;
    }
    return has;
}

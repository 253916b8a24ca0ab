/* Adds the virtual tables event, block, life, live, profile and stack_node to a connection. */
#include "store/sql/sql.h"

#include <stdlib.h>
#include <string.h>
#include "store/reader/inner.h"
#include "store/sql/tables.h"

/* SQLite gives up one of the tables; the last one frees what they share. */
static void let_go(void *context) {
    struct hak_tables *t = context;
    if (--t->uses > 0)
        return;
    for (int i = 0; t->kind_name && i < HAK_TABLE_KINDS; i++)
        free(t->kind_name[i]);
    for (int i = 0; t->place_name && i < HAK_TABLE_PLACES; i++)
        free(t->place_name[i]);
    free(t->kind_name);
    free(t->place_name);
    hak_store_close(t->reader);
    free(t);
}

/* Loads the names whose ids are below `count`; the first one of an id counts. 0, or an error. */
static int load_names(struct hak_tables *t, const char *sql, char **names, int count) {
    struct hak_query q = hak_ask(&t->reader->db, sql, "reading its names");
    while (hak_query_next(&q)) {
        uint64_t id = hak_query_number(&q, 0);
        if (id < (uint64_t)count && hak_query_text(&q, 1)[0] && !names[id])
            names[id] = strdup(hak_query_text(&q, 1));
    }
    return hak_query_end(&q);
}

int hak_store_add_tables(struct sqlite3 *database) {
    static const struct {
        const char *name;
        const sqlite3_module *module;
    } all[] = {{"event", &hak_event_module},     {"block", &hak_block_module},
               {"life", &hak_life_module},       {"live", &hak_live_module},
               {"profile", &hak_profile_module}, {"stack_node", &hak_stack_module}};
    struct hak_tables *t = calloc(1, sizeof *t);
    if (!t)
        return hak_store_fail(HAK_STORE_INTERNAL, "out of memory");
    t->uses = 1; /* this function's own, until all are registered */
    t->kind_name = calloc(HAK_TABLE_KINDS, sizeof *t->kind_name);
    t->place_name = calloc(HAK_TABLE_PLACES, sizeof *t->place_name);
    int error = hak_store_attach(database, &t->reader);
    if (!error && (!t->kind_name || !t->place_name))
        error = hak_store_fail(HAK_STORE_INTERNAL, "out of memory");
    if (!error)
        error = load_names(t, "SELECT id, name FROM kind", t->kind_name, HAK_TABLE_KINDS);
    if (!error)
        error = load_names(t, "SELECT id, text FROM place", t->place_name, HAK_TABLE_PLACES);
    for (size_t i = 0; i < sizeof all / sizeof *all && !error; i++) {
        t->uses++; /* create_module_v2 calls let_go also when it fails */
        if (sqlite3_create_module_v2(database, all[i].name, all[i].module, t, let_go) != SQLITE_OK)
            error = hak_store_fail_sqlite(database, t->reader->db.path, "adding its tables");
    }
    if (!error)
        error = hak_table_add_stack_frame(&t->reader->db);
    if (!error)
        error = hak_table_add_catalogue(&t->reader->db);
    if (t->reader)
        hak_reader_release(t->reader); /* the connection may be closed before a table is read */
    let_go(t);
    return error;
}

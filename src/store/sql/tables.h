/* The log as tables: the parts that the virtual tables event, block, life, live, profile,
 * stack_node, node share. */
#ifndef HAK_STORE_SQL_TABLES_H
#define HAK_STORE_SQL_TABLES_H

#include "store/reader/reader.h"
#include "store/reader/inner.h"
#include "store/virtual_table.h"

/* One reader for the tables of a connection (node has its own); freed with the last of them. */
enum { HAK_TABLE_KINDS = 128, HAK_TABLE_PLACES = 256 };
struct hak_tables {
    struct hak_store_reader *reader;
    int uses, cursors;              /* modules; their open cursors */
    char **kind_name, **place_name; /* NULL = none */
    uint32_t tid_thread;            /* the thread that was asked last, and its tid */
    uint64_t tid;
};

/* A table of one connection. */
struct hak_table {
    sqlite3_vtab vtab;
    struct hak_tables *shared;
};

static inline struct hak_tables *hak_table_shared(const sqlite3_vtab_cursor *cursor) {
    return ((struct hak_table *)cursor->pVtab)->shared;
}
static inline struct hak_store_reader *hak_table_reader(const sqlite3_vtab_cursor *cursor) {
    return hak_table_shared(cursor)->reader;
}

/* Makes, for xOpen, a cursor of `bytes`, all 0. One that reads events is refused where only the
 * profile is kept. */
int hak_table_open(sqlite3_vtab *vtab, size_t bytes, bool reads_events, sqlite3_vtab_cursor **out);
/* Frees, for xClose, a cursor; with the last one the reader comes to rest. */
void hak_table_close(sqlite3_vtab_cursor *vtab);

/* The number of threads with that tid; `out` gets the row id of the first. Negative on error. */
int hak_table_threads(struct hak_store_reader *r, uint64_t tid, uint32_t *out);

const char *hak_table_kind(const struct hak_tables *t, unsigned kind);
const char *hak_table_place(const struct hak_tables *t, unsigned place);
/* The tid in a thread's row, 0 = there is no such row. */
uint64_t hak_table_tid(struct hak_tables *t, uint32_t thread);
/* Gives the bytes of a class's slot to SQLite; NULL where there is no slot. */
void hak_table_slot(struct hak_store_reader *r, unsigned class_index, sqlite3_context *out);
/* Gives the class's words to SQLite: "C3", or "large". */
void hak_table_class(struct hak_store_reader *r, unsigned class_index, sqlite3_context *out);

/* The bases over which the tables block and life go, instead of events: chosen by the constraints
 * of a query. */
struct hak_bases {
    struct hak_store_reader *reader;
    uint64_t *base; /* of this batch, sorted */
    uint32_t count;
    uint64_t next_from;
    bool is_all, is_done;
};
/* Makes the list stand for every base of the store. 0, or an error without memory. */
int hak_bases_all(struct hak_bases *bases, struct hak_store_reader *r);
/* Lists the bases of the events that pass; every one when they are too many to list. 0, or an
 * error. */
int hak_bases_of(struct hak_bases *bases, struct hak_store_reader *r,
                 const struct hak_filter *filter);
/* Adds one base, where hak_bases_all was not called; too many to list become every base. 0, or an
 * error. */
int hak_bases_add(struct hak_bases *bases, struct hak_store_reader *r, uint64_t base);
/* Limits for a scan of the next batch: 1, 0 at the end, or an error. Their pointers hold until the
 * next call. */
int hak_bases_next(struct hak_bases *bases, struct hak_scan_limits *limits);
void hak_bases_free(struct hak_bases *bases);

/* Declares a virtual table for a connection and makes it, with what all tables share. SQLITE_OK, or
 * an error of SQLite. */
int hak_table_connect(sqlite3 *database, void *shared, const char *declaration, sqlite3_vtab **out);
int hak_table_disconnect(sqlite3_vtab *vtab);

/* The module of a table that is a struct hak_table: its file has TABLE_declaration and struct
 * TABLE_cursor, and names its other methods: .xBestIndex, .xClose, .xFilter, .xNext, .xColumn. */
#define HAK_TABLE_MODULE(module, table, reads_events, ...)                                         \
    static int connect_##table(sqlite3 *database, void *shared, int argc, const char *const *argv, \
                               sqlite3_vtab **out, char **message) {                               \
        (void)argc, (void)argv, (void)message;                                                     \
        return hak_table_connect(database, shared, table##_declaration, out);                      \
    }                                                                                              \
    static int open_##table(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {                       \
        return hak_table_open(vtab, sizeof(struct table##_cursor), reads_events, out);             \
    }                                                                                              \
    const sqlite3_module module = {HAK_TABLE_METHODS,                                              \
                                   .xConnect = connect_##table,                                    \
                                   .xDisconnect = hak_table_disconnect,                            \
                                   .xDestroy = hak_table_disconnect,                               \
                                   .xOpen = open_##table,                                          \
                                   __VA_ARGS__}

extern const sqlite3_module hak_event_module, hak_block_module, hak_life_module, hak_live_module,
    hak_profile_module, hak_stack_module;

/* Makes the view table_column of this connection. 0 or an error. (sql/catalogue.c) */
int hak_table_add_catalogue(const struct hak_database *db);
/* Makes the view stack_frame of this connection one over stack_node. 0 or an error. */
int hak_table_add_stack_frame(const struct hak_database *db);

#endif

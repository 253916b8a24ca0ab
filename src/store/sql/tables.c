/* Code that the virtual tables share: connecting, disconnecting, and common columns. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include "store/reader/inner.h"
#include "superslab.h"

int hak_table_connect(sqlite3 *database, void *shared, const char *declaration,
                      sqlite3_vtab **out) {
    int result = sqlite3_declare_vtab(database, declaration);
    struct hak_table *table = result == SQLITE_OK ? calloc(1, sizeof *table) : NULL;
    if (!table)
        return result == SQLITE_OK ? SQLITE_NOMEM : result;
    table->shared = shared;
    *out = &table->vtab;
    return SQLITE_OK;
}

int hak_table_disconnect(sqlite3_vtab *vtab) {
    free(vtab);
    return SQLITE_OK;
}

int hak_table_open(sqlite3_vtab *vtab, size_t bytes, bool reads_events, sqlite3_vtab_cursor **out) {
    const struct hak_store_reader *reader = ((struct hak_table *)vtab)->shared->reader;
    if (reads_events && hak_store_is_profile_only(reader))
        return hak_table_fail(vtab, hak_reader_refuse_events(reader));
    struct hak_table_cursor *c = calloc(1, bytes);
    if (!c)
        return SQLITE_NOMEM;
    ((struct hak_table *)vtab)->shared->cursors++;
    *out = &c->vtab;
    return SQLITE_OK;
}

void hak_table_close(sqlite3_vtab_cursor *vtab) {
    struct hak_tables *t = ((struct hak_table *)vtab->pVtab)->shared;
    if (--t->cursors == 0)
        hak_reader_release(t->reader);
    free(vtab);
}

int hak_table_threads(struct hak_store_reader *r, uint64_t tid, uint32_t *out) {
    uint64_t values[2];
    int found = hak_database_numbers(&r->db,
                                     "SELECT count(*), coalesce(min(id), 0) FROM thread"
                                     " WHERE tid = ?1",
                                     tid, values, 2);
    *out = (uint32_t)values[1];
    return found < 0 ? found : (int)values[0];
}

uint64_t hak_table_tid(struct hak_tables *t, uint32_t thread) {
    if (t->tid_thread != thread)
        t->tid =
            hak_database_number(&t->reader->db, "SELECT tid FROM thread WHERE id = ?1", thread);
    t->tid_thread = thread;
    return t->tid;
}

void hak_table_slot(struct hak_store_reader *r, unsigned class_index, sqlite3_context *out) {
    uint64_t slot;
    if (hak_store_class(r, class_index, &slot, NULL))
        sqlite3_result_int64(out, (sqlite3_int64)slot);
}

const char *hak_table_kind(const struct hak_tables *t, unsigned kind) {
    return kind < HAK_TABLE_KINDS && t->kind_name[kind] ? t->kind_name[kind] : "?";
}

const char *hak_table_place(const struct hak_tables *t, unsigned place) {
    return place < HAK_TABLE_PLACES && t->place_name[place] ? t->place_name[place] : "?";
}

void hak_table_class(struct hak_store_reader *r, unsigned class_index, sqlite3_context *out) {
    unsigned band;
    char text[16];
    if (class_index == HAK_CLASS_NONE && !hak_store_is_kept(r))
        sqlite3_result_text(out, "large", -1, SQLITE_STATIC);
    else if (hak_store_class(r, class_index, NULL, &band))
        sqlite3_result_text(out, sqlite3_snprintf(sizeof text, text, "C%u", band), -1,
                            SQLITE_TRANSIENT);
}

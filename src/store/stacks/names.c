/* Finds the ids of texts by a hash; the table `name` has the texts themselves. */
#include "store/stacks/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/index.h"
#include "store/writer/state.h"

struct hak_store_names {
    struct hak_index index;
    uint32_t last;  /* id drawn last */
    bool is_loaded; /* what the database has is in the index */
};

static int load(struct hak_store_writer *w, struct hak_store_names *n) {
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(w->database, "SELECT id, text FROM name ORDER BY id", -1, &rows, NULL) !=
        SQLITE_OK)
        return hak_store_fail_sqlite(w->database, w->path, "reading its names");
    int result, error = 0;
    while (!error && (result = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(rows, 1);
        n->last = (uint32_t)sqlite3_column_int64(rows, 0);
        if (text && !hak_index_add(&n->index, hak_index_hash(text, strlen(text)), n->last))
            error = hak_store_no_memory(w->path);
    }
    if (!error && result != SQLITE_DONE)
        error = hak_store_fail_sqlite(w->database, w->path, "reading its names");
    sqlite3_finalize(rows);
    n->is_loaded = !error;
    return error;
}

/* True when the name `id` is `text`. */
static bool is_text(struct hak_store_writer *w, uint32_t id, const char *text) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_NAME_TEXT);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, id);
    const char *found = NULL;
    if (sqlite3_step(s) == SQLITE_ROW)
        found = (const char *)sqlite3_column_text(s, 0);
    bool is = found && strcmp(found, text) == 0;
    sqlite3_reset(s);
    return is;
}

static int add(struct hak_store_writer *w, struct hak_store_names *n, const char *text,
               uint64_t hash) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_NAME);
    if (!s)
        return HAK_STORE_INTERNAL;
    if (!hak_index_add(&n->index, hash, n->last + 1))
        return hak_store_no_memory(w->path);
    sqlite3_bind_int64(s, 1, ++n->last);
    sqlite3_bind_text(s, 2, text, -1, SQLITE_STATIC);
    return hak_writer_step(w, HAK_ROW_NAME, "storing a name");
}

int hak_store_name(struct hak_store_writer *w, const char *text, uint32_t *out) {
    *out = 0;
    if (!text || !*text)
        return 0;
    if (!w->names && !(w->names = calloc(1, sizeof *w->names)))
        return hak_store_no_memory(w->path);
    struct hak_store_names *n = w->names;
    int error = n->is_loaded ? 0 : load(w, n);
    if (error)
        return error;
    uint64_t hash = hak_index_hash(text, strlen(text)), place = 0;
    uint32_t id;
    while ((id = hak_index_find(&n->index, hash, &place)) != 0 && !is_text(w, id, text))
        continue;
    if (!id) {
        error = add(w, n, text, hash);
        id = n->last;
    }
    *out = id;
    return error;
}

void hak_store_names_rolled_back(struct hak_store_writer *w) {
    if (!w->names)
        return;
    hak_index_free(&w->names->index);
    w->names->last = 0;
    w->names->is_loaded = false;
}

void hak_store_names_free(struct hak_store_names *n) {
    if (!n)
        return;
    hak_index_free(&n->index);
    free(n);
}

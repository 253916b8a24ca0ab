/* Asks for chunks before a walk comes to them. */
#include "store/reader/ahead.h"

#include <stdlib.h>
#include <string.h>
#include "store/error.h"

/* The chunk among those asked for that has no data yet; NULL: none. */
static struct hak_ahead_chunk *find_asked_chunk(struct hak_ahead *a, uint64_t id) {
    for (unsigned i = 0; i < a->count; i++)
        if (a->chunk[i].id == id && !a->chunk[i].data)
            return &a->chunk[i];
    return NULL;
}

/* Reads the chosen chunks in one question. One that is missing, or empty, is asked for alone and
 * judged then. 0, or an error. */
static int read_chunks_ahead(struct hak_ahead *a, const struct hak_database *db) {
    static const char sql[] =
        "SELECT chunk, data FROM chunk_data WHERE chunk IN"
        " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    _Static_assert(HAK_AHEAD_MAX == 16, "they are listed above");
    uint64_t id[1 + HAK_AHEAD_MAX] = {0}; /* from 1, as hak_ask_with has it */
    for (unsigned i = 0; i < a->count; i++)
        id[1 + i] = a->chunk[i].id;
    bool has_memory = true;
    struct hak_query q = hak_ask_with(db, sql, "reading chunks", id, HAK_AHEAD_MAX);
    while (has_memory && hak_query_next(&q)) {
        struct hak_ahead_chunk *chunk = find_asked_chunk(a, hak_query_number(&q, 0));
        size_t bytes = (size_t)sqlite3_column_bytes(q.statement, 1);
        if (!chunk || !bytes)
            continue;
        chunk->data = malloc(bytes);
        chunk->bytes = bytes;
        has_memory = chunk->data != NULL;
        if (has_memory)
            memcpy(chunk->data, sqlite3_column_blob(q.statement, 1), bytes);
    }
    int error = hak_query_end(&q);
    return error ? error : has_memory ? 0 : hak_store_no_memory(db->path);
}

/* Chooses the next chunks, each time twice as many, and reads them in one question if there are
 * several. 0, or an error. */
static int fill(struct hak_ahead *a, struct hak_chunk_choice *choice, const struct hak_database *db,
                bool several) {
    a->wish = !several || !a->wish ? 1 : a->wish < HAK_AHEAD_MAX ? 2 * a->wish : HAK_AHEAD_MAX;
    a->first = a->count = 0;
    while (a->count < a->wish && !a->has_all) {
        struct hak_ahead_chunk *chunk = &a->chunk[a->count];
        *chunk = (struct hak_ahead_chunk){0};
        int got = hak_chunks_next(choice, &chunk->id, &chunk->events);
        if (got < 0)
            return got;
        a->has_all = got == 0;
        a->count += got > 0;
    }
    return a->count > 1 ? read_chunks_ahead(a, db) : 0;
}

int hak_ahead_next(struct hak_ahead *a, struct hak_chunk_choice *choice,
                   const struct hak_database *db, bool several, struct hak_ahead_chunk *out) {
    int error = a->first < a->count || a->has_all ? 0 : fill(a, choice, db, several);
    if (error)
        return error;
    if (a->first == a->count)
        return 0;
    *out = a->chunk[a->first];
    a->chunk[a->first++].data = NULL;
    return 1;
}

void hak_ahead_clear(struct hak_ahead *a) {
    for (unsigned i = a->first; i < a->count; i++)
        free(a->chunk[i].data);
    *a = (struct hak_ahead){0};
}

/* Writes a store: its file, its transactions, and events cut into chunks with their postings. */
#include "store/writer_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/file.h"
#include "store/schema.h"
#include "superslab.h"

#define FINISH_WAIT_MS 4000 /* for readers that are still at it, twice */

_Static_assert(HAK_CHUNK_EVENTS == HAK_CHUNK_EVENTS_MAX, "one limit, two headers");

static int run(struct hak_store_writer *w, const char *sql, const char *doing) {
    return sqlite3_exec(w->database, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : hak_store_fail_sqlite(w->database, w->path, doing);
}

static void close_writer(struct hak_store_writer *w) {
    for (int i = 0; i < HAK_ROW_STATEMENTS; i++)
        sqlite3_finalize(w->row[i]);
    sqlite3_finalize(w->get_meta);
    sqlite3_close(w->database);
    if (w->fd >= 0)
        close(w->fd);
    free(w->path);
    free(w->meta_value);
    free(w->pending);
    hak_columns_free(&w->columns);
    hak_posting_free(&w->posting);
    hak_buffer_free(&w->blob);
    free(w);
}

static struct hak_store_writer *new_writer(void) {
    struct hak_store_writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->fd = -1;
    w->pending = malloc(HAK_CHUNK_EVENTS * sizeof *w->pending);
    if (w->pending && hak_columns_init(&w->columns) && hak_posting_init(&w->posting))
        return w;
    close_writer(w);
    return NULL;
}

/* Settings of a connection that writes. synchronous=OFF: a killed program or collector loses
 * nothing (the kernel has the pages); only a machine that crashes in the middle of a capture can.
 * finish() syncs. */
static int set_up_writing(struct hak_store_writer *w) {
    return run(w,
               "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=2048;"
               "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;",
               "setting up the write-ahead log");
}

static int out_of_memory(const char *path) {
    return hak_store_fail(HAK_STORE_INTERNAL, "%s: out of memory while opening the store", path);
}

int hak_store_create(const char *path, int replace, struct hak_store_writer **out) {
    *out = NULL;
    struct hak_store_writer *w = new_writer();
    if (!w)
        return out_of_memory(path);
    int error = hak_store_file_create(path, replace != 0, &w->fd, &w->path);
    if (error) {
        close_writer(w);
        return error;
    }
    error = hak_store_file_lock(w->fd, w->path);
    if (!error)
        error = hak_store_file_connect(w->path, w->fd, true, &w->database);
    if (!error) /* what is only being made has nothing to lose: no sync */
        error = run(w, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;", "making it");
    if (!error)
        error = hak_store_make_schema(w->database, w->path);
    if (!error)
        error = set_up_writing(w);
    if (error) {
        unlink(w->path);
        close_writer(w);
        return error;
    }
    *out = w;
    return 0;
}

static uint64_t query_number(struct hak_store_writer *w, const char *sql) {
    sqlite3_stmt *query;
    uint64_t number = 0;
    if (sqlite3_prepare_v2(w->database, sql, -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        number = (uint64_t)sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return number;
}

int hak_store_resume(const char *path, struct hak_store_writer **out) {
    *out = NULL;
    struct hak_store_writer *w = new_writer();
    if (!w)
        return out_of_memory(path);
    int error = hak_store_file_open(path, true, &w->fd, &w->path);
    if (!error)
        error = hak_store_file_lock(w->fd, w->path);
    if (!error)
        error = hak_store_file_connect(w->path, w->fd, true, &w->database);
    if (!error)
        error = set_up_writing(w);
    if (!error)
        error = run(w, "DELETE FROM meta WHERE key='finished'", "going on with it");
    if (error) {
        close_writer(w);
        return error;
    }
    w->last_event = query_number(w, "SELECT id + events - 1 FROM chunk ORDER BY id DESC LIMIT 1");
    uint64_t trimmed =
        query_number(w, "SELECT CAST(value AS INTEGER) FROM meta WHERE key='trimmed_events'");
    if (w->last_event < trimmed)
        w->last_event = trimmed;
    w->last_committed_event = w->last_event;
    *out = w;
    return 0;
}

int hak_store_begin(struct hak_store_writer *w) {
    int error = run(w, "BEGIN IMMEDIATE", "beginning a transaction");
    w->in_transaction = !error;
    return error;
}

/* What readers need to know of a chunk to pass it by. */
struct chunk_facts {
    uint64_t min_ns, max_ns, kinds[2], classes;
    uint32_t process, thread; /* 0 = several */
};

static struct chunk_facts gather_facts(const struct hak_event *events, uint32_t count) {
    struct chunk_facts f = {.min_ns = events[0].ns,
                            .max_ns = events[0].ns,
                            .process = events[0].process,
                            .thread = events[0].thread};
    for (uint32_t i = 0; i < count; i++) {
        const struct hak_event *e = &events[i];
        f.min_ns = e->ns < f.min_ns ? e->ns : f.min_ns;
        f.max_ns = e->ns > f.max_ns ? e->ns : f.max_ns;
        f.kinds[e->kind >> 6 & 1] |= (uint64_t)1 << (e->kind & 63);
        f.classes |= (uint64_t)1 << (e->class_index < 63 ? e->class_index : 63);
        f.process = e->process == f.process ? f.process : 0;
        f.thread = e->thread == f.thread ? f.thread : 0;
    }
    return f;
}

static int put_posting(struct hak_store_writer *w, enum hak_posting_kind kind, uint64_t first_id) {
    struct hak_posting *p = &w->posting;
    hak_posting_collect(p, kind, &w->columns);
    if (!p->count)
        return 0;
    w->blob.size = 0;
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_POSTING);
    if (!s)
        return HAK_STORE_INTERNAL;
    if (!hak_posting_encode(p, &w->blob))
        return out_of_memory(w->path);
    uint64_t max_key = p->key[p->count - 1];
    for (uint32_t i = 0; kind == HAK_POSTING_LARGE && i < p->count; i++)
        max_key = p->key[i] + p->extent[i] > max_key ? p->key[i] + p->extent[i] : max_key;
    sqlite3_bind_int(s, 1, kind);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)first_id);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)p->key[0]);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)max_key);
    sqlite3_bind_int64(s, 5, p->count);
    sqlite3_bind_blob64(s, 6, w->blob.data, w->blob.size, SQLITE_STATIC);
    return hak_writer_step(w, HAK_ROW_POSTING, "storing a posting");
}

static int put_chunk_row(struct hak_store_writer *w, uint64_t first_id) {
    struct chunk_facts f = gather_facts(w->pending, w->pending_count);
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_CHUNK);
    if (!s)
        return HAK_STORE_INTERNAL;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)first_id);
    sqlite3_bind_int64(s, 2, w->pending_count);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)f.min_ns);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)f.max_ns);
    sqlite3_bind_int64(s, 5, f.process);
    sqlite3_bind_int64(s, 6, f.thread);
    sqlite3_bind_int64(s, 7, (sqlite3_int64)f.kinds[0]);
    sqlite3_bind_int64(s, 8, (sqlite3_int64)f.kinds[1]);
    sqlite3_bind_int64(s, 9, (sqlite3_int64)f.classes);
    sqlite3_bind_int64(s, 10, (sqlite3_int64)w->blob.size);
    return hak_writer_step(w, HAK_ROW_CHUNK, "storing a chunk");
}

/* Writes what is pending as one chunk. */
static int flush_chunk(struct hak_store_writer *w) {
    if (!w->pending_count)
        return 0;
    uint64_t first_id = w->pending[0].id;
    hak_columns_from_events(&w->columns, w->pending, w->pending_count);
    w->blob.size = 0;
    if (!hak_chunk_encode(&w->columns, first_id, &w->blob))
        return out_of_memory(w->path);
    int error = put_chunk_row(w, first_id);
    sqlite3_stmt *s = error ? NULL : hak_writer_row(w, HAK_ROW_CHUNK_DATA);
    if (!s)
        return error ? error : HAK_STORE_INTERNAL;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)first_id);
    sqlite3_bind_blob64(s, 2, w->blob.data, w->blob.size, SQLITE_STATIC);
    error = hak_writer_step(w, HAK_ROW_CHUNK_DATA, "storing a chunk");
    for (int kind = 0; kind < HAK_POSTING_KINDS && !error; kind++)
        error = put_posting(w, (enum hak_posting_kind)kind, first_id);
    if (!error)
        w->pending_count = 0;
    return error;
}

int hak_store_put_events(struct hak_store_writer *w, const struct hak_event *events, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (events[i].id != w->last_event + 1)
            return hak_store_fail(HAK_STORE_INTERNAL,
                                  "%s: event %llu was handed over after event %llu; event numbers "
                                  "have no gaps",
                                  w->path, (unsigned long long)events[i].id,
                                  (unsigned long long)w->last_event);
        if (w->pending_count == HAK_CHUNK_EVENTS) {
            int error = flush_chunk(w);
            if (error)
                return error;
        }
        w->pending[w->pending_count++] = events[i];
        w->last_event = events[i].id;
    }
    return 0;
}

uint64_t hak_store_last_event(const struct hak_store_writer *w) {
    return w->last_event;
}

int hak_store_commit(struct hak_store_writer *w) {
    int error = flush_chunk(w);
    if (!error)
        error = run(w, "COMMIT", "committing");
    if (!error) {
        w->in_transaction = false;
        w->last_committed_event = w->last_event;
        w->taken_back = false;
    }
    return error;
}

int hak_store_rollback(struct hak_store_writer *w) {
    w->pending_count = 0;
    w->last_event = w->last_committed_event;
    w->in_transaction = false;
    w->taken_back = true;
    if (sqlite3_get_autocommit(w->database))
        return 0; /* SQLite rolled back by itself, as it does when the disk is full */
    return run(w, "ROLLBACK", "taking back what was not committed");
}

int hak_store_finish(struct hak_store_writer *w) {
    int error = w->in_transaction ? hak_store_commit(w) : 0;
    /* What was taken back is in no row, not even as lost: then this store shall not look whole. */
    if (!error && !w->taken_back)
        error = hak_store_put_meta(w, "finished", "1");
    for (int i = 0; i < HAK_ROW_STATEMENTS; i++) {
        sqlite3_finalize(w->row[i]);
        w->row[i] = NULL;
    }
    sqlite3_busy_timeout(w->database, FINISH_WAIT_MS);
    if (!error)
        error = run(w, "PRAGMA wal_checkpoint(TRUNCATE)", "writing its log back at the end");
    if (!error && fsync(w->fd) != 0) /* one sync, while the log is still there */
        error = hak_store_fail(HAK_STORE_FULL, "%s: could not be brought to the disk; make room",
                               w->path);
    if (!error)
        error = run(w, "PRAGMA journal_mode=DELETE", "writing its log back at the end");
    close_writer(w);
    return error;
}

struct sqlite3 *hak_store_writer_database(struct hak_store_writer *w) {
    return w->database;
}

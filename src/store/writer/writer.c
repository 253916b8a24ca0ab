/* Writes a store: its file, its transactions, and events cut into chunks with their postings. */
#include "store/writer/inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hop.h"
#include "store/file.h"
#include "store/schema.h"

#define FINISH_WAIT_MS 4000 /* for readers that are still at it, twice */

static void close_writer(struct hak_store_writer *w) {
    hak_posting_writer_free(w->postings);
    hak_node_writer_free(w->nodes);
    hak_names_free(w->names);
    hak_database_free(&w->db);
    sqlite3_close(w->db.connection);
    if (w->fd >= 0)
        close(w->fd);
    free(w->db.path);
    free(w->meta_value);
    hak_buffer_free(&w->blob);
    hak_live_writer_free(w->live);
    hak_order_watch_free(w->order);
    hak_profile_writer_free(w->profile);
    free(w);
}

/* An empty writer without a file; NULL without memory. */
static struct hak_store_writer *new_writer(void) {
    struct hak_store_writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->fd = -1;
    if (hak_database_keep(&w->db) == 0)
        return w;
    close_writer(w);
    return NULL;
}

/* Sets up a connection that writes. synchronous=OFF: a killed program or collector loses nothing
 * (the kernel has the pages); only a machine that crashes in the middle of a capture can. finish()
 * syncs. 0, or an error. */
static int set_up_writing(struct hak_store_writer *w) {
    return hak_database_run(
        &w->db,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=2048;"
        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;",
        "setting up the write-ahead log");
}

/* Opens the writers of stacks, postings, live checkpoints and the profile on the connection that
 * was made. 0, or an error. */
static int open_rooms(struct hak_store_writer *w) {
    int error = hak_store_add_node_table(&w->db);
    if (!error)
        error = hak_node_writer_make(&w->db, &w->nodes);
    if (!error)
        error = hak_names_make(&w->db, &w->names);
    if (!error)
        error = hak_posting_writer_make(&w->db, &w->postings);
    if (!error)
        error = hak_live_writer_make(&w->db, &w->live);
    if (!error)
        error = hak_profile_writer_make(&w->db, &w->profile);
    if (!error && w->is_profile_only)
        hak_profile_stand_alone(w->profile);
    return error;
}

/* Makes the file, or opens an old one: the writer has its lock and a connection. 0, or an error. */
static int open_file(struct hak_store_writer *w, const char *path, bool is_new, bool replace) {
    int error = is_new ? hak_store_file_create(path, replace, &w->fd, &w->db.path)
                       : hak_store_file_open(path, true, &w->fd, &w->db.path);
    if (!error)
        error = hak_store_file_lock(w->fd, w->db.path);
    return error ? error : hak_store_file_connect(w->db.path, w->fd, true, &w->db.connection);
}

/* Makes the schema of a new file, then sets it up for writing. 0, or an error. */
static int begin_file(struct hak_store_writer *w) {
    /* A file that is only being made has nothing to lose: no sync. */
    int error = hak_database_run(&w->db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;",
                                 "making it");
    if (!error)
        error = hak_store_make_schema(&w->db);
    return error ? error : set_up_writing(w);
}

/* Goes on with a store where an earlier worker ended: it is not finished any more, and the last
 * event is known. 0, or an error. */
static int go_on_with_file(struct hak_store_writer *w) {
    int error = set_up_writing(w);
    if (!error)
        error =
            hak_database_run(&w->db, "DELETE FROM meta WHERE key='finished'", "going on with it");
    w->last_event = hak_database_number(
        &w->db,
        "SELECT max(coalesce((SELECT id + events - 1 FROM chunk ORDER BY id DESC LIMIT 1), 0),"
        " coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key='trimmed_events'), 0))",
        0);
    w->is_profile_only =
        hak_database_number(&w->db, "SELECT count(*) FROM meta WHERE key='profile_only'", 0) != 0;
    if (w->is_profile_only)
        w->last_event = hak_database_number(&w->db, "SELECT max(last) FROM profile_run", 0);
    w->last_committed_event = w->last_event;
    return error;
}

/* Makes a store or goes on with one. On an error a file made here is removed. */
static int open_writer(const char *path, bool is_new, bool replace, struct hak_store_writer **out) {
    *out = NULL;
    struct hak_store_writer *w = new_writer();
    if (!w)
        return hak_store_no_memory(path);
    int error = open_file(w, path, is_new, replace);
    bool has_made = is_new && w->fd >= 0;
    if (!error)
        error = is_new ? begin_file(w) : go_on_with_file(w);
    if (!error)
        error = open_rooms(w);
    if (error && has_made)
        unlink(w->db.path);
    if (error)
        close_writer(w);
    else
        *out = w;
    return error;
}

int hak_store_create(const char *path, int replace, struct hak_store_writer **out) {
    return open_writer(path, true, replace != 0, out);
}

int hak_store_resume(const char *path, struct hak_store_writer **out) {
    return open_writer(path, false, false, out);
}

int hak_store_keep_profile_only(struct hak_store_writer *w) {
    w->is_profile_only = true;
    hak_profile_stand_alone(w->profile);
    return hak_store_put_meta(w, "profile_only", "1");
}

bool hak_store_profile_is_over(const struct hak_store_writer *w) {
    return hak_profile_is_over(w->profile);
}

int hak_store_begin(struct hak_store_writer *w) {
    int error = hak_database_run(&w->db, "BEGIN IMMEDIATE", "beginning a transaction");
    w->in_transaction = !error;
    return error;
}

/* Facts of a chunk that let readers pass it by. */
struct chunk_facts {
    uint64_t min_ns, max_ns, kinds[2], classes;
    uint32_t process, thread; /* 0 = several */
};

/* Process and thread when all events are of one, else 0. */
static void gather_actors(struct chunk_facts *f, const uint64_t *actor, uint32_t count) {
    uint64_t differ = 0;
    for (uint32_t i = 1; i < count; i++)
        differ |= actor[i] ^ actor[0];
    f->process = differ >> 32 ? 0 : (uint32_t)(actor[0] >> 32);
    f->thread = (uint32_t)differ ? 0 : (uint32_t)actor[0];
}

/* Gathers a chunk's times, kinds, classes and actors, right after it was encoded: its dictionaries
 * have the distinct values. */
static struct chunk_facts gather_facts(const struct hak_columns *c) {
    const uint64_t *ns = c->value[HAK_COLUMN_NS], *shape = c->dictionary[HAK_COLUMN_SHAPE];
    struct chunk_facts f = {.min_ns = ns[0], .max_ns = ns[0]};
    for (uint32_t i = 0; i < c->events; i++) {
        f.min_ns = ns[i] < f.min_ns ? ns[i] : f.min_ns;
        f.max_ns = ns[i] > f.max_ns ? ns[i] : f.max_ns;
    }
    for (uint32_t i = 0; i < c->distinct[HAK_COLUMN_SHAPE]; i++) {
        uint8_t kind = (uint8_t)shape[i], class_index = (uint8_t)(shape[i] >> 8);
        f.kinds[kind >> 6 & 1] |= (uint64_t)1 << (kind & 63);
        f.classes |= (uint64_t)1 << (class_index < 63 ? class_index : 63);
    }
    gather_actors(&f, c->dictionary[HAK_COLUMN_ACTOR], c->distinct[HAK_COLUMN_ACTOR]);
    return f;
}

/* Stores the chunk's row and its data. 0, or an error. */
static int put_chunk_rows(struct hak_store_writer *w, const struct hak_columns *c,
                          const struct chunk_facts *f, uint64_t first_id) {
    int error = hak_do(&w->db, "INSERT INTO chunk VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       "storing a chunk", HAK_NUMBER(first_id), HAK_NUMBER(c->events),
                       HAK_NUMBER(f->min_ns), HAK_NUMBER(f->max_ns), HAK_NUMBER(f->process),
                       HAK_NUMBER(f->thread), HAK_NUMBER(f->kinds[0]), HAK_NUMBER(f->kinds[1]),
                       HAK_NUMBER(f->classes), HAK_NUMBER(w->blob.size));
    return error ? error
                 : hak_do(&w->db, "INSERT INTO chunk_data VALUES(?, ?)", "storing a chunk",
                          HAK_NUMBER(first_id), HAK_BYTES(w->blob.data, w->blob.size));
}

/* Counts events that come against the order of their blocks, which no collector of ours writes. */
static int watch_order(struct hak_store_writer *w, const struct hak_columns *c, uint64_t first_id) {
    uint64_t count, first;
    if (!hak_order_watch_chunk(&w->order, c, first_id, &count, &first))
        return hak_store_no_memory(w->db.path);
    if (!count)
        return 0;
    char sql[300];
    snprintf(sql, sizeof sql,
             "INSERT OR IGNORE INTO meta VALUES ('disordered_first', %" PRIu64 ");"
             "INSERT OR IGNORE INTO meta VALUES ('disordered_events', 0);"
             "UPDATE meta SET value = CAST(value AS INTEGER) + %" PRIu64
             " WHERE key = 'disordered_events'",
             first, count);
    return hak_database_run(&w->db, sql, "noting events out of order");
}

/* Writes the events of `c` as one chunk, with its rows in the other tables. 0, or an error. */
static int put_chunk(struct hak_store_writer *w, struct hak_columns *c, uint64_t first_id) {
    w->blob.size = 0;
    if (!hak_chunk_encode(c, first_id, &w->blob))
        return hak_store_no_memory(w->db.path);
    const struct chunk_facts facts = gather_facts(c);
    const uint64_t superslabs =
        (uint64_t)1 << (HAK_SUPERSLAB_MAP - 64) | (uint64_t)1 << (HAK_SUPERSLAB_UNMAP - 64);
    int error = put_chunk_rows(w, c, &facts, first_id);
    if (!error && facts.kinds[1] & superslabs)
        error = hak_store_put_superslabs(w, c, first_id);
    if (!error)
        error = hak_posting_put_chunk(w->postings, c, first_id);
    if (!error)
        error = hak_live_put_chunk(w->live, c, first_id, facts.max_ns);
    if (!error)
        error = hak_profile_put_chunk(w->profile, c, first_id);
    if (!error)
        error = watch_order(w, c, first_id);
    return error;
}

/* Gives a chunk's events to the profile alone; an error where the profile has ended. */
static int put_profile(struct hak_store_writer *w, struct hak_columns *c, uint64_t first_id) {
    hak_columns_find_sites(c);
    int error = hak_profile_put_chunk(w->profile, c, first_id);
    if (!error && hak_profile_is_over(w->profile))
        error = hak_store_fail(HAK_STORE_INTERNAL,
                               "%s: keeps the profile alone, and live blocks are unknown from here "
                               "on: its collector was ended or ran out of memory or disk",
                               w->db.path);
    return error;
}

int hak_store_put_columns(struct hak_store_writer *w, struct hak_columns *columns) {
    uint64_t first_id = w->last_event + 1;
    int error = !columns->events     ? 0
                : w->is_profile_only ? put_profile(w, columns, first_id)
                                     : put_chunk(w, columns, first_id);
    if (!error)
        w->last_event += columns->events;
    return error;
}

uint64_t hak_store_last_event(const struct hak_store_writer *w) {
    return w->last_event;
}

int hak_store_commit(struct hak_store_writer *w) {
    int error = hak_node_writer_flush(w->nodes);
    if (!error)
        error = hak_database_run(&w->db, "COMMIT", "committing");
    if (!error) {
        w->in_transaction = false;
        w->last_committed_event = w->last_event;
        w->taken_back = false;
        hak_profile_committed(w->profile);
    }
    return error;
}

int hak_store_rollback(struct hak_store_writer *w) {
    w->last_event = w->last_committed_event;
    w->in_transaction = false;
    w->taken_back = true;
    hak_live_rolled_back(w->live);
    hak_profile_rolled_back(w->profile);
    /* SQLite may have rolled back by itself, as it does when the disk is full. */
    int error = sqlite3_get_autocommit(w->db.connection)
                    ? 0
                    : hak_database_run(&w->db, "ROLLBACK", "taking back what was not committed");
    hak_node_writer_rolled_back(w->nodes);
    hak_posting_rolled_back(w->postings);
    hak_names_rolled_back(w->names);
    return error;
}

/* Writes the last run of the profile; without it a reader reads its events. */
static void end_profile(struct hak_store_writer *w) {
    if (hak_database_run(&w->db, "BEGIN IMMEDIATE", "ending its profile"))
        return;
    if ((hak_profile_finish(w->profile) ||
         hak_database_run(&w->db, "COMMIT", "ending its profile")) &&
        !sqlite3_get_autocommit(w->db.connection))
        hak_database_run(&w->db, "ROLLBACK", "ending its profile");
}

/* Joins the postings that can be joined at the end; where there is no room for it, the store is
 * whole without. */
static void join_postings(struct hak_store_writer *w) {
    if (hak_database_run(&w->db, "BEGIN IMMEDIATE", "joining its postings"))
        return;
    if (hak_posting_finish(w->postings) ||
        hak_database_run(&w->db, "COMMIT", "joining its postings")) {
        hak_posting_rolled_back(w->postings);
        if (!sqlite3_get_autocommit(w->db.connection))
            hak_database_run(&w->db, "ROLLBACK", "joining its postings");
    }
}

/* Writes the stacks that sqlite3 can read without hakmem; the store is whole without. */
static void name_stacks(struct hak_store_writer *w) {
    static const char doing[] = "writing the stacks of leaks and threads";
    if (hak_database_run(&w->db, "BEGIN IMMEDIATE", doing))
        return;
    if ((hak_plain_nodes_put(&w->db, w->nodes) || hak_database_run(&w->db, "COMMIT", doing)) &&
        !sqlite3_get_autocommit(w->db.connection))
        hak_database_run(&w->db, "ROLLBACK", doing);
}

int hak_store_finish(struct hak_store_writer *w) {
    int error = w->in_transaction ? hak_store_commit(w) : 0;
    if (!error) {
        join_postings(w);
        end_profile(w);
        name_stacks(w);
    }
    /* Rows that were taken back are nowhere, not even as lost: then this store must not look whole.
     */
    if (!error && !w->taken_back)
        error = hak_store_put_meta(w, "finished", "1");
    if (!error && !w->taken_back)
        error =
            hak_database_run(&w->db, "DELETE FROM node_map", "dropping what nobody goes on with");
    hak_database_release(&w->db);
    sqlite3_busy_timeout(w->db.connection, FINISH_WAIT_MS);
    if (!error)
        error = hak_database_run(&w->db, "PRAGMA wal_checkpoint(TRUNCATE)",
                                 "writing its log back at the end");
    if (!error && fsync(w->fd) != 0) /* one sync, while the log is still there */
        error = hak_store_fail(HAK_STORE_FULL, "%s: could not be brought to the disk; make room",
                               w->db.path);
    if (!error)
        error = hak_database_run(&w->db, "PRAGMA journal_mode=DELETE",
                                 "writing its log back at the end");
    if (error == HAK_STORE_BUSY)
        error = 0; /* somebody has it open: all is committed, and the log stays beside it */
    close_writer(w);
    return error;
}

const struct hak_database *hak_store_writer_database(const struct hak_store_writer *w) {
    return &w->db;
}

int hak_store_put_node(struct hak_store_writer *w, const struct hak_node_row *row) {
    return hak_node_writer_put(w->nodes, row);
}

int hak_store_get_node(struct hak_store_writer *w, uint32_t id, struct hak_node_row *out) {
    return hak_node_writer_get(w->nodes, id, out);
}

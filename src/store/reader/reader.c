/* Opens a store for reading, tells what it holds, and turns stacks into frames for people. */
#include "store/reader/inner.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/file.h"
#include "store/reader/slot.h"
#include "store/source.h"
#include "text_of.h"

/* Loads the classes and the geometry of the program's memory. 0, or an error. */
static int load_names(struct hak_store_reader *r) {
    struct hak_query q =
        hak_ask(&r->db, "SELECT id, slot_bytes, band, first_slot_offset FROM class",
                "reading its size classes");
    while (hak_query_next(&q)) {
        uint64_t id = hak_query_number(&q, 0), slot = hak_query_number(&q, 1);
        if (id >= HAK_READER_CLASSES || slot == 0 || slot > (uint64_t)1 << 32)
            continue;
        r->class[id].is_there = true;
        r->class[id].slot_bytes = slot;
        r->class[id].band = hak_query_id(&q, 2);
        r->class[id].first_slot_offset = hak_query_number(&q, 3);
    }
    int error = hak_query_end(&q);
    if (error)
        return error;
    static const char geometry[] =
        "SELECT (SELECT CAST(value AS INTEGER) FROM meta WHERE key='slab_bytes'),"
        " (SELECT CAST(value AS INTEGER) FROM meta WHERE key='superslab_bytes'),"
        " (SELECT count(*) FROM meta WHERE key GLOB 'allocator.*'),"
        " (SELECT count(*) FROM meta WHERE key = 'profile_only') + ?1,"
        " (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'sampled_rate')";
    uint64_t values[5] = {0};
    int found = hak_database_numbers(&r->db, geometry, 0, values, 5);
    if (found < 0)
        return found;
    r->slab_bytes = values[0];
    r->superslab_bytes = values[1];
    r->is_kept = values[2] > 0;
    r->is_profile_only = values[3] > 0;
    r->sampled_rate = values[4];
    if (!values[0] || !values[1] || values[0] & (values[0] - 1) || values[1] & (values[1] - 1))
        return hak_store_fail(
            HAK_STORE_BROKEN,
            "%s: its table meta lacks slab_bytes or superslab_bytes; the store is "
            "damaged: copy it again from where it was made",
            r->db.path);
    return 0;
}

/* Makes the reader's parts. On an error the reader is closed. */
static int start(struct hak_store_reader *r, struct hak_store_reader **out) {
    int error = hak_database_keep(&r->db);
    if (!error)
        error = hak_posting_reader_init(&r->postings, &r->db, r->may_keep_chunks);
    if (!error)
        error = hak_stack_reader_init(&r->stacks, &r->db);
    if (!error)
        error = load_names(r);
    if (!error)
        error = hak_store_add_node_table(&r->db);
    hak_database_release(&r->db);
    if (error)
        hak_store_close(r);
    else
        *out = r;
    return error;
}

int hak_store_open(const char *path, struct hak_store_reader **out) {
    *out = NULL;
    struct hak_store_reader *r = calloc(1, sizeof *r);
    if (!r)
        return hak_store_no_memory(path);
    r->is_own = r->may_keep_chunks = true;
    struct hak_source source;
    int error = hak_source_open(path, &source);
    r->fd = source.fd;
    r->is_on_server = hak_source_is_url(path);
    r->server_bytes = source.bytes;
    r->db.connection = source.connection;
    r->db.path = source.path;
    if (error) {
        hak_store_close(r);
        return error;
    }
    return start(r, out);
}

int hak_store_attach(struct sqlite3 *database, struct hak_store_reader **out) {
    *out = NULL;
    const char *path = sqlite3_db_filename(database, "main");
    struct hak_store_reader *r = calloc(1, sizeof *r);
    if (!r)
        return hak_store_no_memory(path ? path : "store");
    r->db.connection = database;
    r->fd = -1;
    r->may_keep_chunks = sqlite3_db_readonly(database, "main") == 1;
    r->db.path = strdup(path && *path == '/' ? path : "store"); /* in memory it has none */
    if (!r->db.path) {
        hak_store_close(r);
        return hak_store_no_memory("store");
    }
    return start(r, out);
}

void hak_reader_release(struct hak_store_reader *r) {
    hak_stack_reader_release(&r->stacks);
    hak_scan_free(r->event_scan);
    r->event_scan = NULL;
    hak_scan_free_spare(r);
    hak_database_release(&r->db);
}

void hak_store_close(struct hak_store_reader *r) {
    if (!r)
        return;
    hak_reader_release(r);
    hak_stack_reader_free(&r->stacks);
    hak_scan_pool_free(r->pool);
    hak_posting_reader_free(&r->postings);
    hak_database_free(&r->db);
    if (r->is_own) {
        sqlite3_close(r->db.connection);
        if (r->fd >= 0)
            close(r->fd);
    }
    free(r->db.path);
    free(r);
}

const struct hak_database *hak_store_database(const struct hak_store_reader *r) {
    return &r->db;
}

char *hak_store_mark_name(const struct hak_store_reader *r, uint64_t event) {
    return event ? hak_database_text(&r->db, "SELECT name FROM mark WHERE event = ?1", event)
                 : NULL;
}

bool hak_store_is_on_server(const struct hak_store_reader *r, uint64_t *bytes) {
    *bytes = r->server_bytes;
    return r->is_on_server;
}

/* Of all processes together, each a number up to HAK_MISSED_MOST; a sum() that is too large would
 * be an error. */
#define MISSED(what)                                                                               \
    " (SELECT CAST(total(min(max(CAST(value AS INTEGER), 0), 1 << " HAK_TEXT_OF(                   \
        HAK_MISSED_MOST_BITS) ")) AS INTEGER) FROM meta WHERE key GLOB 'missed_" what ".*')"

/* Events, chunks and times come from the ends, so that it does not take longer with a longer
 * capture. Neighbouring commits may overlap in time. */
#define SUMMARY                                                                                    \
    "SELECT coalesce((SELECT id + events FROM chunk ORDER BY id DESC LIMIT 1) -"                   \
    " (SELECT min(id) FROM chunk), 0), coalesce((SELECT max(number) FROM chunk_order) -"           \
    " (SELECT min(number) FROM chunk_order) + 1, 0), coalesce((SELECT min(min_ns) FROM"            \
    " (SELECT min_ns FROM chunk ORDER BY id LIMIT 256)), 0), coalesce((SELECT max(max_ns) FROM"    \
    " (SELECT max_ns FROM chunk ORDER BY id DESC LIMIT 256)), 0),"                                 \
    " (SELECT count(*) FROM loss WHERE reason IS NOT 'stopped'),"                                  \
    " (SELECT coalesce(sum(count), 0) FROM loss WHERE reason IS NOT 'stopped'),"                   \
    " (SELECT CAST(value AS INTEGER) FROM meta WHERE key='trimmed_events'),"                       \
    " (SELECT count(*) FROM process), (SELECT count(*) FROM thread),"                              \
    " (SELECT count(*) FROM module),"                                                              \
    " (SELECT CAST(value AS INTEGER) FROM meta WHERE key='disordered_events') + ?1,"               \
    " (SELECT count(*) FROM fault),"                                                               \
    " (SELECT count(*) FROM meta WHERE key='finished'),"                                           \
    " (SELECT coalesce(sum(end_kind=4 OR note GLOB 'not recorded: *' OR"                           \
    " note GLOB '*: what comes from there is not recorded'), 0) FROM process),"                    \
    " (SELECT coalesce(sum(end_kind=0 AND note GLOB 'its end was not seen*'), 0) FROM process),"   \
    " (SELECT count(*) FROM loss WHERE reason = 'stopped')," MISSED("pools") "," MISSED(           \
        "pieces") "," MISSED("pool_calls")

int hak_store_summarise(struct hak_store_reader *r, struct hak_store_summary *out) {
    enum { NUMBERS = 19 };
    uint64_t v[NUMBERS] = {0};
    int found = hak_database_numbers(&r->db, SUMMARY, 0, v, NUMBERS);
    if (found < 0)
        return found;
    int64_t nodes = hak_node_reader_count(r->stacks.nodes);
    if (nodes < 0)
        return (int)nodes;
    *out = (struct hak_store_summary){
        .events = v[0],
        .chunks = v[1],
        .first_ns = v[2],
        .last_ns = v[3],
        .losses = v[4],
        .lost_events = v[5],
        .trimmed_events = v[6],
        .processes = (uint32_t)v[7],
        .threads = (uint32_t)v[8],
        .modules = (uint32_t)v[9],
        .disordered_events = v[10],
        .nodes = (uint32_t)nodes,
        .faults = (uint32_t)v[11],
        .unrecorded = (uint32_t)v[13],
        .unseen = (uint32_t)v[14],
        .stops = v[15],
        .missed = {v[16], v[17], v[18]},
    };
    static const char of_profile[] =
        "SELECT max(last), min(from_ns), max(to_ns), ?1 FROM profile_run";
    uint64_t p[3] = {0};
    if (r->is_profile_only && (found = hak_database_numbers(&r->db, of_profile, 0, p, 3)) < 0)
        return found;
    if (r->is_profile_only) {
        out->events = p[0];
        out->first_ns = p[1];
        out->last_ns = p[2];
    }
    /* Attached to the writer's own connection, or by another program: only `finished` tells. */
    out->being_written =
        !v[12] && !r->is_on_server && (r->fd < 0 || hak_store_file_is_locked(r->fd));
    out->ended_early = !v[12] && !out->being_written;
    return 0;
}

bool hak_store_is_profile_only(const struct hak_store_reader *reader) {
    return reader->is_profile_only;
}

uint64_t hak_store_sampled_rate(const struct hak_store_reader *reader) {
    return reader->sampled_rate;
}

bool hak_store_is_kept(const struct hak_store_reader *reader) {
    return reader->is_kept;
}

bool hak_store_class(struct hak_store_reader *r, unsigned class_index, uint64_t *slot_bytes,
                     unsigned *band) {
    if (class_index >= HAK_READER_CLASSES || !r->class[class_index].is_there)
        return false;
    if (slot_bytes)
        *slot_bytes = r->class[class_index].slot_bytes;
    if (band)
        *band = r->class[class_index].band;
    return true;
}

int hak_store_frames(struct hak_store_reader *r, uint32_t stack, struct hak_frame *out, int max) {
    return hak_stacks_frames(&r->stacks, stack, out, max);
}

int hak_store_node(struct hak_store_reader *r, uint32_t id, struct hak_node_row *out) {
    return hak_stacks_node(&r->stacks, id, out);
}

int hak_store_node_frames(struct hak_store_reader *r, const struct hak_node_row *node,
                          struct hak_frame *out, int max) {
    return hak_stacks_node_frames(&r->stacks, node, out, max);
}

const char *hak_store_stack_function(struct hak_store_reader *r, uint32_t stack) {
    return hak_stacks_function(&r->stacks, stack);
}

const char *hak_store_stack_error(const struct hak_store_reader *r) {
    return r->stacks.error;
}

int hak_store_count_callers(struct hak_store_reader *r, struct hak_callers *of, int count) {
    return hak_callers_count(r->stacks.nodes, of, count);
}

/* Is a capture intact: the file, every chunk and posting, every reference, every block's path. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "store/bases.h"
#include "store/reader_state.h"
#include "store/track.h"
#include "store/watch.h"
#include "trace/record.h"

#define IN(place) (1u << HAK_PLACE_##place)
#define NODES_MAX ((uint64_t)1 << 28) /* greater ids are damage */
enum { MOVES = 64 };
static const struct {
    uint32_t from, to; /* sets of places, by bit */
    const char *name;
} moves[MOVES] = {
#define HOP(name, number, from_set, to_set, sentence) [number] = {(from_set), (to_set), #name},
#include "hops.def"
};
#undef IN
static const char *const place_names[256] = {
#define PLACE(name, number, text, sentence) [number] = text,
#include "hops.def"
};

struct checker {
    struct hak_store_reader *reader;
    void (*problem)(void *context, const char *text);
    void *context;
    int found;
    bool is_readable; /* every chunk and posting could be decoded */
    bool has_gaps;    /* events were lost or trimmed: then missing ones are no finding */
    struct hak_columns columns;
    struct hak_posting due, stored;
    uint8_t *known_node; /* bit n: node n is there */
    uint64_t nodes;
};

__attribute__((format(printf, 2, 3))) static void tell(struct checker *c, const char *format, ...) {
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    c->found++;
    if (c->problem)
        c->problem(c->context, text);
}

static const char *place_name(unsigned place) {
    return place < 256 && place_names[place] ? place_names[place] : "unknown place";
}

/* ---- rows --------------------------------------------------------------------------------------
 */

/* Tells one line for each row that a query gives; its only column is the text. */
static int tell_rows(struct checker *c, const char *sql, const char *good) {
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(c->reader->database, sql, -1, &rows, NULL) != SQLITE_OK)
        return hak_store_fail_sqlite(c->reader->database, c->reader->path, "checking its rows");
    int result;
    while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(rows, 0);
        if (text && (!good || strcmp(text, good) != 0))
            tell(c, "%s", text);
    }
    sqlite3_finalize(rows);
    return result == SQLITE_DONE
               ? 0
               : hak_store_fail_sqlite(c->reader->database, c->reader->path, "checking its rows");
}

static int check_rows(struct checker *c) {
    static const char *const queries[] = {
        "SELECT printf('thread %d belongs to process %d, which is not there', id, process)"
        " FROM thread WHERE process NOT IN (SELECT id FROM process)",
        "SELECT printf('module %d (%s) belongs to process %d, which is not there', id, path,"
        " process) FROM module WHERE process NOT IN (SELECT id FROM process)",
        "SELECT printf('process %d has the parent %d, which is not there', id, parent)"
        " FROM process WHERE parent <> 0 AND parent NOT IN (SELECT id FROM process)",
        "SELECT printf('stack node %d has the parent %d, which is not there', id, parent)"
        " FROM node WHERE parent <> 0 AND parent NOT IN (SELECT id FROM node)",
        "SELECT printf('stack node %d belongs to process %d, which is not there', id, process)"
        " FROM node WHERE process NOT IN (SELECT id FROM process)",
        "SELECT printf('fault %d belongs to event %d, which is not there', id, event) FROM fault f"
        " WHERE event <> 0 AND event > (SELECT coalesce(CAST(max(value) AS INTEGER), 0) FROM meta"
        " WHERE key = 'trimmed_events') AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.id <= f.event"
        " AND f.event < c.id + c.events)",
        "SELECT printf('posting %d speaks of chunk %d, which is not there', id, first_chunk)"
        " FROM posting WHERE first_chunk NOT IN (SELECT id FROM chunk)",
    };
    int error = tell_rows(c, "PRAGMA quick_check(20)", "ok");
    for (size_t i = 0; i < sizeof queries / sizeof *queries && !error; i++)
        error = tell_rows(c, queries[i], NULL);
    return error;
}

/* Stacks that never come to an outermost frame: follows each node up to one that is known to end.
 */
static void find_rings(struct checker *c, const uint32_t *parent_of) {
    uint8_t *state = calloc(c->nodes, 1); /* 0 not looked at, 1 on the way, 2 ends */
    for (uint64_t i = 1; state && i < c->nodes; i++) {
        uint64_t at = i;
        while (at && at < c->nodes && state[at] == 0) {
            state[at] = 1;
            at = parent_of[at];
        }
        if (at && at < c->nodes && state[at] == 1)
            tell(c, "stack node %" PRIu64 " is an outer frame of itself", at);
        for (at = i; at && at < c->nodes && state[at] == 1; at = parent_of[at])
            state[at] = 2;
    }
    free(state);
}

static int load_nodes(struct checker *c) {
    uint64_t highest = 0;
    int found =
        hak_reader_numbers(c->reader, "SELECT coalesce(max(id), 0), ?1 FROM node", 0, &highest, 1);
    sqlite3_stmt *rows;
    if (found < 0)
        return found;
    c->nodes = highest < NODES_MAX ? highest + 1 : 1;
    c->known_node = calloc(c->nodes / 8 + 1, 1);
    uint32_t *parent_of = calloc(c->nodes, sizeof *parent_of);
    if (!c->known_node || !parent_of) {
        free(parent_of);
        return hak_store_fail(HAK_STORE_INTERNAL, "%s: out of memory", c->reader->path);
    }
    if (sqlite3_prepare_v2(c->reader->database, "SELECT id, parent FROM node", -1, &rows, NULL) !=
        SQLITE_OK) {
        free(parent_of);
        return hak_store_fail_sqlite(c->reader->database, c->reader->path, "reading its stacks");
    }
    while (sqlite3_step(rows) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(rows, 0);
        if (id < 0 || (uint64_t)id >= c->nodes)
            continue;
        c->known_node[id / 8] |= (uint8_t)(1u << id % 8);
        parent_of[id] = (uint32_t)sqlite3_column_int64(rows, 1);
    }
    sqlite3_finalize(rows);
    find_rings(c, parent_of);
    free(parent_of);
    return 0;
}

/* ---- chunks ------------------------------------------------------------------------------------
 */

static bool same_posting(const struct hak_posting *a, const struct hak_posting *b) {
    return a->count == b->count && a->distance_count == b->distance_count &&
           a->many_distances == b->many_distances &&
           !memcmp(a->key, b->key, a->count * sizeof *a->key) &&
           !memcmp(a->distance, b->distance, a->distance_count * sizeof *a->distance) &&
           (a->kind != HAK_POSTING_LARGE ||
            !memcmp(a->extent, b->extent, a->count * sizeof *a->extent));
}

static void check_posting(struct checker *c, sqlite3_stmt *rows, uint64_t chunk,
                          enum hak_posting_kind kind) {
    static const char *const names[] = {"bases", "stacks", "large blocks"};
    sqlite3_reset(rows);
    sqlite3_bind_int(rows, 1, kind);
    sqlite3_bind_int64(rows, 2, (sqlite3_int64)chunk);
    hak_posting_collect(&c->due, kind, &c->columns);
    const char *wrong = NULL;
    if (sqlite3_step(rows) == SQLITE_ROW)
        wrong = hak_posting_decode(&c->stored, sqlite3_column_blob(rows, 0),
                                   (size_t)sqlite3_column_bytes(rows, 0));
    else if (c->due.count)
        wrong = "it is missing";
    else
        return;
    if (!wrong && (c->stored.kind != kind || !same_posting(&c->due, &c->stored)))
        wrong = "it does not say what the chunk holds";
    if (!wrong)
        return;
    tell(c, "chunk %" PRIu64 ", posting of %s: %s", chunk, names[kind], wrong);
    c->is_readable = false;
}

static void check_stacks(struct checker *c, uint64_t chunk) {
    hak_posting_collect(&c->due, HAK_POSTING_STACK, &c->columns);
    for (uint32_t i = 0; i < c->due.count; i++) {
        uint64_t node = c->due.key[i];
        if (node >= c->nodes || !(c->known_node[node / 8] >> node % 8 & 1))
            tell(c, "chunk %" PRIu64 ": its events speak of stack %" PRIu64 ", which is not there",
                 chunk, node);
    }
}

static void check_chunk(struct checker *c, uint64_t id, int64_t events, const void *blob,
                        size_t bytes, sqlite3_stmt *postings) {
    struct hak_chunk chunk;
    const char *wrong = hak_chunk_open(&chunk, blob, bytes);
    if (!wrong)
        wrong = hak_chunk_decode(&chunk, &c->columns, HAK_ALL_COLUMNS);
    if (!wrong && (chunk.first_id != id || chunk.events != events)) {
        chunk.wrong_column = "header";
        wrong = "it is not the chunk that its row speaks of";
    }
    if (wrong) {
        tell(c, "chunk %" PRIu64 ", %s: %s", id, chunk.wrong_column, wrong);
        c->is_readable = false;
        return;
    }
    for (int kind = 0; kind < HAK_POSTING_KINDS; kind++)
        check_posting(c, postings, id, (enum hak_posting_kind)kind);
    check_stacks(c, id);
}

static int check_chunks(struct checker *c, uint64_t trimmed) {
    sqlite3_stmt *rows, *postings;
    sqlite3 *database = c->reader->database;
    if (sqlite3_prepare_v2(database,
                           "SELECT c.id, c.events, d.data FROM chunk c LEFT JOIN chunk_data d"
                           " ON d.chunk = c.id ORDER BY c.id",
                           -1, &rows, NULL) != SQLITE_OK)
        return hak_store_fail_sqlite(database, c->reader->path, "checking its chunks");
    if (sqlite3_prepare_v2(database,
                           "SELECT data FROM posting WHERE kind = ?1 AND first_chunk = ?2", -1,
                           &postings, NULL) != SQLITE_OK) {
        sqlite3_finalize(rows);
        return hak_store_fail_sqlite(database, c->reader->path, "checking its postings");
    }
    uint64_t due = trimmed + 1;
    int result, stopped = 0;
    while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
        uint64_t id = (uint64_t)sqlite3_column_int64(rows, 0);
        int64_t events = sqlite3_column_int64(rows, 1);
        if (id > due)
            tell(c, "events %" PRIu64 " to %" PRIu64 " are missing", due, id - 1);
        else if (id < due)
            tell(c, "chunk %" PRIu64 " begins before the one in front of it ends", id);
        due = id + (uint64_t)events;
        if ((stopped = hak_watch_tell(c->reader, id, false)) != 0)
            break;
        check_chunk(c, id, events, sqlite3_column_blob(rows, 2),
                    (size_t)sqlite3_column_bytes(rows, 2), postings);
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(postings);
    if (stopped || result == SQLITE_DONE)
        return stopped;
    return hak_store_fail_sqlite(database, c->reader->path, "checking its chunks");
}

/* ---- paths -------------------------------------------------------------------------------------
 */

static int follow(void *context, struct hak_tracked *block, const struct hak_event *e,
                  uint64_t missing) {
    struct checker *c = context;
    const unsigned kind = e->kind & (MOVES - 1);
    bool is_first = e->kind == HAK_MALLOC || e->kind == HAK_REALLOC; /* their place is where from */
    if (missing && !c->has_gaps)
        tell(c, "block 0x%" PRIx64 ": %" PRIu64 " events before event %" PRIu64 " are missing",
             e->base, missing, e->id);
    if (missing || !e->generation)
        block->has_place = false;
    if (e->flags & HAK_RECORD_ILLEGAL) {
        tell(c,
             "event %" PRIu64 ": %s of block 0x%" PRIx64
             " was not allowed when it was recorded%s%s",
             e->id, moves[kind].name ? moves[kind].name : "move", e->base,
             block->has_place ? ": the block was in place " : "",
             block->has_place ? place_name(block->place) : "");
        block->has_place = false;
        return 0;
    }
    if (!moves[kind].name) {
        tell(c, "event %" PRIu64 ": kind %u is not known to this version", e->id, e->kind);
        return 0;
    }
    unsigned from = is_first ? e->place : block->place;
    if (is_first && block->has_place && block->place != e->place)
        tell(c, "event %" PRIu64 ": %s took block 0x%" PRIx64 " from %s, but it was in %s", e->id,
             moves[kind].name, e->base, place_name(e->place), place_name(block->place));
    else if ((is_first || block->has_place) && !(from < 32 && moves[kind].from >> from & 1))
        tell(c, "event %" PRIu64 ": %s of block 0x%" PRIx64 " from %s is not allowed by hops.def",
             e->id, moves[kind].name, e->base, place_name(from));
    unsigned to = is_first ? HAK_PLACE_LIVE : e->place;
    if (!(to < 32 && moves[kind].to >> to & 1))
        tell(c, "event %" PRIu64 ": %s of block 0x%" PRIx64 " to %s is not allowed by hops.def",
             e->id, moves[kind].name, e->base, place_name(to));
    block->place = (uint8_t)to;
    block->has_place = true;
    return 0;
}

static int follow_batch(struct checker *c, struct hak_track *track, uint64_t from, uint64_t to) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.base_from = from;
    limits.filter.base_to = to;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.columns = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE |
                     1u << HAK_COLUMN_GENERATION;
    int result = hak_scan_open(c->reader, &limits, false, &scan);
    if (result)
        return result;
    hak_track_clear(track);
    while ((result = hak_scan_next(scan, &e)) == 1 &&
           (result = hak_track_feed(track, &e, hak_scan_chunks(scan))) == 0)
        ;
    hak_scan_close(scan);
    return result ? result : hak_track_flush(track);
}

static int check_paths(struct checker *c) {
    struct hak_track track;
    uint64_t *bases = malloc(2 * HAK_BASES_BATCH * sizeof *bases), from = 1;
    if (!bases)
        return hak_store_fail(HAK_STORE_INTERNAL, "%s: out of memory", c->reader->path);
    int error = hak_track_init(&track, c->reader, follow, c);
    if (error) {
        free(bases);
        return error;
    }
    bool is_last = false;
    while (!error && !is_last) {
        uint32_t count = 0;
        error = hak_bases_next(c->reader, from, bases, &count, &is_last);
        if (error || !count)
            break;
        error = follow_batch(c, &track, from, bases[count - 1]);
        from = bases[count - 1] + 1;
    }
    hak_track_free(&track);
    free(bases);
    return error;
}

int hak_store_check(struct hak_store_reader *r, void (*problem)(void *context, const char *text),
                    void *context) {
    struct checker c = {.reader = r, .problem = problem, .context = context, .is_readable = true};
    struct hak_store_summary summary;
    int error = hak_store_summarise(r, &summary);
    bool has_memory =
        hak_columns_init(&c.columns) && hak_posting_init(&c.due) && hak_posting_init(&c.stored);
    if (!error && !has_memory)
        error = hak_store_fail(HAK_STORE_INTERNAL, "%s: out of memory", r->path);
    c.has_gaps = summary.lost_events > 0 || summary.losses > 0 || summary.trimmed_events > 0;
    if (!error)
        error = check_rows(&c);
    if (!error)
        error = load_nodes(&c);
    hak_watch_doing("checking chunks");
    if (!error)
        error = check_chunks(&c, summary.trimmed_events);
    hak_watch_doing("following blocks");
    if (!error && c.is_readable)
        error = check_paths(&c);
    else if (!error)
        tell(&c,
             "paths of blocks were not checked, because not every chunk and posting can be read");
    hak_watch_doing("");
    hak_columns_free(&c.columns);
    hak_posting_free(&c.due);
    hak_posting_free(&c.stored);
    free(c.known_node);
    return error ? error : c.found;
}

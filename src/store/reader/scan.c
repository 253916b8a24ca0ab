/* Walks chunks in either order: sends them on their way and hands out their events. */
#include "store/reader/scan.h"

#include <stdlib.h>
#include "store/error.h"
#include "store/reader/ahead.h"
#include "store/reader/slot.h"
#include "store/reader/inner.h"
#include "store/reader/watch.h"

struct hak_scan {
    struct hak_store_reader *reader;
    struct hak_scan *next; /* closed before it */
    struct hak_scan_limits limits;
    struct hak_chunk_choice choice;
    struct hak_ahead ahead;           /* of the choice */
    bool backwards, is_done, has_all; /* has_all: no chunk is left to be read */
    uint64_t chunks_opened;
    struct hak_scan_slot *slot[HAK_SCAN_SLOTS_MAX]; /* a ring; NULL = not made yet */
    unsigned first, used; /* in use now: from `first` on, `used` of them */
    unsigned window;      /* how many may be in use */
    uint32_t at;          /* in the hits of the first one */
};

int hak_scan_fail_chunk(struct hak_store_reader *r, uint64_t chunk, const char *where,
                        const char *wrong) {
    return hak_store_fail_wrong(
        wrong, r->db.path,
        "%s: chunk %llu, %s: %s; the store is damaged: copy it again from where "
        "it was made, or read the other chunks with --since and --until",
        r->db.path, (unsigned long long)chunk, where, wrong);
}

/* ---- slots -------------------------------------------------------------------------------------
 */

static void free_slot(struct hak_scan_slot *slot) {
    if (!slot)
        return;
    hak_columns_free(&slot->columns);
    free(slot->blob);
    free(slot->hit);
    free(slot->mark);
    free(slot);
}

/* A slot that holds one decoded chunk; NULL without memory. */
static struct hak_scan_slot *new_slot(void) {
    struct hak_scan_slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->hit = malloc((HAK_CHUNK_EVENTS_MAX + 1) * sizeof *slot->hit);
    slot->mark = calloc(HAK_CHUNK_EVENTS_MAX, 1);
    if (slot->hit && slot->mark && hak_columns_init(&slot->columns))
        return slot;
    free_slot(slot);
    return NULL;
}

static struct hak_scan_slot *slot_at(struct hak_scan *s, unsigned i) {
    return s->slot[(s->first + i) % HAK_SCAN_SLOTS_MAX];
}

/* Lets go of the first chunk on its way, which is through. */
static void let_go(struct hak_scan *s) {
    if (s->window > 1)
        hak_scan_pool_cancel(s->reader->pool, slot_at(s, 0));
    slot_at(s, 0)->state = HAK_SLOT_IDLE;
    s->first = (s->first + 1) % HAK_SCAN_SLOTS_MAX;
    s->used--;
    s->at = 0;
}

void hak_scan_free(struct hak_scan *s) {
    if (!s)
        return;
    hak_chunks_end(&s->choice);
    hak_ahead_clear(&s->ahead);
    for (unsigned i = 0; i < HAK_SCAN_SLOTS_MAX; i++)
        free_slot(s->slot[i]);
    free(s);
}

/* Ends the walk; the chunk decoded last stays in its slot. */
static void stop(struct hak_scan *s) {
    while (s->used > 0) {
        unsigned last = s->used - 1;
        if (s->window > 1)
            hak_scan_pool_cancel(s->reader->pool, slot_at(s, last));
        slot_at(s, last)->state = HAK_SLOT_IDLE;
        s->used--;
    }
    hak_chunks_end(&s->choice);
    hak_ahead_clear(&s->ahead);
    s->is_done = true;
}

void hak_scan_close(struct hak_scan *s) {
    if (!s)
        return;
    stop(s);
    if (s->reader->spare_scans == HAK_SPARE_SCANS_MAX) {
        hak_scan_free(s);
        return;
    }
    s->next = s->reader->spare_scan;
    s->reader->spare_scan = s;
    s->reader->spare_scans++;
}

/* Takes a scan that was closed, or makes one; NULL when memory is out. */
static struct hak_scan *take_scan(struct hak_store_reader *r) {
    struct hak_scan *s = r->spare_scan;
    if (!s)
        return calloc(1, sizeof *s);
    r->spare_scan = s->next;
    r->spare_scans--;
    return s;
}

void hak_scan_free_spare(struct hak_store_reader *r) {
    while (r->spare_scan)
        hak_scan_free(take_scan(r));
}

int hak_reader_refuse_events(const struct hak_store_reader *r) {
    return hak_store_fail(HAK_STORE_NO_EVENTS,
                          "%s: of this capture only the profile is kept (%s), no "
                          "events: top, heap, diff, leaks --held, view and info answer",
                          r->db.path, r->sampled_rate ? "ctl PID profile" : "run --profile-only");
}

int hak_scan_open(struct hak_store_reader *r, const struct hak_scan_limits *limits, bool backwards,
                  struct hak_scan **out) {
    *out = NULL;
    if (r->is_profile_only && r->is_own) /* the collector's own reports do without */
        return hak_reader_refuse_events(r);
    struct hak_scan *s = take_scan(r);
    if (!s)
        return hak_store_no_memory(r->db.path);
    s->reader = r;
    s->limits = *limits;
    if (!s->limits.columns)
        s->limits.columns = HAK_ALL_COLUMNS;
    s->backwards = backwards;
    s->is_done = s->has_all = false;
    s->used = 0;
    s->at = 0;
    s->window = 1;
    s->chunks_opened = 0;
    for (unsigned i = 0; i < HAK_SCAN_SLOTS_MAX && !r->may_keep_chunks; i++)
        if (s->slot[i]) /* the writer may have taken a chunk back and written another */
            s->slot[i]->chunk_id = 0;
    int error = hak_chunks_choose(&s->choice, r, &s->limits, backwards);
    if (error)
        hak_scan_close(s);
    else
        *out = s;
    return error;
}

/* ---- chunks on their way -----------------------------------------------------------------------
 */

/* Reads the chunk's blob into the slot, or notes there what is wrong with it. 0 or an error. */
static int read_chunk_blob(struct hak_scan *s, struct hak_scan_slot *slot, uint64_t id,
                           size_t *bytes) {
    struct hak_query q = hak_ask(&s->reader->db, "SELECT data FROM chunk_data WHERE chunk = ?1",
                                 "reading a chunk", id);
    bool found = hak_query_next(&q);
    *bytes = found ? (size_t)sqlite3_column_bytes(q.statement, 0) : 0;
    if (!found)
        slot->wrong = "it is missing";
    if (*bytes > slot->blob_room) {
        uint8_t *room = realloc(slot->blob, *bytes);
        if (!room)
            slot->wrong = hak_store_memory_ended;
        else
            slot->blob = room, slot->blob_room = *bytes;
    }
    if (!slot->wrong && *bytes)
        memcpy(slot->blob, sqlite3_column_blob(q.statement, 0), *bytes);
    return hak_query_end(&q);
}

/* Brings the chunk into the slot: its blob, or what is wrong with it. 0 or an error. */
static int load_chunk(struct hak_scan *s, struct hak_scan_slot *slot,
                      struct hak_ahead_chunk *chunk) {
    size_t bytes = chunk->bytes;
    int error = 0;
    slot->wrong = NULL;
    if (slot->chunk_id == chunk->id && slot->chunk.events == chunk->events)
        return 0;
    slot->chunk_id = chunk->id;
    slot->where = "header";
    if (chunk->data) {
        free(slot->blob);
        slot->blob = chunk->data;
        slot->blob_room = bytes;
        chunk->data = NULL;
    } else {
        error = read_chunk_blob(s, slot, chunk->id, &bytes);
    }
    if (!error && !slot->wrong)
        slot->wrong = hak_chunk_open(&slot->chunk, slot->blob, bytes);
    if (!error && !slot->wrong &&
        (slot->chunk.first_id != chunk->id || slot->chunk.events != chunk->events))
        slot->wrong = "it is not the chunk that its row speaks of";
    return error;
}

/* A slot that is free for the chunk, the one that still has it first, made if there is none. NULL
 * without memory. */
static struct hak_scan_slot *free_slot_for(struct hak_scan *s, uint64_t id) {
    unsigned to = (s->first + s->used) % HAK_SCAN_SLOTS_MAX;
    for (unsigned i = s->used; i < HAK_SCAN_SLOTS_MAX; i++) {
        unsigned at = (s->first + i) % HAK_SCAN_SLOTS_MAX;
        if (!s->slot[at] || s->slot[at]->chunk_id != id)
            continue;
        struct hak_scan_slot *kept = s->slot[at];
        s->slot[at] = s->slot[to];
        s->slot[to] = kept;
        break;
    }
    for (unsigned i = s->used; i < HAK_SCAN_SLOTS_MAX && !s->slot[to]; i++) {
        unsigned at = (s->first + i) % HAK_SCAN_SLOTS_MAX;
        s->slot[to] = s->slot[at]; /* made earlier, free now */
        if (at != to)
            s->slot[at] = NULL;
    }
    if (!s->slot[to])
        s->slot[to] = new_slot();
    return s->slot[to];
}

/* Sends a chunk to be decoded, by the pool where chunks are read ahead; a gap is sent as what is
 * wrong. 0 or an error. */
static int send(struct hak_scan *s, struct hak_ahead_chunk *chunk) {
    uint32_t events = chunk->events;
    int error = hak_watch_progress(s->reader, chunk->id, s->backwards);
    struct hak_scan_slot *slot = error ? NULL : free_slot_for(s, chunk->id);
    if (!slot)
        return error ? error : hak_store_no_memory(s->reader->db.path);
    if (!events || events >= HAK_CHUNKS_GAP_AT_END) {
        slot->chunk_id = chunk->id;
        slot->where = "row";
        slot->wrong = !events                    ? "it has an impossible number of events"
                      : events == HAK_CHUNKS_GAP ? hak_scan_missing
                                                 : hak_scan_missing_end;
    } else if ((error = load_chunk(s, slot, chunk)) != 0) {
        return error;
    }
    slot->limits = &s->limits;
    s->used++;
    if (s->window > 1)
        hak_scan_pool_put(s->reader->pool, slot);
    else
        hak_scan_decode(slot);
    return 0;
}

/* Sends the next chunk on its way: 1, 0 there is none, or an error. */
static int send_chunk(struct hak_scan *s) {
    const struct hak_store_reader *r = s->reader;
    struct hak_ahead_chunk chunk;
    int got = hak_ahead_next(&s->ahead, &s->choice, &r->db, r->is_on_server, &chunk);
    if (got <= 0)
        return got;
    int error = send(s, &chunk);
    free(chunk.data);
    return error ? error : 1;
}

/* Widens the window to the pool's threads at the second chunk: the first one is read by the caller
 * alone; a reader that goes on gets the help of other threads. */
static void widen(struct hak_scan *s) {
    if (s->window > 1 || s->chunks_opened == 0 || s->used > 0)
        return;
    struct hak_scan_pool *pool = hak_scan_pool_of(s->reader);
    if (hak_scan_pool_threads(pool) > 1)
        s->window = hak_scan_pool_threads(pool) + 1;
}

/* Goes on to the next chunk that has events that fit: 1, 0 at the end, or an error. */
static int next_chunk(struct hak_scan *s) {
    if (s->used)
        let_go(s);
    for (;;) {
        widen(s);
        while (!s->has_all && s->used < s->window) {
            int sent = send_chunk(s);
            if (sent < 0)
                return sent;
            s->has_all = sent == 0;
        }
        if (!s->used)
            return 0;
        struct hak_scan_slot *slot = slot_at(s, 0);
        if (s->window > 1)
            hak_scan_pool_wait(s->reader->pool, slot);
        if (slot->wrong) {
            uint64_t id = slot->chunk_id;
            slot->chunk_id = 0;
            return hak_scan_fail_chunk(s->reader, id, slot->where, slot->wrong);
        }
        s->chunks_opened += slot->hits > 0;
        if (slot->hits)
            return 1;
        let_go(s);
    }
}

int hak_scan_next(struct hak_scan *s, struct hak_event *out) {
    if (s->is_done)
        return 0;
    if (!s->used || s->at == slot_at(s, 0)->hits) {
        int found = next_chunk(s);
        if (found <= 0) {
            stop(s);
            return found;
        }
    }
    const struct hak_scan_slot *slot = slot_at(s, 0);
    uint32_t i = slot->hit[s->backwards ? slot->hits - 1 - s->at : s->at];
    s->at++;
    hak_columns_get(&slot->columns, i, slot->chunk_id + i, out);
    if (s->limits.columns != HAK_ALL_COLUMNS)
        hak_scan_clear_unwanted(out, s->limits.columns);
    return 1;
}

uint64_t hak_scan_chunks(const struct hak_scan *s) {
    return s->chunks_opened;
}

int hak_store_scan(struct hak_store_reader *r, const struct hak_filter *filter, bool backwards,
                   hak_event_each each, void *context) {
    struct hak_scan_limits limits = {.filter = *filter};
    struct hak_scan *scan;
    struct hak_event event;
    int result = hak_scan_open(r, &limits, backwards, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &event)) == 1) {
        result = each(context, &event);
        if (result)
            break;
    }
    hak_scan_close(scan);
    return result;
}

/* The slot in which the chunk of event `id` lies decoded, all columns; NULL = none. */
static const struct hak_scan_slot *kept_slot(const struct hak_scan *s, uint64_t id) {
    for (unsigned i = 0; s && i < HAK_SCAN_SLOTS_MAX; i++) {
        const struct hak_scan_slot *slot = s->slot[i];
        if (slot && slot->chunk_id && id >= slot->chunk_id &&
            id - slot->chunk_id < slot->chunk.events && slot->chunk.decoded == HAK_ALL_COLUMNS)
            return slot;
    }
    return NULL;
}

int hak_store_event(struct hak_store_reader *r, uint64_t id, struct hak_event *out) {
    if (!id)
        return 0;
    struct hak_scan *s = r->event_scan;
    const struct hak_scan_slot *kept = r->may_keep_chunks ? kept_slot(s, id) : NULL;
    if (kept) {
        hak_columns_get(&kept->columns, (uint32_t)(id - kept->chunk_id), id, out);
        return 1;
    }
    struct hak_scan_limits limits = hak_scan_all();
    limits.filter.id_from = limits.filter.id_to = id;
    hak_scan_close(s);
    r->event_scan = NULL;
    int result = hak_scan_open(r, &limits, false, &s);
    if (result)
        return result;
    result = hak_scan_next(s, out);
    stop(s); /* ends the read transaction; the decoded chunk stays */
    r->event_scan = s;
    return result;
}

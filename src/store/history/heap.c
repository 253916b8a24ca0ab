/* Adds runs of the profile, and replays the events of those that are needed in part. */
#include "store/history/heap_inner.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "hop.h"
#include "store/history/tally.h"
#include "trace/record.h"

_Static_assert(HAK_HEAP_CLASSES == HAK_PROFILE_CLASSES, "the same classes");

struct actor *hak_heap_actor(struct heap *h, uint32_t process) {
    if (process < HAK_PROFILE_ROWS_MAX &&
        hak_growing_reach(&h->actor, process, &h->actor_room, sizeof *h->actor))
        return &h->actor[process];
    h->failed = true;
    return &h->actor[0];
}

/* The row of the pair; 0, which is nobody's, without memory. */
static uint32_t row_of(struct heap *h, uint32_t process, uint32_t key) {
    uint32_t row = hak_profile_sums_find(&h->sums, process, key);
    if (!row || !hak_growing_reach(&h->held, row, &h->held_room, sizeof *h->held)) {
        h->failed = true;
        return 0;
    }
    return row;
}

int hak_heap_fail_blob(const struct hak_store_reader *r, const char *table, uint64_t id,
                       const char *wrong) {
    return hak_store_fail_wrong(
        wrong, r->db.path,
        "%s: %s %llu: %s; the store is damaged: copy it again from where it was "
        "made",
        r->db.path, table, (unsigned long long)id, wrong);
}

/* ---- rows beside the runs -----------------------------------------------------------------------
 */

int hak_heap_read_keys(struct hak_store_reader *r, struct hak_profile_keys *keys) {
    struct hak_query q =
        hak_ask(&r->db, "SELECT id, data FROM profile_key ORDER BY id", "reading keys");
    int error = 0;
    while (!error && hak_query_next(&q)) {
        const char *wrong =
            hak_query_number(&q, 0) != keys->count + 1
                ? "keys are missing before it"
                : hak_profile_keys_decode(sqlite3_column_blob(q.statement, 1),
                                          (size_t)sqlite3_column_bytes(q.statement, 1), keys);
        if (wrong)
            error = hak_heap_fail_blob(r, "profile_key", hak_query_number(&q, 0), wrong);
    }
    int unread = hak_query_end(&q);
    return error ? error : unread;
}

/* Notes the group of threads that each thread belongs to. 0, or an error. */
static int read_threads(struct heap *h) {
    struct hak_query q =
        hak_ask(&h->reader->db, "SELECT id, number FROM thread", "reading threads");
    while (!h->failed && hak_query_next(&q)) {
        uint32_t thread = hak_query_id(&q, 0);
        if (thread >= HAK_PROFILE_ROWS_MAX)
            continue;
        if (!hak_growing_reach(&h->group, thread, &h->group_room, sizeof *h->group))
            h->failed = true;
        else
            h->group[thread] = hak_profile_group(hak_query_id(&q, 1));
    }
    return hak_query_end(&q);
}

/* Notes that the blocks of `parent` behind `event` will be asked for. */
static void want_snapshot(struct heap *h, uint64_t event, uint32_t parent) {
    for (uint32_t i = 0; i < h->snapshots; i++)
        if (h->snapshot[i].event == event && h->snapshot[i].parent == parent)
            return;
    if (!hak_growing_make_room(&h->snapshot, h->snapshots, &h->snapshot_room,
                               sizeof *h->snapshot)) {
        h->failed = true;
        return;
    }
    h->snapshot[h->snapshots++] = (struct snapshot){.event = event, .parent = parent};
}

/* Marks the processes that are asked for: one and those it was forked from, or all. 0, or an
 * error. */
static int want_processes(struct heap *h) {
    struct hak_query q =
        hak_ask(&h->reader->db,
                "WITH RECURSIVE up(id, parent, fork) AS"
                " (SELECT p.id, coalesce(q.id, 0), p.fork_event FROM process p LEFT JOIN process q"
                "   ON q.id = p.parent AND q.session = p.session AND q.id <> p.id"
                "   WHERE ?1 = 0 OR p.id = ?1"
                "  UNION SELECT p.id, coalesce(q.id, 0), p.fork_event FROM up"
                "   JOIN process p ON p.id = up.parent LEFT JOIN process q"
                "   ON q.id = p.parent AND q.session = p.session AND q.id <> p.id WHERE ?1 <> 0)"
                " SELECT id, parent, fork, (SELECT end_kind FROM process WHERE id = up.id)"
                " FROM up ORDER BY fork",
                "reading processes", h->process);
    while (!h->failed && hak_query_next(&q)) {
        uint32_t id = hak_query_id(&q, 0);
        if (!id || id >= HAK_PROFILE_ROWS_MAX)
            continue;
        hak_heap_actor(h, id)->is_wanted = true;
        hak_heap_actor(h, id)->has_ended = hak_query_count(&q, 3) != 0;
        if (hak_query_id(&q, 1) && hak_query_count(&q, 2))
            want_snapshot(h, hak_query_count(&q, 2), hak_query_id(&q, 1));
    }
    return hak_query_end(&q);
}

/* ---- size classes ------------------------------------------------------------------------------
 */

/* Forgets the changes of classes: behind the run that was added as a whole the table says them. */
static void begin_classes(struct actor *a, uint64_t run) {
    free(a->class_more);
    a->class_more = NULL;
    a->class_run = run;
}

/* Adds blocks of a class that came, or went, to the process's sums; nothing where no classes are
 * stored. */
static void add_class(struct heap *h, struct actor *a, uint32_t class_index, uint64_t blocks,
                      uint64_t bytes) {
    if (!h->has_classes)
        return;
    if (!a->class_more)
        a->class_more = calloc(HAK_PROFILE_CLASSES, sizeof *a->class_more);
    if (!a->class_more) {
        h->failed = true;
        return;
    }
    hak_amount_add(&a->class_more[hak_profile_class_of(class_index)],
                   (struct hak_amount){blocks, bytes});
}
static void take_class(struct heap *h, struct actor *a, uint32_t class_index, uint64_t blocks,
                       uint64_t bytes) {
    add_class(h, a, class_index, -blocks, -bytes);
}

/* Adds a stored row of a class; one that no writer stores adds nothing. */
static void add_stored(struct hak_amount *sums, const struct hak_query *q) {
    uint64_t class_index = hak_query_number(q, 0);
    if (class_index >= HAK_PROFILE_CLASSES)
        return;
    hak_amount_add(&sums[class_index],
                   (struct hak_amount){hak_query_count(q, 1), hak_query_count(q, 2)});
}

/* Sums of the blocks that the process holds by class, which the caller frees; NULL: not known. Rows
 * that do not add up to all that it holds are missing, or wrong: then nobody uses the table. */
static struct hak_amount *sum_classes(struct heap *h, uint32_t process) {
    const struct actor *a = hak_heap_actor(h, process);
    struct hak_amount *sums = h->has_classes ? calloc(HAK_PROFILE_CLASSES, sizeof *sums) : NULL;
    if (!sums) {
        h->failed |= h->has_classes;
        return NULL;
    }
    for (uint32_t k = 0; k < HAK_PROFILE_CLASSES && a->class_more; k++)
        sums[k] = a->class_more[k];
    struct hak_query q =
        hak_ask(&h->reader->db,
                "SELECT class, blocks, bytes FROM profile_class WHERE process = ?1 AND run = ?2",
                "reading what was held of each size class", process, a->class_run);
    bool is_there = !a->class_run;
    for (; hak_query_next(&q); is_there = true)
        add_stored(sums, &q);
    uint64_t bytes = 0;
    for (uint32_t k = 0; k < HAK_PROFILE_CLASSES; k++)
        bytes += sums[k].bytes;
    h->has_classes = hak_query_end(&q) == 0 && is_there && bytes == a->live_bytes;
    return sums;
}

/* ---- lives -------------------------------------------------------------------------------------
 */

/* Keeps the process's highest live bytes after the range's start. */
static void note_peak(struct heap *h, struct actor *a, uint64_t event, uint64_t bytes) {
    if (event > h->from && bytes > a->peak_bytes) {
        a->peak_bytes = bytes;
        a->peak_event = event;
    }
}

/* Adds to what a row holds and, in the range, to what came. */
static void raise_held(struct heap *h, struct actor *a, uint32_t row, uint64_t id, uint64_t blocks,
                       uint64_t bytes) {
    struct held *held = &h->held[row];
    hak_amount_add(&held->live, (struct hak_amount){blocks, bytes});
    a->live_bytes += bytes;
    if (id > h->from) {
        hak_amount_add(&h->sums.row[row].came, (struct hak_amount){blocks, bytes});
        note_peak(h, a, id, a->live_bytes);
    }
}

/* Takes from what a row holds and, in the range, adds to what went. */
static void lower_held(struct heap *h, struct actor *a, uint32_t row, uint64_t id, uint64_t blocks,
                       uint64_t bytes, bool brief) {
    struct held *held = &h->held[row];
    hak_amount_take(&held->live, (struct hak_amount){blocks, bytes});
    a->live_bytes -= bytes;
    if (id <= h->from)
        return;
    hak_amount_add(&h->sums.row[row].went, (struct hak_amount){blocks, bytes});
    if (brief) {
        hak_amount_add(&h->sums.row[row].brief, (struct hak_amount){blocks, bytes});
    }
}

/* The child begins with the blocks that its parent had behind `fork`, at its first event `first`.
 * NULL, or what is wrong. */
static const char *begin_child(struct heap *h, uint32_t process, uint32_t parent, uint64_t fork,
                               uint64_t first) {
    struct actor *a = hak_heap_actor(h, process);
    const struct snapshot *s = NULL;
    for (uint32_t i = 0; i < h->snapshots; i++)
        if (h->snapshot[i].event == fork && h->snapshot[i].parent == parent)
            s = &h->snapshot[i];
    if (!a->is_wanted)
        return NULL;
    if (h->tree) {
        uint64_t bytes = hak_heap_tree_inherited(h, process, parent, fork);
        hak_heap_actor(h, process)->live_bytes += bytes;
        return NULL;
    }
    if (!s || !s->is_taken)
        return "what a child's parent had is not there";
    for (uint32_t i = 0; i < s->rows && !h->failed; i++) {
        uint32_t row = row_of(h, process, s->row[i].key);
        struct held *held = &h->held[row];
        hak_amount_add(&held->live, s->row[i].came);
        if (first > h->from)
            hak_amount_add(&held->inherited, s->row[i].came);
    }
    a = hak_heap_actor(h, process);
    for (uint32_t k = 0; k < HAK_PROFILE_CLASSES && s->class_live; k++)
        add_class(h, a, k, s->class_live[k].blocks, s->class_live[k].bytes);
    a->live_bytes += s->bytes;
    note_peak(h, a, first, a->live_bytes);
    return NULL;
}

/* Copies what the parent holds at the fork, for a child that begins later. */
static void take_snapshot(struct heap *h, struct snapshot *s) {
    s->is_taken = true;
    s->bytes = hak_heap_actor(h, s->parent)->live_bytes;
    s->class_live = sum_classes(h, s->parent);
    for (uint32_t row = 1; row < h->sums.rows && !h->failed; row++) {
        const struct held *held = &h->held[row];
        if (h->sums.row[row].process != s->parent || (!held->live.blocks && !held->live.bytes))
            continue;
        if (!hak_growing_make_room(&s->row, s->rows, &s->room, sizeof *s->row))
            h->failed = true;
        else
            s->row[s->rows++] =
                (struct hak_profile_row){.key = h->sums.row[row].key, .came = held->live};
    }
}

/* Passes event `from`: `before` gets the live blocks, once. */
static void pass_from(struct heap *h) {
    if (h->is_behind)
        return;
    h->is_behind = true;
    for (uint32_t row = 1; row < h->sums.rows; row++)
        h->held[row].before = h->held[row].live;
    for (uint32_t i = 0; i < h->actor_room; i++)
        h->actor[i].peak_bytes = h->actor[i].live_bytes;
}

/* ---- replay ------------------------------------------------------------------------------------
 */

struct replay {
    struct heap *heap;
    uint64_t first; /* of the chunk whose rows are at hand */
    uint64_t end;   /* behind it */
    uint32_t next_end, next_exception, next_origin;
    uint64_t next_snapshot; /* event id; UINT64_MAX = none */
};

/* The exception that the chunk stores for event `id`: the life that stands at its block before;
 * NULL: none. Events are asked for in order. */
static const struct hak_profile_exception *exception_at(struct replay *r, uint64_t id) {
    const struct hak_profile_chunk *c = &r->heap->chunk;
    while (r->next_exception < c->exceptions && r->first + c->exception[r->next_exception].at < id)
        r->next_exception++;
    return r->next_exception < c->exceptions && r->first + c->exception[r->next_exception].at == id
               ? &c->exception[r->next_exception]
               : NULL;
}

static bool is_key(const struct heap *h, uint32_t key) {
    return key > 0 && key <= h->keys.count;
}

/* Ends a life in the sums: one of this run, or one that the profile chunk names. Returns what is
 * wrong, or NULL. */
static const char *replay_end(struct replay *r, struct actor *a, const struct hak_event *e) {
    struct heap *h = r->heap;
    const struct hak_profile_exception *x = exception_at(r, e->id);
    const struct hak_profile_block *b = x ? NULL : hak_profile_find(a->top, e->base);
    uint32_t key;
    if (x) {
        if (!is_key(h, x->key))
            return "it names a key that is not there";
        lower_held(h, a, row_of(h, e->process, x->key), e->id, 1, x->size, x->is_brief);
        take_class(h, a, e->class_index, 1, x->size);
    } else if (b && b->key) {
        struct hak_profile_block gone = {.base = b->base};
        bool brief = b->thread < h->last_room && h->last_birth[b->thread] == b->birth;
        lower_held(h, a, row_of(h, e->process, b->key), e->id, 1, b->size, brief);
        take_class(h, a, b->class_index, 1, b->size);
        hak_profile_put(a->top, &gone);
    } else if (r->next_end == h->chunk.ends) {
        return "it names fewer older lives than its events end";
    } else if ((key = h->chunk.end[r->next_end++]) == 0) {
        a->unknown += e->id > h->from;
    } else if (!is_key(h, key)) {
        return "it names a key that is not there";
    } else {
        lower_held(h, a, row_of(h, e->process, key), e->id, 1, e->size, false);
        take_class(h, a, e->class_index, 1, e->size);
    }
    return NULL;
}

/* Begins a life in the sums; one still open at its address is ended first. Returns what is wrong,
 * or NULL. */
static const char *replay_birth(struct replay *r, struct actor *a, const struct hak_event *e) {
    struct heap *h = r->heap;
    const struct hak_profile_exception *x = exception_at(r, e->id);
    const struct hak_profile_block *b = x ? NULL : hak_profile_find(a->top, e->base);
    if (x && !is_key(h, x->key))
        return "it names a key that is not there";
    if (x) { /* the end of the life before was lost */
        lower_held(h, a, row_of(h, e->process, x->key), e->id, 1, x->size, false);
        take_class(h, a, e->class_index, 1, x->size);
    } else if (b && b->key) {
        lower_held(h, a, row_of(h, e->process, b->key), e->id, 1, b->size, false);
        take_class(h, a, b->class_index, 1, b->size);
    }
    if (!hak_growing_reach(&h->last_birth, e->thread, &h->last_room, sizeof *h->last_birth)) {
        h->failed = true;
        return NULL;
    }
    h->last_birth[e->thread] = e->id;
    uint32_t group = e->thread < h->group_room ? h->group[e->thread] : 0;
    uint32_t key = hak_profile_key(&h->keys, group, e->stack);
    h->failed |= !key;
    if (h->failed)
        return NULL;
    raise_held(h, a, row_of(h, e->process, key), e->id, 1, e->size);
    add_class(h, a, e->class_index, 1, e->size);
    struct hak_profile_block life = {.base = e->base,
                                     .size = e->size,
                                     .birth = e->id,
                                     .key = key,
                                     .thread = e->thread & 0xffffff,
                                     .class_index = e->class_index};
    h->failed |= !hak_profile_hold(&a->top, &life, sizeof life);
    return NULL;
}

/* Resizes a life in the sums; an unknown one is entered. Returns what is wrong, or NULL. */
static const char *replay_resize(struct replay *r, struct actor *a, const struct hak_event *e) {
    struct heap *h = r->heap;
    const struct hak_profile_exception *x = exception_at(r, e->id);
    const struct hak_profile_block *b = x ? NULL : hak_profile_find(a->top, e->base);
    struct hak_profile_block life = {.base = e->base, .birth = e->id};
    uint64_t size = 0;
    if (x && !is_key(h, x->key))
        return "it names a key that is not there";
    if (x) {
        life.key = x->key;
        size = x->size;
        take_class(h, a, e->class_index, 1, size);
    } else if (b && b->key) {
        life = *b;
        size = b->size;
        take_class(h, a, b->class_index, 1, size);
    } else {
        life.key = hak_profile_key(&h->keys, 0, 0);
        h->failed |= !life.key;
        raise_held(h, a, row_of(h, e->process, life.key), e->id, 1, 0);
    }
    uint32_t row = row_of(h, e->process, life.key);
    if (e->size > size)
        raise_held(h, a, row, e->id, 0, e->size - size);
    else
        lower_held(h, a, row, e->id, 0, size - e->size, false);
    life.size = e->size;
    life.class_index = e->class_index;
    add_class(h, a, e->class_index, 1, e->size);
    if (!x)
        h->failed |= !hak_profile_hold(&a->top, &life, sizeof life);
    return NULL;
}

/* Finds the next fork at which a snapshot is due. */
static void find_next_snapshot(struct replay *r, uint64_t from) {
    r->next_snapshot = UINT64_MAX;
    for (uint32_t i = 0; i < r->heap->snapshots; i++) {
        const struct snapshot *s = &r->heap->snapshot[i];
        if (!s->is_taken && s->event >= from && s->event < r->next_snapshot)
            r->next_snapshot = s->event;
    }
}

/* Takes all snapshots that were wanted behind events before `id`. */
static void take_snapshots(struct replay *r, uint64_t id) {
    for (uint32_t i = 0; i < r->heap->snapshots; i++)
        if (!r->heap->snapshot[i].is_taken && r->heap->snapshot[i].event < id)
            take_snapshot(r->heap, &r->heap->snapshot[i]);
    find_next_snapshot(r, id);
}

/* Row `i` of the sums as one of the answer, with what its blocks held before and hold now. */
static struct hak_heap_row row_at(const struct heap *h, uint32_t i) {
    const struct hak_profile_row *w = &h->sums.row[i];
    const struct held *held = &h->held[i];
    const struct hak_profile_key *key = &h->keys.key[w->key - 1];
    return (struct hak_heap_row){.process = w->process,
                                 .group = key->group,
                                 .stack = key->stack,
                                 .before = held->before,
                                 .inherited = held->inherited,
                                 .came = w->came,
                                 .went = w->went,
                                 .brief = w->brief,
                                 .live = held->live};
}

/* A process's first event: a child takes over what its parent held. Returns what is wrong, or
 * NULL. */
static const char *begin_actor(struct replay *r, const struct hak_event *e) {
    struct heap *h = r->heap;
    hak_heap_actor(h, e->process)->has_begun = true;
    for (uint32_t i = 0; i < h->chunk.origins; i++) {
        const struct hak_profile_origin *o = &h->chunk.origin[i];
        if (o->process == e->process)
            return begin_child(h, o->process, o->parent, o->fork, e->id);
    }
    return NULL;
}

/* Replays one event in the sums. Returns what is wrong, or NULL. */
static const char *replay_event(struct replay *r, const struct hak_event *e) {
    struct heap *h = r->heap;
    if (!e->process || e->process >= HAK_PROFILE_ROWS_MAX || e->thread >= HAK_PROFILE_ROWS_MAX)
        return NULL;
    struct actor *a = hak_heap_actor(h, e->process);
    const char *wrong = a->has_begun ? NULL : begin_actor(r, e);
    a = hak_heap_actor(h, e->process);
    a->last_event = e->id;
    if (wrong || !e->base || (e->flags & HAK_RECORD_ILLEGAL))
        return wrong;
    switch (e->kind) {
    case HAK_FREE:
    case HAK_REALLOC_FROM:
        return replay_end(r, a, e);
    case HAK_REALLOC:
        if (e->place == HAK_PLACE_LIVE)
            return replay_resize(r, a, e);
        return replay_birth(r, a, e);
    case HAK_MALLOC:
        return replay_birth(r, a, e);
    default:
        return NULL;
    }
}

/* ---- the follower ------------------------------------------------------------------------------
 */

/* Bytes that the process of the event holds, if it is one that is asked for. */
static uint64_t followed_bytes(const struct heap *h, const struct hak_event *e) {
    bool is_asked = e->process < h->actor_room && (!h->process || h->process == e->process);
    return is_asked ? h->actor[e->process].live_bytes : 0;
}

static void note_running(struct heap *h, uint64_t more) {
    h->running += more;
    h->most = h->running > h->most ? h->running : h->most;
}

/* Tells the follower the sums so far: all that was added lies before `event` or is it. */
static void tell_follower(struct heap *h, uint64_t event) {
    struct hak_heap *out = h->out;
    if (event == h->stop)
        h->stop = 0;
    if (!h->follower || event == h->told || h->failed)
        return;
    h->told = event;
    if (!hak_growing_reach(&out->row, h->sums.rows, &h->told_room, sizeof *out->row)) {
        h->failed = true;
        return;
    }
    out->rows = 0;
    for (uint32_t i = 1; i < h->sums.rows; i++)
        out->row[out->rows++] = row_at(h, i);
    h->follower->step(h->follower->context, out, event, h->most);
    h->most = h->running;
}

/* Chunks of a stretch, each with its row of the profile. */
static const char chunks_of[] = "SELECT c.id, c.events, p.chunk, p.data FROM chunk c"
                                " LEFT JOIN profile_chunk p ON p.chunk = c.id"
                                " WHERE c.id >= ?1 AND c.id <= ?2 ORDER BY c.id";

static const char events_are_gone[] =
    "events that it would be computed from are not in the capture any more";

/* Reads the next chunk's row: 1, 0 with h->out->why_not, or an error. */
static int next_rows(struct replay *r, struct hak_query *q) {
    struct heap *h = r->heap;
    if (!hak_query_next(q) || hak_query_number(q, 0) != r->end) {
        h->out->why_not = events_are_gone;
        return q->error;
    }
    if (sqlite3_column_type(q->statement, 2) == SQLITE_NULL) {
        h->out->why_not = "the profile of this capture ends before";
        return 0;
    }
    size_t bytes = (size_t)sqlite3_column_bytes(q->statement, 3);
    const char *wrong = NULL;
    h->chunk.ends = h->chunk.exceptions = h->chunk.origins = 0;
    if (bytes)
        wrong = hak_profile_chunk_decode(sqlite3_column_blob(q->statement, 3), bytes, &h->chunk);
    if (wrong)
        return hak_heap_fail_blob(h->reader, "profile_chunk", r->end, wrong);
    r->first = r->end;
    r->end += hak_query_number(q, 1);
    r->next_end = r->next_exception = 0;
    for (uint32_t i = 0; i < h->chunk.origins; i++)
        if (h->chunk.origin[i].fork >= r->first)
            want_snapshot(h, h->chunk.origin[i].fork, h->chunk.origin[i].parent);
    find_next_snapshot(r, r->first);
    return 1;
}

/* Forgets the open lives of all processes; their sums stay. */
static void forget_lives(struct heap *h) {
    for (uint32_t i = 0; i < h->actor_room; i++) {
        hak_profile_drop(h->actor[i].top);
        h->actor[i].top = NULL;
    }
}

int hak_heap_replay(struct heap *h, uint64_t first, uint64_t last) {
    struct replay r = {.heap = h, .end = first};
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.id_from = first;
    limits.filter.id_to = last;
    limits.columns = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE |
                     1u << HAK_COLUMN_STACK | 1u << HAK_COLUMN_SIZE;
    struct hak_query q = hak_ask(&h->reader->db, chunks_of, "reading the profile", first, last);
    int result = hak_scan_open(h->reader, &limits, false, &scan);
    if (result) {
        hak_query_end(&q);
        return result;
    }
    const char *wrong = NULL;
    find_next_snapshot(&r, first);
    while (!wrong && !h->failed && (result = hak_scan_next(scan, &e)) == 1) {
        if (e.id > r.next_snapshot)
            take_snapshots(&r, e.id);
        if (e.id >= r.end && (result = next_rows(&r, &q)) != 1)
            break;
        if (e.id > h->from)
            pass_from(h);
        if (h->tree)
            hak_heap_tree_before(h, &e);
        if (h->stop && e.id > h->stop)
            tell_follower(h, h->stop);
        uint64_t before = h->follower ? followed_bytes(h, &e) : 0;
        wrong = replay_event(&r, &e);
        if (h->tree)
            hak_heap_tree_after(h, &e);
        if (h->follower)
            note_running(h, followed_bytes(h, &e) - before);
        h->out->events_read++;
    }
    hak_scan_close(scan);
    int unread = hak_query_end(&q);
    if (!wrong && !h->failed && result == 0 && !h->out->why_not) {
        take_snapshots(&r, last + 1);
        if (r.end <= last)
            h->out->why_not = events_are_gone;
    }
    forget_lives(h);
    if (wrong)
        return hak_heap_fail_blob(h->reader, "profile_chunk", r.first, wrong);
    return result < 0 ? result : unread ? unread : h->out->why_not ? 0 : 1;
}

/* ---- runs --------------------------------------------------------------------------------------
 */

/* Adds a stored row to a wanted process's sums; those of a span only where `is_span`. */
static void add_row(struct heap *h, const struct hak_profile_row *w, bool is_span) {
    if (!hak_heap_actor(h, w->process)->is_wanted)
        return;
    uint32_t row = row_of(h, w->process, w->key);
    struct held *held = &h->held[row];
    hak_amount_add(&held->live, w->inherited);
    if (is_span)
        hak_amount_add(&held->inherited, w->inherited);
    held->live.blocks += w->came.blocks - w->went.blocks;
    held->live.bytes += w->came.bytes - w->went.bytes;
    if (!is_span)
        return;
    hak_amount_add(&h->sums.row[row].came, w->came);
    hak_amount_add(&h->sums.row[row].went, w->went);
    hak_amount_add(&h->sums.row[row].brief, w->brief);
}

/* Raises the bound by a run: all processes together hold at most the sum of their own peaks in it.
 */
static void follow_run(struct heap *h, const struct actor *a, const struct hak_profile_process *p) {
    uint64_t before = p->parent ? 0 : a->live_bytes;
    uint64_t most = before > p->inherited_bytes ? before : p->inherited_bytes;
    if (h->process && h->process != p->process)
        return;
    h->most += (p->most_bytes > most ? p->most_bytes : most) - before;
    h->running += p->live_bytes - before;
}

/* Adds a run as a whole: begins its processes, adds rows and peaks. NULL, or what is wrong. */
static const char *add_whole_run(struct heap *h, const struct hak_profile_run *run) {
    bool is_span = run->first > h->from;
    const char *wrong = NULL;
    if (is_span)
        pass_from(h);
    for (uint32_t i = 0; i < run->processes && !wrong && !h->failed; i++) {
        const struct hak_profile_process *p = &run->process[i];
        struct actor *a = hak_heap_actor(h, p->process);
        a->has_begun = true;
        a->last_event = run->last - (run->last > run->first);
        if (p->parent && run->is_alone)
            note_peak(h, a, p->first, p->inherited_bytes);
        else if (p->parent)
            wrong = begin_child(h, p->process, p->parent, p->fork, p->first);
        a = hak_heap_actor(h, p->process);
        begin_classes(a, run->last);
        if (h->follower)
            follow_run(h, a, p);
        note_peak(h, a, p->most_at, p->most_bytes);
        if (a->peak_event == p->most_at)
            a->peak_ns = p->most_ns;
        a->live_bytes = p->live_bytes;
        a->unknown += is_span ? p->unknown : 0;
    }
    for (uint32_t i = 0; i < run->rows && !wrong && !h->failed; i++)
        wrong = is_key(h, run->row[i].key) ? add_row(h, &run->row[i], is_span),
        NULL                               : "it names a key that is not there";
    return wrong;
}

/* Whether a run must be replayed: a moment lies in it, or a child may have got what its parent had
 * in it. */
static bool is_replayed(struct heap *h, const struct hak_profile_run *run) {
    if ((h->from >= run->first && h->from < run->last) || h->to < run->last)
        return true;
    if (h->stop >= run->first && h->stop < run->last)
        return true;
    if (run->is_alone)
        return false;
    for (uint32_t i = 0; i < run->processes; i++)
        if (run->process[i].parent && run->process[i].fork >= run->first &&
            hak_heap_actor(h, run->process[i].process)->is_wanted)
            want_snapshot(h, run->process[i].fork, run->process[i].parent);
    for (uint32_t i = 0; i < h->snapshots; i++)
        if (h->snapshot[i].event >= run->first && h->snapshot[i].event <= run->last)
            return true;
    return false;
}

int hak_heap_decode_run(struct heap *h, const struct hak_query *q, uint64_t next) {
    h->run.first = hak_query_number(q, 0);
    h->run.last = hak_query_number(q, 1);
    const char *wrong =
        h->run.first != next || h->run.last < h->run.first
            ? "runs are missing before it"
            : hak_profile_run_decode(sqlite3_column_blob(q->statement, 2),
                                     (size_t)sqlite3_column_bytes(q->statement, 2), &h->run);
    if (!wrong && h->run.is_alone != h->reader->is_profile_only)
        wrong = "it is of the other kind of captures";
    return wrong ? hak_heap_fail_blob(h->reader, "profile_run", h->run.first, wrong) : 0;
}

static int refuse_inside(struct heap *h) {
    h->out->why_not = "the moment lies inside of a run, whose events are not kept";
    return 0;
}

/* Adds the stored runs up to the moment, replaying events where the moment lies inside a run or no
 * run is stored yet. 1, or an error. */
static int add_runs(struct heap *h) {
    struct hak_query q = hak_ask(&h->reader->db,
                                 "SELECT first, last, data FROM profile_run WHERE first <= ?1"
                                 " ORDER BY first",
                                 "reading the profile", h->to);
    uint64_t next = 1;
    int result = 1;
    while (result == 1 && !h->failed && hak_query_next(&q)) {
        int error = hak_heap_decode_run(h, &q, next);
        bool is_whole = !error && !is_replayed(h, &h->run);
        const char *wrong = is_whole ? add_whole_run(h, &h->run) : NULL;
        if (error)
            result = error;
        else if (wrong)
            result = hak_heap_fail_blob(h->reader, "profile_run", h->run.first, wrong);
        else if (!is_whole && h->reader->is_profile_only)
            result = refuse_inside(h);
        else if (!is_whole)
            result = hak_heap_replay(h, h->run.first, h->run.last < h->to ? h->run.last : h->to);
        if (result == 1)
            tell_follower(h, h->run.last < h->to ? h->run.last : h->to);
        next = h->run.last + 1;
    }
    int unread = hak_query_end(&q);
    if (result == 1 && !unread && !h->failed && next <= h->to)
        result = hak_heap_replay(h, next, h->to);
    if (result == 1 && !unread)
        tell_follower(h, h->to);
    return unread ? unread : result;
}

/* ---- behind the moment -------------------------------------------------------------------------
 */

/* Keeps the process's newest event. */
static void note_last_event(void *context, const struct hak_event *e) {
    struct heap *h = context;
    if (e->process && e->process < HAK_PROFILE_ROWS_MAX &&
        hak_heap_actor(h, e->process)->last_event < e->id)
        h->actor[e->process].last_event = e->id;
}

/* Finds the processes with events behind `to`: those of a run that goes on behind it, and of all
 * later ones. 0, or an error. */
static int follow_on(struct heap *h) {
    struct hak_query q = hak_ask(
        &h->reader->db, "SELECT first, last, data FROM profile_run WHERE last > ?1 ORDER BY first",
        "reading the profile", h->to);
    uint64_t seen = h->to;
    int error = 0;
    while (!error && !h->failed && hak_query_next(&q)) {
        error = hak_heap_decode_run(h, &q, hak_query_number(&q, 0));
        if (!error && h->run.first <= h->to)
            error = hak_store_each_later_actor(h->reader, h->to, h->run.last, note_last_event, h);
        for (uint32_t i = 0; i < h->run.processes && !error && h->run.first > h->to; i++)
            hak_heap_actor(h, h->run.process[i].process)->last_event = h->run.last;
        seen = h->run.last;
    }
    int unread = hak_query_end(&q);
    if (!error && !unread && !h->failed)
        error = hak_store_each_later_actor(h->reader, seen, 0, note_last_event, h);
    /* Where the moments are ends of runs. */
    if (!error && !unread)
        error = hak_store_each_actor(h->reader, h->to, h->to, note_last_event, h);
    if (!error && !unread && h->from)
        error = hak_store_each_actor(h->reader, h->from, h->from, note_last_event, h);
    return error ? error : unread;
}

/* ---- the answer --------------------------------------------------------------------------------
 */

/* Compares by process, group of threads, stack. */
static int compare_rows(const void *one, const void *other) {
    const struct hak_heap_row *a = one, *b = other;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return (a->stack > b->stack) - (a->stack < b->stack);
}

/* Puts the rows that have any sum into the result, sorted. */
static void tell_rows(struct heap *h) {
    struct hak_heap *out = h->out;
    free(out->row); /* of the follower */
    out->rows = 0;
    out->row = calloc((size_t)h->sums.rows + 1, sizeof *out->row);
    h->failed |= !out->row;
    for (uint32_t i = 1; i < h->sums.rows && !h->failed; i++) {
        struct hak_heap_row row = row_at(h, i);
        bool is_zero = !row.before.blocks && !row.before.bytes && !row.inherited.blocks &&
                       !row.came.blocks && !row.came.bytes && !row.went.blocks && !row.went.bytes;
        if (!is_zero && (!h->process || h->process == row.process))
            out->row[out->rows++] = row;
    }
    if (out->rows)
        qsort(out->row, out->rows, sizeof *out->row, compare_rows);
}

/* Fills in the processes of the answer: bytes, peak and classes of those that are asked for and
 * have begun. */
static void tell_processes(struct heap *h) {
    struct hak_heap *out = h->out;
    out->process = calloc((size_t)h->actor_room + 1, sizeof *out->process);
    h->failed |= !out->process;
    for (uint32_t i = 1; i < h->actor_room && !h->failed; i++) {
        const struct actor *a = &h->actor[i];
        if (!a->has_begun || !a->is_wanted || (h->process && h->process != i))
            continue;
        out->process[out->processes++] =
            (struct hak_heap_process){.process = i,
                                      .live_bytes = a->live_bytes,
                                      .peak_bytes = a->peak_bytes,
                                      .peak_event = a->peak_event,
                                      .peak_ns = a->peak_ns,
                                      .last_event = h->has_last_events ? a->last_event : 0,
                                      .has_ended = a->has_ended,
                                      .unknown_ends = a->unknown,
                                      .class_live = sum_classes(h, i)};
    }
}

int hak_heap_begin(struct heap *h, uint64_t *last) {
    const struct hak_database *db = &h->reader->db;
    *last = h->reader->is_profile_only
                ? hak_database_number(db, "SELECT max(last) FROM profile_run", 0)
                : hak_database_number(
                      db, "SELECT id + events - 1 FROM chunk ORDER BY id DESC LIMIT 1", 0);
    if (!h->to || h->to > *last)
        h->to = *last;
    h->from = h->from < h->to ? h->from : h->to;
    if (!hak_database_has_table(db, "profile_run")) {
        h->out->why_not = "the capture has no profile: it was written by an earlier version";
        return 0;
    }
    if (h->has_classes)
        h->has_classes =
            hak_database_has_table(db, "profile_class") &&
            !hak_database_number(
                db, "SELECT EXISTS (SELECT 1 FROM profile_class WHERE process = 0)", 0);
    h->failed |= !hak_profile_sums_begin(&h->sums) ||
                 !hak_growing_reach(&h->held, 0, &h->held_room, sizeof *h->held) ||
                 !hak_growing_reach(&h->actor, 0, &h->actor_room, sizeof *h->actor);
    int error = h->failed ? 0 : hak_heap_read_keys(h->reader, &h->keys);
    if (!error && !h->failed)
        error = read_threads(h);
    if (!error && !h->failed)
        error = want_processes(h);
    return error ? error : 1;
}

/* Reads the sums of a span from runs and, beside a second process, from events. 1, 0 with why_not,
 * or an error. */
static int read_heap(struct heap *h) {
    bool is_to_end = !h->to;
    uint64_t last;
    int result = hak_heap_begin(h, &last);
    h->out->from = h->from;
    h->out->to = h->to;
    if (result == 1 && !h->failed)
        result = add_runs(h);
    if (result == 1 && !is_to_end && !h->failed && !h->reader->is_profile_only &&
        hak_database_number(&h->reader->db, "SELECT count(*) FROM process", 0) > 1) {
        int error = follow_on(h);
        h->has_last_events = true;
        result = error ? error : result;
    }
    if (result == 1) {
        pass_from(h);
        tell_rows(h);
        tell_processes(h);
        h->out->has_classes = h->has_classes;
    }
    return result;
}

void hak_heap_release(struct heap *h) {
    forget_lives(h);
    for (uint32_t i = 0; i < h->snapshots; i++) {
        free(h->snapshot[i].row);
        free(h->snapshot[i].class_live);
    }
    for (uint32_t i = 0; i < h->actor_room; i++)
        free(h->actor[i].class_more);
    hak_profile_keys_free(&h->keys);
    hak_profile_sums_free(&h->sums);
    hak_profile_run_free(&h->run);
    hak_profile_chunk_free(&h->chunk);
    free(h->held);
    free(h->actor);
    free(h->last_birth);
    free(h->group);
    free(h->snapshot);
}

/* Reads all in one transaction and fills `h->out`; frees what `h` has. As read_heap, or an error
 * without memory. */
static int read_whole(struct heap *h) {
    *h->out = (struct hak_heap){0};
    bool is_own = hak_database_begin_reading(&h->reader->db);
    int result = read_heap(h);
    hak_database_end_reading(&h->reader->db, is_own);
    bool failed = h->failed;
    hak_heap_release(h);
    return failed && result >= 0 ? hak_store_no_memory(h->reader->db.path) : result;
}

int hak_heap_read(struct hak_store_reader *r, uint64_t from, uint64_t to, uint32_t process,
                  struct hak_heap *out) {
    struct heap h = {.reader = r, .out = out, .from = from, .to = to, .process = process};
    return read_whole(&h);
}

int hak_heap_read_classes(struct hak_store_reader *r, uint64_t to, struct hak_heap *out) {
    struct heap h = {.reader = r, .out = out, .to = to, .has_classes = true};
    return read_whole(&h);
}

int hak_heap_follow(struct hak_store_reader *r, uint64_t to, uint32_t process, uint64_t stop,
                    const struct hak_heap_follower *follower, struct hak_heap *out) {
    struct heap h = {
        .reader = r, .out = out, .to = to, .process = process, .stop = stop, .follower = follower};
    return read_whole(&h);
}

void hak_heap_free(struct hak_heap *heap) {
    for (uint32_t i = 0; i < heap->processes; i++)
        free(heap->process[i].class_live);
    free(heap->row);
    free(heap->process);
    *heap = (struct hak_heap){0};
}

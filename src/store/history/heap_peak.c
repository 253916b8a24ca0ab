/* Finds the peak of all processes together: the runs give a bound of the bytes held in each, and
 * only events of the few runs that may have the peak are replayed. */
#include <stdlib.h>
#include "base/growing.h"
#include "base/sorted.h"
#include "hop.h"
#include "store/history/heap_inner.h"
#include "store/history/tally.h"

/* A run, or the events behind the last one. */
struct run_stretch {
    uint64_t first, last;
    uint64_t before; /* held by all before it, without those that ended in runs before */
    uint64_t bound;  /* no event of it has more behind it */
    uint64_t event;  /* 0 = only its events tell; else `bound` is what was held behind this one */
    bool is_open;    /* its bound is not known */
    bool is_tail;    /* behind all runs */
};

struct known {
    uint32_t first, last; /* numbers of the stretches with its events, from 1; 0 = none */
    uint64_t live;        /* behind the runs that were added */
};

struct forked {
    uint64_t event, bytes;
    uint32_t process;
};

struct heap_tree {
    struct heap *heap;
    struct run_stretch *stretch;
    uint32_t stretches, stretch_room;
    struct known *known; /* by row id */
    uint32_t known_room;
    bool is_tail; /* what is replayed */

    /* The replay. */
    uint64_t bytes, was; /* of all; of the process of the event, before it */
    struct hak_heap_ending *ending;
    uint32_t endings, ending_room, next_ending;
    struct forked *forked; /* what parents held at their forks, of the tail */
    uint32_t forks, forked_room;
    bool needs_base;           /* event `from` is in it */
    uint64_t most, most_event; /* in it */

    uint64_t base; /* held behind event `from` */
    uint64_t best, event;
    int error;
};

/* The known facts of the process; without memory the heap has failed, and a place that counts for
 * nothing. */
static struct known *known_of(struct heap_tree *t, uint32_t process) {
    if (process < HAK_PROFILE_ROWS_MAX &&
        hak_growing_reach(&t->known, process, &t->known_room, sizeof *t->known))
        return &t->known[process];
    t->heap->failed = true;
    return &t->known[0];
}

/* Appends a stretch of events in which the peak may lie; NULL without memory. */
static struct run_stretch *append_stretch(struct heap_tree *t, uint64_t first, uint64_t last) {
    if (!hak_growing_make_room(&t->stretch, t->stretches, &t->stretch_room, sizeof *t->stretch)) {
        t->heap->failed = true;
        return NULL;
    }
    struct run_stretch *s = &t->stretch[t->stretches++];
    *s = (struct run_stretch){.first = first, .last = last};
    return s;
}

/* ---- bounds ------------------------------------------------------------------------------------
 */

/* Adds the bound of the decoded run; `live`: bytes held before it by all processes that ever began.
 */
static void bound_run(struct heap_tree *t, uint64_t *live) {
    struct heap *h = t->heap;
    const struct hak_profile_run *run = &h->run;
    struct run_stretch *s = append_stretch(t, run->first, run->last);
    uint32_t number = t->stretches;
    uint64_t before = *live, bound = before, others = 0;
    for (uint32_t i = 0; i < run->processes && !h->failed; i++) {
        const struct hak_profile_process *p = &run->process[i];
        struct known *k = known_of(t, p->process);
        uint64_t most = k->live > p->inherited_bytes ? k->live : p->inherited_bytes;
        bound += (p->most_bytes > most ? p->most_bytes : most) - k->live;
        others = before - k->live; /* where it is the only one */
        *live += p->live_bytes - k->live;
        k->live = p->live_bytes;
        k->first = k->first ? k->first : number;
        k->last = number;
    }
    if (!s || h->failed)
        return;
    s->before = before;
    s->bound = bound;
    s->is_open = h->from >= run->first || h->to < run->last;
    if (run->processes != 1 || run->process[0].parent || s->is_open)
        return;
    s->event = run->process[0].most_at;
    s->bound = s->event ? others + run->process[0].most_bytes : 0;
}

/* Notes that the process has events in the last stretch. */
static void note_tail(void *context, const struct hak_event *e) {
    struct heap_tree *t = context;
    if (e->process && e->process < HAK_PROFILE_ROWS_MAX)
        known_of(t, e->process)->last = t->stretches;
}

/* Adds the bounds of all runs, those behind `to`, too: a process with events in them has not ended
 * before. 0, or an error. */
static int bound_runs(struct heap_tree *t, uint64_t end) {
    struct heap *h = t->heap;
    struct hak_query q =
        hak_ask(&h->reader->db, "SELECT first, last, data FROM profile_run ORDER BY first",
                "reading the profile");
    uint64_t next = 1, live = 0;
    int error = 0;
    while (!error && !h->failed && hak_query_next(&q)) {
        error = hak_heap_decode_run(h, &q, next);
        if (!error)
            bound_run(t, &live);
        next = h->run.last + 1;
    }
    int unread = hak_query_end(&q);
    error = error ? error : unread;
    if (error || h->failed || next > end)
        return error;
    struct run_stretch *tail = append_stretch(t, next, end);
    if (tail) {
        tail->before = live;
        tail->is_open = tail->is_tail = true;
    }
    return h->failed ? 0 : hak_store_each_actor(h->reader, next, end, note_tail, t);
}

/* Takes the bytes of ended processes out of the stretches that follow. */
static void drop_ended(struct heap_tree *t) {
    struct heap *h = t->heap;
    for (uint32_t p = 1; p < t->known_room && p < h->actor_room; p++) {
        const struct known *k = &t->known[p];
        if (!h->actor[p].has_ended || !k->last || !k->live)
            continue;
        for (uint32_t i = k->last; i < t->stretches; i++) {
            t->stretch[i].before -= k->live;
            t->stretch[i].bound -= t->stretch[i].bound ? k->live : 0;
        }
    }
}

/* ---- the replay --------------------------------------------------------------------------------
 */

static void drop_endings(struct heap_tree *t, uint64_t before) {
    while (t->next_ending < t->endings && t->ending[t->next_ending].event < before)
        t->bytes -= hak_heap_actor(t->heap, t->ending[t->next_ending++].process)->live_bytes;
}

void hak_heap_tree_before(struct heap *h, const struct hak_event *e) {
    struct heap_tree *t = h->tree;
    if (t->needs_base && e->id > h->from) {
        t->needs_base = false;
        t->base = t->bytes;
    }
    drop_endings(t, e->id);
    t->was = e->process < h->actor_room ? h->actor[e->process].live_bytes : 0;
}

void hak_heap_tree_after(struct heap *h, const struct hak_event *e) {
    struct heap_tree *t = h->tree;
    uint64_t now = e->process < h->actor_room ? h->actor[e->process].live_bytes : 0;
    t->bytes += now - t->was;
    if (e->id > h->from && t->bytes > t->most) {
        t->most = t->bytes;
        t->most_event = e->id;
    }
    if (e->kind != HAK_FORK || !t->is_tail)
        return;
    if (!hak_growing_make_room(&t->forked, t->forks, &t->forked_room, sizeof *t->forked))
        h->failed = true;
    else
        t->forked[t->forks++] = (struct forked){e->id, now, e->process};
}

/* Bytes that the parent held behind an event of a run, for a child that begins in the tail. */
static uint64_t held_at(struct heap_tree *t, uint32_t parent, uint64_t fork) {
    struct hak_heap heap = {0};
    uint64_t bytes = 0;
    int result = hak_heap_read(t->heap->reader, 0, fork, parent, &heap);
    for (uint32_t i = 0; i < heap.processes && result == 1; i++)
        bytes = heap.process[i].process == parent ? heap.process[i].live_bytes : bytes;
    if (result < 0)
        t->error = result;
    hak_heap_free(&heap);
    return bytes;
}

uint64_t hak_heap_tree_inherited(struct heap *h, uint32_t process, uint32_t parent, uint64_t fork) {
    struct heap_tree *t = h->tree;
    for (uint32_t i = 0; i < h->run.processes && !t->is_tail; i++)
        if (h->run.process[i].process == process)
            return h->run.process[i].inherited_bytes;
    for (uint32_t i = 0; i < t->forks; i++)
        if (t->forked[i].event == fork && t->forked[i].process == parent)
            return t->forked[i].bytes;
    if (fork >= t->stretch[t->stretches - 1].first) /* at the child's first event: not a FORK */
        return hak_heap_actor(h, parent)->live_bytes;
    return held_at(t, parent, fork);
}

/* Keeps the process's newest event. */
static void note_ending(void *context, const struct hak_event *e) {
    struct heap *h = context;
    if (e->process && e->process < HAK_PROFILE_ROWS_MAX)
        hak_heap_actor(h, e->process)->last_event = e->id;
}

/* Finds the processes that end in the stretch, by their last events. 0, or an error. */
static int find_endings(struct heap_tree *t, uint32_t number) {
    struct heap *h = t->heap;
    const struct run_stretch *s = &t->stretch[number - 1];
    t->endings = t->next_ending = 0;
    for (uint32_t p = 1; p < t->known_room && p < h->actor_room; p++)
        if (h->actor[p].has_ended && t->known[p].last == number) {
            if (!hak_growing_make_room(&t->ending, t->endings, &t->ending_room, sizeof *t->ending))
                h->failed = true;
            else
                t->ending[t->endings++] = (struct hak_heap_ending){.process = p};
        }
    if (!t->endings || h->failed)
        return 0;
    int error = hak_store_each_actor(h->reader, s->first, s->last, note_ending, h);
    for (uint32_t i = 0; i < t->endings; i++)
        t->ending[i].event = h->actor[t->ending[i].process].last_event;
    hak_sort_by_first(t->ending, t->endings, sizeof *t->ending);
    return error;
}

/* Sets each process to its state before the run that was decoded. */
static void set_actors(struct heap_tree *t, uint32_t number) {
    struct heap *h = t->heap;
    const struct hak_profile_run *run = &h->run;
    for (uint32_t p = 0; p < t->known_room && !h->failed; p++)
        hak_heap_actor(h, p)->has_begun = t->known[p].first && t->known[p].first < number;
    for (uint32_t p = 0; p < t->known_room && t->is_tail; p++)
        hak_heap_actor(h, p)->live_bytes = t->known[p].live;
    for (uint32_t i = 0, row = 0; i < run->processes && !t->is_tail && !h->failed; i++) {
        const struct hak_profile_process *p = &run->process[i];
        uint64_t live = p->live_bytes - p->inherited_bytes;
        for (; row < run->rows && run->row[row].process <= p->process; row++)
            if (run->row[row].process == p->process)
                live -= run->row[row].came.bytes - run->row[row].went.bytes;
        hak_heap_actor(h, p->process)->live_bytes = live;
    }
}

/* Decodes the run that begins at this event once more. 0, or an error. */
static int decode_again(struct heap *h, uint64_t first) {
    struct hak_query q =
        hak_ask(&h->reader->db, "SELECT first, last, data FROM profile_run WHERE first = ?1",
                "reading the profile", first);
    int error = hak_query_next(&q) ? hak_heap_decode_run(h, &q, first) : q.error;
    int unread = hak_query_end(&q);
    return error ? error : unread;
}

/* Runs through a stretch's events for its peak; afterwards its bound is exact. 1, 0 with
 * h->out->why_not, or an error. */
static int replay_stretch(struct heap_tree *t, uint32_t number) {
    struct heap *h = t->heap;
    struct run_stretch *s = &t->stretch[number - 1];
    t->is_tail = s->is_tail;
    int error = t->is_tail ? 0 : decode_again(h, s->first);
    if (!error)
        error = find_endings(t, number);
    if (error || h->failed)
        return error ? error : 1;
    set_actors(t, number);
    t->bytes = s->before;
    t->most = t->most_event = 0;
    t->needs_base = h->from && h->from >= s->first && h->from <= s->last;
    int result = hak_heap_replay(h, s->first, s->last < h->to ? s->last : h->to);
    if (t->needs_base)
        t->base = t->bytes;
    s->is_open = false;
    s->event = t->most_event;
    s->bound = t->most_event ? t->most : 0;
    return t->error ? t->error : result;
}

/* ---- the search --------------------------------------------------------------------------------
 */

/* The stretch that may have the most: those whose bound is not known first, then the greatest, then
 * the earliest. 0 = none is left. */
static uint32_t next_stretch(const struct heap_tree *t) {
    const struct run_stretch *best = NULL;
    for (uint32_t i = 0; i < t->stretches; i++) {
        const struct run_stretch *s = &t->stretch[i];
        if (s->first > t->heap->to || s->last < t->heap->from || (!s->is_open && !s->bound))
            continue;
        if (!best || s->is_open > best->is_open ||
            (s->is_open == best->is_open && s->bound > best->bound))
            best = s;
    }
    return best ? (uint32_t)(best - t->stretch) + 1 : 0;
}

/* Replays stretches, the one with the highest bound first, until no other can hold more. 1, or what
 * a replay returned. */
static int search_stretches(struct heap_tree *t) {
    int result = 1;
    uint32_t number;
    while (result == 1 && !t->heap->failed && (number = next_stretch(t)) != 0) {
        struct run_stretch *s = &t->stretch[number - 1];
        if (s->is_open || !s->event) {
            result = replay_stretch(t, number);
            continue;
        }
        t->best = s->bound; /* nothing that is left has more; what has as much comes later */
        t->event = s->event;
        break;
    }
    return result;
}

/* Bounds all runs and searches those that may have the peak. 1, 0 with why_not, or an error. */
static int find_peak_of_all(struct heap_tree *t) {
    struct heap *h = t->heap;
    uint64_t last;
    int result = hak_heap_begin(h, &last);
    if (result == 1 && !hak_database_number(&h->reader->db,
                                            "SELECT EXISTS (SELECT 1 FROM profile_run) AND"
                                            " (SELECT min(id) FROM chunk) = 1",
                                            0)) {
        h->out->why_not = "there are no runs, or the oldest events are gone";
        return 0;
    }
    if (result != 1 || h->failed)
        return result;
    int error = bound_runs(t, last);
    if (error || h->failed)
        return error ? error : 1;
    drop_ended(t);
    return search_stretches(t);
}

int hak_heap_find_peak(struct hak_store_reader *r, uint64_t from, uint64_t to,
                       struct hak_heap_peak *out) {
    struct hak_heap heap = {0};
    struct heap h = {.reader = r, .out = &heap, .from = from, .to = to, .is_behind = true};
    struct heap_tree t = {.heap = &h};
    h.tree = &t;
    bool is_own = hak_database_begin_reading(&r->db);
    int result = find_peak_of_all(&t);
    hak_database_end_reading(&r->db, is_own);
    *out = t.event && t.best > t.base ? (struct hak_heap_peak){t.best, t.event, 0}
                                      : (struct hak_heap_peak){t.base, 0, 0};
    bool failed = h.failed;
    free(t.stretch);
    free(t.known);
    free(t.ending);
    free(t.forked);
    hak_heap_release(&h);
    return failed && result >= 0 ? hak_store_no_memory(r->db.path) : result;
}

/* ---- endings -----------------------------------------------------------------------------------
 */

/* The last event of a process in the stretch that is its last one. */
static int find_last(struct heap_tree *t, const struct run_stretch *s, uint64_t stop, uint64_t to) {
    bool is_split =
        s->is_tail || (stop >= s->first && stop < s->last) || (to >= s->first && to < s->last);
    return hak_store_each_actor(t->heap->reader, is_split ? s->first : s->last, s->last,
                                note_ending, t->heap);
}

/* Lists the last event of each process that ended, in order of events. */
static int list_endings(struct heap_tree *t, uint64_t stop, uint64_t to) {
    struct heap *h = t->heap;
    int error = 0;
    for (uint32_t number = 1; number <= t->stretches && !error && !h->failed; number++) {
        const struct run_stretch *s = &t->stretch[number - 1];
        uint32_t before = t->endings;
        for (uint32_t p = 1; p < t->known_room && p < h->actor_room; p++) {
            if (!h->actor[p].has_ended || t->known[p].last != number)
                continue;
            if (!hak_growing_make_room(&t->ending, t->endings, &t->ending_room, sizeof *t->ending))
                h->failed = true;
            else
                t->ending[t->endings++] = (struct hak_heap_ending){.process = p};
            h->actor[p].last_event = s->last - (s->last > s->first);
        }
        if (t->endings > before && !h->failed)
            error = find_last(t, s, stop, to);
        for (uint32_t i = before; i < t->endings; i++)
            t->ending[i].event = h->actor[t->ending[i].process].last_event;
    }
    hak_sort_by_first(t->ending, t->endings, sizeof *t->ending);
    return error;
}

int hak_heap_find_endings(struct hak_store_reader *r, uint64_t stop, uint64_t to,
                          struct hak_heap_ending **out, uint32_t *count) {
    struct hak_heap heap = {0};
    struct heap h = {.reader = r, .out = &heap};
    struct heap_tree t = {.heap = &h};
    uint64_t last;
    int result = hak_heap_begin(&h, &last);
    int error = result == 1 && !h.failed ? bound_runs(&t, last) : 0;
    if (result == 1 && !error && !h.failed)
        error = list_endings(&t, stop, to);
    *out = t.ending;
    *count = t.endings;
    bool failed = h.failed;
    free(t.stretch);
    free(t.known);
    hak_heap_release(&h);
    return failed && result >= 0 ? hak_store_no_memory(r->db.path) : error ? error : result;
}

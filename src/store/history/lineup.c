/* Finds out when each process begins and ends, by the ids of its events. */
#include "store/history/lineup.h"

#include <stdlib.h>
#include "base/growing.h"
#include "store/history/tally.h"
#include "store/live/live.h"
#include "store/reader/inner.h"

/* Reads the wanted processes, all for 0; an exec'd image has no parent. */
static int read_rows(struct hak_store_reader *r, uint32_t process, struct hak_lineup *out) {
    struct hak_query q =
        hak_ask(&r->db,
                "SELECT p.id, coalesce(q.id, 0), p.fork_event, p.end_kind FROM process p"
                " LEFT JOIN process q ON q.id = p.parent AND q.session = p.session AND q.id <> p.id"
                " WHERE ?1 = 0 OR p.id = ?1 ORDER BY p.id",
                "reading processes", process);
    bool has_memory = true;
    while (has_memory && hak_query_next(&q)) {
        uint32_t id = hak_query_id(&q, 0);
        if (!id || id >= HAK_LIVE_PROCESSES)
            continue;
        has_memory = hak_growing_make_room(&out->process, out->processes, &out->process_room,
                                           sizeof *out->process) &&
                     hak_index_add(&out->by_id, id, out->processes + 1);
        if (has_memory)
            out->process[out->processes++] =
                (struct hak_lineup_process){.process = id,
                                            .parent = hak_query_id(&q, 1),
                                            .fork_event = hak_query_count(&q, 2),
                                            .has_ended = hak_query_count(&q, 3) != 0};
    }
    int error = hak_query_end(&q);
    return has_memory ? error : hak_store_no_memory(r->db.path);
}

/* Widens the process's first and last event. */
static void note_event(struct hak_lineup *out, uint32_t process, uint64_t first, uint64_t last) {
    int64_t at = hak_lineup_find(out, process);
    if (at < 0)
        return;
    struct hak_lineup_process *p = &out->process[at];
    p->first_event = p->first_event ? p->first_event : first;
    p->last_event = last;
}

static void note_actor(void *lineup, const struct hak_event *e) {
    note_event(lineup, e->process, e->id, e->id);
}

/* Finds each process's first and last event, from chunks of one process without decoding them. 0,
 * or an error. */
static int read_extents(struct hak_store_reader *r, uint64_t to, struct hak_lineup *out) {
    struct hak_query q = hak_ask(
        &r->db, "SELECT id, events, process FROM chunk WHERE ?1 = 0 OR id <= ?1 ORDER BY id",
        "listing its chunks", to);
    uint64_t behind = to;
    int error = 0;
    while (!error && hak_query_next(&q)) {
        uint64_t first = hak_query_number(&q, 0), events = hak_query_number(&q, 1);
        uint32_t process = hak_query_id(&q, 2);
        if (!first || !events || events > INT64_MAX - first)
            continue; /* the reader of the chunk reports it */
        if (process)
            note_event(out, process, first, first + events - 1);
        else
            error = hak_store_each_actor(r, first, first + events - 1, note_actor, out);
        behind = first + events - 1;
    }
    int unread = hak_query_end(&q);
    error = error ? error : unread;
    return error || !to ? error : hak_store_each_later_actor(r, behind, 0, note_actor, out);
}

/* Compares by event, then what happens, then process. */
static int compare_turns(const void *a, const void *b) {
    const struct hak_lineup_turn *x = a, *y = b;
    if (x->before != y->before)
        return x->before < y->before ? -1 : 1;
    if (x->what != y->what)
        return x->what < y->what ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Appends what becomes of a process before an event. False without memory. */
static bool add_turn(struct hak_lineup *out, uint64_t before, uint32_t number,
                     enum hak_lineup_what what) {
    if (!hak_growing_make_room(&out->turn, out->turns, &out->turn_room, sizeof *out->turn))
        return false;
    out->turn[out->turns++] = (struct hak_lineup_turn){before, number, what};
    return true;
}

/* Adds the turns of each process that has events: fork, first event, end. A child whose FORK is not
 * known got what its parent had at the child's first event. False without memory. */
static bool add_turns(struct hak_lineup *out) {
    bool has_memory = true;
    for (uint32_t i = 0; i < out->processes && has_memory; i++) {
        struct hak_lineup_process *p = &out->process[i];
        if (!p->first_event)
            continue;
        if (!p->parent)
            p->fork_event = 0;
        else if (!p->fork_event || p->fork_event >= p->first_event)
            p->fork_event = p->first_event - 1;
        if (p->parent)
            has_memory = add_turn(out, p->fork_event + 1, i, HAK_LINEUP_FORK);
        has_memory = has_memory && add_turn(out, p->first_event, i, HAK_LINEUP_FIRST);
        if (p->has_ended)
            has_memory = has_memory && add_turn(out, p->last_event + 1, i, HAK_LINEUP_LAST);
    }
    if (out->turns)
        qsort(out->turn, out->turns, sizeof *out->turn, compare_turns);
    return has_memory;
}

int hak_lineup_read(struct hak_store_reader *r, uint32_t process, uint64_t to,
                    struct hak_lineup *out) {
    *out = (struct hak_lineup){0};
    int error = read_rows(r, process, out);
    if (!error)
        error = read_extents(r, to, out);
    if (!error && !add_turns(out))
        error = hak_store_no_memory(r->db.path);
    return error;
}

int64_t hak_lineup_find(const struct hak_lineup *lineup, uint32_t process) {
    uint64_t place = 0;
    return (int64_t)hak_index_find(&lineup->by_id, process, &place) - 1;
}

void hak_lineup_free(struct hak_lineup *lineup) {
    free(lineup->process);
    free(lineup->turn);
    hak_index_free(&lineup->by_id);
    *lineup = (struct hak_lineup){0};
}

/* Makes lives of the events of blocks: the rule, the lineage of a process, the walk over one block.
 */
#include "store/history/lives.h"

#include "hop.h"
#include "store/reader/inner.h"
#include "trace/record.h"

/* ---- the rule ----------------------------------------------------------------------------------
 */

/* Whether the event is a wrong call, or a report of one, that may have ended the life once more. */
static bool is_same_end(const struct hak_life_state *state, const struct hak_event *e) {
    enum { DOUBLE_FREE_CODE = 202 }; /* faults.def */
    return hak_event_is_call(e) ? e->address == state->user
                                : e->kind == HAK_FAULT && (uint32_t)e->size == DOUBLE_FREE_CODE;
}

enum hak_life_step hak_life_next(struct hak_life_state *state, const struct hak_event *e) {
    if (!hak_event_is_call(e) || e->flags & HAK_RECORD_ILLEGAL)
        return state->number && !state->is_open && is_same_end(state, e) ? HAK_LIFE_ENDED_AGAIN
                                                                         : HAK_LIFE_NOTHING;
    enum hak_life_step step = e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM ? HAK_LIFE_ENDED
                              : e->kind == HAK_REALLOC && e->place == HAK_PLACE_LIVE
                                  ? HAK_LIFE_RESIZED
                                  : HAK_LIFE_BORN;
    bool is_another = step == HAK_LIFE_BORN || !state->is_open;
    if (is_another)
        *state = (struct hak_life_state){.number = state->number + 1};
    if (step == HAK_LIFE_BORN)
        state->birth = *e;
    if (is_another || step == HAK_LIFE_RESIZED) {
        state->user = e->address;
        state->last_size = e->size;
        if (e->size > state->largest_size)
            state->largest_size = e->size;
    }
    state->resizes += step == HAK_LIFE_RESIZED;
    state->is_open = step != HAK_LIFE_ENDED;
    return step;
}

/* ---- processes ---------------------------------------------------------------------------------
 */

/* Loads the process and its parents by fork, HAK_LINEAGE_MAX at most, each with the last event that
 * its child inherits. 0, or an error. */
int hak_lineage_load(struct hak_store_reader *r, uint32_t process, struct hak_lineage *out) {
    uint64_t id_to = UINT64_MAX, ns_to = UINT64_MAX;
    *out = (struct hak_lineage){0};
    while (process && out->count < HAK_LINEAGE_MAX) {
        out->link[out->count].process = process;
        out->link[out->count].id_to = id_to;
        out->link[out->count++].ns_to = ns_to;
        uint64_t row[3];
        /* An exec'd image inherits nothing: the parent must be of the same session. */
        int found = hak_database_numbers(&r->db,
                                         "SELECT p.parent, p.fork_event, p.start_ns FROM process p"
                                         " JOIN process q ON q.id = p.parent"
                                         " WHERE p.id = ?1 AND q.session = p.session",
                                         process, row, 3);
        if (found <= 0)
            return found;
        process = (uint32_t)row[0];
        if (row[1])
            id_to = row[1] < id_to ? row[1] : id_to;
        else
            ns_to = row[2] < ns_to ? row[2] : ns_to;
    }
    return 0;
}

/* True when the event is of the process, or of a parent before it forked. */
bool hak_lineage_has(const struct hak_lineage *lineage, const struct hak_event *e) {
    for (int i = 0; i < lineage->count; i++)
        if (lineage->link[i].process == e->process)
            return e->id <= lineage->link[i].id_to && e->ns <= lineage->link[i].ns_to;
    return false;
}

int hak_lineage_lost(struct hak_store_reader *r, const struct hak_lineage *lineage,
                     uint64_t from_ns, uint64_t to_ns, uint64_t *lost, uint64_t *stops) {
    *lost = *stops = 0;
    for (int i = 0; i < lineage->count; i++) {
        struct hak_query q =
            hak_ask(&r->db,
                    "SELECT coalesce(sum(iif(reason IS NOT '" HAK_LOSS_STOPPED
                    "' AND from_ns <= ?2, count, 0)), 0), "
                    "coalesce(sum(reason = '" HAK_LOSS_STOPPED "'), 0) "
                    "FROM loss WHERE process = ?1 AND to_ns >= ?3",
                    "reading its losses", lineage->link[i].process, to_ns, from_ns);
        if (hak_query_next(&q)) {
            *lost += hak_query_number(&q, 0);
            *stops += hak_query_number(&q, 1);
        }
        int error = hak_query_end(&q);
        if (error)
            return error;
    }
    return 0;
}

/* ---- one block ---------------------------------------------------------------------------------
 */

int hak_lives_find(struct hak_store_reader *r, uint64_t address, uint32_t process,
                   uint64_t until_id, uint64_t until_ns, struct hak_block_key *block,
                   struct hak_lineage *lineage) {
    int result = process ? hak_lineage_load(r, process, lineage) : 0;
    if (!result)
        result = hak_block_newest(r, address, process ? lineage : NULL, until_id, until_ns, block);
    if (result <= 0)
        return result;
    if (process)
        block->process = process;
    else
        result = hak_lineage_load(r, block->process, lineage);
    return result < 0 ? result : 1;
}

int hak_block_each(struct hak_store_reader *r, uint64_t base, uint64_t id_to,
                   const struct hak_lineage *lineage,
                   void (*take)(void *context, const struct hak_event *event), void *context,
                   const int *stop) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan = NULL;
    struct hak_event e;
    limits.filter.base = base;
    limits.filter.id_to = id_to;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.filter.kind_mask_high = (uint64_t)1 << (HAK_FAULT - 64) | (uint64_t)1 << (HAK_POOL - 64);
    int result = hak_scan_open(r, &limits, false, &scan);
    while (!result && !(stop && *stop) && (result = hak_scan_next(scan, &e)) == 1) {
        result = 0;
        if (hak_lineage_has(lineage, &e))
            take(context, &e);
    }
    hak_scan_close(scan);
    return result;
}

struct walker {
    const struct hak_lives_visitor *visitor;
    struct hak_life_state state;
    struct hak_life_row row; /* of the life in `state` */
    uint64_t moves;          /* since the life before ended */
    int result;              /* what a function of the visitor returned */
};

static void report_life(struct walker *w) {
    if (w->row.life.number && w->visitor->life && !w->result)
        w->result = w->visitor->life(w->visitor->context, &w->row);
}

/* Takes one event of a block into its lives, and tells the visitor of finished lives and of the
 * event. */
static void walk_event(void *context, const struct hak_event *e) {
    struct walker *w = context;
    if (w->result)
        return;
    enum hak_life_step step = hak_life_next(&w->state, e);
    if (w->state.number != w->row.life.number) {
        report_life(w);
        w->row = (struct hak_life_row){.moves_before = w->moves};
        w->moves = 0;
    }
    if (step != HAK_LIFE_NOTHING)
        w->row.life = w->state;
    if (step == HAK_LIFE_ENDED)
        w->row.end = *e;
    if (step == HAK_LIFE_ENDED_AGAIN && !w->row.again.id)
        w->row.again = *e;
    w->moves += step == HAK_LIFE_NOTHING && hak_event_is_move(e) && !hak_event_is_call(e) &&
                !w->row.life.is_open;
    if (w->visitor->event && !w->result)
        w->result = w->visitor->event(w->visitor->context, e, step, w->row.life.number);
}

int hak_lives_each(struct hak_store_reader *r, const struct hak_block_key *block,
                   const struct hak_lineage *lineage, uint64_t id_to,
                   const struct hak_lives_visitor *visitor) {
    struct walker w = {.visitor = visitor};
    int result = hak_block_each(r, block->base, id_to, lineage, walk_event, &w, &w.result);
    if (!result)
        report_life(&w);
    return result ? result : w.result;
}

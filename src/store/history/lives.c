/* Goes through all events of a block and reports its lives as they end. */
#include "store/history/lives.h"

#include <inttypes.h>
#include <stdio.h>
#include "hop.h"
#include "store/reader/inner.h"

struct walker {
    const struct hak_lives_visitor *visitor;
    struct hak_life_state state;
    struct hak_life_row life; /* number 0 = none yet */
    uint64_t moves;           /* since the life before ended */
    int result;               /* what a function of the visitor returned */
};

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

int hak_lineage_lost(struct hak_store_reader *r, const struct hak_lineage *lineage,
                     uint64_t from_ns, uint64_t to_ns, uint64_t *lost, uint64_t *stops) {
    *lost = *stops = 0;
    for (int i = 0; i < lineage->count; i++) {
        char sql[300];
        uint64_t value[2];
        snprintf(sql, sizeof sql,
                 "SELECT coalesce(sum(iif(reason IS NOT '" HAK_LOSS_STOPPED
                 "' AND from_ns <= %" PRId64 ", count, 0)), 0), "
                 "coalesce(sum(reason = '" HAK_LOSS_STOPPED "'), 0) "
                 "FROM loss WHERE process = ?1 AND to_ns >= %" PRId64,
                 (int64_t)to_ns, (int64_t)from_ns);
        int found = hak_database_numbers(&r->db, sql, lineage->link[i].process, value, 2);
        if (found < 0)
            return found;
        *lost += value[0];
        *stops += value[1];
    }
    return 0;
}

static void report_life(struct walker *w) {
    if (w->life.number && w->visitor->life && !w->result)
        w->result = w->visitor->life(w->visitor->context, &w->life);
}

static void begin_life_row(struct walker *w) {
    report_life(w);
    w->life = (struct hak_life_row){.number = w->life.number + 1, .moves_before = w->moves};
    w->moves = 0;
}

static void set_size(struct walker *w, uint64_t size) {
    w->life.last_size = size;
    if (size > w->life.largest_size)
        w->life.largest_size = size;
}

static void walk_event(void *context, const struct hak_event *e) {
    struct walker *w = context;
    bool was_open = w->state.is_open;
    if (w->result)
        return;
    enum hak_life_step step = hak_life_next(&w->state, e);
    switch (step) {
    case HAK_LIFE_BORN:
        begin_life_row(w);
        w->life.birth = *e;
        set_size(w, e->size);
        break;
    case HAK_LIFE_RESIZED:
        if (!was_open)
            begin_life_row(w);
        w->life.resizes++;
        set_size(w, e->size);
        break;
    case HAK_LIFE_ENDED:
        if (!was_open) {
            begin_life_row(w);
            set_size(w, e->size);
        }
        w->life.end = *e;
        break;
    case HAK_LIFE_ENDED_AGAIN:
        if (!w->life.again.id)
            w->life.again = *e;
        break;
    case HAK_LIFE_NOTHING:
        w->moves += hak_event_is_move(e) && !hak_event_is_call(e) && !was_open;
        break;
    }
    if (w->visitor->event && !w->result)
        w->result = w->visitor->event(w->visitor->context, e, step, w->life.number);
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

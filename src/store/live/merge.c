/* Goes over several runs of states at once, block by block. */
#include "store/live/merge.h"

#include "store/error.h"

int hak_live_merge_add(struct hak_live_merge *m, const struct hak_database *db,
                       const struct hak_live_run *run) {
    if (m->cursors == HAK_LIVE_RUNS_MAX)
        return hak_store_fail(HAK_STORE_INTERNAL, "%s: too many live checkpoints at once",
                              db->path);
    if (!m->cursors)
        m->run = *run;
    m->run.last_event = run->last_event;
    m->run.max_ns = run->max_ns > m->run.max_ns ? run->max_ns : m->run.max_ns;
    m->run.has_all_ends = m->run.has_all_ends && run->has_all_ends;
    m->run.level = run->level + 1;
    return hak_live_cursor_open(&m->cursor[m->cursors++], db, run, 0);
}

void hak_live_merge_close(struct hak_live_merge *m) {
    for (uint32_t i = 0; i < m->cursors; i++)
        hak_live_cursor_close(&m->cursor[i]);
    *m = (struct hak_live_merge){0};
}

int hak_live_join_next(struct hak_live_cursor *cursors, uint32_t count, uint64_t below,
                       bool is_one_holder, struct hak_live_state *out) {
    struct hak_live_state low = {0};
    bool is_there = false;
    int error = 0;
    for (int pass = 0; pass < 2; pass++) { /* finds the lowest, then joins what all have of it */
        bool is_joined = false;
        for (uint32_t i = 0; i < count; i++) {
            const struct hak_live_state *s = hak_live_cursor_peek(&cursors[i], &error);
            if (error)
                return error;
            if (!s || (below && s->base >= below))
                continue;
            int order = is_one_holder ? (s->base > low.base) - (s->base < low.base)
                                      : hak_live_compare(s, &low);
            if (pass == 0) {
                low = !is_there || order < 0 ? *s : low;
                is_there = true;
            } else if (order == 0) {
                if (is_joined)
                    hak_live_join(out, s);
                else
                    *out = *s;
                is_joined = true;
                hak_live_cursor_pass(&cursors[i]);
            }
        }
    }
    return is_there;
}

int hak_live_merge_next(struct hak_live_merge *m, struct hak_live_state *out) {
    int found;
    while ((found = hak_live_join_next(m->cursor, m->cursors, 0, false, out)) == 1 &&
           hak_live_is_void(out))
        ;
    return found;
}

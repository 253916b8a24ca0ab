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
    return hak_live_cursor_open(&m->cursor[m->cursors++], db, run, 0, 0);
}

void hak_live_merge_close(struct hak_live_merge *m) {
    for (uint32_t i = 0; i < m->cursors; i++)
        hak_live_cursor_close(&m->cursor[i]);
    *m = (struct hak_live_merge){0};
}

/* The next block of the runs that are merged, joined over all of them: 1, 0, or an error. */
static int next_joined(struct hak_live_merge *m, struct hak_live_state *out) {
    const struct hak_live_state *low = NULL;
    int error = 0;
    for (uint32_t i = 0; i < m->cursors; i++) {
        const struct hak_live_state *s = hak_live_cursor_peek(&m->cursor[i], &error);
        if (error)
            return error;
        if (s && (!low || hak_live_compare(s, low) < 0))
            low = s;
    }
    if (!low)
        return 0;
    *out = *low;
    bool is_first = true;
    for (uint32_t i = 0; i < m->cursors; i++) {
        const struct hak_live_state *s = hak_live_cursor_peek(&m->cursor[i], &error);
        if (error)
            return error;
        if (!s || hak_live_compare(s, out) != 0)
            continue;
        if (is_first)
            *out = *s;
        else
            hak_live_join(out, s);
        is_first = false;
        hak_live_cursor_pass(&m->cursor[i]);
    }
    return 1;
}

int hak_live_merge_next(struct hak_live_merge *m, struct hak_live_state *out) {
    int found;
    while ((found = next_joined(m, out)) == 1 && hak_live_is_void(out))
        ;
    return found;
}

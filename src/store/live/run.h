/* Runs of states: the rows of table live_run, read by the writer that merges them, by the reader
 * that answers "what was alive at T", and by the check.
 *
 * A run covers the events first_event..last_event and lies in one row or several, its parts, in the
 * order of (process, base). A run whose last part is not there is being made: it does not count. */
#ifndef HAK_STORE_LIVE_RUN_H
#define HAK_STORE_LIVE_RUN_H

#include "store/database.h"
#include "store/live/part.h"

struct hak_live_run {
    uint64_t first_event, last_event, max_ns;
    uint32_t level;
    bool has_all_ends; /* also those of lives that began in it: made after a loss was known */
};

/* The states of one run, or those of one process in it, in order; or states in memory. */
struct hak_live_cursor {
    struct hak_live_run run;
    struct hak_database db;
    uint32_t next_part;
    bool has_all;                 /* no part is left to be read */
    struct hak_live_state *state; /* of the part being read */
    uint32_t count, at;
    uint32_t process; /* 0 = all */
};

/* The first complete run of `level` that begins at event `first` or behind it: 1, 0, or an error.
 */
int hak_live_find_run(const struct hak_database *db, uint32_t level, uint64_t first,
                      struct hak_live_run *out);
/* The states of `run`, or those of one process in it (0 = all); 0 or an error. */
int hak_live_cursor_open(struct hak_live_cursor *c, const struct hak_database *db,
                         const struct hak_live_run *run, uint32_t process);
/* States in memory, sorted, which are the cursor's from now on. */
void hak_live_cursor_hold(struct hak_live_cursor *c, struct hak_live_state *states, uint32_t count);
/* The state that is next, NULL at the end or on an error (`error`). Stays until the next call. */
const struct hak_live_state *hak_live_cursor_peek(struct hak_live_cursor *c, int *error);
static inline void hak_live_cursor_pass(struct hak_live_cursor *c) {
    c->at++;
}
void hak_live_cursor_close(struct hak_live_cursor *c);

/* Adds one part to a run being made, encoded in `scratch`. 0, or an error. */
int hak_live_put_part(const struct hak_database *db, const struct hak_live_run *run, uint32_t part,
                      bool is_last, struct hak_live_state *states, uint32_t count,
                      struct hak_buffer *scratch);

#endif

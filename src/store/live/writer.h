/* Writes live checkpoints: the blocks that each stretch of the log left alive, and those that it
 * ended.
 *
 *   chunk -> last state of each of its blocks -> table of the run -> (run full) -> rows of live_run
 *   16 runs of a level -> one run of the next, a part at each chunk
 *
 * A log of less than 32 M events has none: read whole, it answers as fast. When it grows longer,
 * its chunks are read back, a few for each one that comes, until all are gathered. So are chunks
 * that were not committed. The state lies in memory for the run being made only. For the writer's
 * thread. */
#ifndef HAK_STORE_LIVE_WRITER_H
#define HAK_STORE_LIVE_WRITER_H

#include "store/database.h"

struct hak_columns;
struct hak_live_writer;

/* Makes a writer of live checkpoints with the usual sizes. 0, or an error; `out` is NULL then. */
int hak_live_writer_make(const struct hak_database *db,
                         struct hak_live_writer **out); /* 0 or an error */

/* Takes the chunk that was just encoded, begins with event `first_id` and has no time after
 * `max_ns`: column BASE must be numbered. 0, or the store's error. */
int hak_live_put_chunk(struct hak_live_writer *l, const struct hak_columns *c, uint64_t first_id,
                       uint64_t max_ns);
/* The last transaction was taken back. */
void hak_live_rolled_back(struct hak_live_writer *l);
/* Events were lost: from now on ends are kept also of lives that began in the run. */
void hak_live_note_loss(struct hak_live_writer *l);
/* Chunks before event `end` are going: so are the runs that speak of them. 0 or an error. */
int hak_live_trim(struct hak_live_writer *l, uint64_t end);
void hak_live_writer_free(struct hak_live_writer *l);

/* Sets, for tests, after how many events the log gets runs (`after`), a run ends (`events`), and
 * how many `runs` of a level make one of the next. */
void hak_live_set_limits(struct hak_live_writer *l, uint64_t after, uint64_t events, uint32_t runs);

#endif

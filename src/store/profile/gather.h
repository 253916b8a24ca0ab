/* One pass over a chunk adds up the blocks that came and went, by owner, and finds the peak of each
 * process.
 *
 *   chunk -> state of each of its blocks -> sums by process and key --> run (rows.h)
 *     ^ blocks.h, once for each block  \--> ends of older lives (rows.h)
 *                                       \--> with _hold: what is live, and was at the peak
 *
 * The result of a pass counts when it is kept (hak_profile_gather_keep); until then it can be taken
 * back, since a transaction may. For the writer's thread. */
#ifndef HAK_STORE_PROFILE_GATHER_H
#define HAK_STORE_PROFILE_GATHER_H

#include "store/codec/codec.h"
#include "store/profile/blocks.h"
#include "store/profile/rows.h"

struct hak_profile_gather;

/* Makes a gatherer with room for one chunk's events. NULL without memory. */
struct hak_profile_gather *hak_profile_gather_make(void); /* NULL when memory is out */
void hak_profile_gather_free(struct hak_profile_gather *g);

/* Notes a process, before its first events; one that has ended without any gives up what it got by
 * its fork. False: memory is out. */
bool hak_profile_note_process(struct hak_profile_gather *g, uint32_t process, uint32_t parent,
                              uint64_t fork_event, uint32_t session, bool has_ended);

/* Notes a thread, before its first events. False: memory is out. */
bool hak_profile_note_thread(struct hak_profile_gather *g, uint32_t thread, uint32_t number);

/* Before the first chunk: live blocks are held by process and key, too. So runs stand alone (they
 * have the blocks that a child inherited), and the peak of all processes is known with the blocks
 * live then. */
void hak_profile_gather_hold(struct hak_profile_gather *g);
/* The peak of all processes together, behind an event by which it grew, in the chunks that were
 * kept; `came` of its rows: the blocks live then. An ended process counts no more from the chunk on
 * that follows its last. */
struct hak_profile_peak {
    uint64_t bytes, event, ns; /* event 0: nothing ever came */
    struct hak_profile_row *row;
    uint32_t rows, row_room;
};
const struct hak_profile_peak *hak_profile_gathered_peak(const struct hak_profile_gather *g);

/* Adds a chunk, its column BASE and STACK numbered; the chunk before was kept or taken back. False
 * when memory is out: nothing more can be added. */
bool hak_profile_gather_chunk(struct hak_profile_gather *g, const struct hak_columns *c,
                              uint64_t first_id);
/* Facts for the readers of the chunk that was added, and the keys so far. */
const struct hak_profile_chunk *hak_profile_gathered(const struct hak_profile_gather *g);
const struct hak_profile_keys *hak_profile_gathered_keys(const struct hak_profile_gather *g);
/* An event of that chunk ends or resizes a life from before it that was of another size class, as
 * no sound log has it: a replay of the events does not know the blocks held of each class. */
bool hak_profile_has_other_class(const struct hak_profile_gather *g);
/* The chunk is stored. False when memory is out: nothing more can be added. */
bool hak_profile_gather_keep(struct hak_profile_gather *g);
/* The first event of the chunk that waits to be kept or taken back; 0 = none does. */
uint64_t hak_profile_chunk_first(const struct hak_profile_gather *g);
/* No chunk waits to be kept. */
bool hak_profile_is_kept(const struct hak_profile_gather *g);
/* Takes back the chunk that was added last, which is not stored. False: the state before it is
 * lost, nothing more can be added. */
bool hak_profile_gather_take_back(struct hak_profile_gather *g);

/* The first and the last event of the chunks that were kept since the run began; 0, 0 = none. */
void hak_profile_gathered_events(const struct hak_profile_gather *g, uint64_t *first,
                                 uint64_t *last);
/* The time that those took; only where rows are held. */
uint64_t hak_profile_gathered_ns(const struct hak_profile_gather *g);
/* Fills `run` with the sums of the chunks that were kept since the run began, sorted; run->first
 * and run->last are 0 where there were none. False when memory is out. */
bool hak_profile_gather_run(struct hak_profile_gather *g, struct hak_profile_run *run);
/* Begins a new run with the next chunk; tables of processes that had ended before the whole run are
 * dropped. */
void hak_profile_begin_run(struct hak_profile_gather *g);

#endif

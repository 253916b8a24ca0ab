/* Joins the runs of postings as they come, so that a lookup meets few of them: sixteen of one level
 * become one of the next.
 *
 *   chunks   0 .. 15 | 16 .. 31 | ... | 240 .. 255 | 256 ...
 *   level 0  each chunk its own; gone when sixteen are there
 *   level 1  sixteen chunks;     gone when they are in
 *   level 2  256 chunks, and so on
 *
 * The first join is made at once. Later ones are made a piece with every chunk: rows of the new run
 * are written from the lowest key on, and those of the old ones deleted behind it. Each commit
 * leaves runs behind that together hold every key of every chunk, some perhaps twice; they alone
 * show which join is under way. */
#ifndef HAK_STORE_POSTINGS_MERGE_H
#define HAK_STORE_POSTINGS_MERGE_H

#include "store/database.h"
#include "store/postings/run.h"

#define HAK_POSTING_SOURCES_MAX 32

struct hak_posting_merge;

/* Joins sixteen single chunks where they are there; `chunks`: the number of chunks so far. 0 or an
 * error. */
int hak_posting_merge_singles(const struct hak_database *db, struct hak_posting_merge **state,
                              enum hak_posting_kind kind, uint64_t chunks);
/* Goes on with, or begins, the join of a higher level that is due: about so much of it as `keys`
 * keys. Has a state of its own. 0 or an error. */
int hak_posting_merge_go_on(const struct hak_database *db, struct hak_posting_merge **state,
                            enum hak_posting_kind kind, uint64_t chunks, uint64_t keys);
/* Joins the single chunks that are left at the end to a run. 0, or an error. */
int hak_posting_merge_finish(const struct hak_database *db, struct hak_posting_merge **state,
                             enum hak_posting_kind kind, uint64_t chunks);
/* Forgets the state in memory: the transaction was taken back. */
void hak_posting_merge_forget(struct hak_posting_merge *state);
/* The chunks before this one were dropped; a join that they were in begins again with the rest. */
void hak_posting_merge_dropped(struct hak_posting_merge *state, uint64_t first_kept);
void hak_posting_merge_free(struct hak_posting_merge *state);

/* Writes a row by way of `blob`; `is_last`: no key comes behind it. The row begins where the one
 * before ended. 0, or an error. */
int hak_posting_merge_put_row(const struct hak_database *db, struct hak_buffer *blob,
                              struct hak_posting_row *row, unsigned level, uint64_t min_key,
                              bool is_last);

#endif

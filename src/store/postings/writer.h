/* Writes the runs of postings: for each chunk a run of the keys that it speaks of, which are joined
 * to larger ones as they come (merge.h). Functions return 0 or a hak_store_error; for the writer's
 * thread, in its transactions. */
#ifndef HAK_STORE_POSTINGS_WRITER_H
#define HAK_STORE_POSTINGS_WRITER_H

#include "store/database.h"

struct hak_columns;
struct hak_posting_writer;

/* Makes a writer of postings. 0, or an error; `out` is NULL then. */
int hak_posting_writer_make(const struct hak_database *db, struct hak_posting_writer **out);
void hak_posting_writer_free(struct hak_posting_writer *postings);
/* The chunk that was just encoded and begins with event `first_id`: the values of `c` are there,
 * BASE and STACK are numbered. */
int hak_posting_put_chunk(struct hak_posting_writer *p, const struct hak_columns *c,
                          uint64_t first_id);
/* Forgets what the transaction that was taken back had merged and numbered. */
void hak_posting_rolled_back(struct hak_posting_writer *p);
/* Drops what is stored of the chunks before the one that is `first_kept`: runs that lie before it,
 * and their numbers. 0, or an error. */
int hak_posting_trim(struct hak_posting_writer *p, uint64_t first_kept);
/* Joins what is left to runs, in the last transaction, when no chunk comes any more. 0, or an
 * error. */
int hak_posting_finish(struct hak_posting_writer *p);

#endif

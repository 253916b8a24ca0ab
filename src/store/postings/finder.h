/* Finds the chunks that have a key, from the runs of postings: newest or oldest first, reading no
 * more rows of runs than it takes to come to them.
 *
 *   keys -> the row of each run that they lie in -> a bit for each chunk
 *
 * Chunks about which no run says anything, because its row is missing or broken, are given out too:
 * then their events decide, and nothing is left out. */
#ifndef HAK_STORE_POSTINGS_FINDER_H
#define HAK_STORE_POSTINGS_FINDER_H

#include "store/database.h"
#include "store/postings/run.h"

struct hak_finder;

/* State that the searches of one connection share. */
struct hak_posting_reader {
    struct hak_database db;
    bool may_keep; /* what is committed stays: not so on the connection that writes */
    struct hak_posting_cursor run;
};
int hak_posting_reader_init(struct hak_posting_reader *r, const struct hak_database *db,
                            bool may_keep);
void hak_posting_reader_free(struct hak_posting_reader *r);

/* Numbers of the oldest chunk, and after the newest. 0 or an error. */
int hak_posting_ends(struct hak_posting_reader *r, uint64_t ends[2]);

/* The keys to look for in the runs of one kind: any of `keys`, or any key in from..to. */
struct hak_finder_query {
    enum hak_posting_kind kind;
    const uint64_t *keys; /* sorted, distinct; the caller keeps them */
    uint32_t count;
    bool is_range;
    uint64_t from, to;
    uint64_t address; /* BASE: events that have it as base or address; 0 = not asked */
};

/* Opens a search for the chunks that have what each of the queries (one or two) asks. 0, or an
 * error; `out` is NULL then. */
int hak_finder_open(struct hak_posting_reader *r, const struct hak_finder_query *query, int queries,
                    bool backwards, struct hak_finder **out);
/* The next chunk (id of its first event): 1, 0 at the end, or an error. In place of one that table
 * chunk_order lacks it is an event before the next chunk: the table chunk has none that begins
 * there unless it is only chunk_order that is damaged. */
int hak_finder_next(struct hak_finder *f, uint64_t *chunk);
void hak_finder_close(struct hak_finder *f);

/* Keys of OWNER of the slab at `address`, sorted, at most `max` into `out`. Returns the number of
 * all; -1 = not every run can be read, so that others may be there; or a hak_store_error. */
#define HAK_FINDER_NOT_ALL (-1000)
/* Lists the owners that the slab of `address` had, `max` at most. Returns how many there are,
 * HAK_FINDER_NOT_ALL where postings do not cover all chunks, or an error. */
int hak_finder_owners(struct hak_posting_reader *r, uint64_t address, uint64_t *out, int max);

/* Calls `each` for every large block (base, longest extent) that may reach over `address`, until it
 * returns non-zero. 0, that value, or an error; a base may be told several times. */
int hak_finder_large(struct hak_posting_reader *r, uint64_t address,
                     int (*each)(void *context, uint64_t base, uint64_t extent), void *context);

/* Calls `each` for every base from `from` on, ascending in each run, while `*below` is greater;
 * a base may be told several times. 0 or an error. */
int hak_finder_bases(struct hak_posting_reader *r, uint64_t from, const uint64_t *below,
                     void (*each)(void *context, uint64_t base), void *context);

#endif

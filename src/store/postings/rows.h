/* The runs of one kind of postings and their rows, as searches go over them: finder.c finds the
 * chunks that have a key, finder_ask.c the keys that there are. */
#ifndef HAK_STORE_POSTINGS_ROWS_H
#define HAK_STORE_POSTINGS_ROWS_H

#include "store/postings/finder.h"

struct hak_finder_run {
    unsigned level;
    uint64_t first, last;
    bool is_read, is_covered; /* it was asked; its rows for the keys are all there */
    uint64_t *bits;           /* chunk first + n has a key; NULL = none has */
    struct {
        void *data; /* a row that was read before it is asked for; NULL = none */
        size_t bytes;
        uint64_t min_key, max_key;
    } ahead;
};

struct hak_finder_part { /* the runs of one kind */
    struct hak_finder_query query;
    struct hak_finder_run *run; /* by first chunk */
    uint32_t runs;
    uint64_t *own_keys; /* made from query.address */
};

struct hak_finder_row {
    struct hak_posting_cursor *cursor;
    uint64_t min_key, max_key;
};
static inline bool hak_finder_is_last(const struct hak_finder_row *row) {
    return row->max_key >= HAK_POSTING_KEY_LAST;
}

/* Opens a row of a run: `is_behind` the first that begins behind `key`, else the one in which it
 * lies. 1, 0 it is missing or broken, or an error. The row is there until the next is opened. */
int hak_finder_row(struct hak_posting_reader *r, enum hak_posting_kind kind,
                   const struct hak_finder_run *run, uint64_t key, bool is_behind,
                   struct hak_finder_row *out);

/* Reads the rows in which `key` lies of those runs that chunks from..to lie in and that were not
 * read yet, from run number `at` on, many in one question: hak_finder_row finds them here.
 * `*behind` is the number of the first run that was not looked at. 0 or an error. */
int hak_finder_read_ahead(struct hak_posting_reader *r, const struct hak_finder_part *p,
                          uint32_t at, uint64_t from, uint64_t to, uint64_t key, uint32_t *behind);
void hak_finder_forget_ahead(struct hak_finder_run *run);

/* Lists the runs of a kind; one step in the index for each, not for each of its rows. */
int hak_finder_list(struct hak_posting_reader *r, enum hak_posting_kind kind,
                    struct hak_finder_part *p);
void hak_finder_free_part(struct hak_finder_part *p);

#endif

/* Searches runs of postings. */
#include "store/postings/rows.h"

#include <stdlib.h>
#include "base/sorted.h"
#include "store/error.h"

#define WORDS_MAX (HAK_POSTING_CHUNKS_MAX / 64)

struct hak_finder {
    struct hak_posting_reader *reader;
    struct hak_finder_part part[2];
    int parts;
    bool backwards;
    uint64_t low, high; /* chunks that there are: low..high-1 */
    uint64_t at;        /* where the next window begins (backwards: ends) */
    uint64_t from, to;  /* the window: chunks from..to */
    uint64_t word[WORDS_MAX], work[2][WORDS_MAX];
    uint64_t next;  /* in the window; backwards: that + 1 */
    bool has_begun; /* a read transaction of its own */
};

int hak_posting_reader_init(struct hak_posting_reader *r, const struct hak_database *db,
                            bool may_keep) {
    *r = (struct hak_posting_reader){.db = *db, .may_keep = may_keep};
    return hak_posting_cursor_init(&r->run) ? 0 : hak_store_no_memory(db->path);
}

void hak_posting_reader_free(struct hak_posting_reader *r) {
    hak_posting_cursor_free(&r->run);
}

/* ---- chunks of a run ---------------------------------------------------------------------------
 */

/* Sets the bits of the key's chunks. False without memory. */
static bool set_bits(struct hak_finder_run *run, const struct hak_posting_cursor *c) {
    if (!run->bits)
        run->bits = calloc((run->last - run->first) / 64 + 1, sizeof *run->bits);
    for (uint32_t i = 0; run->bits && i < c->spans; i++)
        for (uint32_t n = c->span[i].from; n <= c->span[i].to; n++)
            run->bits[n / 64] |= (uint64_t)1 << n % 64;
    return run->bits != NULL;
}

/* Goes through the rows of a run that hold `keys` and sets the bits of the chunks that have them.
 * 1, 0 where a row is missing or broken, or an error. */
static int look_up(struct hak_posting_reader *r, const struct hak_finder_part *p,
                   struct hak_finder_run *run, const uint64_t *keys, uint32_t count) {
    const char *wrong;
    for (uint32_t i = 0; i < count;) {
        struct hak_finder_row row;
        int got = hak_finder_row(r, p->query.kind, run, keys[i], false, &row);
        if (got <= 0)
            return got;
        while ((got = hak_posting_cursor_next(row.cursor, &wrong)) == 1) {
            while (i < count && keys[i] < row.cursor->key)
                i++;
            if (i == count || (!hak_finder_is_last(&row) && keys[i] > row.max_key))
                break;
            if (keys[i] == row.cursor->key && !set_bits(run, row.cursor))
                return hak_store_no_memory(r->db.path);
        }
        if (got < 0)
            return 0;
        if (hak_finder_is_last(&row))
            return 1;
        while (i < count && keys[i] <= row.max_key)
            i++;
    }
    return 1;
}

/* Sets the bits of the chunks with keys in the range. 1, 0: the run is broken or has a gap, or an
 * error. */
static int look_up_range(struct hak_posting_reader *r, const struct hak_finder_part *p,
                         struct hak_finder_run *run) {
    const struct hak_finder_query *q = &p->query;
    const char *wrong;
    for (uint64_t from = q->from;;) {
        struct hak_finder_row row;
        int got = hak_finder_row(r, q->kind, run, from, false, &row);
        if (got <= 0)
            return got;
        while ((got = hak_posting_cursor_next(row.cursor, &wrong)) == 1 && row.cursor->key <= q->to)
            if (row.cursor->key >= q->from && !set_bits(run, row.cursor))
                return hak_store_no_memory(r->db.path);
        if (got < 0)
            return 0;
        if (hak_finder_is_last(&row) || row.max_key >= q->to)
            return 1;
        from = row.max_key + 1;
    }
}

/* Finds in a run the bases whose events may have the address: every row lists all distances of the
 * run. 1 they are found, 0 the run does not say (any distance may be), or an error. */
static int look_up_address(struct hak_posting_reader *r, struct hak_finder_part *p,
                           struct hak_finder_run *run) {
    uint64_t address = p->query.address;
    struct hak_finder_row row;
    int got = hak_finder_row(r, p->query.kind, run, address, false, &row);
    if (got <= 0 || row.cursor->distances.many)
        return got < 0 ? got : 0; /* any distance: every chunk has to be looked at */
    uint32_t count = row.cursor->distances.count;
    if (!p->own_keys)
        p->own_keys = malloc((HAK_POSTING_DISTANCES_MAX + 1) * sizeof *p->own_keys);
    if (!p->own_keys)
        return hak_store_no_memory(r->db.path);
    for (uint32_t i = 0; i < count; i++)
        p->own_keys[i] = address - row.cursor->distances.distance[i];
    p->own_keys[count++] = address;
    count = hak_sort_distinct(p->own_keys, count);
    return look_up(r, p, run, p->own_keys, count);
}

/* Reads what one run says about the query, once. 0, or an error. */
static int read_run(struct hak_finder *f, struct hak_finder_part *p, struct hak_finder_run *run) {
    if (run->is_read)
        return 0;
    int got = p->query.address    ? look_up_address(f->reader, p, run)
              : p->query.is_range ? look_up_range(f->reader, p, run)
                                  : look_up(f->reader, p, run, p->query.keys, p->query.count);
    hak_finder_forget_ahead(run);
    run->is_read = true;
    run->is_covered = got == 1;
    return got < 0 ? got : 0;
}

/* ---- windows -----------------------------------------------------------------------------------
 */

/* Sets `count` bits of `to` from bit `at` on: from `bits` (bit `first` on), or all ones. */
static void put_bits(uint64_t *to, uint64_t at, uint64_t count, const uint64_t *bits,
                     uint64_t first) {
    for (uint64_t i = 0; i < count; i++)
        if (!bits || bits[(first + i) / 64] >> (first + i) % 64 & 1)
            to[(at + i) / 64] |= (uint64_t)1 << (at + i) % 64;
}

/* The key that is looked up first. */
static uint64_t first_key(const struct hak_finder_query *q) {
    return q->address ? q->address : q->is_range ? q->from : q->count ? q->keys[0] : 0;
}

/* Drops from the window the chunks that the runs of `p` exclude. 0, or an error. */
static int narrow(struct hak_finder *f, struct hak_finder_part *p) {
    uint64_t *has = f->work[0], *known = f->work[1], words = (f->to - f->from) / 64 + 1;
    memset(has, 0, words * sizeof *has);
    memset(known, 0, words * sizeof *known);
    uint32_t behind = 0; /* the runs that were read ahead */
    for (uint32_t i = 0; i < p->runs && p->run[i].first <= f->to; i++) {
        struct hak_finder_run *run = &p->run[i];
        if (run->last < f->from)
            continue;
        int error = i < behind || run->is_read
                        ? 0
                        : hak_finder_read_ahead(f->reader, p, i, f->from, f->to,
                                                first_key(&p->query), &behind);
        if (!error)
            error = read_run(f, p, run);
        if (error)
            return error;
        uint64_t from = run->first > f->from ? run->first : f->from;
        uint64_t to = run->last < f->to ? run->last : f->to;
        if (run->bits)
            put_bits(has, from - f->from, to - from + 1, run->bits, from - run->first);
        if (run->is_covered)
            put_bits(known, from - f->from, to - from + 1, NULL, 0);
    }
    for (uint64_t i = 0; i < words; i++)
        f->word[i] &= has[i] | ~known[i];
    return 0;
}

/* Chooses the window of chunks beside f->at that the runs of the first part lie in together. */
static void choose_window(struct hak_finder *f) {
    const struct hak_finder_part *p = &f->part[0];
    uint64_t longest = HAK_POSTING_CHUNKS_MAX;
    if (f->backwards) {
        f->to = f->at - 1;
        f->from = f->to;
        for (uint32_t i = p->runs; i-- > 0;)
            if (p->run[i].first <= f->to && p->run[i].last >= f->from && p->run[i].first < f->from)
                f->from = p->run[i].first;
        if (f->from < f->low)
            f->from = f->low;
        if (f->to - f->from >= longest)
            f->from = f->to - longest + 1;
        f->at = f->from;
    } else {
        f->from = f->to = f->at;
        for (uint32_t i = 0; i < p->runs; i++)
            if (p->run[i].first <= f->to && p->run[i].last > f->to)
                f->to = p->run[i].last;
        if (f->to >= f->high)
            f->to = f->high - 1;
        if (f->to - f->from >= longest)
            f->to = f->from + longest - 1;
        f->at = f->to + 1;
    }
}

/* Whether no bit of the window is set. */
static bool is_empty(const struct hak_finder *f, uint64_t words) {
    uint64_t any = 0;
    for (uint64_t i = 0; i < words; i++)
        any |= f->word[i];
    return !any;
}

/* Finds the chunks of the next window that meet all parts of the query. 0, or an error. */
static int next_window(struct hak_finder *f) {
    choose_window(f);
    uint64_t words = (f->to - f->from) / 64 + 1, spare = (f->to - f->from + 1) % 64;
    memset(f->word, 0xff, words * sizeof *f->word);
    if (spare)
        f->word[words - 1] = ((uint64_t)1 << spare) - 1;
    int error = 0;
    for (int i = 0; i < f->parts && !error; i++)
        error = i && is_empty(f, words) ? 0 : narrow(f, &f->part[i]);
    f->next = f->backwards ? f->to - f->from + 1 : 0;
    return error;
}

/* Passes to the next bit of the window that is set: its place, or -1. */
static int64_t next_bit(struct hak_finder *f) {
    uint64_t count = f->to - f->from + 1;
    if (f->backwards) {
        while (f->next) {
            uint64_t at = --f->next, word = f->word[at / 64] << (63 - at % 64);
            if (!word) {
                f->next = at / 64 * 64;
                continue;
            }
            at -= (uint64_t)__builtin_clzll(word);
            f->next = at;
            return (int64_t)at;
        }
        return -1;
    }
    while (f->next < count) {
        uint64_t at = f->next, word = f->word[at / 64] >> at % 64;
        if (!word) {
            f->next = (at / 64 + 1) * 64;
            continue;
        }
        at += (uint64_t)__builtin_ctzll(word);
        f->next = at + 1;
        return (int64_t)at;
    }
    return -1;
}

/* The chunk counted as `number`; of one that is not counted the event before the next one's first,
 * which no chunk has. 0 none. */
static int chunk_of(struct hak_finder *f, uint64_t number, uint64_t *chunk) {
    uint64_t v[2]; /* its first event, and its number */
    int found = hak_database_numbers(
        &f->reader->db,
        "SELECT chunk, number FROM chunk_order WHERE number >= ?1 ORDER BY number LIMIT 1", number,
        v, 2);
    *chunk = found > 0 ? v[0] - (v[1] != number) : 0;
    return found < 0 ? found : 0;
}

int hak_finder_next(struct hak_finder *f, uint64_t *chunk) {
    for (;;) {
        int64_t bit = next_bit(f);
        if (bit >= 0) {
            int error = chunk_of(f, f->from + (uint64_t)bit, chunk);
            if (error || *chunk)
                return error ? error : 1;
            continue;
        }
        if (f->backwards ? f->at <= f->low : f->at >= f->high)
            return 0;
        int error = next_window(f);
        if (error)
            return error;
    }
}

int hak_finder_open(struct hak_posting_reader *r, const struct hak_finder_query *query, int queries,
                    bool backwards, struct hak_finder **out) {
    struct hak_finder *f = calloc(1, sizeof *f);
    uint64_t ends[2];
    *out = NULL;
    if (!f)
        return hak_store_no_memory(r->db.path);
    f->reader = r;
    f->backwards = backwards;
    f->parts = queries;
    /* One state of the store from the list of runs to the last row: a writer that joins runs must
     * not take listed ones away. */
    f->has_begun = r->may_keep && hak_database_begin_reading(&r->db);
    int error = hak_posting_ends(r, ends);
    for (int i = 0; i < queries && !error; i++) {
        f->part[i].query = query[i];
        error = hak_finder_list(r, query[i].kind, &f->part[i]);
    }
    if (error) {
        hak_finder_close(f);
        return error;
    }
    f->low = ends[0];
    f->high = ends[1];
    f->at = backwards ? f->high : f->low;
    f->from = 1; /* no window yet */
    f->to = 0;
    f->next = backwards ? 0 : 1;
    *out = f;
    return 0;
}

void hak_finder_close(struct hak_finder *f) {
    if (!f)
        return;
    for (int i = 0; i < 2; i++)
        hak_finder_free_part(&f->part[i]);
    hak_database_end_reading(&f->reader->db, f->has_begun);
    free(f);
}

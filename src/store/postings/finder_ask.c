/* Lists keys that the runs of postings have: owners of a slab, large blocks, bases. */
#include "store/postings/rows.h"

#include <stdlib.h>
#include "base/sorted.h"
#include "store/error.h"

/* Adds a key to the sorted distinct ones. Returns their number; more than `max` are counted only.
 */
static int add_owner(uint64_t *out, int count, int max, uint64_t key) {
    int known = count < max ? count : max;
    int at = (int)hak_find_sorted(out, (uint32_t)known, key);
    if (at < known && out[at] == key)
        return count;
    if (count >= max)
        return count + 1;
    for (int i = count; i > at; i--)
        out[i] = out[i - 1];
    out[at] = key;
    return count + 1;
}

/* Whether every chunk is in one of the runs that were read as far as was asked: 1, 0, or an
 * error. */
static int is_all_covered(struct hak_posting_reader *r, const struct hak_finder_part *p) {
    uint64_t ends[2];
    int found = hak_posting_ends(r, ends);
    uint64_t reach = ends[0];
    for (uint32_t i = 0; i < p->runs && found >= 0; i++)
        if (p->run[i].is_covered && p->run[i].first <= reach && p->run[i].last >= reach)
            reach = p->run[i].last + 1;
    return found < 0 ? found : reach >= ends[1];
}

/* Owners from `from` to `to` in one run: the new count, or an error. */
static int add_owners(struct hak_posting_reader *r, struct hak_finder_run *run, uint64_t from,
                      uint64_t to, uint64_t *out, int count, int max) {
    struct hak_finder_row row = {.max_key = from - 1};
    const char *wrong;
    do {
        int got = hak_finder_row(r, HAK_POSTING_OWNER, run, row.max_key + 1, false, &row);
        if (got <= 0)
            return got < 0 ? got : count;
        while ((got = hak_posting_cursor_next(row.cursor, &wrong)) == 1 && row.cursor->key <= to)
            if (row.cursor->key >= from)
                count = add_owner(out, count, max, row.cursor->key);
        if (got < 0)
            return count;
    } while (!hak_finder_is_last(&row) && row.max_key < to);
    run->is_covered = true;
    return count;
}

int hak_finder_owners(struct hak_posting_reader *r, uint64_t address, uint64_t *out, int max) {
    struct hak_finder_part p = {.query.kind = HAK_POSTING_OWNER};
    uint64_t from = hak_posting_owner(address, 0, 0), to = from | UINT32_MAX;
    int count = 0, error = hak_finder_list(r, HAK_POSTING_OWNER, &p);
    for (uint32_t i = 0, behind = 0; i < p.runs && !error; i++) {
        if (i == behind)
            error = hak_finder_read_ahead(r, &p, i, 0, UINT64_MAX, from, &behind);
        int got = error ? error : add_owners(r, &p.run[i], from, to, out, count, max);
        hak_finder_forget_ahead(&p.run[i]);
        count = got < 0 ? count : got;
        error = got < 0 ? got : 0;
    }
    int all = error ? 0 : is_all_covered(r, &p);
    hak_finder_free_part(&p);
    return error ? error : all < 0 ? all : all ? count : HAK_FINDER_NOT_ALL;
}

/* Whether a run is a join that is under way: the higher keys of its run are in the runs that it is
 * made of, the lower keys of those are gone. */
static bool is_in_progress(const struct hak_finder_part *p, const struct hak_finder_run *run) {
    for (uint32_t i = 0; i < p->runs; i++)
        if (&p->run[i] != run && p->run[i].first <= run->last && p->run[i].last >= run->first)
            return true;
    return false;
}

int hak_finder_large(struct hak_posting_reader *r, uint64_t address,
                     int (*each)(void *context, uint64_t base, uint64_t extent), void *context) {
    struct hak_query q = hak_ask(
        &r->db, "SELECT id, data FROM posting_run WHERE kind = 2 AND min_key <= ?1 AND reach >= ?2",
        "reading its postings", address < HAK_POSTING_KEY_LAST ? address : INT64_MAX,
        address & ~(uint64_t)4095 & INT64_MAX);
    int told = 0;
    while (!told && hak_query_next(&q)) {
        const char *wrong = hak_posting_cursor_open(&r->run, sqlite3_column_blob(q.statement, 1),
                                                    (size_t)sqlite3_column_bytes(q.statement, 1));
        while (!wrong && !told && hak_posting_cursor_next(&r->run, &wrong) == 1 &&
               r->run.key <= address)
            if (address - r->run.key < r->run.extent + 4096 || address == r->run.key)
                told = each(context, r->run.key, r->run.extent);
        if (wrong)
            told = hak_store_fail_wrong(
                wrong, r->db.path,
                "%s: posting %lld: %s; the store is damaged: copy it again from "
                "where it was made",
                r->db.path, (long long)hak_query_number(&q, 0), wrong);
    }
    int error = hak_query_end(&q);
    return told ? told : error;
}

/* Tells the bases of one row that are wanted: 1 when there may be more behind it, 0, or an error.
 */
static int tell_bases(struct hak_posting_reader *r, const struct hak_finder_row *row, uint64_t from,
                      const uint64_t *below, void (*each)(void *context, uint64_t base),
                      void *context) {
    const char *wrong;
    int got;
    while ((got = hak_posting_cursor_next(row->cursor, &wrong)) == 1 && row->cursor->key < *below)
        if (row->cursor->key >= from)
            each(context, row->cursor->key);
    if (got < 0)
        return hak_store_fail(HAK_STORE_BROKEN,
                              "%s: posting of bases from chunk number %llu on: %s; the store is "
                              "damaged: copy it again from where it was made",
                              r->db.path, (unsigned long long)row->cursor->first, wrong);
    return got == 0 && !hak_finder_is_last(row) && row->max_key < *below;
}

int hak_finder_bases(struct hak_posting_reader *r, uint64_t from, const uint64_t *below,
                     void (*each)(void *context, uint64_t base), void *context) {
    struct hak_finder_part p = {.query.kind = HAK_POSTING_BASE};
    int result = hak_finder_list(r, HAK_POSTING_BASE, &p);
    for (uint32_t i = 0; i < p.runs && result >= 0; i++) {
        struct hak_finder_row row = {.max_key = from - 1};
        bool is_part = is_in_progress(&p, &p.run[i]);
        do {
            uint64_t key = row.max_key + 1;
            result = hak_finder_row(r, HAK_POSTING_BASE, &p.run[i], key, false, &row);
            if (result == 0 && is_part)
                result = hak_finder_row(r, HAK_POSTING_BASE, &p.run[i], key, true, &row);
            if (result == 1)
                result = tell_bases(r, &row, from, below, each, context);
            else if (result == 0 && !is_part)
                result = hak_store_fail(HAK_STORE_BROKEN,
                                        "%s: posting of bases from chunk number %llu on: a row is "
                                        "missing or broken; the store is damaged: copy it again "
                                        "from where it was made",
                                        r->db.path, (unsigned long long)p.run[i].first);
        } while (result == 1);
    }
    hak_finder_free_part(&p);
    return result < 0 ? result : 0;
}

/* Writes the postings of each chunk as runs of one chunk, and has them joined to larger ones. */
#include "store/postings/writer.h"

#include <stdlib.h>
#include "store/error.h"
#include "store/postings/keys.h"
#include "store/postings/merge.h"

struct hak_posting_writer {
    struct hak_database db;
    struct hak_posting_keys keys;
    struct hak_posting_row row;
    struct hak_buffer blob; /* of a row on its way into the file */
    struct hak_posting_merge *single[HAK_POSTING_KINDS], *larger[HAK_POSTING_KINDS];
    bool knows_next;
    uint64_t next; /* number of the next chunk */
};

void hak_posting_writer_free(struct hak_posting_writer *p) {
    if (!p)
        return;
    for (int i = 0; i < HAK_POSTING_KINDS; i++) {
        hak_posting_merge_free(p->single[i]);
        hak_posting_merge_free(p->larger[i]);
    }
    hak_buffer_free(&p->blob);
    hak_posting_keys_free(&p->keys);
    hak_posting_row_free(&p->row);
    free(p);
}

int hak_posting_writer_make(const struct hak_database *db, struct hak_posting_writer **out) {
    struct hak_posting_writer *p = *out = calloc(1, sizeof *p);
    if (p)
        p->db = *db;
    if (p && hak_posting_keys_init(&p->keys) && hak_posting_row_init(&p->row))
        return 0;
    hak_posting_writer_free(p);
    *out = NULL;
    return hak_store_no_memory(db->path);
}

/* Finds the number of the next chunk, once. 0, or an error. */
static int find_next(struct hak_posting_writer *p) {
    uint64_t last;
    if (p->knows_next)
        return 0;
    int found = hak_database_numbers(
        &p->db, "SELECT number FROM chunk_order ORDER BY number DESC LIMIT 1", 0, &last, 1);
    p->next = found > 0 ? last + 1 : 0;
    p->knows_next = found >= 0;
    return found < 0 ? found : 0;
}

/* Begins the row of this chunk's keys of a kind. */
static void begin_row(struct hak_posting_writer *p, enum hak_posting_kind kind) {
    hak_posting_row_begin(&p->row, kind, p->next, p->next);
    if (kind == HAK_POSTING_BASE)
        p->row.distances = p->keys.distances;
}

/* Writes the run of one chunk; a chunk without a key has a row, too, which says so. 0, or an
 * error. */
static int put_keys(struct hak_posting_writer *p, enum hak_posting_kind kind) {
    const struct hak_posting_keys *k = &p->keys;
    static const struct hak_span itself;
    uint64_t min_key = 0;
    int error = 0;
    begin_row(p, kind);
    for (uint32_t i = 0; i < k->count[kind] && !error; i++) {
        if (!hak_posting_row_add(&p->row, k->key[kind][i], &itself, 1,
                                 kind == HAK_POSTING_LARGE ? k->extent[i] : 0))
            return hak_store_no_memory(p->db.path);
        if (hak_posting_row_bytes(&p->row) < hak_posting_sizes.row_bytes ||
            p->row.last_key >= HAK_POSTING_KEY_LAST)
            continue;
        error = hak_posting_merge_put_row(&p->db, &p->blob, &p->row, 0, min_key, false);
        min_key = p->row.last_key + 1;
        begin_row(p, kind);
    }
    return error ? error : hak_posting_merge_put_row(&p->db, &p->blob, &p->row, 0, min_key, true);
}

int hak_posting_put_chunk(struct hak_posting_writer *p, const struct hak_columns *c,
                          uint64_t first_id) {
    int error = find_next(p);
    if (error)
        return error;
    hak_posting_keys_collect(&p->keys, c);
    error = hak_do(&p->db, "INSERT INTO chunk_order VALUES(?, ?)", "counting its chunks",
                   HAK_NUMBER(p->next), HAK_NUMBER(first_id));
    for (int kind = 0; kind < HAK_POSTING_KINDS && !error; kind++)
        error = put_keys(p, (enum hak_posting_kind)kind);
    p->next++;
    for (int kind = 0; kind < HAK_POSTING_KINDS && !error; kind++) {
        uint64_t keys = hak_posting_sizes.keys_for_a_key * p->keys.count[kind] +
                        hak_posting_sizes.keys_at_least;
        if (p->next % HAK_POSTING_FAN_OUT == 0)
            error = hak_posting_merge_singles(&p->db, &p->single[kind], (enum hak_posting_kind)kind,
                                              p->next);
        if (!error)
            error = hak_posting_merge_go_on(&p->db, &p->larger[kind], (enum hak_posting_kind)kind,
                                            p->next, keys);
    }
    return error;
}

void hak_posting_rolled_back(struct hak_posting_writer *p) {
    for (int i = 0; i < HAK_POSTING_KINDS; i++) {
        hak_posting_merge_forget(p->single[i]);
        hak_posting_merge_forget(p->larger[i]);
    }
    p->knows_next = false;
}

int hak_posting_trim(struct hak_posting_writer *p, uint64_t first_kept) {
    static const char dropping[] = "dropping its oldest events";
    uint64_t number;
    int found = hak_database_numbers(
        &p->db, "SELECT number FROM chunk_order WHERE chunk >= ?1 ORDER BY number LIMIT 1",
        first_kept, &number, 1);
    if (found <= 0)
        return found;
    int error =
        hak_do(&p->db, "DELETE FROM chunk_order WHERE number < ?", dropping, HAK_NUMBER(number));
    for (int i = 0; i < HAK_POSTING_KINDS * (HAK_POSTING_LEVEL_MAX + 1) && !error; i++)
        error = hak_do(&p->db,
                       "DELETE FROM posting_run WHERE kind = ?1 AND level = ?2 AND first < ?3"
                       " AND last < ?3",
                       dropping, HAK_NUMBER(i % HAK_POSTING_KINDS),
                       HAK_NUMBER(i / HAK_POSTING_KINDS), HAK_NUMBER(number));
    for (int i = 0; i < HAK_POSTING_KINDS; i++)
        hak_posting_merge_dropped(p->larger[i], number);
    return error;
}

int hak_posting_finish(struct hak_posting_writer *p) {
    int error = find_next(p);
    for (int kind = 0; kind < HAK_POSTING_KINDS && !error; kind++)
        error = hak_posting_merge_finish(&p->db, &p->single[kind], (enum hak_posting_kind)kind,
                                         p->next);
    return error;
}

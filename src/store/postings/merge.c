/* The join of sorted runs, resumable after every row. */
#include "store/postings/merge.h"

#include <stdlib.h>
#include "store/error.h"

struct source {
    unsigned level;
    uint64_t first, last;
    struct hak_posting_cursor cursor;
    bool is_done;      /* no key left */
    uint64_t row_end;  /* the row's range ends here */
    uint64_t rows_out; /* rows that were left behind, and are still in the file */
};

struct hak_posting_merge {
    struct hak_database db;
    bool is_off; /* a run is damaged: what is there stays as it is, and info --check names it */
    bool is_active;
    enum hak_posting_kind kind;
    unsigned level;   /* of the new run */
    uint64_t min_key; /* of its row that is being filled */
    struct hak_posting_row row;
    struct hak_buffer blob; /* of a row on its way into the file */
    struct hak_span *span;  /* HAK_POSTING_SPANS_MAX of room */
    struct source source[HAK_POSTING_SOURCES_MAX];
    unsigned sources;
};

static const char joining[] = "joining its postings";

int hak_posting_merge_put_row(const struct hak_database *db, struct hak_buffer *blob,
                              struct hak_posting_row *row, unsigned level, uint64_t min_key,
                              bool is_last) {
    blob->size = 0;
    if (!hak_posting_row_encode(row, level > 0, blob))
        return hak_store_no_memory(db->path);
    return hak_do(
        db, "INSERT INTO posting_run VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "storing a posting",
        HAK_NUMBER(row->kind), HAK_NUMBER(level), HAK_NUMBER(row->first), HAK_NUMBER(row->last),
        HAK_NUMBER(min_key), HAK_NUMBER(is_last ? HAK_POSTING_KEY_LAST : row->last_key),
        HAK_NUMBER(row->reach), HAK_NUMBER(row->count), HAK_BYTES(blob->data, blob->size));
}

/* ---- sources -----------------------------------------------------------------------------------
 */

/* Opens the source's row in which `key` lies: 1, 0 it has none, or an error. */
static int open_source_row(struct hak_posting_merge *m, struct source *s, uint64_t key) {
    struct hak_query q = hak_ask(&m->db,
                                 "SELECT min_key, max_key, data FROM posting_run WHERE kind = ?1"
                                 " AND level = ?2 AND first = ?3 AND max_key >= ?4"
                                 " ORDER BY min_key LIMIT 1",
                                 joining, m->kind, s->level, s->first, key);
    bool found = hak_query_next(&q), no_memory = false;
    if (found) {
        s->row_end = hak_query_number(&q, 1);
        const char *wrong = hak_posting_cursor_open(&s->cursor, sqlite3_column_blob(q.statement, 2),
                                                    (size_t)sqlite3_column_bytes(q.statement, 2));
        no_memory = wrong == hak_store_memory_ended;
        if (wrong || s->cursor.kind != m->kind || s->cursor.first != s->first ||
            s->cursor.last != s->last || hak_query_number(&q, 0) > key)
            m->is_off |= !no_memory;
        hak_distances_join(&m->row.distances, &s->cursor.distances);
    }
    int error = hak_query_end(&q);
    return error ? error : no_memory ? hak_store_no_memory(m->db.path) : found;
}

/* Goes to the source's next key, over rows; 0 or an error. */
static int advance(struct hak_posting_merge *m, struct source *s) {
    for (;;) {
        const char *wrong;
        int got = hak_posting_cursor_next(&s->cursor, &wrong);
        if (got > 0)
            return 0;
        m->is_off |= got < 0;
        if (m->is_off || s->row_end >= HAK_POSTING_KEY_LAST) {
            s->is_done = true;
            return 0;
        }
        s->rows_out++;
        got = open_source_row(m, s, s->row_end + 1);
        if (got < 0)
            return got;
        if (got == 0)
            m->is_off = true; /* the rest of a run is missing: it must not look as if it were in */
    }
}

/* Opens a source at its first key from `from` on. A missing or broken row switches the merge off.
 * 0, or an error. */
static int open_source(struct hak_posting_merge *m, struct source *s, uint64_t from) {
    s->is_done = false;
    s->rows_out = 0;
    if (!s->cursor.span && !hak_posting_cursor_init(&s->cursor))
        return hak_store_no_memory(m->db.path);
    int got = open_source_row(m, s, from);
    if (got == 0)
        m->is_off = true;
    if (got <= 0 || m->is_off)
        return got < 0 ? got : 0;
    int error = advance(m, s);
    while (!error && !m->is_off && !s->is_done && s->cursor.key < from)
        error = advance(m, s);
    return error;
}

/* ---- due joins ---------------------------------------------------------------------------------
 */

/* The oldest run of a level: 1 and its first chunk, 0 there is none, or an error. */
static int oldest_run(struct hak_posting_merge *m, unsigned level, uint64_t *first) {
    struct hak_query q = hak_ask(
        &m->db,
        "SELECT first FROM posting_run WHERE kind = ?1 AND level = ?2 ORDER BY first LIMIT 1",
        joining, m->kind, level);
    bool found = hak_query_next(&q);
    *first = found ? hak_query_number(&q, 0) : 0;
    int error = hak_query_end(&q);
    return error ? error : found;
}

/* Lists the runs below m->level among the chunks from..to, oldest first. Two of the same chunks, or
 * one that goes on behind `to`, switch the merge off: a key has no room for more spans than the
 * join's chunks give. 0, or an error. */
static int list_sources(struct hak_posting_merge *m, uint64_t from, uint64_t to) {
    struct hak_query q = hak_ask(&m->db,
                                 "SELECT DISTINCT level, first, last FROM posting_run"
                                 " WHERE kind = ?1 AND level < ?2 AND first BETWEEN ?3 AND ?4"
                                 " ORDER BY first, level DESC",
                                 joining, m->kind, m->level, from, to);
    m->sources = 0;
    while (m->sources < HAK_POSTING_SOURCES_MAX && hak_query_next(&q)) {
        struct source *s = &m->source[m->sources];
        s->level = hak_query_id(&q, 0);
        s->first = hak_query_number(&q, 1);
        s->last = hak_query_number(&q, 2);
        if (s->last > to || (m->sources && s->first <= s[-1].last))
            m->is_off = true; /* chunks of another join, or twice the same: nobody's of this one */
        m->sources++;
    }
    return hak_query_end(&q);
}

/* Finds where a run of m->level that was begun in this group and not ended is gone on with: its
 * first and last chunk, and the key to go on from. The oldest of its sources may have been dropped
 * since. 0, or an error. */
static int find_progress(struct hak_posting_merge *m, uint64_t group) {
    uint64_t first = m->source[0].first, last = m->source[m->sources - 1].last;
    struct hak_query q = hak_ask(&m->db,
                                 "SELECT first, last, max(max_key) FROM posting_run WHERE kind = ?1"
                                 " AND level = ?2 AND first BETWEEN ?3 AND ?4 GROUP BY first, last"
                                 " HAVING max(max_key) < ?5 ORDER BY first DESC LIMIT 1",
                                 joining, m->kind, m->level, group, first, HAK_POSTING_KEY_LAST);
    m->min_key = 0;
    if (hak_query_next(&q)) {
        first = hak_query_number(&q, 0);
        m->is_off |= hak_query_number(&q, 1) != last;
        m->min_key = hak_query_number(&q, 2) + 1;
    }
    hak_posting_row_begin(&m->row, m->kind, first, last);
    return hak_query_end(&q);
}

/* Begins or continues merging the level's runs of these chunks; m->is_active says whether there are
 * any. 0, or an error. */
static int start(struct hak_posting_merge *m, unsigned level, uint64_t from, uint64_t to) {
    m->level = level;
    m->is_active = false;
    int error = list_sources(m, from, to);
    if (error || m->is_off || !m->sources)
        return error;
    error = find_progress(m, from);
    if (error || m->is_off)
        return error;
    for (unsigned i = 0; i < m->sources && !error && !m->is_off; i++)
        error = open_source(m, &m->source[i], m->min_key);
    m->is_active = !error && !m->is_off;
    return error;
}

/* Starts the join at the lowest level, of these, at which a whole group has come together. 0, or an
 * error. */
static int find_due(struct hak_posting_merge *m, uint64_t chunks, unsigned level,
                    unsigned highest) {
    for (; level <= highest; level++) {
        uint64_t first, group = hak_posting_level_chunks(level);
        if (chunks < group)
            break;
        int found = oldest_run(m, level - 1, &first);
        if (found < 0)
            return found;
        uint64_t from = first / group * group;
        if (found && from + group <= chunks)
            return start(m, level, from, from + group - 1);
    }
    return 0;
}

/* ---- joining -----------------------------------------------------------------------------------
 */

/* Deletes the source's rows whose keys, up to `up_to`, are merged. 0, or an error. */
static int drop_source_rows(struct hak_posting_merge *m, struct source *s, uint64_t up_to) {
    s->rows_out = 0;
    return hak_do(&m->db,
                  "DELETE FROM posting_run WHERE kind = ? AND level = ? AND first = ?"
                  " AND max_key <= ?",
                  joining, HAK_NUMBER(m->kind), HAK_NUMBER(s->level), HAK_NUMBER(s->first),
                  HAK_NUMBER(up_to));
}

/* Writes the merged row and deletes the source rows it replaces; the last one ends the merge. 0, or
 * an error. */
static int flush(struct hak_posting_merge *m, bool is_last) {
    struct hak_distances distances = m->row.distances;
    int error = hak_posting_merge_put_row(&m->db, &m->blob, &m->row, m->level, m->min_key, is_last);
    uint64_t up_to = is_last ? HAK_POSTING_KEY_LAST : m->row.last_key;
    for (unsigned i = 0; i < m->sources && !error; i++)
        if (is_last || m->source[i].rows_out)
            error = drop_source_rows(m, &m->source[i], up_to);
    m->min_key = up_to + 1;
    hak_posting_row_begin(&m->row, m->kind, m->row.first, m->row.last);
    m->row.distances = distances;
    m->is_active = !is_last;
    return error;
}

/* Appends the source's chunks to the key's spans. Returns their number. */
static uint32_t add_spans(struct hak_posting_merge *m, uint32_t count, const struct source *s) {
    uint32_t offset = (uint32_t)(s->first - m->row.first);
    for (uint32_t i = 0; i < s->cursor.spans; i++) {
        struct hak_span span = {s->cursor.span[i].from + offset, s->cursor.span[i].to + offset};
        if (count && m->span[count - 1].to + 1 == span.from)
            m->span[count - 1].to = span.to;
        else
            m->span[count++] = span;
    }
    return count;
}

/* The least key of all sources, and the least of those that do not have it. */
static unsigned find_least(const struct hak_posting_merge *m, uint64_t *second) {
    unsigned least = HAK_POSTING_SOURCES_MAX;
    uint64_t low = UINT64_MAX;
    *second = UINT64_MAX;
    for (unsigned i = 0; i < m->sources; i++) {
        const struct source *s = &m->source[i];
        if (s->is_done)
            continue;
        uint64_t key = s->cursor.key;
        if (least == HAK_POSTING_SOURCES_MAX || key < low) {
            if (least != HAK_POSTING_SOURCES_MAX)
                *second = low;
            low = key;
            least = i;
        } else if (key < *second) {
            *second = key;
        }
    }
    return least;
}

/* Copies keys that only this source has, up to `end` or until the row is full. 0, or an error. */
static int copy_alone(struct hak_posting_merge *m, struct source *s, uint64_t end, uint64_t *work) {
    bool was_here = false;
    int error = 0;
    while (!error && !m->is_off && !s->is_done && s->cursor.key < end &&
           (!was_here || hak_posting_row_bytes(&m->row) < hak_posting_sizes.row_bytes)) {
        bool can_repeat = was_here && m->kind != HAK_POSTING_LARGE && m->row.first != m->row.last &&
                          (s->cursor.is_same || s->first == s->last);
        bool added = can_repeat ? hak_posting_row_add_same(&m->row, s->cursor.key)
                                : hak_posting_row_add(&m->row, s->cursor.key, m->span,
                                                      add_spans(m, 0, s), s->cursor.extent);
        was_here = true;
        (*work)++;
        error = added ? advance(m, s) : hak_store_no_memory(m->db.path);
    }
    return error;
}

/* Joins the chunks of the key that several have, from the oldest to the newest. 0, or an error. */
static int join_key(struct hak_posting_merge *m, uint64_t key, uint64_t *work) {
    uint32_t spans = 0;
    uint64_t extent = 0;
    int error = 0;
    for (unsigned i = 0; i < m->sources && !error && !m->is_off; i++) {
        struct source *s = &m->source[i];
        if (s->is_done || s->cursor.key != key)
            continue;
        spans = add_spans(m, spans, s);
        extent = s->cursor.extent > extent ? s->cursor.extent : extent;
        (*work)++;
        error = advance(m, s);
    }
    if (!error && !m->is_off && !hak_posting_row_add(&m->row, key, m->span, spans, extent))
        error = hak_store_no_memory(m->db.path);
    return error;
}

/* Merges about `keys` keys more, writing each full row. 0, or an error. */
static int go_on(struct hak_posting_merge *m, uint64_t keys) {
    uint64_t work = 0, second;
    int error = 0;
    while (!error && m->is_active && work < keys) {
        unsigned least = find_least(m, &second);
        if (least == HAK_POSTING_SOURCES_MAX)
            return flush(m, true);
        struct source *s = &m->source[least];
        if (s->cursor.key == second)
            error = join_key(m, second, &work);
        else
            error = copy_alone(m, s, second, &work);
        if (m->is_off)
            m->is_active = false; /* nothing of the row that could not be ended is in the file */
        else if (!error && hak_posting_row_bytes(&m->row) >= hak_posting_sizes.row_bytes &&
                 m->row.last_key < HAK_POSTING_KEY_LAST)
            error = flush(m, false);
    }
    return error;
}

static struct hak_posting_merge *
ready(const struct hak_database *db, struct hak_posting_merge **state, enum hak_posting_kind kind) {
    struct hak_posting_merge *m = *state;
    if (m)
        return m;
    m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->db = *db;
    m->kind = kind;
    m->span = malloc(HAK_POSTING_SPANS_MAX * sizeof *m->span);
    if (!m->span || !hak_posting_row_init(&m->row)) {
        hak_posting_merge_free(m);
        return NULL;
    }
    return *state = m;
}

int hak_posting_merge_singles(const struct hak_database *db, struct hak_posting_merge **state,
                              enum hak_posting_kind kind, uint64_t chunks) {
    struct hak_posting_merge *m = ready(db, state, kind);
    if (!m)
        return hak_store_no_memory(db->path);
    int error = 0;
    do {
        error = m->is_off ? 0 : find_due(m, chunks, 1, 1);
        if (!error && m->is_active)
            error = go_on(m, UINT64_MAX);
        else
            break;
    } while (!error);
    return error;
}

int hak_posting_merge_go_on(const struct hak_database *db, struct hak_posting_merge **state,
                            enum hak_posting_kind kind, uint64_t chunks, uint64_t keys) {
    struct hak_posting_merge *m = ready(db, state, kind);
    if (!m)
        return hak_store_no_memory(db->path);
    int error = 0;
    if (!m->is_active && !m->is_off && chunks % HAK_POSTING_FAN_OUT == 0)
        error = find_due(m, chunks, 2, HAK_POSTING_LEVEL_MAX);
    return error || !m->is_active ? error : go_on(m, keys);
}

int hak_posting_merge_finish(const struct hak_database *db, struct hak_posting_merge **state,
                             enum hak_posting_kind kind, uint64_t chunks) {
    struct hak_posting_merge *m = ready(db, state, kind);
    if (!m)
        return hak_store_no_memory(db->path);
    uint64_t from = chunks / HAK_POSTING_FAN_OUT * HAK_POSTING_FAN_OUT;
    int error = m->is_off || from == chunks ? 0 : start(m, 1, from, chunks - 1);
    return error || !m->is_active ? error : go_on(m, UINT64_MAX);
}

void hak_posting_merge_forget(struct hak_posting_merge *state) {
    if (state)
        state->is_active = false;
}

void hak_posting_merge_dropped(struct hak_posting_merge *state, uint64_t first_kept) {
    if (state && state->is_active && state->source[0].first < first_kept)
        state->is_active = false;
}

void hak_posting_merge_free(struct hak_posting_merge *state) {
    if (!state)
        return;
    for (unsigned i = 0; i < HAK_POSTING_SOURCES_MAX; i++)
        hak_posting_cursor_free(&state->source[i].cursor);
    hak_posting_row_free(&state->row);
    hak_buffer_free(&state->blob);
    free(state->span);
    free(state);
}

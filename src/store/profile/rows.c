/* Codes rows of the profile: columns of varints, packed. The same functions write and read them. */
#include "store/profile/rows.h"

#include <stdlib.h>
#include "base/growing.h"
#include "store/error.h"
#include "store/pack.h"

#define HEADER_BYTES  16
#define COLUMNS_MAX   16
#define LOW_SHIFT     7
#define LOW_BITS      0x7fu
#define RAW_BYTES_MAX ((size_t)1 << 26)

static const struct hak_blob_form keys_form = {"HKPK", HAK_PROFILE_FORMAT, HEADER_BYTES,
                                               "it does not begin with HKPK"};
static const struct hak_blob_form chunk_form = {"HKPC", HAK_PROFILE_FORMAT, HEADER_BYTES,
                                                "it does not begin with HKPC"};
static const struct hak_blob_form run_form = {"HKPR", HAK_PROFILE_FORMAT, HEADER_BYTES,
                                              "it does not begin with HKPR"};
static const struct hak_blob_form alone_form = {"HKPR", HAK_PROFILE_HELD, HEADER_BYTES,
                                                "it does not begin with HKPR"};
static const char short_of[] = "it is cut short";

struct coder {
    bool is_reading, has_memory;
    struct hak_input in;   /* reading */
    struct hak_buffer raw; /* what is read, or written so far */
    uint32_t part_end[COLUMNS_MAX], parts;
};

/* Makes room for so many numbers more, if they are written; what follows writes no more than that
 * before it asks again. False without memory. */
static bool reserve(struct coder *c, uint64_t numbers) {
    if (c->has_memory && !c->is_reading && !hak_buffer_reserve(&c->raw, numbers * HAK_VARINT_BYTES))
        c->has_memory = false;
    return c->has_memory;
}

/* Writes the value, or reads and returns it. */
static uint64_t code(struct coder *c, uint64_t value) {
    if (c->is_reading)
        return hak_read_varint(&c->in);
    c->raw.size = (size_t)(hak_write_varint(c->raw.data + c->raw.size, value) - c->raw.data);
    return value;
}
/* As its difference to `guess`. */
static uint64_t code_near(struct coder *c, uint64_t value, uint64_t guess) {
    return guess + hak_unzigzag(code(c, hak_zigzag(value - guess)));
}

/* Writes or reads a number of 32 bits as its distance from a guess. */
static uint32_t code_small(struct coder *c, uint32_t value, uint32_t guess) {
    uint64_t got = code_near(c, value, guess);
    if (got > UINT32_MAX)
        c->in.broken = true;
    return (uint32_t)got;
}
static void end_column(struct coder *c) {
    c->part_end[c->parts++] = (uint32_t)c->raw.size;
}

/* Codes the number of elements that follow, each of `least` bytes or more. */
static uint32_t code_count(struct coder *c, uint32_t count, unsigned least) {
    uint64_t got = reserve(c, 1) ? code(c, count) : 0;
    if (c->is_reading && got > (uint64_t)(c->in.end - c->in.at) / least) {
        c->in.broken = true;
        return 0;
    }
    return (uint32_t)got;
}

static struct coder writing(void) {
    return (struct coder){.has_memory = true};
}

/* Packs what was written and appends it as a blob. False without memory. */
static bool finish(struct coder *c, const struct hak_blob_form *form, struct hak_buffer *out) {
    size_t start;
    uint8_t packing = 0;
    uint32_t packed = 0;
    bool is_done =
        c->has_memory && hak_blob_begin(out, form, &start) &&
        hak_buffer_pack(out, c->raw.data, c->raw.size, c->part_end, c->parts, &packing, &packed);
    if (is_done) {
        uint8_t *at = out->data + start + 6;
        *at++ = packing;
        *at++ = 0;
        at = hak_write_little(at, c->raw.size, 4);
        hak_write_little(at, packed, 4);
        is_done = hak_blob_end(out, start);
    }
    hak_buffer_free(&c->raw);
    return is_done;
}

/* Unpacks a blob to be read. Returns what is wrong, or NULL. */
static const char *open_blob(struct coder *c, const struct hak_blob_form *form, const uint8_t *blob,
                             size_t bytes) {
    *c = (struct coder){.is_reading = true, .has_memory = true};
    const char *wrong = hak_blob_check(form, blob, bytes);
    if (wrong)
        return wrong;
    size_t raw = hak_read_little(blob + 8, 4), packed = hak_read_little(blob + 12, 4);
    if (raw > RAW_BYTES_MAX || packed != bytes - HEADER_BYTES - HAK_BLOB_CHECKSUM_BYTES)
        return "its header gives impossible lengths";
    if (!hak_buffer_reserve(&c->raw, raw + 1))
        return hak_store_memory_ended;
    c->in = (struct hak_input){.at = c->raw.data, .end = c->raw.data + raw};
    return hak_unpack(blob + HEADER_BYTES, packed, blob[6], c->raw.data, raw);
}

/* Ends a blob that is read. `wrong` so far, else what is wrong at its end, or NULL. */
static const char *close_blob(struct coder *c, const char *wrong) {
    if (!wrong && !c->has_memory)
        wrong = hak_store_memory_ended;
    if (!wrong && c->in.broken)
        wrong = short_of;
    if (!wrong && c->in.at != c->in.end)
        wrong = "bytes are left over after its rows";
    hak_buffer_free(&c->raw);
    return wrong;
}

/* Makes room for `count` elements where they are read. False without memory. */
static bool make_array(struct coder *c, void *array, uint32_t count, uint32_t *room, size_t each) {
    if (c->is_reading && count && !hak_growing_reach(array, count - 1, room, each))
        c->has_memory = false;
    return c->has_memory;
}

/* ---- keys --------------------------------------------------------------------------------------
 */

bool hak_profile_keys_encode(const struct hak_profile_key *key, uint32_t count,
                             struct hak_buffer *out) {
    struct coder c = writing();
    code_count(&c, count, 2);
    if (reserve(&c, 2 * (uint64_t)count)) {
        for (uint32_t i = 0; i < count; i++)
            code_small(&c, key[i].group, i ? key[i - 1].group : 0);
        end_column(&c);
        for (uint32_t i = 0; i < count; i++)
            code_small(&c, key[i].stack, i ? key[i - 1].stack : 0);
        end_column(&c);
    }
    return finish(&c, &keys_form, out);
}

const char *hak_profile_keys_decode(const uint8_t *blob, size_t bytes,
                                    struct hak_profile_keys *to) {
    struct coder c;
    const char *wrong = open_blob(&c, &keys_form, blob, bytes);
    uint32_t count = wrong ? 0 : code_count(&c, 0, 2), before = to->count;
    uint32_t *group = malloc(((size_t)count + 1) * sizeof *group);
    c.has_memory = c.has_memory && group;
    for (uint32_t i = 0; i < count && group; i++)
        group[i] = code_small(&c, 0, i ? group[i - 1] : 0);
    uint32_t stack = 0;
    for (uint32_t i = 0; i < count && group && !wrong; i++) {
        stack = code_small(&c, 0, stack);
        if (group[i] > HAK_PROFILE_GROUPS) {
            wrong = "a thread group is impossible";
            break;
        }
        uint32_t key = hak_profile_key(to, group[i], stack);
        if (key != before + i + 1)
            wrong = c.in.broken ? short_of : key ? "a key is there twice" : hak_store_memory_ended;
    }
    free(group);
    return close_blob(&c, wrong);
}

/* ---- chunk -------------------------------------------------------------------------------------
 */

/* Writes or reads the keys of ended lives, low bits and the rest apart. */
static void code_ends(struct coder *c, struct hak_profile_chunk *k) {
    k->ends = code_count(c, k->ends, 2);
    if (!make_array(c, &k->end, k->ends, &k->end_room, sizeof *k->end) || !reserve(c, k->ends))
        return;
    end_column(c);
    /* Low bits, then the rest: keys repeat, and their parts repeat more. */
    for (uint32_t i = 0; i < k->ends; i++) {
        uint64_t low = code(c, k->end[i] & LOW_BITS);
        if (c->is_reading)
            k->end[i] = (uint32_t)low & LOW_BITS;
    }
    end_column(c);
    if (!reserve(c, k->ends))
        return;
    for (uint32_t i = 0; i < k->ends; i++) {
        uint64_t high = code(c, k->end[i] >> LOW_SHIFT);
        c->in.broken |= high > UINT32_MAX >> LOW_SHIFT;
        if (c->is_reading)
            k->end[i] |= (uint32_t)(high << LOW_SHIFT);
    }
    end_column(c);
}

/* Writes or reads the exceptions: the lives that the ends' keys do not tell. */
static void code_exceptions(struct coder *c, struct hak_profile_chunk *k) {
    k->exceptions = code_count(c, k->exceptions, 4);
    if (!make_array(c, &k->exception, k->exceptions, &k->exception_room, sizeof *k->exception) ||
        !reserve(c, 4 * (uint64_t)k->exceptions))
        return;
    uint32_t at = 0;
    for (uint32_t i = 0; i < k->exceptions; i++) {
        struct hak_profile_exception *e = &k->exception[i];
        uint64_t step = code(c, e->at - at);
        e->at = at += (uint32_t)step;
        if (step > UINT32_MAX)
            c->in.broken = true;
        e->key = code_small(c, e->key, 0);
        e->size = code(c, e->size);
        e->is_brief = code(c, e->is_brief) != 0;
    }
}

/* Writes or reads which processes began by a fork. */
static void code_origins(struct coder *c, struct hak_profile_chunk *k) {
    k->origins = code_count(c, k->origins, 3);
    if (!make_array(c, &k->origin, k->origins, &k->origin_room, sizeof *k->origin) ||
        !reserve(c, 3 * (uint64_t)k->origins))
        return;
    for (uint32_t i = 0; i < k->origins; i++) {
        struct hak_profile_origin *o = &k->origin[i];
        o->process = code_small(c, o->process, 0);
        o->parent = code_small(c, o->parent, 0);
        o->fork = code(c, o->fork);
    }
}

bool hak_profile_chunk_encode(const struct hak_profile_chunk *chunk, struct hak_buffer *out) {
    struct coder c = writing();
    struct hak_profile_chunk k = *chunk; /* stays as it is: nothing is read */
    code_ends(&c, &k);
    code_exceptions(&c, &k);
    code_origins(&c, &k);
    return finish(&c, &chunk_form, out);
}

const char *hak_profile_chunk_decode(const uint8_t *blob, size_t bytes,
                                     struct hak_profile_chunk *to) {
    struct coder c;
    to->ends = to->exceptions = to->origins = 0;
    const char *wrong = open_blob(&c, &chunk_form, blob, bytes);
    if (!wrong) {
        code_ends(&c, to);
        code_exceptions(&c, to);
        code_origins(&c, to);
    }
    return close_blob(&c, wrong);
}

void hak_profile_chunk_free(struct hak_profile_chunk *chunk) {
    free(chunk->end);
    free(chunk->exception);
    free(chunk->origin);
    *chunk = (struct hak_profile_chunk){0};
}

/* ---- run ---------------------------------------------------------------------------------------
 */

/* Writes or reads the sums of processes. */
static void code_processes(struct coder *c, struct hak_profile_run *r) {
    r->processes = code_count(c, r->processes, 9);
    if (!make_array(c, &r->process, r->processes, &r->process_room, sizeof *r->process) ||
        !reserve(c, 10 * (uint64_t)r->processes))
        return;
    uint32_t before = 0;
    for (uint32_t i = 0; i < r->processes; i++) {
        struct hak_profile_process *p = &r->process[i];
        before = p->process = code_small(c, p->process, before);
        p->parent = code_small(c, p->parent, 0);
        p->fork = code(c, p->fork);
        p->first = code(c, p->first);
        p->inherited_bytes = code(c, p->inherited_bytes);
        p->live_bytes = code(c, p->live_bytes);
        p->most_bytes = code_near(c, p->most_bytes, p->live_bytes);
        p->most_at = code_near(c, p->most_at, r->first);
        p->unknown = code(c, p->unknown);
    }
    end_column(c);
}

/* A column of one number for each row. */
#define CODE_COLUMN(place, guess)                                                                  \
    do {                                                                                           \
        if (!reserve(c, r->rows))                                                                  \
            return;                                                                                \
        for (uint32_t i = 0; i < r->rows; i++) {                                                   \
            struct hak_profile_row *w = &r->row[i];                                                \
            place = code_near(c, place, guess);                                                    \
        }                                                                                          \
        end_column(c);                                                                             \
    } while (0)

/* Writes or reads the rows, column by column. */
static void code_rows(struct coder *c, struct hak_profile_run *r) {
    r->rows = code_count(c, r->rows, 8);
    if (!make_array(c, &r->row, r->rows, &r->row_room, sizeof *r->row) ||
        !reserve(c, 2 * (uint64_t)r->rows))
        return;
    for (uint32_t i = 0; i < r->rows; i++)
        r->row[i].process = code_small(c, r->row[i].process, i ? r->row[i - 1].process : 0);
    end_column(c);
    for (uint32_t i = 0; i < r->rows; i++)
        r->row[i].key = code_small(c, r->row[i].key, i ? r->row[i - 1].key : 0);
    end_column(c);
    CODE_COLUMN(w->came.blocks, 0);
    CODE_COLUMN(w->went.blocks, w->came.blocks);
    CODE_COLUMN(w->brief.blocks, 0);
    CODE_COLUMN(w->came.bytes, 0);
    CODE_COLUMN(w->went.bytes, w->came.bytes);
    CODE_COLUMN(w->brief.bytes, w->brief.blocks == w->went.blocks ? w->went.bytes : 0);
}

/* Codes the fields that only runs have that stand alone. */
static void code_alone(struct coder *c, struct hak_profile_run *r) {
    struct hak_profile_tree *t = &r->tree;
    if (!reserve(c, 6 + (uint64_t)r->processes))
        return;
    t->first_ns = code(c, t->first_ns);
    t->last_ns = code_near(c, t->last_ns, t->first_ns);
    t->live_bytes = code(c, t->live_bytes);
    t->most_bytes = code_near(c, t->most_bytes, t->live_bytes);
    t->most_at = code_near(c, t->most_at, r->first);
    t->most_ns = code_near(c, t->most_ns, t->first_ns);
    for (uint32_t i = 0; i < r->processes; i++)
        r->process[i].most_ns = code_near(c, r->process[i].most_ns, t->first_ns);
    end_column(c);
    CODE_COLUMN(w->inherited.blocks, 0);
    CODE_COLUMN(w->inherited.bytes, 0);
}

bool hak_profile_run_encode(const struct hak_profile_run *run, struct hak_buffer *out) {
    struct coder c = writing();
    struct hak_profile_run r = *run;
    code_processes(&c, &r);
    code_rows(&c, &r);
    if (r.is_alone)
        code_alone(&c, &r);
    return finish(&c, r.is_alone ? &alone_form : &run_form, out);
}

/* Says what is impossible in a run that was read; NULL: nothing. */
static const char *check_run(const struct hak_profile_run *r) {
    const struct hak_profile_tree *t = &r->tree;
    if (r->is_alone && (t->last_ns < t->first_ns ||
                        (t->most_at && (t->most_at < r->first || t->most_at > r->last))))
        return "a peak is not in its events";
    for (uint32_t i = 0; i < r->processes; i++) {
        const struct hak_profile_process *p = &r->process[i];
        if (!p->process || (i && p[-1].process >= p->process))
            return "its processes are not in order";
        if (p->most_at && (p->most_at < r->first || p->most_at > r->last))
            return "a peak is not in its events";
    }
    for (uint32_t i = 0; i < r->rows; i++) {
        const struct hak_profile_row *w = &r->row[i];
        if (i &&
            (w[-1].process > w->process || (w[-1].process == w->process && w[-1].key >= w->key)))
            return "its rows are not in order";
    }
    return NULL;
}

const char *hak_profile_run_decode(const uint8_t *blob, size_t bytes, struct hak_profile_run *to) {
    struct coder c;
    to->processes = to->rows = 0;
    to->is_alone = bytes >= HEADER_BYTES && hak_read_little(blob + 4, 2) == HAK_PROFILE_HELD;
    const char *wrong = open_blob(&c, to->is_alone ? &alone_form : &run_form, blob, bytes);
    if (!wrong) {
        code_processes(&c, to);
        code_rows(&c, to);
    }
    if (!wrong && to->is_alone)
        code_alone(&c, to);
    wrong = close_blob(&c, wrong);
    return wrong ? wrong : check_run(to);
}

/* ---- joining runs ------------------------------------------------------------------------------
 */

/* By process, then key. */
static int compare_rows(const void *one, const void *other) {
    const struct hak_profile_row *a = one, *b = other;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

static int compare_processes(const void *one, const void *other) {
    const struct hak_profile_process *a = one, *b = other;
    return (a->process > b->process) - (a->process < b->process);
}

/* By process, then class. */
static int compare_class_rows(const void *one, const void *other) {
    const struct hak_profile_class *a = one, *b = other;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    return (a->class_index > b->class_index) - (a->class_index < b->class_index);
}

void hak_profile_run_sort(struct hak_profile_run *run) {
    if (run->rows)
        qsort(run->row, run->rows, sizeof *run->row, compare_rows);
    if (run->processes)
        qsort(run->process, run->processes, sizeof *run->process, compare_processes);
    if (run->classes)
        qsort(run->class_row, run->classes, sizeof *run->class_row, compare_class_rows);
}

/* Adds what the next run says about the process: its latest bytes, unknown ends, and a peak that is
 * higher. */
static void join_process(struct hak_profile_process *to, const struct hak_profile_process *next) {
    if (next->parent) {
        to->parent = next->parent;
        to->fork = next->fork;
        to->first = next->first;
        to->inherited_bytes = next->inherited_bytes;
    }
    to->live_bytes = next->live_bytes;
    to->unknown += next->unknown;
    if (next->most_at && (!to->most_at || next->most_bytes > to->most_bytes)) {
        to->most_bytes = next->most_bytes;
        to->most_at = next->most_at;
        to->most_ns = next->most_ns;
    }
}

/* Adds what the next run says about all processes together. */
static void join_tree(struct hak_profile_tree *to, const struct hak_profile_tree *next) {
    to->first_ns = next->first_ns < to->first_ns ? next->first_ns : to->first_ns;
    to->last_ns = next->last_ns > to->last_ns ? next->last_ns : to->last_ns;
    to->live_bytes = next->live_bytes;
    if (next->most_at && (!to->most_at || next->most_bytes > to->most_bytes)) {
        to->most_bytes = next->most_bytes;
        to->most_at = next->most_at;
        to->most_ns = next->most_ns;
    }
}

/* Joins the rows of the next run to this one's; both lists are in order. False: no memory. */
static bool join_rows(struct hak_profile_run *to, const struct hak_profile_run *next) {
    struct hak_profile_row *joined = malloc(((size_t)to->rows + next->rows + 1) * sizeof *joined);
    uint32_t i = 0, k = 0, rows = 0;
    if (!joined)
        return false;
    while (i < to->rows || k < next->rows) {
        int order = i == to->rows     ? 1
                    : k == next->rows ? -1
                                      : compare_rows(&to->row[i], &next->row[k]);
        struct hak_profile_row *row = &joined[rows++];
        *row = order <= 0 ? to->row[i++] : next->row[k++];
        if (order)
            continue;
        const struct hak_profile_row *more = &next->row[k++];
        hak_amount_add(&row->came, more->came);
        hak_amount_add(&row->went, more->went);
        hak_amount_add(&row->brief, more->brief);
        hak_amount_add(&row->inherited, more->inherited);
    }
    free(to->row);
    to->row = joined;
    to->row_room = to->rows + next->rows + 1;
    to->rows = rows;
    return true;
}

/* Joins the processes of two runs, both sorted. False without memory. */
static bool join_processes(struct hak_profile_run *to, const struct hak_profile_run *next) {
    size_t most = (size_t)to->processes + next->processes + 1;
    struct hak_profile_process *joined = malloc(most * sizeof *joined);
    uint32_t i = 0, k = 0, count = 0;
    if (!joined)
        return false;
    while (i < to->processes || k < next->processes) {
        int order = i == to->processes     ? 1
                    : k == next->processes ? -1
                                           : compare_processes(&to->process[i], &next->process[k]);
        joined[count++] = order <= 0 ? to->process[i++] : next->process[k++];
        if (!order)
            join_process(&joined[count - 1], &next->process[k++]);
    }
    free(to->process);
    to->process = joined;
    to->process_room = (uint32_t)most;
    to->processes = count;
    return true;
}

bool hak_profile_run_join(struct hak_profile_run *to, const struct hak_profile_run *next) {
    if (!join_rows(to, next) || !join_processes(to, next))
        return false;
    to->last = next->last;
    join_tree(&to->tree, &next->tree);
    return true;
}

void hak_profile_run_free(struct hak_profile_run *run) {
    free(run->process);
    free(run->row);
    free(run->class_row);
    *run = (struct hak_profile_run){0};
}

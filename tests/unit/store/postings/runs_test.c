/* Runs of postings: rows come back as they were written, runs of three levels find for every key
 * what a walk over all events finds, also while a join is under way, after a resume, after old
 * chunks were dropped, and where rows are missing or broken. */
#include "../capture.h"
#include "base/sorted.h"
#include "store/postings/finder.h"
#include "store/reader/inner.h"
#include "store/postings/keys.h"
#include "store/postings/merge.h"
#include "../stream.h"
#include "report/words/check.h"
#include "store/history/history.h"

#define CHUNKS      4400 /* three levels: 16, 256 and 4,096 chunks */
#define PER_MOST    12
#define EVENT_BYTES (offsetof(struct hak_event, flags) + 1) /* without what fills it up */

static struct hak_event *all;
static uint64_t count;

static void small_sizes(void) {
    hak_posting_sizes =
        (struct hak_posting_sizes){.row_bytes = 300, .keys_for_a_key = 2, .keys_at_least = 8};
}

/* One more event of a program with some large blocks, foreign pointers and several processes. */
static struct hak_event make_event(struct stream *s) {
    struct hak_event e = stream_next(s);
    uint64_t random = stream_random(s);
    e.id = count + 1;
    if (random % 50 == 0) { /* a large block: its base is no slot */
        e.base = 0x7e0000000000ull + random / 64 % 40 * 0x10000;
        e.address = e.base + 16;
        e.size = 20000 + random % 200000;
        e.class_index = 255;
        e.kind = HAK_MALLOC;
    } else if (random % 331 == 0) { /* a pointer that never was one */
        e.base = e.address = 0xfff0000000000000ull + random % 16 * 8;
        e.flags = HAK_RECORD_ILLEGAL;
        e.kind = HAK_FREE;
    } else if (random % 97 == 0) {
        e.address = e.base + 16 * (random / 128 % 8);
    }
    e.process = 1 + random / 4096 % 3;
    if (random % 7 == 0)
        e.stack = 0;
    return e;
}

static void clean(void) {
    capture_clean(capture.path);
    free(all);
    all = NULL;
    count = 0;
}

static void start(void) {
    capture_name();
    small_sizes();
}

static struct hak_store_writer *create(void) {
    struct hak_store_writer *w;
    must(hak_store_create(capture.path, 0, &w));
    must(hak_store_begin(w));
    for (uint32_t i = 1; i <= 3; i++)
        must(hak_store_put_process(
            w, &(struct hak_process_row){.id = i, .pid = (int)i, .session = i, .program = "x"}));
    must(hak_store_put_thread(w, &(struct hak_thread_row){.id = 1, .process = 1, .number = 1}));
    must(hak_store_commit(w));
    return w;
}

static void write_chunks(struct hak_store_writer *w, struct stream *s, uint64_t chunks) {
    all = realloc(all, (count + chunks * PER_MOST) * sizeof *all);
    for (uint64_t i = 0; i < chunks; i++) {
        must(hak_store_begin(w));
        for (uint64_t n = 1 + stream_random(s) % PER_MOST; n > 0; n--) {
            all[count] = make_event(s);
            must(put_event(w, &all[count]));
            count++;
        }
        must(put_end(w));
        must(hak_store_commit(w));
    }
}

static int64_t ask(const char *sql) {
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(capture.path, &database), SQLITE_OK);
    int64_t value = number_of(database, sql);
    sqlite3_close(database);
    return value;
}

/* ---- what a walk over `all` says, and what the store says -------------------------------------
 */

static bool fits(const struct hak_filter *f, const struct hak_event *e) {
    return e->id > 0 && (!f->base || e->base == f->base) && (!f->stack || e->stack == f->stack) &&
           (!f->address || e->address == f->address || e->base == f->address) &&
           (!f->base_to || (e->base >= f->base_from && e->base <= f->base_to)) &&
           e->id >= f->id_from && (!f->id_to || e->id <= f->id_to) &&
           (!f->process || e->process == f->process);
}

struct expected {
    const struct hak_filter *filter;
    uint64_t at; /* id of the event told last */
    bool backwards;
    uint64_t told;
};

static int each(void *context, const struct hak_event *e) {
    struct expected *x = context;
    do
        x->at += x->backwards ? -1 : 1;
    while (x->at >= 1 && x->at <= count && !fits(x->filter, &all[x->at - 1]));
    ck_assert_uint_eq(e->id, x->at);
    ck_assert_int_eq(memcmp(e, &all[x->at - 1], EVENT_BYTES), 0);
    x->told++;
    return 0;
}

static void compare_one(struct hak_store_reader *r, const struct hak_filter *f, bool backwards,
                        uint64_t oldest) {
    struct expected x = {
        .filter = f, .at = backwards ? count + 1 : oldest - 1, .backwards = backwards};
    uint64_t due = 0;
    for (uint64_t i = oldest; i <= count; i++)
        due += fits(f, &all[i - 1]);
    must(hak_store_scan(r, f, backwards, each, &x));
    ck_assert_uint_eq(x.told, due);
}

static void compare(uint64_t oldest, int times) {
    struct hak_store_reader *r;
    uint64_t random = 88172645463325252ull;
    must(hak_store_open(capture.path, &r));
    for (int i = 0; i < times; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        const struct hak_event *e = &all[random / 16 % count];
        struct hak_filter f = {.class_index = -1};
        switch (i % 6) {
        case 0:
            f.base = e->base;
            break;
        case 1:
            f.stack = e->stack;
            break;
        case 2:
            f.address = e->address;
            break;
        case 3:
            f.base = e->base;
            f.process = e->process;
            f.id_from = e->id / 2;
            break;
        case 4:
            f.base_from = e->base & ~(uint64_t)0xfff;
            f.base_to = f.base_from + 0x1fff;
            break;
        default:
            f.base = e->base;
            f.stack = e->stack;
            break;
        }
        compare_one(r, &f, random % 16 >= 8, oldest);
    }
    struct hak_filter none = {.class_index = -1, .base = 0x1230};
    compare_one(r, &none, true, oldest);
    hak_store_close(r);
}

static char said[4000];
static void note(void *context, const struct hak_check_finding *finding) {
    struct hak_text text = {0};
    (void)context;
    /* The events of these tests make no sense as a program's. */
    if (finding->kind < HAK_CHECK_UNCOUNTED)
        return;
    hak_words_add_check_finding(&text, finding);
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", hak_text_string(&text));
    hak_text_free(&text);
}
static int check_store(void) {
    struct hak_store_reader *r;
    said[0] = 0;
    must(hak_store_open(capture.path, &r));
    int found = hak_store_check(r, note, NULL);
    if (found < 0)
        snprintf(said, sizeof said, "%s\n", hak_store_message());
    hak_store_close(r);
    return found;
}
static bool postings_are_sound(void) {
    must(check_store());
    return !said[0];
}

/* ---- tests ------------------------------------------------------------------------------------
 */

TEST(rows_come_back) {
    struct hak_posting_row row;
    struct hak_posting_cursor c;
    struct hak_buffer out = {0};
    struct hak_span span[3] = {{0, 0}, {2, 40}, {4000, 4095}};
    const char *wrong;
    ck_assert(hak_posting_row_init(&row) && hak_posting_cursor_init(&c));
    hak_posting_row_begin(&row, HAK_POSTING_LARGE, 8192, 8192 + 4095);
    for (uint64_t i = 0; i < 1000; i++)
        ck_assert(hak_posting_row_add(&row, i * i * 4096, span + i % 3,
                                      1 + i / 400 % 2 * (i % 3 < 2), i * 7));
    ck_assert(hak_posting_row_encode(&row, true, &out));
    ck_assert_ptr_null(hak_posting_cursor_open(&c, out.data, out.size));
    for (uint64_t i = 0; i < 1000; i++) {
        uint32_t spans = 1 + i / 400 % 2 * (i % 3 < 2);
        ck_assert_int_eq(hak_posting_cursor_next(&c, &wrong), 1);
        ck_assert_uint_eq(c.key, i * i * 4096);
        ck_assert_uint_eq(c.extent, i * 7);
        ck_assert_uint_eq(c.spans, spans);
        ck_assert_int_eq(memcmp(c.span, span + i % 3, spans * sizeof *span), 0);
    }
    ck_assert_int_eq(hak_posting_cursor_next(&c, &wrong), 0);
    out.data[out.size / 2] ^= 4;
    ck_assert_str_eq(hak_posting_cursor_open(&c, out.data, out.size), "its checksum does not hold");
    hak_posting_row_free(&row);
    hak_posting_cursor_free(&c);
    hak_buffer_free(&out);
}

TEST(three_levels_find_what_a_walk_finds) {
    struct stream *s = stream_new(3, 2);
    struct hak_store_writer *w = create();
    write_chunks(w, s, CHUNKS);
    compare(1, 60); /* readable while it is being written */
    must(hak_store_finish(w));
    free(s);
    ck_assert_int_ge(ask("SELECT count(*) FROM posting_run WHERE level = 3"), 3);
    ck_assert_int_ge(ask("SELECT count(*) FROM posting_run WHERE level = 2"), 1);
    ck_assert_int_ge(ask("SELECT count(*) FROM posting_run WHERE level = 1"), 1);
    compare(1, 600);
    ck_assert_msg(postings_are_sound(), "%s", said);
}

/* Every few chunks: joins are under way at most of these moments. */
TEST(joins_under_way_hide_nothing) {
    struct stream *s = stream_new(4, 2);
    struct hak_store_writer *w = create();
    hak_posting_sizes.keys_at_least = 1;
    hak_posting_sizes.keys_for_a_key = 0;
    int under_way = 0;
    for (int i = 0; i < 40; i++) {
        write_chunks(w, s, 23);
        under_way += ask("SELECT count(*) FROM (SELECT 1 FROM posting_run WHERE level = 2 GROUP BY"
                         " kind, first HAVING max(max_key) < 9223372036854775807)") > 0;
        compare(1, 12);
        if (i % 8 == 7)
            ck_assert_msg(postings_are_sound(), "%s", said);
    }
    ck_assert_int_ge(under_way, 10);
    must(hak_store_finish(w));
    free(s);
}

TEST(a_killed_or_resumed_writer_goes_on) {
    struct stream *s = stream_new(5, 2);
    struct hak_store_writer *w = create();
    hak_posting_sizes.keys_at_least = 3;
    for (int i = 0; i < 30; i++) {
        write_chunks(w, s, 17 + (uint64_t)i);
        if (i % 3 == 0) { /* a transaction that is taken back */
            struct hak_event e = make_event(s);
            must(hak_store_begin(w));
            must(put_events(w, &e, 1));
            must(hak_store_rollback(w));
        }
        if (i % 2) {
            must(hak_store_finish(w));
            must(hak_store_resume(capture.path, &w));
        }
    }
    must(hak_store_finish(w));
    free(s);
    compare(1, 200);
    ck_assert_msg(postings_are_sound(), "%s", said);
}

TEST(dropped_chunks_leave_the_rest) {
    struct stream *s = stream_new(6, 2);
    struct hak_store_writer *w = create();
    uint64_t dropped = 0, now;
    hak_posting_sizes.keys_at_least = 2;
    hak_posting_sizes.keys_for_a_key = 0;
    for (int i = 0; i < 30; i++) {
        write_chunks(w, s, 40);
        must(hak_store_begin(w));
        must(hak_store_trim(w, (uint64_t)250 << 10, &now));
        must(hak_store_commit(w));
        dropped += now;
        if (i % 5 == 4) {
            compare(dropped + 1, 20);
            ck_assert_msg(postings_are_sound(), "%s", said);
        }
    }
    must(hak_store_finish(w));
    free(s);
    ck_assert_uint_gt(dropped, 0);
    ck_assert_int_eq(ask("SELECT count(*) FROM posting_run WHERE last < (SELECT min(number) FROM"
                         " chunk_order)"),
                     0);
    compare(dropped + 1, 100);
}

TEST(missing_and_broken_rows_hide_nothing) {
    struct stream *s = stream_new(7, 2);
    struct hak_store_writer *w = create();
    write_chunks(w, s, 600);
    must(hak_store_finish(w));
    free(s);
    capture_change(
        "UPDATE posting_run SET data = substr(data, 1, length(data) - 5) || x'0102030405'"
        " WHERE id % 7 = 0");
    compare(1, 200);
    ck_assert(!postings_are_sound());
    ck_assert_msg(strstr(said, "its checksum does not hold") != NULL, "%s", said);
    capture_change("DELETE FROM posting_run WHERE id % 5 = 0");
    compare(1, 200);
    capture_change("DELETE FROM posting_run");
    compare(1, 100);
    ck_assert(!postings_are_sound());
    ck_assert_msg(strstr(said, "their postings of bases are not those of their events"), "%s",
                  said);
}

TEST(postings_of_other_events_are_found) {
    struct stream *s = stream_new(8, 2);
    struct hak_store_writer *w = create();
    write_chunks(w, s, 40);
    must(hak_store_finish(w));
    free(s);
    ck_assert_msg(postings_are_sound(), "%s", said);
    capture_change(
        "UPDATE posting_run SET data = (SELECT data FROM posting_run WHERE kind = 1 AND level = 1"
        " AND first = 0 LIMIT 1) WHERE kind = 0 AND level = 1 AND first = 0");
    ck_assert_msg(!postings_are_sound(), "%s", said);
    capture_change("DELETE FROM chunk_order WHERE number = 3");
    ck_assert(!postings_are_sound());
    ck_assert_msg(strstr(said, "chunk_order"), "%s", said);
}

/* Puts a run of level 3 whose only key every other chunk of first..last has. */
static void put_crafted_run(const struct hak_database *db, uint64_t first, uint64_t last) {
    struct hak_span *span = calloc(HAK_POSTING_SPANS_MAX, sizeof *span);
    struct hak_posting_row row;
    struct hak_buffer blob = {0};
    uint32_t spans = 0;
    ck_assert(span && hak_posting_row_init(&row));
    for (; spans < HAK_POSTING_SPANS_MAX && 2 * spans <= last - first; spans++)
        span[spans].from = span[spans].to = 2 * spans;
    hak_posting_row_begin(&row, HAK_POSTING_STACK, first, last);
    ck_assert(hak_posting_row_add(&row, 7, span, spans, 0));
    must(hak_posting_merge_put_row(db, &blob, &row, 3, 0, true));
    hak_posting_row_free(&row);
    hak_buffer_free(&blob);
    free(span);
}

/* The key of both has more spans than a run may have chunks for. */
TEST(a_run_that_leaves_its_group_is_not_joined) {
    struct hak_store_writer *w = create();
    struct hak_posting_merge *state = NULL;
    must(hak_store_finish(w));
    struct hak_database db = {.path = capture.path};
    ck_assert_int_eq(sqlite3_open(capture.path, &db.connection), SQLITE_OK);
    put_crafted_run(&db, 0, 65534);
    put_crafted_run(&db, 65535, 131070);
    must(hak_posting_merge_go_on(&db, &state, HAK_POSTING_STACK, 65536, UINT64_MAX));
    hak_posting_merge_free(state);
    ck_assert_int_eq(sqlite3_close(db.connection), SQLITE_OK);
    ck_assert_int_eq(ask("SELECT count(*) FROM posting_run WHERE level = 3"), 2);
    ck_assert_int_eq(ask("SELECT count(*) FROM posting_run"), 2);
    ck_assert(!postings_are_sound());
    ck_assert_msg(strstr(said, "it is of more chunks than its level joins"), "%s", said);
}

static bool covers_plainly(const struct hak_event *e, uint64_t address) {
    uint64_t slot = e->class_index < HAK_CLASSES ? hak_class_bytes(e->class_index) : 0;
    if (e->kind == 0 || e->kind >= 64 || e->flags & HAK_RECORD_ILLEGAL)
        return false;
    if (e->base == address)
        return true;
    uint64_t page = address & ~(uint64_t)4095;
    return slot ? address >= e->base && address - e->base < slot
                : address >= e->base &&
                      (page > e->base ? page - e->base : 0) < e->address + e->size - e->base;
}

TEST(blocks_at_an_address_are_those_of_a_walk) {
    struct stream *s = stream_new(9, 2);
    struct hak_store_writer *w = create();
    struct hak_store_reader *r;
    write_chunks(w, s, 700);
    must(hak_store_finish(w));
    must(hak_store_open(capture.path, &r));
    for (int i = 0; i < 300; i++) {
        const struct hak_event *e = &all[stream_random(s) / 64 % count];
        uint64_t address = e->address + stream_random(s) / 64 % 40;
        struct hak_block_key key[64], due[64];
        int found = hak_store_blocks_at(r, address, 0, key, 64), expected = 0;
        must(found);
        if (e->flags & HAK_RECORD_ILLEGAL)
            continue;
        for (uint64_t id = count; id >= 1; id--) {
            const struct hak_event *x = &all[id - 1];
            bool is_known = !covers_plainly(x, address);
            for (int k = 0; k < expected; k++)
                is_known |= due[k].base == x->base && due[k].process == x->process &&
                            due[k].class_index == x->class_index;
            if (!is_known)
                due[expected++] = (struct hak_block_key){.base = x->base,
                                                         .last_event = id,
                                                         .process = x->process,
                                                         .class_index = x->class_index};
        }
        if (!expected)
            continue;
        ck_assert_int_eq(found, expected);
        for (int k = 0; k < found; k++) {
            ck_assert_uint_eq(key[k].base, due[k].base);
            ck_assert_uint_eq(key[k].last_event, due[k].last_event);
            ck_assert_uint_eq(key[k].process, due[k].process);
        }
    }
    hak_store_close(r);
    free(s);
}

TEST(keys_are_sorted) {
    static uint64_t key[5000], copy[5000], scratch[5000];
    uint64_t random = 99;
    for (int shape = 0; shape < 6; shape++) {
        uint32_t n = shape == 0 ? 40 : 5000;
        for (uint32_t i = 0; i < n; i++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            key[i] = copy[i] = shape == 1   ? random
                               : shape == 2 ? (random >> 40) << 4
                               : shape == 3 ? i
                               : shape == 4 ? 7
                                            : random >> 3 << 60 | random >> 50;
        }
        hak_sort_keys(key, n, scratch);
        hak_sort_distinct(copy, 0);
        for (uint32_t i = 1; i < n; i++)
            ck_assert_uint_le(key[i - 1], key[i]);
        uint64_t sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += key[i] - copy[i];
        ck_assert_uint_eq(sum, 0);
    }
}

RUN_TESTS(.set_up = start, .tear_down = clean)

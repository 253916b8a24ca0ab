/* Stack nodes as blobs: what goes in comes out, by id, by SQL, after commits, rollbacks and
 * resumption; and no damaged blob harms a reader. */
#include "../capture.h"
#include "base/checksum.h"
#include "store/stacks/node_reader.h"
#include "store/stacks/nodes.h"

#define MANY 30000

static struct hak_node_row node[MANY + 1]; /* by id */
static struct hak_node_coder *coder;
static uint64_t generator;

static uint64_t draw(uint64_t below) {
    generator ^= generator << 13;
    generator ^= generator >> 7;
    generator ^= generator << 17;
    return generator % below;
}

/* Stacks as programs make them: chains that branch off a chain before, few callees of a caller, now
 * and then another process, unloads, and addresses that need all their bits. */
static void make_nodes(void) {
    generator = 88172645463325252ull;
    for (uint32_t i = 1; i <= MANY; i++) {
        struct hak_node_row *n = &node[i];
        *n = (struct hak_node_row){.id = i, .process = 1 + i / 9000, .generation = i / 4000 % 3};
        uint64_t what = draw(10);
        n->parent = what < 7 ? i - 1 : what == 7 ? 0 : i - 1 - (uint32_t)draw(i < 300 ? i : 300);
        if (what == 9 && draw(4) == 0)
            n->parent = (uint32_t)draw(i);
        uint64_t caller = n->parent ? node[n->parent].ip : 7;
        n->ip = 0x400000 + (caller * 31 + draw(3) * draw(5)) % 5000 * 8;
        if (draw(200) == 0)
            n->ip = UINT64_MAX - draw(3);
    }
}

static void start(void) {
    capture_name();
    make_nodes();
    coder = hak_node_coder_make();
    ck_assert_ptr_nonnull(coder);
}

static void stop(void) {
    hak_node_coder_free(coder);
    capture_clean(capture.path);
}

static bool is_equal(const struct hak_node_row *a, const struct hak_node_row *b) {
    return a->id == b->id && a->parent == b->parent && a->process == b->process &&
           a->generation == b->generation && a->ip == b->ip;
}

static struct hak_buffer encode(uint32_t first, uint32_t count) {
    struct hak_buffer out = {0};
    ck_assert(hak_nodes_encode(coder, &node[first], count, &out));
    return out;
}

TEST(blobs_give_back_what_went_in) {
    static struct hak_node_row out[HAK_NODES_MAX];
    static const uint32_t counts[] = {1, 2, 3, 60, 1000, HAK_NODES_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (uint32_t first = 1; first + counts[i] <= MANY; first += 4999) {
            struct hak_buffer blob = encode(first, counts[i]);
            uint32_t count;
            const char *wrong = hak_nodes_decode(coder, blob.data, blob.size, out, &count);
            ck_assert_msg(!wrong, "%s", wrong);
            ck_assert_uint_eq(count, counts[i]);
            for (uint32_t k = 0; k < count; k++)
                ck_assert_msg(is_equal(&out[k], &node[first + k]), "node %u", first + k);
            hak_buffer_free(&blob);
        }
}

TEST(no_bytes_harm_the_decoder) {
    static struct hak_node_row out[HAK_NODES_MAX];
    struct hak_buffer blob = encode(5000, 300);
    uint32_t count, refused = 0;
    for (size_t size = 0; size < blob.size; size++)
        ck_assert_ptr_nonnull(hak_nodes_decode(coder, blob.data, size, out, &count));
    for (int round = 0; round < 20000; round++) {
        /* The checksum is corrected, so that the decoder itself refuses. */
        uint8_t *hostile = malloc(blob.size);
        memcpy(hostile, blob.data, blob.size);
        for (uint64_t k = 0; k <= draw(3); k++)
            hostile[draw(2) ? draw(HAK_NODES_HEADER_BYTES) : draw(blob.size)] = (uint8_t)draw(256);
        hak_write_little(hostile + blob.size - 4, hak_crc32c(hostile, blob.size - 4), 4);
        if (hak_nodes_decode(coder, hostile, blob.size, out, &count)) {
            refused++;
            ck_assert_uint_eq(count, 0);
        }
        for (uint32_t k = 0; k < count; k++)
            ck_assert_uint_lt(out[k].parent, out[k].id);
        free(hostile);
    }
    ck_assert_uint_gt(refused, 10000);
    hak_buffer_free(&blob);
}

/* Puts the nodes from `from` to `to` in commits of about `each`. */
static void put_nodes(struct hak_store_writer *w, uint32_t from, uint32_t to, uint32_t each) {
    must(hak_store_begin(w));
    for (uint32_t i = from; i <= to; i++) {
        must(hak_store_put_node(w, &node[i]));
        if (i % each == 0) {
            must(hak_store_commit(w));
            must(hak_store_begin(w));
        }
    }
    must(hak_store_commit(w));
}

static void expect_nodes(uint32_t last) {
    struct hak_store_reader *r;
    struct hak_store_summary summary;
    struct hak_node_reader *nodes;
    struct hak_node_row n = {0};
    must(hak_store_open(capture.path, &r));
    must(hak_store_summarise(r, &summary));
    ck_assert_uint_eq(summary.nodes, last);
    must(hak_node_reader_make(hak_store_database(r), &nodes));
    for (uint32_t i = 1; i <= last; i++) {
        ck_assert_int_eq(hak_node_reader_next(nodes, n.id + 1, &n), 1);
        ck_assert_msg(is_equal(&n, &node[i]), "node %u", i);
    }
    ck_assert_int_eq(hak_node_reader_next(nodes, n.id + 1, &n), 0);
    for (int i = 0; i < 20000; i++) {
        uint32_t id = 1 + (uint32_t)draw(last);
        ck_assert_int_eq(hak_node_reader_get(nodes, id, &n), 1);
        ck_assert(is_equal(&n, &node[id]));
    }
    ck_assert_int_eq(hak_node_reader_get(nodes, 0, &n), 0);
    ck_assert_int_eq(hak_node_reader_get(nodes, last + 1, &n), 0);
    ck_assert_int_eq(hak_node_reader_get(nodes, UINT32_MAX, &n), 0);
    hak_node_reader_free(nodes);
    hak_store_close(r);
}

TEST(commits_of_any_size_give_few_blobs) {
    static const uint32_t sizes[] = {7, 1000, 1024, 25000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct hak_store_writer *w;
        must(hak_store_create(capture.path, 1, &w));
        put_nodes(w, 1, MANY, sizes[i]);
        int64_t blobs =
            number_of(hak_store_writer_database(w)->connection, "SELECT count(*) FROM node_chunk");
        ck_assert_msg(blobs <= 30, "%d blobs", (int)blobs);
        must(hak_store_finish(w));
        expect_nodes(MANY);
    }
}

TEST(rolled_back_nodes_are_put_again) {
    struct hak_store_writer *w;
    must(hak_store_create(capture.path, 0, &w));
    put_nodes(w, 1, 500, 1000);
    must(hak_store_begin(w));
    for (uint32_t i = 501; i <= 20000; i++)
        must(hak_store_put_node(w, &node[i]));
    must(hak_store_rollback(w));
    ck_assert_int_eq(
        number_of(hak_store_writer_database(w)->connection, "SELECT max(id) FROM node"), 500);
    put_nodes(w, 501, 700, 50);
    must(hak_store_finish(w));
    expect_nodes(700);
    must(hak_store_resume(capture.path, &w));
    ck_assert_int_lt(hak_store_put_node(w, &node[700]), 0);
    put_nodes(w, 701, 3000, 999);
    must(hak_store_finish(w));
    expect_nodes(3000);
}

TEST(the_table_limits_by_id) {
    struct hak_store_writer *w;
    struct hak_store_reader *r;
    must(hak_store_create(capture.path, 0, &w));
    put_nodes(w, 1, 20000, 3000);
    must(hak_store_finish(w));
    must(hak_store_open(capture.path, &r));
    sqlite3 *database = hak_store_database(r)->connection;
    static const struct {
        const char *sql;
        int64_t due;
    } asked[] = {
        {"SELECT count(*) FROM node", 20000},
        {"SELECT count(*) FROM node WHERE id > 100 AND id <= 9000", 8900},
        {"SELECT count(*) FROM node WHERE id >= 100 AND id < 9000 AND id > 200", 8799},
        {"SELECT count(*) FROM node WHERE id BETWEEN 19999 AND 1e9", 2},
        {"SELECT count(*) FROM node WHERE id > 8191.5 AND id < 8193.5", 2},
        {"SELECT count(*) FROM node WHERE id = 7.0", 1},
        {"SELECT count(*) FROM node WHERE id < 1e19 AND id > -1e19 AND id < 'x'", 20000},
        {"SELECT count(*) FROM node WHERE id > 1e19 OR id < -1e19 OR id = 1e19 OR id > 'x'", 0},
        {"SELECT count(*) FROM node WHERE id = 7.5 OR id = 'x' OR id = -1 OR id = 99999999999", 0},
        {"SELECT count(*) FROM node WHERE id = NULL OR id > NULL", 0},
        {"SELECT count(*) FROM node WHERE id IN (3, 4, 5, 20001)", 3},
        {"SELECT id FROM node ORDER BY id DESC LIMIT 1", 20000},
        {"SELECT count(*) FROM node a JOIN node b ON b.id = a.parent WHERE b.id >= a.id", 0},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        ck_assert_msg(number_of(database, asked[i].sql) == asked[i].due, "%s", asked[i].sql);
    ck_assert_int_eq(number_of(database, "SELECT sum(ip <> 0) FROM node WHERE rowid = 17"), 1);
    hak_store_close(r);
}

TEST(damaged_blobs_are_named) {
    struct hak_store_writer *w;
    struct hak_store_reader *r;
    sqlite3 *database;
    struct hak_frame frame;
    must(hak_store_create(capture.path, 0, &w));
    put_nodes(w, 1, 15000, 5000);
    must(hak_store_finish(w));
    ck_assert_int_eq(sqlite3_open(capture.path, &database), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(database,
                     "UPDATE node_chunk SET data = substr(data, 1, 200) WHERE id = 5001;"
                     "UPDATE node_chunk SET nodes = 7 WHERE id = 10001",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(database);
    must(hak_store_open(capture.path, &r));
    ck_assert_int_eq(hak_store_frames(r, 5005, &frame, 1), HAK_STORE_BROKEN);
    ck_assert_ptr_nonnull(strstr(hak_store_message(), "stack nodes from 5001 on are damaged: its "
                                                      "checksum does not hold"));
    ck_assert_int_eq(hak_store_frames(r, 10002, &frame, 1), HAK_STORE_BROKEN);
    ck_assert_int_eq(hak_store_frames(r, 30, &frame, 1), 1);
    sqlite3_stmt *query;
    ck_assert_int_eq(sqlite3_prepare_v2(hak_store_database(r)->connection,
                                        "SELECT count(*) FROM node", -1, &query, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(query), SQLITE_CORRUPT);
    sqlite3_finalize(query);
    hak_store_close(r);
}

static int count_statement(unsigned what, void *context, void *statement, void *text) {
    (void)what, (void)statement, (void)text;
    ++*(int *)context;
    return 0;
}

/* Puts all nodes in blobs of `each`. */
static void put_blobs(uint32_t each) {
    struct hak_store_writer *w;
    sqlite3 *database;
    sqlite3_stmt *insert;
    must(hak_store_create(capture.path, 1, &w));
    must(hak_store_finish(w));
    ck_assert_int_eq(sqlite3_open(capture.path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(database, "INSERT INTO node_chunk VALUES(?, ?, ?)", -1, &insert, NULL),
        SQLITE_OK);
    for (uint32_t first = 1; first <= MANY; first += each) {
        struct hak_buffer blob = encode(first, each);
        sqlite3_bind_int64(insert, 1, first);
        sqlite3_bind_int64(insert, 2, each);
        sqlite3_bind_blob(insert, 3, blob.data, (int)blob.size, SQLITE_TRANSIENT);
        ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
        hak_buffer_free(&blob);
    }
    sqlite3_finalize(insert);
    ck_assert_int_eq(sqlite3_exec(database, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

/* Stacks climb from blob to blob, back and forth: each of 100 is read once; of 600 some are read
 * again. */
TEST(blobs_that_stacks_climb_through_are_read_once, .until = 2) {
    uint32_t each = _i ? 50 : 300;
    struct hak_store_reader *r;
    struct hak_node_reader *nodes;
    struct hak_node_row n;
    int statements = 0;
    put_blobs(each);
    must(hak_store_open(capture.path, &r));
    must(hak_node_reader_make(hak_store_database(r), &nodes));
    sqlite3_trace_v2(hak_store_database(r)->connection, SQLITE_TRACE_STMT, count_statement,
                     &statements);
    for (uint32_t i = 0; i < each; i += 10)
        for (uint32_t id = MANY - i; id > 0 && id <= MANY; id -= each) {
            ck_assert_int_eq(hak_node_reader_get(nodes, id, &n), 1);
            ck_assert(is_equal(&n, &node[id]));
        }
    ck_assert_int_le(statements, _i ? 3000 : 100);
    hak_node_reader_free(nodes);
    hak_store_close(r);
}

RUN_TESTS(.set_up = start, .tear_down = stop)

/* `check` finds nothing in a sound capture, and names what is wrong in others. */
#include "../capture.h"
#include "store/check/order.h"
#include "store/codec/chunk.h"
#include "store/live/run.h"
#include "store/reader/inner.h"
#include "store/writer/inner.h"
#include "superslab.h"
#include "../stream.h"
#include "report/words/check.h"

static char said[8000];

static void hear(void *context, const struct hak_check_finding *finding) {
    struct hak_text text = {0};
    (void)context;
    hak_words_add_check_finding(&text, finding);
    size_t at = strlen(said);
    snprintf(said + at, sizeof said - at, "%s\n", hak_text_string(&text));
    hak_text_free(&text);
}

static int check(void) {
    struct hak_store_reader *r;
    if (capture.w)
        capture_finish();
    said[0] = 0;
    must(hak_store_open(capture.path, &r));
    int found = hak_store_check(r, hear, NULL);
    must(found);
    hak_store_close(r);
    return found;
}

static void change(const char *sql) {
    if (capture.w)
        capture_finish();
    capture_change(sql);
}

/* A sound way of a block: refill, program, magazine, list, magazine, program, remote, drained. */
static void sound_capture(void) {
    block_malloc(5, 10, 1);
    block_resize(5, 11, 1);
    block_event(5, HAK_FREE, HAK_PLACE_MAGAZINE, 12, 1, 24, 0);
    block_event(5, HAK_SLL_PUSH, HAK_PLACE_SLL, 12, 1, 0, 0);
    capture_cut();
    block_event(5, HAK_SLL_POP, HAK_PLACE_MAGAZINE, 12, 1, 0, 0);
    block_event(5, HAK_MALLOC, HAK_PLACE_MAGAZINE, 10, 1, 24, 0);
    block_event(5, HAK_REALLOC_FROM, HAK_PLACE_REMOTE, 13, 2, 24, 0);
    block_event(5, HAK_DRAIN_SLAB, HAK_PLACE_SLAB, 13, 1, 0, 0);
    block_event(5, HAK_FRONT_REFILL, HAK_PLACE_FRONT, 13, 1, 0, 0);
    capture_cut();
}

TEST(sound_captures_pass) {
    sound_capture();
    for (int i = 100; i < 1100; i++) {
        block_malloc(i, 10 + (uint32_t)i % 80, 1);
        if (i % 3)
            block_free(i, 20, 2);
        if (i % 100 == 0)
            capture_cut();
    }
    ck_assert_msg(check() == 0, "%s", said);
}

TEST(events_against_their_generation_are_named) {
    block_malloc(5, 10, 1);
    capture.n[5]++;
    block_free(5, 12, 2);
    capture_cut();
    capture.n[5] -= 2;
    block_resize(5, 11, 1);
    ck_assert_int_eq(check(), 3);
    ck_assert_ptr_nonnull(
        strstr(said, "block 0x7f21c4a10510: 1 events before event 3 are missing"));
    ck_assert_ptr_nonnull(
        strstr(said, "event 4: REALLOC of block 0x7f21c4a10510 is its record 3 of epoch 1, but"
                     " record 4 of epoch 1 came before"));
    ck_assert_ptr_nonnull(
        strstr(said, "1 event was written after a later one of its block; the first is event 4"));
}

TEST(forked_children_may_go_on) {
    block_malloc(5, 10, 1);
    uint64_t fork = capture_put((struct hak_event){.kind = HAK_FORK, .thread = 1});
    must(hak_store_put_process(
        capture.w,
        &(struct hak_process_row){.id = 2, .parent = 1, .fork_event = fork, .session = 1}));
    capture.process = 2;
    block_free(5, 12, 4);
    ck_assert_msg(check() == 0, "%s", said);
}

TEST(illegal_moves_are_found_even_where_nobody_flagged_them) {
    sound_capture();
    block_event(5, HAK_SLL_PUSH, HAK_PLACE_SLL, 12, 1, 0, 0); /* from the front array */
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(
        strstr(said, "SLL_PUSH of block 0x7f21c4a10510 from front is not allowed"));
}

TEST(place_of_a_malloc_must_be_where_the_block_was) {
    block_malloc(5, 10, 1);
    block_free(5, 12, 1);
    block_event(5, HAK_MALLOC, HAK_PLACE_MAGAZINE, 10, 1, 24, 0);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "from magazine, but it was in front"));
}

TEST(flagged_moves_are_findings) {
    block_malloc(5, 10, 1);
    block_free(5, 12, 1);
    block_free_again(5, 12, 1);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "event 4: FREE of block"));
}

TEST(missing_events_are_found_but_not_where_losses_are_told) {
    block_malloc(5, 10, 1);
    capture.n[5] += 3;
    for (int i = 0; i < 4; i++) {
        capture_cut();
        block_malloc(50 + i, 10, 1);
    }
    block_free(5, 12, 1);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "3 events before event 11 are missing"));
    change("INSERT INTO loss VALUES(1, 1, 0, 0, 9999, 3, 'ring full')");
    ck_assert_msg(check() == 0, "%s", said);
}

TEST(a_new_epoch_does_not_overtake_events_behind_a_loss) {
    block_malloc(5, 10, 1);
    block_free(5, 12, 1);
    capture.n[5]++; /* a malloc is lost */
    block_free(5, 12, 1);
    capture.epoch = 2; /* memory was mapped there anew */
    capture.n[5] = 0;
    block_malloc(5, 10, 1);
    change("INSERT INTO loss VALUES(1, 1, 0, 0, 9999, 1, 'ring full')");
    ck_assert_msg(check() == 0, "%s", said);
}

TEST(missing_chunks_rows_and_stacks_are_found) {
    sound_capture();
    block_malloc(7, 10, 1);
    capture_cut();
    change("DELETE FROM node_chunk; DELETE FROM process");
    check();
    ck_assert_ptr_nonnull(strstr(said, "stack 13, which is not there"));
    ck_assert_ptr_nonnull(strstr(said, "thread 1 belongs to process 1, which is not there"));
    change("DELETE FROM chunk WHERE id = 6");
    check();
    ck_assert_ptr_nonnull(strstr(said, "events 6 to 10 are missing"));
    ck_assert_ptr_nonnull(strstr(said, "table chunk_order counts chunk 6, which is not there"));
}

TEST(damaged_chunks_and_postings_are_named) {
    sound_capture();
    change("UPDATE posting_run SET data = (SELECT data FROM posting_run WHERE kind = 0 AND first ="
           " 0) WHERE kind = 1 AND first = 0");
    check();
    ck_assert_ptr_nonnull(strstr(said, "(stacks): it is not the posting that its row speaks of"));
    change("UPDATE chunk_data SET data = CAST(substr(data, 1, 40) || x'00' || substr(data, 42) AS"
           " BLOB) WHERE chunk = 6");
    check();
    ck_assert_ptr_nonnull(strstr(said, "chunk 6, header: its checksum does not hold"));
}

TEST(a_block_whose_first_events_are_not_there_is_found) {
    capture.n[5] = 2;
    block_malloc(5, 10, 1);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "2 events before event 1 are missing"));
    change("INSERT INTO meta VALUES('trimmed_events', '0')");
    ck_assert_int_eq(check(), 1);
    change("INSERT INTO loss VALUES(1, 1, 0, 0, 9999, 2, 'ring full')");
    ck_assert_msg(check() == 0, "%s", said);
}

TEST(a_record_that_comes_twice_or_goes_back_is_found) {
    block_malloc(5, 10, 1);
    block_free(5, 12, 1);
    capture.n[5]--;
    block_event(5, HAK_FRONT_SPILL, HAK_PLACE_SLAB, 0, 1, 0, 0);
    block_malloc(6, 10, 1);
    capture.epoch = 0;
    block_free(6, 12, 1);
    ck_assert_int_eq(check(), 3); /* and what the writer counted */
    ck_assert_ptr_nonnull(
        strstr(said, "event 4: FRONT_SPILL of block 0x7f21c4a10510 is its record 3 of epoch 1, but "
                     "record 3 of epoch 1 came before"));
    ck_assert_ptr_nonnull(strstr(said, "is its record 3 of epoch 0, but record 2 of epoch 1"));
}

TEST(a_new_epoch_begins_with_its_first_record) {
    block_malloc(5, 10, 1);
    capture.epoch = 2;
    capture.n[5] = 3;
    block_event(5, HAK_MALLOC, HAK_PLACE_FRONT, 10, 1, 24, 0);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "3 events before event 3 are missing"));
}

/* Where the parent's block went on, a child's may come in anywhere; else nothing may be missing. */
TEST(gaps_between_parent_and_child_are_found) {
    block_malloc(5, 10, 1);
    block_malloc(6, 10, 1);
    uint64_t fork = capture_put((struct hak_event){.kind = HAK_FORK, .thread = 1});
    must(hak_store_put_process(
        capture.w,
        &(struct hak_process_row){.id = 2, .parent = 1, .fork_event = fork, .session = 1}));
    block_free(6, 12, 1);
    capture.n[6]--;
    capture.process = 2;
    block_free(6, 12, 4);
    capture.n[5] += 2;
    block_free(5, 12, 4);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(
        strstr(said, "block 0x7f21c4a10510: 2 events before event 8 are missing"));
}

/* More blocks than are followed at once: the others are followed in later readings. */
TEST(blocks_beyond_what_memory_holds_are_followed_too) {
    struct hak_store_reader *r;
    struct hak_order_check *o;
    struct hak_columns columns;
    struct hak_check_findings findings = {.each = hear};
    sqlite3_stmt *rows;
    for (int i = 0; i < 2000; i++) {
        block_malloc(i, 10, 1);
        if (i == 3 || i == 1000 || i == 1999)
            capture.n[i]++;
        if (i % 150 == 0)
            capture_cut();
        block_free(i, 20, 2);
    }
    capture_finish();
    must(hak_store_open(capture.path, &r));
    must(hak_order_check_make(r, false, &findings, &o));
    hak_order_check_limit(o, 100);
    ck_assert(hak_columns_init(&columns));
    ck_assert_int_eq(sqlite3_prepare_v2(hak_store_database(r)->connection,
                                        "SELECT chunk, data FROM chunk_data ORDER BY chunk", -1,
                                        &rows, NULL),
                     SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        struct hak_chunk chunk;
        ck_assert_ptr_null(hak_chunk_open(&chunk, sqlite3_column_blob(rows, 1),
                                          (size_t)sqlite3_column_bytes(rows, 1)));
        ck_assert_ptr_null(hak_chunk_decode(&chunk, &columns, HAK_ALL_COLUMNS));
        must(hak_order_check_chunk(o, &columns, (uint64_t)sqlite3_column_int64(rows, 0)));
    }
    sqlite3_finalize(rows);
    must(hak_order_check_finish(o));
    hak_order_check_free(o);
    hak_columns_free(&columns);
    hak_store_close(r);
    int lines = 0;
    for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_msg(lines == 3, "%s", said);
}

TEST(live_checkpoints_that_are_wrong_are_named) {
    hak_live_set_limits(capture.w->live, 0, 200, 4);
    for (int i = 0; i < 3000; i++) {
        block_malloc(i, 10, 1);
        if (i > 500 && i % 3)
            block_free(i - 500, 20, 2);
        if (i % 50 == 0)
            capture_cut();
    }
    ck_assert_msg(check() == 0, "%s", said);
    change("UPDATE live_run SET data = (SELECT data FROM live_run WHERE level = 0 AND"
           " first_event > 1000 LIMIT 1) WHERE level = 0 AND first_event = 1");
    check();
    ck_assert_ptr_nonnull(strstr(said, "live checkpoint of events 1 to "));
    ck_assert_ptr_nonnull(strstr(said, "(level 0): block 0x7f21c4a10420 of process 1 is missing"));
    ck_assert_ptr_nonnull(strstr(said, "(level 1): block"));
    ck_assert_ptr_null(strstr(said, "(level 2)"));
    change("UPDATE live_run SET data = substr(data, 1, 9) WHERE level = 2");
    check();
    ck_assert_ptr_nonnull(strstr(said, "it is cut short"));
    change("DELETE FROM live_run WHERE level = 0 AND first_event > 2000");
    check();
    ck_assert_ptr_nonnull(strstr(said, "the ones that it was made of are not all there"));
}

/* They were looked for again and again. */
TEST(a_live_checkpoint_that_ends_before_it_begins_is_damage, .until = 2) {
    struct hak_store_reader *reader;
    hak_live_set_limits(capture.w->live, 0, 200, 4);
    for (int i = 0; i < 3000; i++) {
        block_malloc(i, 10, 1);
        if (i % 50 == 0)
            capture_cut();
    }
    ck_assert_msg(check() == 0, "%s", said);
    change(_i ? "UPDATE live_run SET last_event = 0 WHERE level = 1"
              : "UPDATE live_run SET last_event = 9223372036854775807 WHERE level = 1");
    ck_assert_int_eq(hak_store_open(capture.path, &reader), 0);
    struct hak_live_run run;
    ck_assert_int_eq(hak_live_find_run(&reader->db, 1, 1, &run), HAK_STORE_BROKEN);
    ck_assert_ptr_nonnull(
        strstr(hak_store_message(), "it ends before it begins; the store is damaged"));
    hak_store_close(reader);
}

TEST(rows_of_superslabs_that_are_not_their_events_are_named) {
    struct hak_event map = {.kind = HAK_SUPERSLAB_MAP,
                            .address = 0x7f0000000000,
                            .size = HAK_SUPERSLAB_BYTES,
                            .thread = 1};
    struct hak_event unmap = map;
    unmap.kind = HAK_SUPERSLAB_UNMAP;
    capture_put(map);
    block_malloc(5, 10, 1);
    capture_put(map);
    capture_cut();
    block_free(5, 12, 2);
    uint64_t last = capture_put(unmap);
    ck_assert_msg(check() == 0, "%s", said);
    change("UPDATE superslab SET bytes = 1 - bytes WHERE event = 6");
    ck_assert_uint_eq(last, 6);
    ck_assert_int_eq(check(), 1);
    ck_assert_str_eq(said, "superslab 6: it is missing, or is not what the event says\n");
    change("DELETE FROM superslab WHERE event = 6"); /* of the whole chunk: nobody says why */
    ck_assert_msg(check() == 0, "%s", said);
    change("DELETE FROM superslab WHERE event = 4");
    ck_assert_int_eq(check(), 1);
    change("INSERT INTO superslab VALUES(2, 2000, 1, 4096), (900, 1, 1, 4096)");
    ck_assert_int_eq(check(), 2);
    ck_assert_ptr_nonnull(strstr(said, "superslab 900: there is no such event"));
    change("DROP TABLE superslab");
    ck_assert_msg(check() == 0, "%s", said);
}

/* Puts blocks of two processes, in runs of some 20 events. */
static void put_classes(void) {
    hak_profile_set_limits(capture.w->profile, 0, 20);
    must(hak_store_put_process(capture.w, &(struct hak_process_row){.id = 2, .session = 1}));
    for (int i = 0; i < 60; i++) {
        capture.process = 1 + (uint32_t)i % 2;
        block_malloc(i, 10, 1);
        if (i % 10 == 9)
            capture_cut();
    }
    capture_finish();
}

#define LAST_RUN "(SELECT max(run) FROM profile_class)"

TEST(what_is_held_by_size_class_is_compared) {
    put_classes();
    ck_assert_msg(check() == 0, "%s", said);
    change("UPDATE profile_class SET blocks = blocks + 1 WHERE process = 1 AND run = " LAST_RUN);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "profile_class "));
    ck_assert_ptr_nonnull(strstr(said, ": it is not what the events say"));
    change("UPDATE profile_class SET blocks = blocks - 1, bytes = -bytes"
           " WHERE process = 1 AND run = " LAST_RUN);
    ck_assert_int_eq(check(), 1);
    change("UPDATE profile_class SET bytes = -bytes WHERE bytes < 0");
    ck_assert_msg(check() == 0, "%s", said);
    change("DELETE FROM profile_class WHERE process = 2 AND run = " LAST_RUN);
    ck_assert_int_eq(check(), 1);
    change("UPDATE profile_class SET run = -run WHERE run = (SELECT min(run) FROM profile_class)");
    ck_assert_int_eq(check(), 2);
    ck_assert_ptr_nonnull(strstr(said, ": all rows of the run are missing"));
    change("UPDATE profile_class SET run = -run WHERE run < 0");
    change("DELETE FROM profile_class WHERE run = " LAST_RUN);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, ": all rows of the run are missing"));
    change("DROP TABLE profile_class");
    ck_assert_msg(check() == 0, "%s", said);
}

/* A capture of its own, with a leak at a stack of two frames. */
static void put_leak(void) {
    if (!capture.w) {
        capture_clean(capture.path);
        capture_start();
    }
    must(hak_store_put_node(capture.w, &(struct hak_node_row){.id = 100, .process = 1, .ip = 100}));
    must(hak_store_put_node(
        capture.w, &(struct hak_node_row){.id = 101, .parent = 100, .process = 1, .ip = 200}));
    must(hak_store_put_leak(
        capture.w,
        &(struct hak_leak_row){.id = 1, .process = 1, .scan = 1, .stack = 101, .count = 1}));
    capture_finish();
}

TEST(nodes_of_plain_stacks_are_compared) {
    static const struct {
        const char *sql, *due;
    } changes[] = {
        {"UPDATE plain_node SET ip = ip + 1 WHERE parent <> 0", "it is not the stack node"},
        {"INSERT INTO plain_node VALUES(999999, 0, 1, 0, 5)", "it is not the stack node"},
        {"DELETE FROM plain_node WHERE parent = 0", "a frame of its stack is missing"},
        {"DELETE FROM plain_node WHERE parent <> 0", "a frame of its stack is missing"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        put_leak();
        ck_assert_msg(check() == 0, "%s", said);
        change(changes[i].sql);
        ck_assert_msg(check() == 1, "%s: %s", changes[i].sql, said);
        ck_assert_msg(strstr(said, changes[i].due), "%s: %s", changes[i].sql, said);
    }
    change("DELETE FROM plain_node"); /* there was no room for them */
    ck_assert_msg(check() == 0, "%s", said);
}

TEST(rows_of_impossible_size_classes_are_named) {
    static const char *const values[] = {"-1, 1, 1", "1000000000, 1, 1", "64, -7, -9",
                                         "9223372036854775807, 'text', x'00'"};
    put_classes();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "INSERT INTO profile_class SELECT 1, " LAST_RUN ", %s",
                 values[i]);
        change(sql);
        ck_assert_msg(check() == 1, "%s: %s", values[i], said);
        change("DELETE FROM profile_class WHERE NOT class BETWEEN 0 AND 63");
    }
    change("INSERT INTO profile_class VALUES(0, 1, -5, -5, -5), (-1, 1, 1, 1, 1)");
    ck_assert_msg(check() == 0, "%s", said); /* nobody uses them */
}

static void begin(void) {
    capture_start();
    said[0] = 0;
}

RUN_TESTS(.set_up = begin, .tear_down = capture_end)

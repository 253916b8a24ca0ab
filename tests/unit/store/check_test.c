/* `check` finds nothing in a sound capture, and names what is wrong in others. */
#include "capture.h"
#include "stream.h"

static struct capture c;
static char said[8000];

static void start(void) {
    capture_start(&c, "check");
    said[0] = 0;
}
static void stop(void) {
    if (c.w)
        capture_finish(&c);
    capture_clean(c.path);
}

static void hear(void *context, const char *text) {
    (void)context;
    size_t at = strlen(said);
    snprintf(said + at, sizeof said - at, "%s\n", text);
}

static int check(void) {
    struct hak_store_reader *r;
    if (c.w)
        capture_finish(&c);
    said[0] = 0;
    must(hak_store_open(c.path, &r));
    int found = hak_store_check(r, hear, NULL);
    must(found);
    hak_store_close(r);
    return found;
}

static void change(const char *sql) {
    sqlite3 *database;
    if (c.w)
        capture_finish(&c);
    ck_assert_int_eq(sqlite3_open(c.path, &database), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(database));
    sqlite3_close(database);
}

/* A sound way of a block: refill, program, magazine, list, magazine, program, remote, drained. */
static void sound_capture(void) {
    block_malloc(&c, 5, 10, 1);
    block_resize(&c, 5, 11, 1);
    block_event(&c, 5, HAK_FREE, HAK_PLACE_MAGAZINE, 12, 1, 24, 0);
    block_event(&c, 5, HAK_SLL_PUSH, HAK_PLACE_SLL, 12, 1, 0, 0);
    capture_cut(&c);
    block_event(&c, 5, HAK_SLL_POP, HAK_PLACE_MAGAZINE, 12, 1, 0, 0);
    block_event(&c, 5, HAK_MALLOC, HAK_PLACE_MAGAZINE, 10, 1, 24, 0);
    block_event(&c, 5, HAK_REALLOC_FROM, HAK_PLACE_REMOTE, 13, 2, 24, 0);
    block_event(&c, 5, HAK_DRAIN_SLAB, HAK_PLACE_SLAB, 13, 1, 0, 0);
    block_event(&c, 5, HAK_FRONT_REFILL, HAK_PLACE_FRONT, 13, 1, 0, 0);
    capture_cut(&c);
}

START_TEST(sound_captures_pass) {
    sound_capture();
    for (int i = 100; i < 1100; i++) {
        block_malloc(&c, i, 10 + (uint32_t)i % 80, 1);
        if (i % 3)
            block_free(&c, i, 20, 2);
        if (i % 100 == 0)
            capture_cut(&c);
    }
    ck_assert_msg(check() == 0, "%s", said);
}
END_TEST

START_TEST(neighbouring_commits_may_swap_events) {
    block_malloc(&c, 5, 10, 1);
    c.n[5]++;
    block_free(&c, 5, 12, 2);
    capture_cut(&c);
    c.n[5] -= 2;
    block_resize(&c, 5, 11, 1);
    ck_assert_msg(check() == 0, "%s", said);
}
END_TEST

START_TEST(forked_children_may_go_on) {
    block_malloc(&c, 5, 10, 1);
    uint64_t fork = capture_put(&c, (struct hak_event){.kind = HAK_FORK, .thread = 1});
    must(hak_store_put_process(
        c.w, &(struct hak_process_row){.id = 2, .parent = 1, .fork_event = fork, .session = 1}));
    c.process = 2;
    block_free(&c, 5, 12, 4);
    ck_assert_msg(check() == 0, "%s", said);
}
END_TEST

START_TEST(illegal_moves_are_found_even_where_nobody_flagged_them) {
    sound_capture();
    block_event(&c, 5, HAK_SLL_PUSH, HAK_PLACE_SLL, 12, 1, 0, 0); /* from the front array */
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(
        strstr(said, "SLL_PUSH of block 0x7f21c4a10510 from front is not allowed"));
}
END_TEST

START_TEST(place_of_a_malloc_must_be_where_the_block_was) {
    block_malloc(&c, 5, 10, 1);
    block_free(&c, 5, 12, 1);
    block_event(&c, 5, HAK_MALLOC, HAK_PLACE_MAGAZINE, 10, 1, 24, 0);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "from magazine, but it was in front"));
}
END_TEST

START_TEST(flagged_moves_are_findings) {
    block_malloc(&c, 5, 10, 1);
    block_free(&c, 5, 12, 1);
    block_free_again(&c, 5, 12, 1);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "event 4: FREE of block"));
}
END_TEST

START_TEST(missing_events_are_found_but_not_where_losses_are_told) {
    block_malloc(&c, 5, 10, 1);
    c.n[5] += 3;
    for (int i = 0; i < 4; i++) {
        capture_cut(&c);
        block_malloc(&c, 50 + i, 10, 1);
    }
    block_free(&c, 5, 12, 1);
    ck_assert_int_eq(check(), 1);
    ck_assert_ptr_nonnull(strstr(said, "3 events before event 11 are missing"));
    change("INSERT INTO loss VALUES(1, 1, 0, 0, 9999, 3, 'ring full')");
    ck_assert_msg(check() == 0, "%s", said);
}
END_TEST

START_TEST(a_new_epoch_does_not_overtake_events_behind_a_loss) {
    block_malloc(&c, 5, 10, 1);
    block_free(&c, 5, 12, 1);
    c.n[5]++; /* a malloc is lost */
    block_free(&c, 5, 12, 1);
    c.epoch = 2; /* memory was mapped there anew */
    c.n[5] = 0;
    block_malloc(&c, 5, 10, 1);
    change("INSERT INTO loss VALUES(1, 1, 0, 0, 9999, 1, 'ring full')");
    ck_assert_msg(check() == 0, "%s", said);
}
END_TEST

START_TEST(missing_chunks_rows_and_stacks_are_found) {
    sound_capture();
    block_malloc(&c, 7, 10, 1);
    capture_cut(&c);
    change("DELETE FROM node WHERE id = 13; DELETE FROM process");
    check();
    ck_assert_ptr_nonnull(strstr(said, "stack 13, which is not there"));
    ck_assert_ptr_nonnull(strstr(said, "thread 1 belongs to process 1, which is not there"));
    change("DELETE FROM chunk WHERE id = 6");
    check();
    ck_assert_ptr_nonnull(strstr(said, "events 6 to 10 are missing"));
    ck_assert_ptr_nonnull(strstr(said, "speaks of chunk 6, which is not there"));
}
END_TEST

START_TEST(damaged_chunks_and_postings_are_named) {
    sound_capture();
    change("UPDATE posting SET data = (SELECT data FROM posting WHERE kind = 0 AND first_chunk = 1)"
           " WHERE kind = 1 AND first_chunk = 1");
    check();
    ck_assert_ptr_nonnull(strstr(said, "chunk 1, posting of stacks: it does not say what"));
    change("UPDATE chunk_data SET data = CAST(substr(data, 1, 40) || x'00' || substr(data, 42) AS"
           " BLOB) WHERE chunk = 6");
    check();
    ck_assert_ptr_nonnull(strstr(said, "chunk 6, header: its checksum does not hold"));
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, start, stop);
    tcase_add_test(cases, sound_captures_pass);
    tcase_add_test(cases, neighbouring_commits_may_swap_events);
    tcase_add_test(cases, forked_children_may_go_on);
    tcase_add_test(cases, illegal_moves_are_found_even_where_nobody_flagged_them);
    tcase_add_test(cases, place_of_a_malloc_must_be_where_the_block_was);
    tcase_add_test(cases, flagged_moves_are_findings);
    tcase_add_test(cases, missing_events_are_found_but_not_where_losses_are_told);
    tcase_add_test(cases, a_new_epoch_does_not_overtake_events_behind_a_loss);
    tcase_add_test(cases, missing_chunks_rows_and_stacks_are_found);
    tcase_add_test(cases, damaged_chunks_and_postings_are_named);
}

int main(void) {
    return run_suite("check", add);
}

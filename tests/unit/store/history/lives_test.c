/* All lives of a block, told one by one; the log counted by thread and process; reading that is
 * watched and stopped. */
#include "../capture.h"
#include "store/history/flow.h"
#include "store/history/lineup.h"
#include "store/history/lives.h"
#include "store/history/tally.h"
#include "store/check/check.h"

static struct hak_store_reader *r;

static void stop(void) {
    hak_store_watch(NULL, NULL);
    if (r)
        hak_store_close(r);
    r = NULL;
    capture_end();
}
static void open_it(void) {
    capture_finish();
    must(hak_store_open(capture.path, &r));
}

struct told {
    struct hak_life_row row[16];
    int lives, events, stop_after;
};

static int each_life(void *context, const struct hak_life_row *life) {
    struct told *told = context;
    told->row[told->lives++ % 16] = *life;
    return told->lives == told->stop_after ? 7 : 0;
}

static int each_event(void *context, const struct hak_event *e, enum hak_life_step step,
                      uint64_t number) {
    struct told *told = context;
    (void)e, (void)step, (void)number;
    told->events++;
    return 0;
}

static int walk(uint64_t address, uint32_t process, struct told *told) {
    struct hak_lives_visitor visitor = {.life = each_life, .event = each_event, .context = told};
    struct hak_block_key block;
    struct hak_lineage lineage;
    int found = hak_lives_find(r, address, process, 0, 0, &block, &lineage);
    return found <= 0 ? found - 100 : hak_lives_each(r, &block, &lineage, 0, &visitor);
}

TEST(each_life_is_told_with_what_happened_to_it) {
    struct told told = {0};
    block_malloc(1, 10, 1);
    block_resize(1, 11, 1);
    block_resize(1, 11, 1);
    block_free(1, 12, 2);
    block_event(1, HAK_FRONT_SPILL, HAK_PLACE_SLAB, 0, 1, 0, 0);
    block_event(1, HAK_FRONT_REFILL, HAK_PLACE_FRONT, 0, 1, 0, 0);
    capture_cut();
    block_malloc(1, 13, 2);
    block_free(1, 14, 2);
    uint64_t again = block_free_again(1, 15, 1);
    block_malloc(2, 10, 1); /* another block */
    open_it();
    ck_assert_int_eq(walk(BLOCK(1) + 20, 0, &told), 0);
    ck_assert_int_eq(told.lives, 2);
    ck_assert_int_eq(told.events, 11);
    const struct hak_life_row *first = &told.row[0], *second = &told.row[1];
    ck_assert_uint_eq(first->life.number, 1);
    ck_assert_uint_eq(first->life.birth.stack, 10);
    ck_assert_uint_eq(first->end.stack, 12);
    ck_assert_uint_eq(first->life.resizes, 2);
    ck_assert_uint_eq(first->life.last_size, 30);
    ck_assert_uint_eq(first->life.largest_size, 30);
    ck_assert_uint_eq(first->moves_before, 1); /* the refill that brought it */
    ck_assert_uint_eq(first->again.id, 0);
    ck_assert_uint_eq(second->life.number, 2);
    ck_assert_uint_eq(second->moves_before, 2);
    ck_assert_uint_eq(second->again.id, again);
    told = (struct told){0};
    ck_assert_int_eq(walk(BLOCK(900), 0, &told), -100);
    ck_assert_int_eq(told.lives, 0);
}

TEST(there_is_no_most_lives) {
    struct told told = {0};
    for (int i = 0; i < 5000; i++) { /* more than a story keeps */
        block_malloc(1, 10, 1);
        block_free(1, 12, 1);
        if (i % 1000 == 0)
            capture_cut();
    }
    block_malloc(1, 10, 1);
    open_it();
    ck_assert_int_eq(walk(BLOCK(1), 0, &told), 0);
    ck_assert_int_eq(told.lives, 5001);
    ck_assert_uint_eq(told.row[5000 % 16].life.number, 5001);
    ck_assert_uint_eq(told.row[5000 % 16].end.id, 0);
    told = (struct told){.stop_after = 3};
    ck_assert_int_eq(walk(BLOCK(1), 0, &told), 7);
    ck_assert_int_eq(told.lives, 3);
}

TEST(a_child_goes_on_with_its_parents_lives) {
    struct told told = {0};
    block_malloc(1, 10, 1);
    uint64_t fork = capture_put((struct hak_event){.kind = HAK_FORK, .thread = 1});
    must(hak_store_put_process(capture.w, &(struct hak_process_row){.id = 2,
                                                                    .parent = 1,
                                                                    .fork_event = fork,
                                                                    .pid = 4712,
                                                                    .session = 1,
                                                                    .program = "/bin/app"}));
    block_free(1, 12, 1); /* in the parent, after the fork */
    capture.process = 2;
    capture.n[1]--;
    block_free(1, 14, 2);
    open_it();
    ck_assert_int_eq(walk(BLOCK(1), 2, &told), 0);
    ck_assert_int_eq(told.lives, 1);
    ck_assert_uint_eq(told.row[0].life.birth.stack, 10);
    ck_assert_uint_eq(told.row[0].end.stack, 14);
    told = (struct told){0};
    ck_assert_int_eq(walk(BLOCK(1), 1, &told), 0);
    ck_assert_uint_eq(told.row[0].end.stack, 12);
}

TEST(a_life_is_found_behind_as_many_forks_as_a_session_has_processes) {
    enum { PROCESSES = 1024 };
    struct told told = {0};
    block_malloc(1, 10, 1);
    for (uint32_t id = 2; id <= PROCESSES; id++) {
        uint64_t fork = capture_put((struct hak_event){.kind = HAK_FORK, .thread = 1});
        must(hak_store_put_process(capture.w, &(struct hak_process_row){.id = id,
                                                                        .parent = id - 1,
                                                                        .fork_event = fork,
                                                                        .pid = 4711 + id,
                                                                        .session = 1,
                                                                        .program = "/bin/app"}));
        capture.process = id;
    }
    block_free(1, 14, 2);
    open_it();
    ck_assert_int_eq(walk(BLOCK(1), PROCESSES, &told), 0);
    ck_assert_int_eq(told.lives, 1);
    ck_assert_uint_eq(told.row[0].life.birth.stack, 10);
    ck_assert_uint_eq(told.row[0].end.stack, 14);
}

TEST(the_log_is_counted_by_thread_and_process) {
    struct hak_thread_tally did[5] = {{0}};
    uint64_t events[4] = {0};
    block_malloc(1, 10, 1);
    block_resize(1, 11, 1);
    block_event(1, HAK_FREE, HAK_PLACE_REMOTE, 12, 2, 30, 0);
    block_malloc(2, 10, 3);
    uint64_t last = block_event(2, HAK_REALLOC_FROM, HAK_PLACE_FRONT, 12, 3, 24, 0);
    block_event(3, HAK_MALLOC, HAK_PLACE_FRONT, 10, 4, 100, HAK_RECORD_ILLEGAL);
    capture_cut();
    must(hak_store_put_process(capture.w,
                               &(struct hak_process_row){.id = 2, .pid = 9, .session = 2}));
    capture.process = 2; /* a chunk of one process, and one of two */
    block_malloc(4, 10, 9);
    capture_cut();
    block_malloc(5, 10, 9);
    capture.process = 1;
    block_malloc(6, 10, 4);
    open_it();
    must(hak_store_tally_threads(r, 1, did, 5));
    ck_assert_uint_eq(did[1].mallocs, 1);
    ck_assert_uint_eq(did[1].reallocs, 1);
    ck_assert_uint_eq(did[1].asked_bytes, 24 + 30);
    ck_assert_uint_eq(did[1].events, 3); /* with the refill */
    ck_assert_uint_eq(did[2].frees, 1);
    ck_assert_uint_eq(did[2].remote_frees, 1);
    ck_assert_uint_eq(did[3].frees, 0); /* it belongs to the realloc that moved */
    ck_assert_uint_eq(did[3].last_event, last);
    ck_assert_uint_eq(did[4].asked_bytes, 24);
    ck_assert_uint_eq(did[0].events, 0);
    must(hak_store_tally_processes(r, events, 3));
    ck_assert_uint_eq(events[2], 4);
    ck_assert_uint_eq(events[1] + events[2], capture.id);
    uint64_t none[1] = {0};
    must(hak_store_tally_processes(r, none, 1)); /* rows beyond the array are left out */
    ck_assert_uint_eq(none[0], 0);
}

/* A child of process 1 with one block, which exits at `end_ns`. */
static void fork_child(uint32_t id, uint64_t end_ns) {
    must(hak_store_put_process(
        capture.w, &(struct hak_process_row){.id = id,
                                             .parent = 1,
                                             .fork_event = capture_put((struct hak_event){
                                                 .kind = HAK_FORK, .process = 1, .thread = 1}),
                                             .pid = 4711 + (int32_t)id,
                                             .session = 1,
                                             .end_ns = end_ns,
                                             .end_kind = 1,
                                             .program = "/bin/app"}));
    capture.process = id;
    block_malloc((int)id, 10, 1);
    capture.process = 1;
}

/* Expects these processes, "1 3 ", to hold a block behind the event, and this result for all. */
static void holds(uint64_t to, const char *due, int due_of_all) {
    struct hak_lineup lineup;
    struct hak_flow flow;
    char said[100] = "";
    size_t length = 0;
    must(hak_store_open(capture.path, &r));
    must(hak_flow_read(r, &(struct hak_flow_query){.to = to}, &flow));
    for (uint32_t i = 0; i < flow.processes; i++)
        if (flow.process[i].live.blocks)
            length += (size_t)snprintf(said + length, sizeof said - length, "%u ",
                                       flow.process[i].process);
    ck_assert_str_eq(said, due);
    hak_flow_free(&flow);
    ck_assert_int_eq(hak_lineup_read(r, 0, 0, &lineup), due_of_all);
    hak_lineup_free(&lineup);
    hak_store_close(r);
    r = NULL;
}

/* A chunk of several processes behind the moment is damaged, or missing: those that had not ended
 * when it began may have events in it. */
TEST(events_behind_the_moment_need_not_be_readable) {
    char gone[200];
    fork_child(2, 6500);
    fork_child(3, 100000); /* its last event is in the damaged chunk */
    block_malloc(1, 10, 1);
    uint64_t to = capture.id;
    capture_cut();
    capture.process = 3;
    block_malloc(4, 10, 1);
    capture.process = 1;
    block_malloc(5, 10, 1);
    capture_cut();
    block_malloc(6, 10, 1);
    capture_finish();
    holds(to, "1 3 ", 0);
    capture_change("UPDATE chunk_data SET data = 'HKCK' WHERE chunk = (SELECT id FROM chunk"
                   " WHERE process = 0 ORDER BY id DESC LIMIT 1)");
    holds(to, "1 3 ", HAK_STORE_BROKEN);
    snprintf(gone, sizeof gone, "DELETE FROM chunk WHERE id = %llu", (unsigned long long)to + 1);
    capture_change(gone);
    holds(to, "1 3 ", 0);
    snprintf(gone, sizeof gone, "DELETE FROM chunk WHERE id > %llu", (unsigned long long)to);
    capture_change(gone);
    holds(to, "1 3 ", 0);
}

struct watched {
    int calls, stop_at;
    uint64_t last_done, total;
};

static int watch(void *context, const struct hak_progress *progress) {
    struct watched *w = context;
    w->last_done = progress->done;
    w->total = progress->total;
    return ++w->calls == w->stop_at;
}

static int none(void *context, const struct hak_event *event) {
    (void)context, (void)event;
    return 0;
}

static void no_problem(void *context, const struct hak_check_finding *problem) {
    (void)context;
    ck_abort_msg("kind %d of %llu", problem->kind, (unsigned long long)problem->id);
}

TEST(reading_is_watched_and_stopped) {
    struct hak_filter all = {.class_index = -1};
    struct hak_thread_tally did[5] = {{0}};
    for (int i = 0; i < 10; i++) {
        block_malloc(1, 10, 1);
        block_free(1, 12, 1);
        capture_cut();
    }
    open_it();
    struct watched w = {0};
    hak_store_watch(watch, &w);
    must(hak_store_scan(r, &all, false, none, NULL));
    ck_assert_int_eq(w.calls, 10);
    ck_assert_uint_eq(w.total, capture.id);
    ck_assert_uint_eq(w.last_done, capture.id - 1);
    must(hak_store_scan(r, &all, true, none, NULL));
    ck_assert_uint_eq(w.last_done, capture.id - 1); /* counted from the newest */
    for (int stop_at = 1; stop_at <= 10; stop_at += 9) {
        struct told told = {0};
        w = (struct watched){.stop_at = stop_at};
        ck_assert_int_eq(hak_store_check(r, no_problem, NULL), HAK_STORE_STOPPED);
        w = (struct watched){.stop_at = stop_at};
        ck_assert_int_eq(hak_store_tally_threads(r, 0, did, 5), HAK_STORE_STOPPED);
        w = (struct watched){.stop_at = stop_at};
        ck_assert_int_lt(walk(BLOCK(1), 0, &told), 0);
    }
    hak_store_watch(NULL, NULL);
    must(hak_store_check(r, no_problem, NULL));
}

struct superslabs {
    char said[400];
};

static void hear_superslab(void *context, const struct hak_event *e) {
    struct superslabs *s = context;
    size_t at = strlen(s->said);
    snprintf(s->said + at, sizeof s->said - at, "%llu:%llu:%u%c%llu ", (unsigned long long)e->id,
             (unsigned long long)e->ns, e->process, e->kind == HAK_SUPERSLAB_MAP ? '+' : '-',
             (unsigned long long)e->size);
}

static void hears(const char *expected) {
    struct superslabs s = {{0}};
    must(hak_store_open(capture.path, &r));
    must(hak_store_each_superslab(r, 0, hear_superslab, &s));
    hak_store_close(r);
    r = NULL;
    ck_assert_str_eq(s.said, expected);
}

/* Out of their rows, and out of the events where a chunk has none, as an earlier version wrote it.
 */
TEST(superslabs_are_told_with_and_without_their_rows) {
    struct hak_event map = {
        .kind = HAK_SUPERSLAB_MAP, .address = 0x7f0000000000, .size = 2 << 20, .thread = 1};
    struct hak_event unmap = map;
    uint64_t dropped;
    unmap.kind = HAK_SUPERSLAB_UNMAP;
    capture_put(map);
    block_malloc(5, 10, 1);
    capture_put(map);
    capture_cut();
    capture_put(unmap);
    must(put_end(capture.w));
    must(hak_store_rollback(capture.w)); /* what is taken back has no row */
    must(hak_store_begin(capture.w));
    capture.id = 4;
    block_free(5, 12, 2);
    capture.process = 2;
    capture_put(unmap);
    capture_finish();
    static const char all[] = "1:1000:1+2097152 4:4000:1+2097152 6:7000:2-2097152 ";
    hears(all);
    capture_change(
        "UPDATE superslab SET bytes = 4096 WHERE event = 1"); /* it is they that are read */
    hears("1:1000:1+4096 4:4000:1+2097152 6:7000:2-2097152 ");
    capture_change("UPDATE superslab SET ns = 'x', process = NULL, bytes = -9223372036854775808"
                   " WHERE event = 1");
    hears("1:0:0-9223372036854775808 4:4000:1+2097152 6:7000:2-2097152 ");
    capture_change("DELETE FROM superslab WHERE event = 6");
    hears(all);
    capture_change("DROP TABLE superslab");
    hears(all);
    must(hak_store_resume(capture.path, &capture.w)); /* whose store has no such table */
    must(hak_store_begin(capture.w));
    capture_put(map);
    capture_commit();
    must(hak_store_trim(capture.w, 1, &dropped));
    must(hak_store_begin(capture.w));
    capture_finish();
    hears("7:8000:2+2097152 ");
}

TEST(superslabs_of_dropped_events_are_dropped) {
    struct hak_event map = {
        .kind = HAK_SUPERSLAB_MAP, .address = 0x7f0000000000, .size = 2 << 20, .thread = 1};
    uint64_t dropped;
    for (int i = 0; i < 12; i++) {
        capture_put(map);
        capture_cut();
    }
    must(hak_store_trim(capture.w, 1, &dropped));
    ck_assert_uint_eq(dropped, 11);
    capture_finish();
    hears("12:12000:1+2097152 ");
}

static int statements_of(const struct hak_store_reader *reader) {
    int count = 0;
    for (sqlite3_stmt *s = NULL;
         (s = sqlite3_next_stmt(hak_store_database(reader)->connection, s)) != NULL;)
        count++;
    return count;
}

/* Those that the connection keeps prepared are few, and left to questions that come again. */
TEST(questions_of_other_times_are_the_same_statement) {
    struct hak_lineage lineage = {.count = 1, .link = {{.process = 1}}};
    uint64_t lost, stops;
    block_malloc(5, 10, 1);
    capture_finish();
    must(hak_store_open(capture.path, &r));
    must(hak_lineage_lost(r, &lineage, 0, 1, &lost, &stops));
    int before = statements_of(r);
    for (uint64_t ns = 1; ns < 20; ns++)
        must(hak_lineage_lost(r, &lineage, ns, ns + 1, &lost, &stops));
    ck_assert_int_eq(statements_of(r), before);
}

RUN_TESTS(.set_up = capture_start, .tear_down = stop)

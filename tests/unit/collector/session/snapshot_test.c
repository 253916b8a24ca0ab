/* Snapshots of counters in sessions written by hand: what changed, the last one, blocks given back,
 * and memory full of nonsense. */
#include <signal.h>
#include <sys/wait.h>
#include "../../suite.h"
#include "../fake_worker.h"
#include "metrics/block.h"

enum { BLOCKS = 4, CLASS = 7, EXTENTS = 8 };

static void set_up(void) {
    begin_worker();
    struct hak_session *s = program.session;
    s->extent_count = EXTENTS;
    s->metrics_offset = fake_round(s->extent_offset + EXTENTS * HAK_EXTENT_BYTES);
    s->metrics_blocks = BLOCKS;
    s->metrics_ms = 10;
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
}

static const char *add(void) {
    struct hak_hello hello = fake_hello(&program);
    return hak_worker_add(&worker, 1, &hello, getpid(), dup(program.memfd));
}

static hak_counters_owner_t *owner(uint32_t block) {
    return (hak_counters_owner_t *)(void *)((char *)program.session +
                                            program.session->metrics_offset) +
           block;
}

static uint64_t *cell(uint32_t block, unsigned class_index, unsigned metric) {
    char *first = (char *)program.session + program.session->metrics_offset + 4096;
    struct hak_counters *counters = hak_counters_at(first, block);
    unsigned row = 0;
    while (counters->metric_of_row[row] && counters->metric_of_row[row] != metric + 1)
        row++;
    counters->metric_of_row[row] = (uint8_t)(metric + 1);
    return &counters->rows[row][class_index];
}

static void take_block(uint32_t block, uint32_t process, enum hak_counters_state state) {
    atomic_store(owner(block), hak_counters_owner(state, process));
    if (atomic_load(&program.session->metrics_high) <= block)
        atomic_store(&program.session->metrics_high, block + 1);
}

/* The older a process is, the rarer its snapshots. */
static void commit_when_due(void) {
    uint64_t age_ns = fake_monotonic() - program.session->monotonic_start_ns;
    usleep(15000 + (useconds_t)(age_ns / 50 / 1000));
    while (hak_worker_commit(&worker))
        continue;
}

TEST(stores_what_changed) {
    take_block(0, 0, HAK_COUNTERS_OWNED);
    take_block(1, 0, HAK_COUNTERS_IDLE);
    take_block(2, 0, HAK_COUNTERS_SHARED);
    take_block(3, 1, HAK_COUNTERS_OWNED); /* another process's */
    for (uint32_t block = 0; block < BLOCKS; block++)
        *cell(block, CLASS, HAK_METRIC_SERVED_FRONT) = 10;
    ck_assert_ptr_null(add());
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name <> 'snapshot.since' AND "
                         "name NOT LIKE 'memory.%'"),
                     1);
    ck_assert_int_eq(ask("SELECT value FROM metric WHERE name = 'served.FRONT' AND class = 7 AND "
                         "process = 1"),
                     30);
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name <> 'snapshot.since' AND "
                         "name NOT LIKE 'memory.%'"),
                     1);
    *cell(1, HAK_METRIC_NO_CLASS, HAK_METRIC_PAGES_MAP_TIMES) = 3;
    *cell(2, CLASS, HAK_METRIC_SERVED_FRONT) = 11;
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name <> 'snapshot.since' AND "
                         "name NOT LIKE 'memory.%'"),
                     3);
    ck_assert_int_eq(ask("SELECT max(value) FROM metric WHERE class = 7"), 31);
    ck_assert_int_eq(ask("SELECT value FROM metric WHERE name = 'PAGES_MAP.times' AND class = 255"),
                     3);
}

/* Also when that one had nothing to tell. */
TEST(tells_when_the_one_before_was) {
    take_block(0, 0, HAK_COUNTERS_OWNED);
    *cell(0, CLASS, HAK_METRIC_SERVED_FRONT) = 1;
    ck_assert_ptr_null(add());
    for (int i = 0; i < 4; i++)
        commit_when_due();
    *cell(0, CLASS, HAK_METRIC_SERVED_FRONT) = 2;
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name = 'snapshot.since'"), 2);
    ck_assert_int_eq(ask("SELECT min(value) = (SELECT start_ns FROM process) FROM metric WHERE "
                         "name = 'snapshot.since'"),
                     1);
    ck_assert_int_eq(ask("SELECT max(value) > min(ns) AND max(value) < max(ns) FROM metric WHERE "
                         "name = 'snapshot.since'"),
                     1);
}

TEST(waits_for_the_time) {
    program.session->metrics_ms = 60000;
    take_block(0, 0, HAK_COUNTERS_OWNED);
    *cell(0, CLASS, HAK_METRIC_SERVED_FRONT) = 1;
    ck_assert_ptr_null(add());
    commit_when_due();
    *cell(0, CLASS, HAK_METRIC_SERVED_FRONT) = 2;
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name <> 'snapshot.since' AND "
                         "name NOT LIKE 'memory.%'"),
                     1);
}

/* A process that is killed: what its memory says then is its last snapshot, and others get its
 * blocks, empty. */
TEST(takes_the_last_one_of_a_killed_process) {
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    program.session->metrics_ms = 60000;
    fake_claim_process(&program, 1, child, 0, 1);
    take_block(1, 1, HAK_COUNTERS_OWNED);
    *cell(1, CLASS, HAK_METRIC_SERVED_FRONT) = 5;
    ck_assert_ptr_null(add());
    commit_when_due();
    *cell(1, CLASS, HAK_METRIC_SERVED_FRONT) = 6;
    *cell(1, 3, HAK_METRIC_GIVEN_REMOTE) = 2;
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name <> 'snapshot.since' AND "
                         "name NOT LIKE 'memory.%'"),
                     1);
    end_child(child);
    ck_assert(hak_client_look_for_ends(worker.clients[0]));
    commit_when_due();
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name <> 'snapshot.since' AND "
                         "name NOT LIKE 'memory.%'"),
                     4);
    ck_assert_int_eq(ask("SELECT max(value) FROM metric WHERE name = 'served.FRONT'"), 6);
    ck_assert_int_eq(ask("SELECT process FROM metric WHERE name = 'snapshot.end'"), 2);
    ck_assert_int_eq(ask("SELECT end_kind FROM process WHERE id = 2"), 2);
    ck_assert_uint_eq(atomic_load(owner(1)), 0);
    ck_assert_uint_eq(*cell(1, CLASS, HAK_METRIC_SERVED_FRONT), 0);
    ck_assert_uint_eq(atomic_load(&fake_process(&program, 1)->state), HAK_PROCESS_FREE);
}

/* Memory of a process stays as it is: readers know until when somebody looked. */
TEST(says_until_when_memory_stayed) {
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    fake_claim_process(&program, 1, child, 0, 1);
    ck_assert_ptr_null(add());
    for (int i = 0; i < 2000 &&
                    !(worker.clients[0]->snapshots && worker.clients[0]->snapshots[1].is_unchanged);
         i++)
        commit_when_due();
    ck_assert(worker.clients[0]->snapshots[1].is_unchanged);
    end_child(child);
    ck_assert(hak_client_look_for_ends(worker.clients[0]));
    commit_when_due();
    commit_when_due();
    ck_assert_int_eq(ask("SELECT value > (SELECT max(ns) FROM metric WHERE process = 2 AND name = "
                         "'memory.anonymous') AND value <= ns FROM metric WHERE process = 2 AND "
                         "name = 'memory.looked' ORDER BY id DESC LIMIT 1"),
                     1);
}

/* The next worker knows no snapshot: its first is a whole one, and readers take the increase. */
TEST(goes_on_after_a_worker_died) {
    take_block(0, 0, HAK_COUNTERS_OWNED);
    *cell(0, CLASS, HAK_METRIC_SERVED_FRONT) = 5;
    ck_assert_ptr_null(add());
    commit_when_due();
    ck_assert_int_eq(hak_store_finish(worker.capture.writer), 0);
    worker.capture.writer = NULL;
    hak_worker_free(&worker);
    ck_assert(hak_worker_make(&worker));
    worker.config.resume_store = 1;
    *cell(0, CLASS, HAK_METRIC_SERVED_FRONT) = 8;
    ck_assert_ptr_null(add());
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(DISTINCT process) FROM metric"), 1);
    ck_assert_int_eq(ask("SELECT max(value) FROM metric WHERE name = 'served.FRONT'"), 8);
}

TEST(takes_none_when_none_are_wanted) {
    program.session->metrics_ms = 0;
    take_block(0, 0, HAK_COUNTERS_OWNED);
    *cell(0, CLASS, HAK_METRIC_SERVED_FRONT) = 5;
    ck_assert_ptr_null(add());
    commit_when_due();
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name <> 'snapshot.since' AND "
                         "name NOT LIKE 'memory.%'"),
                     0);
}

/* Of a process that counts by itself, nobody can say how many pieces were missed; that some were is
 * known from the scan. */
TEST(a_leak_scan_says_that_pieces_were_missed, .until = 4) {
    static const char noted[] =
        "SELECT count(*) FROM leak_scan WHERE notes LIKE '%were missed, and no counters say how%'"
        " AND report LIKE '%  COMPLETENESS %were missed, and no counters say how many%'";
    bool has_counters = _i & 1, has_gaps = _i & 2;
    if (has_counters)
        take_block(0, 0, HAK_COUNTERS_OWNED);
    fake_claim_ring(&program, 0, 0, 1, 256);
    ck_assert_ptr_null(add());
    for (uint8_t kind = HAK_LEAK_IS_DIRECT; kind <= HAK_LEAK_IS_SCAN; kind += HAK_LEAK_IS_SCAN)
        fake_put(&program, 0,
                 (struct hak_event_fields){.kind = HAK_LEAK,
                                           .subkind = kind,
                                           .address = FAKE_BLOCK,
                                           .size = 24,
                                           .epoch = has_gaps ? HAK_PARTIAL_POOLS : 0});
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM leak_scan"), 1);
    ck_assert_int_eq(ask("SELECT count(*) FROM leak_scan WHERE notes <> ''"),
                     has_gaps && !has_counters);
    ck_assert_int_eq(ask(noted), has_gaps && !has_counters);
}

/* Gaps in what is known of pools are told though nobody wants samples. */
TEST(tells_what_was_missed_without_snapshots) {
    program.session->metrics_ms = 0;
    take_block(0, 0, HAK_COUNTERS_OWNED);
    *cell(0, HAK_METRIC_NO_CLASS, HAK_METRIC_POOL_MISSED_AMOUNT) = 5;
    *cell(0, HAK_METRIC_NO_CLASS, HAK_METRIC_POOL_CALL_MISSED_TIMES) = UINT64_MAX;
    ck_assert_ptr_null(add());
    commit_when_due();
    ck_assert_int_eq(ask("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'missed_pools.1'"),
                     5);
    ck_assert_int_eq(ask("SELECT count(*) FROM meta WHERE key GLOB 'missed_pieces.*'"), 0);
    ck_assert(ask("SELECT CAST(value AS INTEGER) = 1 << 40 FROM meta WHERE key = "
                  "'missed_pool_calls.1'"));
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE name NOT LIKE 'memory.%'"), 0);
}

TEST(survives_nonsense) {
    ck_assert_ptr_null(add());
    srandom(3);
    for (int round = 0; round < 20; round++) {
        for (uint32_t block = 0; block < BLOCKS; block++) {
            atomic_store(owner(block), (uint64_t)random() << 40 ^ (uint64_t)random() << 20 ^
                                           (uint64_t)(random() % 3));
            for (int i = 0; i < 50; i++)
                *cell(block, (unsigned)random() % HAK_METRIC_CLASSES,
                      (unsigned)random() % HAK_METRICS) = (uint64_t)random() * (uint64_t)random();
        }
        atomic_store(&program.session->metrics_high, (uint32_t)random());
        commit_when_due();
    }
    ck_assert_int_eq(ask("SELECT count(*) FROM metric WHERE process <> 1 OR name IS NULL OR "
                         "typeof(value) <> 'real'"),
                     0);
}

/* Headers that are refused: their counters would lie outside of the memory. */
static const struct {
    uint64_t offset, blocks;
} broken[] = {
    {FAKE_BYTES, 1},
    {FAKE_BYTES - 4096, 1},
    {FAKE_BYTES - 8192, BLOCKS},
    {0, 1},
    {64, BLOCKS},
    {4097 * 4, BLOCKS},
    {1 << 20, UINT64_MAX},
    {1 << 20, UINT64_MAX / 8},
    {UINT64_MAX - 4095, 1},
    {1 << 20, UINT64_MAX / HAK_COUNTERS_BYTES},
    {1 << 20, HAK_METRICS_MAX + 1},
};

TEST(refuses_counters_outside, .until = sizeof broken / sizeof *broken) {
    program.session->metrics_offset = broken[_i].offset;
    program.session->metrics_blocks = broken[_i].blocks;
    const char *why = add();
    ck_assert_msg(why != NULL, "offset %llu, %llu blocks: taken",
                  (unsigned long long)broken[_i].offset, (unsigned long long)broken[_i].blocks);
    ck_assert_str_eq(why, "its tables lie outside of it");
}

TEST(refuses_other_machines) {
    const struct {
        uint32_t machine, page_bytes;
        const char *why;
    } others[] = {{0, 4096, "machine"},          {EM_RISCV, 4096, "machine"},
                  {EM_AARCH64, 0, "pages"},      {EM_AARCH64, 2048, "pages"},
                  {EM_AARCH64, 131072, "pages"}, {EM_X86_64, 12288, "pages"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        program.session->machine = others[i].machine;
        program.session->page_bytes = others[i].page_bytes;
        const char *why = add();
        ck_assert_msg(why && strstr(why, others[i].why), "%zu: %s", i, why ? why : "taken");
    }
}

TEST(takes_one_of_another_processor) {
    program.session->machine = EM_AARCH64;
    struct hak_mapping map;
    ck_assert_ptr_null(hak_mapping_open(&map, dup(program.memfd)));
    ck_assert_int_eq(map.processor, HAK_PROCESSOR_AARCH64);
    hak_mapping_close(&map);
}

RUN_TESTS(.set_up = set_up, .tear_down = end_worker)

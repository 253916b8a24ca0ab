/* Blocks of counters: taken, gone on with, shared, summed; forks and signal handlers. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../suite.h"
#include "metrics/count.h"
#include "superslab.h"

enum { BLOCKS = 8, PROCESS = 5, CALLS = 2000000, THREADS = 6 };

struct counters {
    hak_counters_owner_t owners[512]; /* a page */
    char blocks[BLOCKS * HAK_COUNTERS_BYTES];
};
static struct counters *memory;
static _Atomic uint32_t high;

static void set_up(void) {
    memory = mmap(NULL, sizeof *memory, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
}

static void begin(uint32_t blocks) {
    struct hak_counters_place place = {.owners = memory->owners,
                                       .blocks = memory->blocks,
                                       .high = &high,
                                       .capacity = blocks,
                                       .process = PROCESS};
    hak_counters_begin(&place);
}

static void count(unsigned kind, unsigned class_index, unsigned place) {
    hak_count_event((struct hak_step_event){
        .kind = (uint8_t)kind, .class_index = (uint8_t)class_index, .place = (uint8_t)place});
}

static uint64_t sum_of(unsigned metric, unsigned class_index) {
    static struct hak_counters_sum sum;
    hak_counters_sum(&sum);
    return sum.cells[hak_metric_class(class_index)][metric];
}

static pthread_barrier_t together;

static void *call(void *calls) {
    pthread_barrier_wait(&together);
    for (size_t i = 0; i < (size_t)calls; i++)
        count(HAK_MALLOC, 7, HAK_PLACE_FRONT);
    hak_counters_end_thread();
    return NULL;
}

static void run_threads(int threads, size_t calls) {
    pthread_t thread[64];
    pthread_barrier_init(&together, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, call, (void *)calls), 0);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

TEST(counts_by_class_and_layer) {
    begin(BLOCKS);
    count(HAK_MALLOC, 3, HAK_PLACE_FRONT);
    count(HAK_MALLOC, 3, HAK_PLACE_FRONT);
    count(HAK_MALLOC, HAK_CLASS_NONE, HAK_PLACE_LARGE);
    count(HAK_FREE, 3, HAK_PLACE_REMOTE);
    count(HAK_FRONT_REFILL, 3, HAK_PLACE_FRONT);
    count(HAK_FRONT_REFILL, 3, HAK_PLACE_FRONT);
    count(HAK_MALLOC, 3, HAK_PLACE_FRONT);
    hak_count_amount(HAK_COUNTED_PAGES_MAP, HAK_CLASS_NONE, 1 << 20);
    hak_count_amount(HAK_COUNTED_PAGES_MAP, HAK_CLASS_NONE, 4096);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 3), 2);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_SLAB, 3), 1);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_LARGE, HAK_CLASS_NONE), 1);
    ck_assert_uint_eq(sum_of(HAK_METRIC_GIVEN_REMOTE, 3), 1);
    ck_assert_uint_eq(sum_of(HAK_METRIC_FRONT_REFILL_BLOCKS, 3), 2);
    ck_assert_uint_eq(sum_of(HAK_METRIC_FRONT_REFILL_RUNS, 3), 1);
    ck_assert_uint_eq(sum_of(HAK_METRIC_PAGES_MAP_TIMES, HAK_CLASS_NONE), 2);
    ck_assert_uint_eq(sum_of(HAK_METRIC_PAGES_MAP_AMOUNT, HAK_CLASS_NONE), (1 << 20) + 4096);
}

/* Events at random, by the fast ways and the slow one, against what step.c says of each. */
TEST(every_way_counts_what_the_step_says) {
    static const uint8_t kinds[] = {HAK_MALLOC,        HAK_FREE,          HAK_REALLOC,
                                    HAK_REALLOC_FROM,  HAK_FRONT_SPILL,   HAK_FRONT_REFILL,
                                    HAK_SLL_PUSH,      HAK_SLL_POP,       HAK_QUARANTINE_LEAVE,
                                    HAK_SLAB_ACQUIRE,  HAK_REMOTE_POST,   HAK_COUNTED_SLAB_LOOK,
                                    HAK_SUPERSLAB_MAP, HAK_COUNTED_SWEEP, HAK_THREAD_START};
    static const uint8_t places[] = {HAK_PLACE_FRONT, HAK_PLACE_LIVE, HAK_PLACE_QUARANTINE};
    static struct hak_counters_sum due, found;
    struct hak_step step = {0};
    unsigned seed = 1;
    begin(BLOCKS);
    for (int i = 0; i < 50000; i++) {
        struct hak_step_counts counts;
        struct hak_step_event event = {
            .amount = (unsigned)rand_r(&seed) % 100,
            .kind = kinds[(unsigned)rand_r(&seed) % sizeof kinds],
            .class_index = (uint8_t)(rand_r(&seed) % 4 ? 5 + rand_r(&seed) % 2 : HAK_CLASS_NONE),
            .place = places[(unsigned)rand_r(&seed) % sizeof places],
            .is_illegal = rand_r(&seed) % 16 == 0};
        hak_count_event(event);
        if (!hak_step_count(&step, &event, &counts))
            continue;
        uint64_t *cells = due.cells[hak_metric_class(event.class_index)];
        cells[counts.metric]++;
        if (counts.second_amount)
            cells[counts.metric + 1] += counts.second_amount;
    }
    hak_counters_sum(&found);
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
        for (unsigned m = 0; m < HAK_METRICS; m++)
            ck_assert_msg(found.cells[k][m] == due.cells[k][m], "%s of class %u: %lu of %lu",
                          hak_metric_name(m), k, found.cells[k][m], due.cells[k][m]);
}

TEST(goes_on_with_the_block_of_a_thread_that_ended) {
    begin(BLOCKS);
    for (int i = 0; i < 50; i++)
        run_threads(1, 10);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 7), 500);
    ck_assert_uint_le(atomic_load(&high), 2); /* the calling thread's, and one for all fifty */
}

TEST(shares_a_block_when_there_are_too_few) {
    begin(2); /* one for the first thread, one kept for sharers */
    run_threads(THREADS, CALLS);
    count(HAK_MALLOC, 7, HAK_PLACE_FRONT);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 7), (uint64_t)THREADS * CALLS + 1);
    ck_assert_uint_eq(atomic_load(&high), 2);
    ck_assert_uint_eq(atomic_load(&memory->owners[1]),
                      hak_counters_owner(HAK_COUNTERS_SHARED, PROCESS));
    /* None of them counted where only the process itself can see it. */
    ck_assert_uint_eq(
        *hak_counters_cell(hak_counters_at(memory->blocks, 1), HAK_METRIC_SERVED_FRONT, 7),
        (uint64_t)THREADS * CALLS);
}

/* All metrics of hops.def have room, whoever counts them first, and each has one row. */
TEST(every_metric_has_a_row_of_its_own) {
    begin(BLOCKS);
    struct hak_counters *block = hak_counter.counters;
    for (unsigned i = 0; i < HAK_METRICS; i++)
        *hak_counters_cell(block, HAK_METRICS - 1 - i, i % HAK_METRIC_CLASSES) += i + 1;
    ck_assert_uint_eq(hak_counters_used_bytes(block), sizeof *block);
    static struct hak_counters_sum sum;
    hak_counters_sum(&sum);
    for (unsigned i = 0; i < HAK_METRICS; i++)
        ck_assert_uint_eq(sum.cells[i % HAK_METRIC_CLASSES][HAK_METRICS - 1 - i], i + 1);
}

/* Counts of many threads in one block for the first time, at once. */
static void *count_first(void *from) {
    pthread_barrier_wait(&together);
    for (unsigned i = 0; i < HAK_METRICS; i++) {
        uint64_t *cell = hak_counters_cell(hak_counters_at(memory->blocks, 0),
                                           (i + (unsigned)(size_t)from) % HAK_METRICS, 3);
        __atomic_fetch_add(cell, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

TEST(rows_are_taken_once_by_threads_that_race) {
    for (int round = 0; round < 200; round++) {
        pthread_t thread[THREADS];
        memset(hak_counters_at(memory->blocks, 0), 0, HAK_COUNTERS_BYTES);
        pthread_barrier_init(&together, NULL, THREADS);
        for (size_t i = 0; i < THREADS; i++)
            pthread_create(&thread[i], NULL, count_first, (void *)(i % 2 * 40));
        for (int i = 0; i < THREADS; i++)
            pthread_join(thread[i], NULL);
        static struct hak_counters_sum sum;
        sum = (struct hak_counters_sum){0};
        hak_counters_add_up(&sum, hak_counters_at(memory->blocks, 0));
        for (unsigned m = 0; m < HAK_METRICS; m++)
            ck_assert_uint_eq(sum.cells[3][m], THREADS);
    }
}

/* A thread that allocates and frees, refills and spills, touches three pages of its block. */
TEST(few_pages_are_touched) {
    static const unsigned moves[] = {HAK_FRONT_REFILL, HAK_FRONT_SPILL,  HAK_DRAIN_FRONT,
                                     HAK_DRAIN_SLAB,   HAK_SLAB_ACQUIRE, HAK_SLAB_RELEASE};
    unsigned char in_core[(HAK_COUNTERS_BYTES >> 12) + 1] = {0};
    begin(BLOCKS);
    for (unsigned k = 0; k < HAK_CLASSES; k++) {
        for (unsigned i = 0; i < sizeof moves / sizeof moves[0]; i++) {
            count(moves[i], k, HAK_PLACE_FRONT);
            count(HAK_MALLOC, k, HAK_PLACE_FRONT);
        }
        count(HAK_FREE, k, HAK_PLACE_FRONT);
    }
    void *block = hak_counter.counters;
    ck_assert_int_eq(mincore(block, HAK_COUNTERS_BYTES, in_core), 0);
    unsigned touched = 0;
    for (unsigned i = 0; i < HAK_COUNTERS_BYTES >> 12; i++)
        touched += in_core[i] & 1;
    ck_assert_uint_le(touched, 3);
}

TEST(loses_nothing_when_there_is_no_block) {
    begin(0);
    run_threads(THREADS, 1000);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 7), THREADS * 1000);
}

TEST(keeps_its_hands_off_other_processes) {
    atomic_store(&memory->owners[0], hak_counters_owner(HAK_COUNTERS_IDLE, PROCESS + 1));
    atomic_store(&memory->owners[1], hak_counters_owner(HAK_COUNTERS_OWNED, PROCESS + 1));
    *hak_counters_cell(hak_counters_at(memory->blocks, 0), HAK_METRIC_SERVED_FRONT, 7) = 99;
    begin(BLOCKS);
    run_threads(2, 10);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 7), 20);
    ck_assert_uint_eq(
        *hak_counters_cell(hak_counters_at(memory->blocks, 0), HAK_METRIC_SERVED_FRONT, 7), 99);
}

/* Counts from before the session: page calls are told with it, calls are not, as in the log. */
TEST(keeps_what_came_before) {
    hak_count_amount(HAK_COUNTED_PAGES_MAP, HAK_CLASS_NONE, 4096);
    count(HAK_MALLOC, 3, HAK_PLACE_FRONT);
    begin(BLOCKS);
    ck_assert_uint_eq(sum_of(HAK_METRIC_PAGES_MAP_TIMES, HAK_CLASS_NONE), 1);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 3), 0);
    ck_assert_int_eq(hak_counters_dropped, 1);
}

TEST(keeps_all_of_it_in_private_memory) {
    count(HAK_MALLOC, 7, HAK_PLACE_FRONT);
    hak_counters_begin_private();
    run_threads(THREADS, 100);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 7), THREADS * 100 + 1);
}

static int child_sum(uint32_t process) {
    pid_t child = fork();
    if (child == 0) {
        hak_counters_enter_child(process);
        count(HAK_MALLOC, 7, HAK_PLACE_FRONT);
        _exit((int)sum_of(HAK_METRIC_SERVED_FRONT, 7));
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

TEST(begins_anew_in_a_child) {
    begin(BLOCKS);
    run_threads(1, 10);
    count(HAK_MALLOC, 7, HAK_PLACE_FRONT);
    ck_assert_int_eq(child_sum(PROCESS + 1), 1);
    ck_assert_int_eq(child_sum(HAK_COUNTERS_NO_PROCESS), 0);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 7), 11);
}

TEST(begins_anew_in_a_child_in_private_memory) {
    hak_counters_begin_private();
    run_threads(1, 10);
    count(HAK_MALLOC, 7, HAK_PLACE_FRONT);
    ck_assert_int_eq(child_sum(HAK_COUNTERS_NO_PROCESS), 1);
    ck_assert_uint_eq(sum_of(HAK_METRIC_SERVED_FRONT, 7), 11);
}

static volatile uint64_t in_handler;

static void handle(int signal_number) {
    (void)signal_number;
    count(HAK_MALLOC, 7, HAK_PLACE_FRONT);
    count(HAK_FRONT_SPILL, 7, HAK_PLACE_SLAB);
    in_handler++;
}

TEST(counts_in_signal_handlers) {
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    uint64_t calls = 0;
    begin(BLOCKS);
    signal(SIGALRM, handle);
    setitimer(ITIMER_REAL, &often, NULL);
    for (; in_handler < 300; calls++) {
        count(HAK_FRONT_REFILL, 7, HAK_PLACE_FRONT);
        count(HAK_MALLOC, 7, HAK_PLACE_FRONT);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    uint64_t served = 0;
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++)
        served += sum_of(HAK_METRIC_SERVED_FIRST + layer, 7);
    ck_assert_uint_eq(served, calls + in_handler);
    ck_assert_uint_eq(sum_of(HAK_METRIC_FRONT_REFILL_BLOCKS, 7), calls);
    ck_assert_uint_eq(sum_of(HAK_METRIC_FRONT_SPILL_BLOCKS, 7), in_handler);
}

RUN_TESTS(.set_up = set_up)

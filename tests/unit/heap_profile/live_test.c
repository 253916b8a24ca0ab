/* Samples of the heap profile: their sums are unbiased, a block that goes is taken out again, also
 * in the child of a fork, and what has no room is counted. */
#include "heap_profile/heap_profile.h"
#include <math.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include "unit/suite.h"

enum { RATE = 512 << 10, ONE = 1 << HAK_HEAP_PROFILE_FRACTION_BITS, LOOK_BYTES = 2048 };

static void begin(void) {
    hak_heap_profile_start(RATE);
}

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state ^ *state >> 29) * 0x9e3779b97f4a7c15u;
}

static uint32_t come(size_t bytes, size_t extra_bytes, double weight, uintptr_t address) {
    struct hak_heap_sample sample = {bytes, extra_bytes, weight};
    return hak_heap_profile_came(&sample, &address, 1, 1000);
}

static const struct hak_heap_profile_site *site_at(uintptr_t address) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    for (uint32_t i = 1; i < table->site_count; i++)
        if (table->nodes[table->sites[i].node].address == address)
            return &table->sites[i];
    return NULL;
}

/* ---- estimates ------------------------------------------------------------------------------- */

static const size_t sizes[] = {16, 200, 3000, 20000, 1000000};
enum { SIZES = sizeof sizes / sizeof *sizes, RUNS = 1000, CALLS = 2000 };

/* A thread's counters, as level light has them. */
struct thread {
    uint64_t random;
    uint64_t until_look, gap, rate;
    int64_t until_point;
};

static void draw_point(struct thread *thread) {
    thread->until_point = hak_heap_profile_next_point(next_random(&thread->random), &thread->rate);
}

static void draw_look(struct thread *thread) {
    thread->gap = hak_heap_profile_gap();
    thread->until_look = hak_chance_gap(thread->gap, UINT16_MAX, next_random(&thread->random));
}

static void start_thread(struct thread *thread, uint64_t seed) {
    thread->random = seed;
    draw_look(thread);
    draw_point(thread);
}

/* The weight of the thread's next block. */
static double weigh(struct thread *thread, size_t bytes) {
    double weight = 0;
    if (--thread->until_look == 0) {
        if (!hak_heap_profile_has_rate(thread->rate))
            draw_point(thread);
        if (bytes <= LOOK_BYTES)
            weight = hak_heap_profile_weigh_look(bytes, thread->gap, next_random(&thread->random));
        draw_look(thread);
    }
    if (bytes > LOOK_BYTES && (thread->until_point -= (int64_t)bytes) < 0) {
        weight = hak_heap_profile_weigh_point(bytes, thread->rate);
        draw_point(thread);
    }
    return weight;
}

static size_t next_size(uint64_t *random) {
    uint64_t number = next_random(random) % 1000;
    return sizes[number < 500 ? 0 : number < 850 ? 1 : number < 950 ? 2 : number < 990 ? 3 : 4];
}

/* The bytes and blocks of each size that a run allocates, less what is estimated, in sums over all
 * runs. */
struct errors {
    double sum, square;
};

static void add_error(struct errors *errors, double error) {
    errors->sum += error;
    errors->square += error * error;
}

static void assert_unbiased(const struct errors *errors, size_t bytes) {
    double mean = errors->sum / RUNS;
    double standard_error = sqrt((errors->square / RUNS - mean * mean) / RUNS);
    ck_assert_msg(fabs(mean) <= 3 * standard_error, "%zu bytes: %g, standard error %g", bytes, mean,
                  standard_error);
}

/* Runs of one thread; `other_rate` is the rate from the middle of each on. */
static void check_estimates(uint64_t other_rate) {
    struct errors of_bytes[SIZES] = {0}, of_blocks[SIZES] = {0};
    uint64_t seed = 20261127;
    for (int run = 0; run < RUNS; run++) {
        struct thread thread;
        double bytes[SIZES] = {0}, blocks[SIZES] = {0};
        uint64_t before_bytes[SIZES] = {0}, before_blocks[SIZES] = {0};
        for (int i = 0; i < SIZES; i++)
            if (run > 0 && site_at(i + 1)) {
                before_bytes[i] = site_at(i + 1)->came_bytes;
                before_blocks[i] = site_at(i + 1)->came_blocks;
            }
        hak_heap_profile_start(RATE);
        start_thread(&thread, next_random(&seed));
        for (int call = 0; call < CALLS; call++) {
            if (call == CALLS / 2)
                hak_heap_profile_start(other_rate);
            size_t size = next_size(&seed);
            double weight = weigh(&thread, size);
            for (int i = 0; i < SIZES; i++)
                if (sizes[i] == size) {
                    bytes[i] += (double)size;
                    blocks[i]++;
                    if (weight != 0)
                        hak_heap_profile_went(come(size, 0, weight, i + 1), 2000);
                }
        }
        for (int i = 0; i < SIZES; i++) {
            const struct hak_heap_profile_site *site = site_at(i + 1);
            double came_bytes = site ? (double)(site->came_bytes - before_bytes[i]) : 0;
            double came_blocks = site ? (double)(site->came_blocks - before_blocks[i]) / ONE : 0;
            add_error(&of_bytes[i], came_bytes - bytes[i]);
            add_error(&of_blocks[i], came_blocks - blocks[i]);
        }
    }
    for (int i = 0; i < SIZES; i++) {
        assert_unbiased(&of_bytes[i], sizes[i]);
        assert_unbiased(&of_blocks[i], sizes[i]);
    }
}

TEST(estimates_are_unbiased) {
    check_estimates(RATE);
}

TEST(estimates_are_unbiased_when_the_rate_changes) {
    check_estimates(RATE / 16);
}

TEST(estimates_are_unbiased_when_fewer_blocks_are_sampled) {
    check_estimates(RATE * 4);
}

TEST(a_block_stands_for_as_many_as_its_chance_says) {
    ck_assert_uint_eq(hak_heap_profile_gap(), 256);
    ck_assert_double_eq(hak_heap_profile_weigh_look(64, 256, 0), RATE / 64.0);
    ck_assert_double_eq(hak_heap_profile_weigh_look(64, 256, UINT64_MAX), 0);
    ck_assert_double_eq(hak_heap_profile_weigh_look(2048, 256, UINT64_MAX), 256);
    ck_assert_double_eq(hak_heap_profile_weigh_look(2048, 512, UINT64_MAX), 512);
    ck_assert_double_eq(hak_heap_profile_weigh_look(0, 256, 0), RATE);
    ck_assert_double_eq_tol(hak_heap_profile_weigh_point(RATE, RATE), 1 / (1 - exp(-1)), 1e-9);
    ck_assert_double_eq(hak_heap_profile_weigh_point((size_t)1 << 40, RATE), 1);
}

TEST(a_small_rate_has_more_looks) {
    hak_heap_profile_start(64 << 10);
    ck_assert_uint_eq(hak_heap_profile_gap(), 32);
    ck_assert_double_eq(hak_heap_profile_weigh_look(2048, 32, UINT64_MAX), 32);
    hak_heap_profile_start(1);
    ck_assert_uint_eq(hak_heap_profile_gap(), 1);
    ck_assert_double_eq(hak_heap_profile_weigh_look(16, 1, UINT64_MAX), 1);
}

TEST(there_is_no_profile_where_that_is_off) {
    hak_heap_profile_start(0);
    ck_assert_ptr_null(hak_heap_profile_table());
    ck_assert_uint_eq(hak_heap_profile_gap(), 0);
    ck_assert_double_eq(hak_heap_profile_weigh_look(16, 256, 0), 0);
    uint64_t rate = 1;
    ck_assert_int_eq(hak_heap_profile_next_point(0, &rate), INT64_MAX);
    ck_assert_uint_eq(rate, 0);
}

/* ---- lives ----------------------------------------------------------------------------------- */

TEST(a_block_comes_and_goes) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    ck_assert_uint_eq(table->site_count, 0);
    ck_assert_ptr_null(table->sites);
    uint32_t number = come(100, 0, 5.5, 77);
    ck_assert_uint_ne(number, 0);
    ck_assert_uint_eq(hak_heap_profile_bytes_of(number), 100);
    ck_assert_uint_eq(table->start_ns, 1000);
    ck_assert_uint_eq(table->site_count, 2);
    const struct hak_heap_profile_site *site = site_at(77);
    ck_assert_uint_eq(site->came_samples, 1);
    ck_assert_uint_eq(site->came_bytes, 550);
    ck_assert_uint_eq(site->came_blocks, 11 * ONE / 2);
    ck_assert_uint_eq(site->went_samples, 0);
    hak_heap_profile_went(number, 5000);
    ck_assert_uint_eq(site->went_samples, 1);
    ck_assert_uint_eq(site->went_bytes, 550);
    ck_assert_uint_eq(site->went_blocks, 11 * ONE / 2);
    ck_assert_uint_eq(site->lived_us, 22);
    ck_assert_uint_eq(come(100, 0, 5.5, 77), number); /* the number serves again */
}

enum { THREADS = 3, TURNS = 20000, AT_ONCE = 8 };

/* Blocks come here and go in another thread. */
static _Atomic uint32_t exchanged[AT_ONCE];

static void *exchange(void *seed) {
    uint64_t random = (uint64_t)(uintptr_t)seed;
    for (int i = 0; i < TURNS; i++) {
        uint32_t number = come(i % 100, 0, 2, 1 + next_random(&random) % 50);
        number = atomic_exchange(&exchanged[next_random(&random) % AT_ONCE], number);
        if (number)
            hak_heap_profile_went(number, 2000);
    }
    return NULL;
}

TEST(threads_free_blocks_of_each_other) {
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, exchange, (void *)(uintptr_t)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    for (int i = 0; i < AT_ONCE; i++)
        if (exchanged[i])
            hak_heap_profile_went(exchanged[i], 2000);
    const struct hak_heap_profile *table = hak_heap_profile_table();
    uint64_t came = 0;
    for (uint32_t i = 0; i < table->site_count; i++) {
        const struct hak_heap_profile_site *site = &table->sites[i];
        came += site->came_samples;
        ck_assert_uint_eq(site->came_samples, site->went_samples);
        ck_assert_uint_eq(site->came_bytes, site->went_bytes);
        ck_assert_uint_eq(site->came_blocks, site->went_blocks);
    }
    /* While one makes the memory, samples of the others may be missing. */
    ck_assert_uint_eq(came + table->unsampled, THREADS * TURNS);
    ck_assert_uint_le(table->site_count, 51); /* a stack has one site, whoever came first */
    /* No number is anybody's twice. */
    uint32_t seen[4 * AT_ONCE];
    for (int i = 0; i < 4 * AT_ONCE; i++) {
        seen[i] = come(1, 0, 1, 1);
        for (int j = 0; j < i; j++)
            ck_assert_uint_ne(seen[i], seen[j]);
    }
}

TEST(a_child_has_its_own_copy) {
    uint32_t number = come(100, 0, 1, 77);
    pid_t child = fork();
    if (child == 0) {
        hak_heap_profile_after_fork();
        hak_heap_profile_went(number, 2000);
        (void)come(100, 0, 1, 78);
        _exit(site_at(77)->went_samples == 1 && site_at(78) ? 0 : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_uint_eq(site_at(77)->went_samples, 0);
    ck_assert_ptr_null(site_at(78));
}

/* As mlockall does in one thread, while others allocate. */
static _Atomic bool is_over;
static void *empty(void *unused) {
    (void)unused;
    while (!is_over)
        hak_heap_profile_empty();
    return NULL;
}

TEST(blocks_that_come_while_unused_pages_go_back) {
    enum { BLOCKS = 200000 };
    static uint32_t number[BLOCKS];
    pthread_t thread;
    (void)come(100, 0, 1, 77);
    const struct hak_heap_profile_site *site = site_at(77);
    ck_assert_int_eq(pthread_create(&thread, NULL, empty, NULL), 0);
    for (int i = 0; i < BLOCKS; i++)
        number[i] = come(100, 0, 2, 77);
    is_over = true;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    uint64_t samples = site->came_samples - 1;
    ck_assert_uint_eq(samples + hak_heap_profile_table()->unsampled, BLOCKS);
    for (int i = 0; i < BLOCKS; i++)
        if (number[i])
            hak_heap_profile_went(number[i], 2000);
    ck_assert_uint_eq(site->went_samples, samples);
    ck_assert_uint_eq(site->went_bytes, samples * 200);
    ck_assert_uint_ne(come(100, 0, 1, 77), 0);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

TEST(pages_of_samples_are_bounded_by_what_lives) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    enum { PAGE = 4096, ALWAYS = 1 << 20 };
    struct hak_heap_sample sample = {16, PAGE, RATE / 16.0};
    uint32_t last = 0;
    for (int i = 0; i < ALWAYS / PAGE; i++) {
        ck_assert(hak_heap_profile_has_room(&sample));
        last = come(16, PAGE, 1, 5);
    }
    ck_assert(!hak_heap_profile_has_room(&sample));
    ck_assert_uint_eq(table->unsampled, 1);
    ck_assert_uint_eq(table->unsampled_bytes, RATE);
    hak_heap_profile_went(last, 2000);
    ck_assert(hak_heap_profile_has_room(&sample));
    (void)come(16, PAGE, 1, 5);
    (void)come(64 * PAGE, 0, 1, 6); /* a 64th of the live bytes more */
    ck_assert(hak_heap_profile_has_room(&sample));
}

static void limit_addresses(rlim_t bytes) {
    struct rlimit limit = {bytes, bytes};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

TEST(a_limited_address_space_has_fewer_samples) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    limit_addresses((rlim_t)1 << 30);
    ck_assert_uint_ne(come(100, 0, 1, 77), 0);
    uint32_t live = 1;
    while (come(100, 0, 1, 77))
        live++;
    ck_assert_uint_eq(live, 4095);
    ck_assert_uint_eq(table->unsampled, 1);
    ck_assert_uint_eq(table->unsampled_bytes, 100);
}

TEST(without_memory_samples_are_counted) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    limit_addresses(1);
    ck_assert_uint_eq(come(100, 0, 3, 77), 0);
    ck_assert_uint_eq(table->unsampled, 1);
    ck_assert_uint_eq(table->unsampled_bytes, 300);
    ck_assert_uint_eq(table->site_count, 0);
}

RUN_TESTS(.set_up = begin, .seconds = 120)

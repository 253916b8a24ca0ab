/* Measures the worker's time for a record, stage by stage, on one core.
 *
 *   drain [rings [million events [records in a turn [store]]]]
 *
 * Fills the rings of a real session memory as a program's threads would: blocks of a few hundred
 * sites and 24 sizes out of slabs, taken last in first out, freed young mostly, some of them by
 * another thread, with moves between layers beside. Whenever some 64 Ki records are there the
 * worker's own code takes, orders, codes and commits them. `records in a turn`: how many a thread
 * writes before another one does. Only the worker's code is timed, by the thread's CPU clock. */
#include <stdint.h>
#define FAKE_BYTES ((uint64_t)256 << 20)
#define FAKE_NODES 65536
#define FAKE_IN_BENCH
#include "../unit/collector/fake_program.h"
#include "collector/worker/worker.h"
#include "store/codec/chunk.h"

#include <sys/resource.h>

#define RINGS_MAX    64
#define RING_RECORDS 131072 /* 4 MiB */
#define CLASSES      24
#define SITES        400
#define LIVE_MAX     4096 /* blocks that a thread holds */
#define FILL         60000

struct slot {
    uint64_t base;
    uint32_t generation, size;
    uint16_t site;
    uint8_t class_index;
};

struct thread {
    struct slot live[LIVE_MAX]; /* in the order of birth */
    uint32_t live_count;
    struct slot *idle[CLASSES]; /* last in first out */
    uint32_t idle_count[CLASSES], idle_room[CLASSES];
    uint64_t next_slab;
};

static struct fake_program program;
static struct hak_worker worker;
static struct thread threads[RINGS_MAX];
static uint64_t wanted = 16000000, written, seed = 88172645463325252ull;
static uint32_t rings = 1, turn = 40, stack_of[2 * SITES];

static uint64_t draw(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}
/* Small numbers far more often than great ones. */
static uint32_t draw_skewed(uint32_t below) {
    uint64_t a = draw() % below, b = draw() % below, c = draw() % below;
    return (uint32_t)(a * b / below * c / below);
}

static uint32_t class_bytes(uint32_t class_index) {
    return 16 + 16 * class_index;
}

static void put(uint32_t ring, uint8_t kind, const struct slot *s, uint32_t stack, uint8_t place) {
    fake_put(&program, ring,
             (struct hak_event_fields){.kind = kind,
                                       .address = s->base,
                                       .size = kind < 5 ? s->size : 0,
                                       .stack = stack,
                                       .record_count = s->generation,
                                       .epoch = 1,
                                       .class_index = s->class_index,
                                       .place = place,
                                       .subkind = kind < 5 ? 1 : 0});
    written++;
}

static void push_idle(struct thread *t, struct slot s) {
    uint32_t c = s.class_index;
    if (t->idle_count[c] == t->idle_room[c]) {
        t->idle_room[c] = t->idle_room[c] ? 2 * t->idle_room[c] : 64;
        t->idle[c] = realloc(t->idle[c], t->idle_room[c] * sizeof s);
        ck_assert_ptr_nonnull(t->idle[c]);
    }
    t->idle[c][t->idle_count[c]++] = s;
}

/* A batch of moves: a slab's blocks come to the thread's front. */
static void refill(uint32_t ring, uint32_t c, uint32_t stack) {
    struct thread *t = &threads[ring];
    for (int i = 15; i >= 0; i--) {
        struct slot s = {.base = t->next_slab + (uint64_t)i * class_bytes(c),
                         .generation = 1,
                         .class_index = (uint8_t)c};
        put(ring, HAK_FRONT_REFILL, &s, stack, HAK_PLACE_FRONT);
        push_idle(t, s);
    }
    t->next_slab += (uint64_t)16 * class_bytes(c);
}

static void take(uint32_t ring) {
    struct thread *t = &threads[ring];
    uint32_t site = draw_skewed(SITES), c = site * 7 % CLASSES;
    if (!t->idle_count[c])
        refill(ring, c, stack_of[site]);
    struct slot s = t->idle[c][--t->idle_count[c]];
    s.site = (uint16_t)site;
    s.size = class_bytes(c) - (site & 8 ? (uint32_t)draw() % 16 : site % 16);
    s.generation++;
    put(ring, HAK_MALLOC, &s, stack_of[site], HAK_PLACE_FRONT);
    t->live[t->live_count++] = s;
}

static void give(uint32_t ring) {
    struct thread *t = &threads[ring];
    uint32_t young = draw() % 8 ? draw_skewed(t->live_count < 64 ? t->live_count : 64)
                                : (uint32_t)(draw() % t->live_count);
    uint32_t at = t->live_count - 1 - young;
    struct slot s = t->live[at];
    memmove(&t->live[at], &t->live[at + 1], (t->live_count - 1 - at) * sizeof s);
    t->live_count--;
    s.generation++;
    uint32_t by = rings > 1 && draw() % 20 == 0 ? (ring + 1) % rings : ring;
    put(by, HAK_FREE, &s, stack_of[SITES + s.site], HAK_PLACE_FRONT);
    push_idle(&threads[by], s);
}

static void fill(void) {
    for (uint64_t until = written + FILL; written < until;) {
        uint32_t ring = (uint32_t)(draw() % rings);
        for (uint32_t i = 0; i < turn; i++) {
            uint32_t live = threads[ring].live_count;
            if (live == 0 || (live < LIVE_MAX && draw() % 2))
                take(ring);
            else
                give(ring);
        }
    }
    fake_let_pass();
}

static void make_stacks(void) {
    for (uint32_t i = 0; i < 2 * SITES; i++) {
        uint32_t node = 0, shared = i % 20;
        for (uint32_t depth = 0; depth < 12; depth++)
            node = fake_push_node(
                &program, node, 0x400000 + (depth < 6 ? shared * 64 + depth : i * 64 + depth) * 16,
                0, 0);
        stack_of[i] = node;
    }
}

static void make_program(const char *store) {
    program.memfd = -1;
    fake_directory(&program);
    fake_begin(&program, "drain.db");
    if (store)
        snprintf(program.session->store_path, sizeof program.session->store_path, "%s", store);
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    for (uint32_t i = 0; i < rings; i++) {
        fake_claim_ring(&program, i, 0, i + 1, RING_RECORDS);
        uint32_t extents = RING_RECORDS * HAK_RECORD_BYTES / HAK_EXTENT_BYTES;
        ck_assert_uint_le((i + 1) * extents, program.session->extent_count);
        fake_ring(&program, i)->first_extent = i * extents;
        fake_ring(&program, i)->extents = extents;
        fake_ring(&program, i)->offset =
            program.session->extent_offset + (uint64_t)i * extents * HAK_EXTENT_BYTES;
        threads[i].next_slab = 0x7f0000000000 + ((uint64_t)i << 32);
    }
    make_stacks();
}

static uint64_t cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum stage { TAKE, ORDER, CODE, WHOLE, STAGES };
static uint64_t spent[STAGES];

/* The parts of a commit by themselves, on what the rings hold; then everything is put back. */
static void measure_parts(struct hak_buffer *blob) {
    struct hak_ring_cursor *before = malloc(rings * sizeof *before);
    struct hak_client *c = worker.clients[0];
    ck_assert_ptr_nonnull(before);
    memcpy(before, c->rings, rings * sizeof *before);
    hak_batch_clear(&worker.batch);
    uint64_t start = cpu_ns();
    hak_cut_fill(&worker.cut, worker.clients, 1, &worker.drain, -1, worker.capture.start_ns,
                 hak_cut_now());
    uint64_t taken = cpu_ns();
    hak_batch_order(&worker.batch, 1);
    uint64_t ordered = cpu_ns();
    blob->size = 0;
    ck_assert(hak_chunk_encode(&worker.batch.columns, 1, blob));
    spent[TAKE] += taken - start;
    spent[ORDER] += ordered - taken;
    spent[CODE] += cpu_ns() - ordered;
    memcpy(c->rings, before, rings * sizeof *before);
    free(before);
}

int main(int count, char **argument) {
    rings = count > 1 ? (uint32_t)atoi(argument[1]) : 1;
    wanted = count > 2 ? (uint64_t)(atof(argument[2]) * 1e6) : 16000000;
    turn = count > 3 ? (uint32_t)atoi(argument[3]) : 40;
    struct hak_buffer blob = {0};
    if (rings < 1 || rings > RINGS_MAX)
        return 2;
    make_program(count > 4 ? argument[4] : NULL);
    ck_assert(hak_worker_make(&worker));
    struct hak_hello hello = fake_hello(&program);
    const char *why = hak_worker_add(&worker, 1, &hello, getpid(), dup(program.memfd));
    if (why) {
        fprintf(stderr, "drain: %s\n", why);
        return 2;
    }
    while (written < wanted) {
        fill();
        measure_parts(&blob);
        uint64_t start = cpu_ns();
        while (hak_worker_commit(&worker))
            continue;
        spent[WHOLE] += cpu_ns() - start;
    }
    double n = (double)written;
    uint64_t parts = spent[TAKE] + spent[ORDER] + spent[CODE];
    printf("%u rings, turns of %u: drain and merge %.1f, order %.1f, columns and codec %.1f, "
           "rows and SQLite %.1f; whole %.1f ns a record\n",
           rings, turn, (double)spent[TAKE] / n, (double)spent[ORDER] / n, (double)spent[CODE] / n,
           ((double)spent[WHOLE] - (double)parts) / n, (double)spent[WHOLE] / n);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%llu of %llu records stored, peak %ld KiB with the program's memory\n",
           (unsigned long long)hak_store_last_event(worker.capture.writer),
           (unsigned long long)written, usage.ru_maxrss);
    fake_clean(&program);
    return 0;
}

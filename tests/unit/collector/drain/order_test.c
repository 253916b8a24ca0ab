/* The order in which a block's records come to the store, whatever moment the collector looks at:
 * short programs of two threads, a signal handler and a fork are written into rings step by step,
 * and each is read with every moment of a cut between its steps.
 *
 *   steps      write a1, publish a1, (b is handed over) write b1, publish b1, ...
 *   a cut      T between any two steps, or within the margin of any record;
 *              each ring's head after T, as it was after any step from then on
 *   then       a second cut at any later step, and one behind all
 *
 * Times of a record may be behind the moment when it was written, as far as processors disagree. */
#include <sys/wait.h>
#include "collector/drain/cut.h"
#include "collector/worker/worker.h"
#include "../fake_worker.h"
#include "../../suite.h"

enum { A, B, SHARED, A2, CHILD, RINGS }; /* rings; thread A has two, SHARED is of A's handlers */
enum { STEPS_MAX = 24, RECORDS_MAX = 24, RING_RECORDS = 4096 };
enum { FAR = 100000, NEAR = 100, SKEW = 3000 }; /* ticks */

/* Writes a record of `block` (record `n` of it), or publishes what the ring has. */
struct step {
    uint8_t ring, kind, n, block;
    uint8_t is_near; /* to the step before */
    uint8_t skews;   /* its time may be behind */
};
/* clang-format off */
#define WRITE(ring, kind, n, block)  {ring, HAK_##kind, n, block, 0, 0}
#define NEXT(ring, kind, n, block)   {ring, HAK_##kind, n, block, 1, 0}
#define SKEWED(ring, kind, n, block) {ring, HAK_##kind, n, block, 1, 1}
#define PUBLISH(ring)                {ring, 0, 0, 0, 1, 0}
/* clang-format on */

static pid_t child;
static uint64_t now_ticks; /* of the session: where the next run begins */
static uint32_t n_before;  /* records that each block has had before a run; n wraps at 2^32 */

static void set_up(void) {
    n_before = 0;
    begin_worker();
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    fake_claim_process(&program, 1, child, 0, 1);
    fake_claim_ring(&program, A, 0, 1, RING_RECORDS);
    fake_claim_ring(&program, B, 0, 2, RING_RECORDS);
    fake_claim_ring(&program, SHARED, 0, 3, RING_RECORDS);
    fake_claim_ring(&program, A2, 0, 1, RING_RECORDS);
    fake_claim_ring(&program, CHILD, 1, 1, RING_RECORDS);
    add_program(1);
    now_ticks = fake_ticks(&program) + ((uint64_t)1 << 32);
}

static void tear_down(void) {
    end_child(child);
    fake_clean(&program);
}

/* ---- a run -------------------------------------------------------------------------------------
 */

struct run {
    const struct step *step;
    int steps;
    uint64_t at[STEPS_MAX];              /* when each step is done */
    uint64_t time[STEPS_MAX];            /* of its record */
    uint64_t head[STEPS_MAX + 1][RINGS]; /* of each ring before each step */
    uint64_t base;                       /* of block 0 */
};

/* The output: moves, in the order of their ids. */
struct move {
    uint64_t process, base, n;
};
static struct move told[2 * RECORDS_MAX];
static int told_count, disordered;
static bool fork_is_told, child_is_before_fork;

static void put(struct run *run, int i, uint64_t *written) {
    const struct step *s = &run->step[i];
    if (s->ring == SHARED) {
        struct hak_event_fields of = {.time = run->time[i],
                                      .kind = HAK_THREAD_SWITCH,
                                      .class_index = HAK_CLASS_NONE,
                                      .address = 1001,
                                      .size = 1};
        *fake_slot(&program, s->ring, written[s->ring]++) = hak_record_pack(&of);
    }
    struct hak_event_fields fields = {.time = run->time[i],
                                      .kind = s->kind,
                                      .address = run->base + 48 * (uint64_t)s->block,
                                      .size = 24,
                                      .record_count = n_before + s->n,
                                      .epoch = 1,
                                      .class_index = 3,
                                      .place = HAK_PLACE_FRONT};
    if (s->kind == HAK_FORK)
        fields = (struct hak_event_fields){
            .time = run->time[i], .kind = HAK_FORK, .class_index = HAK_CLASS_NONE, .size = 1};
    *fake_slot(&program, s->ring, written[s->ring]++) = hak_record_pack(&fields);
}

/* Puts all records into their rings, and notes what the heads are after each step. `skewed`: bit i
 * is for the i-th step that may skew. */
static void write_run(struct run *run, unsigned skewed) {
    uint64_t head[RINGS], written[RINGS], last[RINGS] = {0}, at = now_ticks;
    for (int ring = 0; ring < RINGS; ring++)
        head[ring] = written[ring] = atomic_load(&fake_ring(&program, (uint32_t)ring)->head);
    for (int i = 0; i < run->steps; i++) {
        const struct step *s = &run->step[i];
        memcpy(run->head[i], head, sizeof head);
        at += s->is_near ? NEAR : FAR;
        run->at[i] = run->time[i] = at;
        if (s->kind == 0) {
            head[s->ring] = written[s->ring];
            continue;
        }
        if (s->skews && (skewed & 1) && at - SKEW > last[s->ring])
            run->time[i] = at - SKEW;
        if (s->skews)
            skewed >>= 1;
        last[s->ring] = run->time[i];
        put(run, i, written);
    }
    memcpy(run->head[run->steps], head, sizeof head);
    now_ticks = at + 10 * FAR;
}

static void note(void) {
    const struct hak_batch *b = &worker.batch;
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t kind = b->columns.value[HAK_COLUMN_SHAPE][i] & 0xff;
        uint64_t process = b->columns.value[HAK_COLUMN_ACTOR][i] >> 32;
        fork_is_told |= kind == HAK_FORK;
        if (kind == 0 || kind >= HAK_MOVES_END)
            continue;
        ck_assert_int_lt(told_count, 2 * RECORDS_MAX);
        told[told_count].process = process;
        told[told_count].base = b->columns.value[HAK_COLUMN_BASE][i];
        told[told_count].n = (uint32_t)b->columns.value[HAK_COLUMN_GENERATION][i] - n_before;
        child_is_before_fork |= process == 2 && !fork_is_told;
        for (int k = 0; k < told_count; k++)
            disordered += told[k].process == process && told[k].base == told[told_count].base &&
                          told[k].n > told[told_count].n;
        told_count++;
    }
}

/* A cut at `ticks`; ring i's head is as before step heads[i]. */
static void cut(const struct run *run, uint64_t ticks, const int *heads) {
    for (int ring = 0; ring < RINGS; ring++)
        atomic_store(&fake_ring(&program, (uint32_t)ring)->head, run->head[heads[ring]][ring]);
    struct hak_cut_moment moment = {program.session->tsc_start + ticks,
                                    worker.capture.start_ns + ticks / 3};
    hak_batch_clear(&worker.batch);
    hak_cut_fill(&worker.cut, worker.clients, worker.client_count, &worker.drain, worker.bell.epoll,
                 worker.capture.start_ns, moment);
    hak_batch_order(&worker.batch, 1);
    note();
    hak_drain_forget_pending(&worker.drain);
    hak_cut_stored(&worker.cut, worker.clients, worker.client_count);
}

/* The first step that is not done at `ticks`. */
static int step_at(const struct run *run, uint64_t ticks) {
    int i = 0;
    while (i < run->steps && run->at[i] <= ticks)
        i++;
    return i;
}

static void cut_all(const struct run *run, uint64_t ticks, int step) {
    int heads[RINGS];
    for (int ring = 0; ring < RINGS; ring++)
        heads[ring] = step;
    cut(run, ticks, heads);
}

/* Cuts at all moments; which one is `choice`, a number in mixed base. False: there are no more. */
static bool cut_by(struct run *run, uint64_t choice, const int *rings, int ring_count) {
    int edge = (int)(choice % (uint64_t)(3 * run->steps)), heads[RINGS] = {0};
    choice /= (uint64_t)(3 * run->steps);
    uint64_t line = (edge % 3 == 1 ? run->at : run->time)[edge / 3];
    uint64_t ticks = line + (edge % 3 == 2 ? 0 : HAK_CUT_MARGIN_TICKS);
    int from = step_at(run, ticks), latest = from;
    for (int ring = 0; ring < RINGS; ring++)
        heads[ring] = from;
    for (int i = 0; i < ring_count; i++) {
        heads[rings[i]] += (int)(choice % (uint64_t)(run->steps + 1));
        choice /= (uint64_t)(run->steps + 1);
        if (heads[rings[i]] > run->steps)
            return true; /* the same as another choice */
        latest = heads[rings[i]] > latest ? heads[rings[i]] : latest;
    }
    int second = latest + (int)(choice % 2) * (run->steps - latest) / 2;
    choice /= 2;
    cut(run, ticks, heads);
    if (second > 0 && run->at[second - 1] + 1 > ticks)
        cut_all(run, run->at[second - 1] + 1, second);
    cut_all(run, now_ticks, run->steps);
    return choice == 0;
}

/* Every moment of the program `step`; how many runs gave a wrong order. */
static int try_all(const struct step *step, int steps, int skews, const int *rings,
                   int ring_count) {
    static struct run run;
    int wrong = 0, moves = 0;
    run = (struct run){.step = step, .steps = steps, .base = FAKE_BLOCK};
    for (int i = 0; i < steps; i++)
        moves += step[i].kind != 0 && step[i].kind < HAK_MOVES_END;
    for (unsigned skewed = 0; skewed < 1u << skews; skewed++) {
        bool is_more = true;
        for (uint64_t choice = 0; is_more; choice++) {
            told_count = disordered = 0;
            fork_is_told = child_is_before_fork = false;
            run.base += 0x1000;
            write_run(&run, skewed);
            is_more = cut_by(&run, choice, rings, ring_count);
            cut_all(&run, now_ticks + FAR, steps);
            now_ticks += 2 * FAR;
            ck_assert_int_eq(told_count, moves);
            wrong += disordered > 0 || child_is_before_fork;
        }
    }
    return wrong;
}
#define TRY(step, skews, ...)                                                                      \
    try_all(step, sizeof(step) / sizeof *(step), skews, (const int[]){__VA_ARGS__},                \
            sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* ---- the programs ------------------------------------------------------------------------------
 */

/* A block goes from A to B, back in a chunk, and to B again. */
static const struct step handed_over[] = {
    WRITE(A, MALLOC, 1, 0),       PUBLISH(A), SKEWED(B, FREE, 2, 0), PUBLISH(B),
    SKEWED(A, DRAIN_FRONT, 3, 0), PUBLISH(A), NEXT(A, MALLOC, 4, 0), PUBLISH(A),
    SKEWED(B, FREE, 5, 0),        PUBLISH(B)};
TEST(a_block_is_handed_over) {
    ck_assert_int_eq(TRY(handed_over, 3, A, B), 0);
}

/* The 2^32nd record of the block is one of those. */
TEST(a_block_is_handed_over_as_its_count_wraps) {
    n_before = UINT32_MAX - 2;
    ck_assert_int_eq(TRY(handed_over, 3, A, B), 0);
}

/* A record that is taken because of the edge depends on something, too. */
TEST(a_chain_of_blocks_is_handed_over) {
    static const struct step step[] = {
        WRITE(B, MALLOC, 1, 1), PUBLISH(B), SKEWED(A, FREE, 2, 1), PUBLISH(A),
        NEXT(A, MALLOC, 1, 2),  PUBLISH(A), SKEWED(B, FREE, 2, 2), PUBLISH(B),
        NEXT(B, MALLOC, 1, 3),  PUBLISH(B), SKEWED(A, FREE, 2, 3), PUBLISH(A)};
    ck_assert_int_eq(TRY(step, 3, A, B), 0);
}

/* A handler of thread A comes in the middle of the record of another block, and gives a block
 * away: its records go beside, and are published before the one that it interrupted. */
TEST(a_handler_comes_in_the_middle_of_a_record) {
    static const struct step step[] = {WRITE(A, MALLOC, 1, 1),
                                       NEXT(SHARED, MALLOC, 1, 0),
                                       PUBLISH(SHARED),
                                       SKEWED(B, FREE, 2, 0),
                                       PUBLISH(B),
                                       SKEWED(SHARED, DRAIN_FRONT, 3, 0),
                                       PUBLISH(SHARED),
                                       PUBLISH(A),
                                       NEXT(A, MALLOC, 4, 0),
                                       NEXT(A, FREE, 2, 1),
                                       PUBLISH(A)};
    ck_assert_int_eq(TRY(step, 2, A, B, SHARED), 0);
}

/* Shows that the test sees this: where they waited for the interrupted record, the order was wrong.
 */
TEST(a_record_that_is_published_late_is_found) {
    static const struct step step[] = {WRITE(A, MALLOC, 1, 1),
                                       NEXT(A, MALLOC, 1, 0),
                                       WRITE(B, FREE, 2, 0),
                                       PUBLISH(B),
                                       WRITE(B, MALLOC, 1, 2),
                                       PUBLISH(B),
                                       PUBLISH(A)};
    ck_assert_int_gt(TRY(step, 0, A, B), 0);
}

/* Thread A stops in the middle of a record while B goes on, then gets another ring. */
TEST(a_thread_stops_and_gets_another_ring) {
    static const struct step step[] = {WRITE(A, MALLOC, 1, 0),
                                       WRITE(B, MALLOC, 1, 1),
                                       PUBLISH(B),
                                       PUBLISH(A),
                                       NEXT(A2, FREE, 2, 0),
                                       PUBLISH(A2),
                                       WRITE(B, FREE, 2, 1),
                                       PUBLISH(B),
                                       SKEWED(B, DRAIN_FRONT, 3, 0),
                                       PUBLISH(B)};
    ck_assert_int_eq(TRY(step, 1, A, B, A2), 0);
}

/* A forks; B moves the block between the FORK and the copy, and after it; the child goes on. */
TEST(a_child_goes_on_with_its_parents_block) {
    static const struct step step[] = {WRITE(A, MALLOC, 1, 0),
                                       PUBLISH(A),
                                       WRITE(A, FORK, 0, 0),
                                       PUBLISH(A),
                                       WRITE(B, FREE, 2, 0),
                                       PUBLISH(B),
                                       WRITE(CHILD, MALLOC, 3, 0),
                                       NEXT(B, MALLOC, 3, 0),
                                       PUBLISH(B),
                                       PUBLISH(CHILD),
                                       SKEWED(A, FREE, 4, 0),
                                       PUBLISH(A)};
    ck_assert_int_eq(TRY(step, 1, A, B, CHILD), 0);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down, .seconds = 900)

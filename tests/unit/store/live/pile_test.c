/* The pile gives what a table gives to which the same states are added one after the other: over
 * many layers and ranges of bases, with several processes. */
#include <stdlib.h>
#include "../../suite.h"
#include "hop.h"
#include "store/live/gather.h"
#include "trace/record.h"

enum { LAYERS = 40, OF_A_LAYER = 3000, BASES = 12000, PROCESSES = 3 };
enum { MANY = 20001 }; /* more than lie in one range */

static uint64_t random_state;
static struct hak_live_state layer[LAYERS][OF_A_LAYER];
static uint32_t count_of[LAYERS];

static uint64_t draw(uint64_t below) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (random_state >> 33) % below;
}

static struct hak_live_state make(uint32_t process, uint32_t base, uint64_t first_id) {
    struct hak_live_state s = {.base = 0x7f0000000000ull + (uint64_t)base * 48,
                               .process = process + 1,
                               .step = draw(3) & 3u};
    s.is_fresh = s.step == HAK_LIVE_BORN || (s.step == HAK_LIVE_ENDED && draw(2));
    if (s.step == HAK_LIVE_ENDED)
        return s;
    s.user = s.base + 16 * draw(3);
    s.size = draw(8) ? draw(200) : draw(1ull << 40);
    s.class_index = (uint8_t)draw(256);
    if (s.step == HAK_LIVE_BORN && draw(20)) { /* of some the birth was lost */
        s.birth = first_id + draw(65536);
        s.ns = draw(1ull << 50);
        s.stack = (uint32_t)draw(1u << 31);
        s.thread = (uint32_t)draw(4);
    }
    return s;
}

static int compare(const void *a, const void *b) {
    return hak_live_compare(a, b);
}

static void make_layer(int number) {
    struct hak_live_state *s = layer[number];
    uint32_t count = 0;
    for (uint32_t process = 0; process < PROCESSES; process++)
        for (uint32_t base = (uint32_t)draw(20); base < BASES && count < OF_A_LAYER;
             base += 1 + (uint32_t)draw(22))
            s[count++] = make(process, base, (uint64_t)number << 16);
    count_of[number] = count;
}

static void put(struct hak_live_pile *pile, int number) {
    ck_assert(hak_live_pile_begin(pile, (uint64_t)number << 16, draw(1ull << 50)));
    for (uint32_t i = 0; i < count_of[number]; i++)
        ck_assert(hak_live_pile_put(pile, &layer[number][i]));
}

static void add(struct hak_live_table *table, int number) {
    for (uint32_t i = 0; i < count_of[number]; i++)
        ck_assert(hak_live_table_add(table, &layer[number][i]));
}

/* Sorted with the plainest means. */
static void same(const struct hak_live_pile *pile, const struct hak_live_table *table,
                 uint32_t least) {
    struct hak_live_state got, *due = malloc(table->used * sizeof *due);
    uint32_t count = 0;
    struct hak_live_reading *reading = hak_live_reading_open(pile);
    ck_assert(due && reading);
    for (uint32_t i = 0; i < table->used; i++)
        if (!hak_live_is_void(&table->state[i]))
            due[count++] = table->state[i];
    qsort(due, count, sizeof *due, compare);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(hak_live_reading_next(reading, &got), 1);
        const struct hak_live_state *d = &due[i];
        ck_assert_msg(got.base == d->base && got.process == d->process && got.step == d->step &&
                          got.user == d->user && got.size == d->size && got.birth == d->birth &&
                          got.ns == d->ns && got.stack == d->stack && got.thread == d->thread &&
                          got.is_fresh == d->is_fresh && got.class_index == d->class_index,
                      "block %u of %u: 0x%lx of process %u, step %u; due 0x%lx of %u, %u", i, count,
                      (unsigned long)got.base, got.process, got.step, (unsigned long)d->base,
                      d->process, d->step);
    }
    ck_assert_int_eq(hak_live_reading_next(reading, &got), 0);
    ck_assert_uint_ge(count, least);
    hak_live_reading_close(reading);
    free(due);
}

START_TEST(a_pile_joins_as_a_table_does) {
    struct hak_live_pile pile = {0};
    struct hak_live_table table = {0};
    random_state = 11;
    for (int i = 0; i < LAYERS; i++) {
        make_layer(i);
        put(&pile, i);
        add(&table, i);
    }
    same(&pile, &table, MANY);
    hak_live_pile_clear(&pile);
    struct hak_live_reading *reading = hak_live_reading_open(&pile);
    struct hak_live_state ignored;
    ck_assert_int_eq(hak_live_reading_next(reading, &ignored), 0);
    hak_live_reading_close(reading);
    hak_live_pile_free(&pile);
    hak_live_table_free(&table);
}
END_TEST

enum { SHARED = 2, BLOCKS = 3000 };

/* A chunk of calls of blocks: all processes have the first ones, and one each of the others. Of a
 * lossy log any calls may be there. */
static void gather(struct hak_live_gather *g, struct hak_live_table *table,
                   struct hak_columns *columns, uint64_t first_id,
                   uint32_t generation_of[PROCESSES][BLOCKS]) {
    hak_columns_begin(columns, HAK_CHUNK_EVENTS_MAX);
    for (uint32_t i = 0; i < HAK_CHUNK_EVENTS_MAX; i++) {
        uint32_t block = (uint32_t)draw(draw(2) ? SHARED : BLOCKS);
        uint32_t process = block < SHARED ? (uint32_t)draw(PROCESSES) : block % PROCESSES;
        uint64_t base = 0x7f0000000000ull + block * (uint64_t)48;
        uint32_t generation = ++generation_of[process][block];
        unsigned kind = g->is_lossy ? (unsigned)draw(3) : generation % 2;
        struct hak_live_state state;
        struct hak_event e = {.id = first_id + i,
                              .ns = (first_id + i) * 100,
                              .base = base,
                              .address = base + 16,
                              .size = 1 + draw(32),
                              .generation = (uint64_t)1 << 32 | generation,
                              .process = process + 1,
                              .thread = 1,
                              .stack = (uint32_t)draw(9),
                              .kind = kind == 2   ? HAK_REALLOC
                                      : kind == 1 ? HAK_MALLOC
                                                  : HAK_FREE,
                              .place = kind == 2 ? HAK_PLACE_LIVE : HAK_PLACE_FRONT};
        hak_columns_put(columns, i, &e);
        ck_assert(hak_live_state_of(&e, &state));
        state.is_fresh = state.is_fresh && !g->is_lossy;
        ck_assert(hak_live_table_add(table, &state));
    }
    hak_columns_number(columns, HAK_COLUMN_BASE);
    ck_assert(hak_live_gather_chunk(g, columns, first_id));
}

START_TEST(chunks_give_what_their_events_give_one_by_one) {
    struct hak_live_gather g;
    struct hak_live_table table = {0};
    struct hak_columns columns;
    static uint32_t generation_of[PROCESSES][BLOCKS];
    random_state = 13;
    ck_assert(hak_live_gather_init(&g) && hak_columns_init(&columns));
    g.is_lossy = _i;
    for (uint32_t i = 0; i < 4; i++) {
        gather(&g, &table, &columns, 1 + i * HAK_CHUNK_EVENTS_MAX, generation_of);
        ck_assert_uint_le(g.pile.layer[i].states, BLOCKS + SHARED * (PROCESSES - 1));
    }
    same(&g.pile, &table, BLOCKS / 3);
    hak_live_table_free(&table);
    hak_columns_free(&columns);
    hak_live_gather_free(&g);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("live_pile");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_pile_joins_as_a_table_does);
    tcase_add_loop_test(cases, chunks_give_what_their_events_give_one_by_one, 0, 2);
    return run_cases("store/live_pile", cases);
}

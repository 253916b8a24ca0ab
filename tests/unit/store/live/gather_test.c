/* Chunk by chunk a gathering comes to what a table comes to that gets each event: also of blocks
 * that several processes have, of a lossy log, and of more blocks than stay when it tidies up. */
#include <stdlib.h>
#include "../../suite.h"
#include "hop.h"
#include "store/live/gather.h"
#include "trace/record.h"

enum { PROCESSES = 3, SHARED = 20, STRETCHES = 2, CHUNKS = 4 };
enum { FEW = 3000, MANY = 100000, MOST = 40000 };

static uint64_t random_state;
static uint64_t draw(uint64_t below) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (random_state >> 33) % below;
}

static int compare(const void *a, const void *b) {
    return hak_live_compare(a, b);
}

/* Sorted with the plainest means. */
static void same(struct hak_live_gather *g, const struct hak_live_table *table, uint32_t least) {
    struct hak_live_state *due = malloc(table->used * sizeof *due);
    uint32_t count = 0;
    ck_assert(due && hak_live_gather_sort(g));
    for (uint32_t i = 0; i < table->used; i++)
        if (!hak_live_is_void(&table->state[i]))
            due[count++] = table->state[i];
    qsort(due, count, sizeof *due, compare);
    ck_assert_uint_eq(g->table.used, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct hak_live_state *d = &due[i], *got = &g->table.state[i];
        ck_assert_msg(got->base == d->base && got->process == d->process && got->step == d->step &&
                          got->user == d->user && got->size == d->size && got->birth == d->birth &&
                          got->ns == d->ns && got->stack == d->stack && got->thread == d->thread &&
                          got->is_fresh == d->is_fresh && got->class_index == d->class_index,
                      "block %u of %u: 0x%lx of process %u, step %u; due 0x%lx of %u, %u", i, count,
                      (unsigned long)got->base, got->process, got->step, (unsigned long)d->base,
                      d->process, d->step);
    }
    ck_assert_uint_ge(count, least);
    free(due);
}

/* A chunk of calls of blocks: all processes have the first ones, and one each of the others. A
 * lossy log may have any calls. */
static void gather(struct hak_live_gather *g, struct hak_live_table *table,
                   struct hak_columns *columns, uint64_t first_id, uint32_t blocks,
                   uint32_t generation_of[PROCESSES][MANY]) {
    hak_columns_begin(columns, HAK_CHUNK_EVENTS_MAX);
    for (uint32_t i = 0; i < HAK_CHUNK_EVENTS_MAX; i++) {
        uint32_t block = (uint32_t)draw(draw(8) ? blocks : SHARED);
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

static void compare_stretch(bool is_lossy, uint32_t blocks) {
    struct hak_live_gather g;
    struct hak_live_table table = {0};
    struct hak_columns columns;
    static uint32_t generation_of[PROCESSES][MANY];
    random_state = 13;
    ck_assert(hak_live_gather_init(&g) && hak_columns_init(&columns));
    g.is_lossy = is_lossy;
    g.most = MOST;
    for (uint32_t i = 0; i < STRETCHES * CHUNKS; i++) {
        gather(&g, &table, &columns, 1 + i * HAK_CHUNK_EVENTS_MAX, blocks, generation_of);
        if ((i + 1) % CHUNKS)
            continue;
        ck_assert_int_eq(hak_live_gather_is_full(&g), blocks == MANY);
        same(&g, &table, blocks / 4);
        hak_live_gather_clear(&g);
        hak_live_table_free(&table);
    }
    ck_assert(hak_live_gather_sort(&g));
    ck_assert_uint_eq(g.table.used, 0);
    hak_columns_free(&columns);
    hak_live_gather_free(&g);
}

TEST(chunks_give_what_their_events_give_one_by_one, .until = 2) {
    compare_stretch(_i, FEW);
}

TEST(many_blocks_are_tidied_up_and_none_is_lost, .until = 2) {
    compare_stretch(_i, MANY);
}

RUN_TESTS()

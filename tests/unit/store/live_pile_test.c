/* The pile gives what a table gives to which the same states are added one after the other: over
 * many layers and ranges of bases, with several processes, and with the run before as ghosts. */
#include <stdlib.h>
#include "../suite.h"
#include "store/live_pile.h"

enum { LAYERS = 40, OF_A_LAYER = 3000, BASES = 12000, PROCESSES = 3 };

static uint64_t random_state;
static uint32_t generation_of[PROCESSES][BASES];
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
    uint32_t *generation = &generation_of[process][base];
    *generation += 1 + (uint32_t)draw(3);
    bool is_late = *generation > 9 && draw(40) == 0;
    s.generation = (uint64_t)7 << 32 | (is_late ? *generation - 4 : *generation);
    s.is_fresh = s.step == HAK_LIVE_BORN || (s.step == HAK_LIVE_ENDED && draw(2));
    s.is_orphan = s.step == HAK_LIVE_RESIZED && draw(4) == 0;
    if (s.step == HAK_LIVE_ENDED)
        return s;
    s.user = s.base + 16 * draw(3);
    s.size = draw(8) ? draw(200) : draw(1ull << 40);
    s.class_index = (uint8_t)draw(256);
    if (s.step == HAK_LIVE_BORN) {
        s.birth = first_id + draw(65536);
        s.ns = draw(1ull << 50);
        s.stack = (uint32_t)draw(1u << 31);
        s.thread = (uint32_t)draw(4);
        s.since_birth = (uint16_t)draw(65536);
    }
    return s;
}

static int compare(const void *a, const void *b) {
    return hak_live_compare(a, b);
}

/* Blocks in their order; some twice, as those of which events came late. */
static void make_layer(int number) {
    struct hak_live_state *s = layer[number];
    uint32_t count = 0;
    for (uint32_t process = 0; process < PROCESSES; process++)
        for (uint32_t base = (uint32_t)draw(20); base < BASES && count + 2 <= OF_A_LAYER;
             base += 1 + (uint32_t)draw(22)) {
            s[count++] = make(process, base, (uint64_t)number << 16);
            if (draw(30) == 0)
                s[count++] = make(process, base, (uint64_t)number << 16);
        }
    count_of[number] = count;
}

static void put(struct hak_live_pile *pile, int number) {
    ck_assert(hak_live_pile_begin(pile, (uint64_t)number << 16, draw(1ull << 50)));
    for (uint32_t i = 0; i < count_of[number]; i++)
        ck_assert(hak_live_pile_put(pile, &layer[number][i]));
}

static void add(struct hak_live_table *table, int number) {
    for (uint32_t i = 0; i < count_of[number]; i++)
        ck_assert_ptr_nonnull(hak_live_table_add(table, &layer[number][i]));
}

/* Sorted with the plainest means. */
static void same(const struct hak_live_pile *pile, const struct hak_live_table *table) {
    struct hak_live_state got, *due = malloc(table->slots * sizeof *due);
    uint32_t count = 0;
    struct hak_live_reading *reading = hak_live_reading_open(pile);
    ck_assert(due && reading);
    for (uint32_t i = 0; i < table->slots; i++)
        if (table->slot[i].process && !table->slot[i].is_ghost &&
            !hak_live_is_void(&table->slot[i]))
            due[count++] = table->slot[i];
    qsort(due, count, sizeof *due, compare);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(hak_live_reading_next(reading, &got), 1);
        const struct hak_live_state *d = &due[i];
        ck_assert_msg(
            got.base == d->base && got.process == d->process && got.generation == d->generation &&
                got.step == d->step && got.user == d->user && got.size == d->size &&
                got.birth == d->birth && got.ns == d->ns && got.stack == d->stack &&
                got.thread == d->thread && got.since_birth == d->since_birth &&
                got.is_fresh == d->is_fresh && got.is_late == d->is_late &&
                got.is_orphan == d->is_orphan && got.class_index == d->class_index && !got.is_ghost,
            "block %u of %u: 0x%lx of process %u, step %u, generation %lx; due 0x%lx of "
            "%u, %u, %lx",
            i, count, (unsigned long)got.base, got.process, got.step, (unsigned long)got.generation,
            (unsigned long)d->base, d->process, d->step, (unsigned long)d->generation);
    }
    ck_assert_int_eq(hak_live_reading_next(reading, &got), 0);
    ck_assert_uint_gt(count, 20000); /* more than lie in one range */
    hak_live_reading_close(reading);
    free(due);
}

START_TEST(a_pile_joins_as_a_table_does) {
    struct hak_live_pile pile = {0};
    struct hak_live_table table = {0};
    random_state = 11;
    memset(generation_of, 0, sizeof generation_of);
    for (int i = 0; i < LAYERS; i++) {
        make_layer(i);
        put(&pile, i);
        add(&table, i);
    }
    same(&pile, &table);
    hak_live_pile_haunt(&pile); /* the newest layers stay as ghosts, and are no answer themselves */
    hak_live_table_free(&table);
    add(&table, LAYERS - 2);
    add(&table, LAYERS - 1);
    hak_live_table_haunt(&table);
    for (int i = 0; i < LAYERS; i++) {
        make_layer(i);
        put(&pile, i);
        add(&table, i);
    }
    same(&pile, &table);
    hak_live_pile_clear(&pile);
    struct hak_live_reading *reading = hak_live_reading_open(&pile);
    struct hak_live_state ignored;
    ck_assert_int_eq(hak_live_reading_next(reading, &ignored), 0);
    hak_live_reading_close(reading);
    hak_live_pile_free(&pile);
    hak_live_table_free(&table);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("live_pile");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_pile_joins_as_a_table_does);
    return run_cases("store/live_pile", cases);
}

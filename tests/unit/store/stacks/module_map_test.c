/* The map finds the module that a walk over all finds, in few steps, however many lay at one
 * address. */
#include "store/stacks/module_map.h"
#include "unit/suite.h"

static struct hak_module_map map;
static uint64_t generator = 7;

static uint64_t draw(uint64_t below) {
    generator = generator * 6364136223846793005ull + 1442695040888963407ull;
    return (generator >> 33) % below;
}

static void add(uint64_t start, uint64_t end, uint32_t generation) {
    map.module[map.modules] = (struct hak_known_module){start, end, generation, map.modules + 1};
    map.modules++;
}

static void start(void) {
    map = (struct hak_module_map){.module = calloc(4000, sizeof *map.module)};
}

static void stop(void) {
    hak_module_map_free(&map);
}

static const struct hak_known_module *walk(uint64_t address, uint32_t generation) {
    const struct hak_known_module *found = NULL;
    for (uint32_t i = 0; i < map.modules; i++) {
        const struct hak_known_module *m = &map.module[i];
        if (m->start <= address && address < m->end && m->generation <= generation)
            found = m;
    }
    return found;
}

TEST(it_finds_what_a_walk_finds, .until = 40) {
    uint32_t count = (uint32_t)_i * 3, generation = 0;
    generator = (uint64_t)_i;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t from = draw(60), length = draw(20);
        generation += (uint32_t)draw(3);
        add(from * 4096, (draw(9) ? from + length : draw(60)) * 4096, generation);
    }
    if (count > 5) /* what only a damaged store has */
        add(0, UINT64_MAX, generation);
    ck_assert(hak_module_map_make(&map));
    for (int i = 0; i < 2000; i++) {
        uint64_t address = draw(90) * 4096 + draw(3) - 1, steps = 0;
        uint32_t up_to = (uint32_t)draw(generation + 3);
        ck_assert_ptr_eq(hak_module_map_find(&map, address, up_to, &steps), walk(address, up_to));
    }
}

/* A plugin that is loaded again and again at one place, beside others. */
TEST(a_search_takes_few_steps) {
    uint64_t most = 0;
    for (uint32_t i = 0; i < 2000; i++)
        add(0x7f0000000000 + i % 2 * 0x100000, 0x7f0000080000 + i % 7 * 4096 + i % 2 * 0x100000, i);
    ck_assert(hak_module_map_make(&map));
    for (uint32_t i = 0; i < 2000; i++) {
        uint64_t address = 0x7f0000000000 + draw(0x200000), steps = 0;
        ck_assert_ptr_eq(hak_module_map_find(&map, address, i, &steps), walk(address, i));
        most = steps > most ? steps : most;
    }
    ck_assert_uint_lt(most, 100);
}

RUN_TESTS(.set_up = start, .tear_down = stop)

/* SuperSlabs between heaps, reserve and kernel. */
#include "platform/arena.h"
#include "world.h"

/* ---- empty SuperSlabs -------------------------------------------------------------------------
 */

enum { BLOCKS_OF_SUPERSLAB = (HAK_SLABS - 1) * 2 };
static base_t many[HAK_POOL_RESERVE * BLOCKS_OF_SUPERSLAB];

/* A thread that comes and goes, and leaves the reserve full. */
static void fill_reserve(void) {
    hak_front_start();
    for (unsigned i = 0; i < HAK_POOL_RESERVE * BLOCKS_OF_SUPERSLAB; i++)
        many[i] = world_take(BIG);
    for (unsigned i = 0; i < HAK_POOL_RESERVE * BLOCKS_OF_SUPERSLAB; i++)
        world_give(many[i]);
    hak_front_end();
    hak_thread.state = HAK_THREAD_NEW;
}
static void own_none(void) {
    hak_front_start();
    world_give(world_take(BIG));
}
static void set_up_reserve(void) {
    world_start();
    model_as(0, own_none);
    model_as(1, world_start_thread);
}
static void set_up_full_reserve(void) {
    set_up_reserve();
    model_as(2, fill_reserve);
}
static void trim_pool(void) {
    (void)hak_pool_trim();
}
static void check_reserve(void) {
    world_check(1);
}

const struct scenario scenario_claim = {
    .name = "claim",
    .words = "a SuperSlab becomes empty while another thread claims one and a third trims",
    .threads = 3,
    .set_up = set_up_reserve,
    .run = {hak_front_end, world_take_one, trim_pool},
    .check = check_reserve,
};

const struct scenario scenario_full = {
    .name = "full",
    .words = "a SuperSlab becomes empty while another thread claims one; the reserve is full",
    .threads = 2,
    .set_up = set_up_full_reserve,
    .run = {hak_front_end, world_take_one},
    .check = check_reserve,
};

static void take_and_end(void) {
    world_take_one();
    hak_front_end();
}
const struct scenario scenario_back = {
    .name = "back",
    .words = "the same, and who claims gives back",
    .threads = 2,
    .set_up = set_up_full_reserve,
    .run = {hak_front_end, take_and_end},
    .check = check_reserve,
};

static void set_up_two_empty(void) {
    world_start();
    model_as(0, own_none);
    model_as(1, own_none);
    model_as(2, world_start_thread);
}
static void check_none(void) {
    world_check(0);
}

const struct scenario scenario_keep = {
    .name = "keep",
    .words = "two SuperSlabs become empty at once",
    .threads = 2,
    .set_up = set_up_two_empty,
    .run = {hak_front_end, hak_front_end},
    .check = check_none,
};

/* ---- addresses --------------------------------------------------------------------------------
 */

/* Pieces of the arena: the first eight are mapped one by one, the ninth with the address of a
 * tenth. */
static void *pieces[9];
static unsigned piece_count;
static void *taken[THREADS_MAX];

static void take_pieces(unsigned count) {
    world_start();
    for (unsigned i = 0; i < count; i++)
        pieces[i] = hak_arena_take();
    piece_count = count;
}
static void set_up_no_range(void) {
    take_pieces(8);
}
static void set_up_range(void) {
    take_pieces(9);
}
static void take_piece(void) {
    taken[model->current] = hak_arena_take();
}
static void take_and_give_piece(void) {
    hak_arena_give(hak_arena_take());
}
static void give_three_pieces(void) {
    for (unsigned i = 0; i < 3; i++) {
        hak_arena_give(pieces[i]);
        pieces[i] = NULL;
    }
}

/* All goes back: nothing is in two hands, and no address is held that nobody knows of. */
static void check_arena(void) {
    for (unsigned i = 0; i < piece_count; i++)
        if (pieces[i])
            hak_arena_give(pieces[i]);
    for (unsigned t = 0; t < THREADS_MAX; t++)
        if (taken[t])
            hak_arena_give(taken[t]);
    platform_check();
}

const struct scenario scenario_map = {
    .name = "map",
    .words = "two threads need a piece and no addresses are held",
    .threads = 2,
    .set_up = set_up_no_range,
    .run = {take_piece, take_piece},
    .check = check_arena,
};

const struct scenario scenario_cut = {
    .name = "cut",
    .words = "two threads need a piece where the address for one is held; a third gives one back",
    .threads = 3,
    .set_up = set_up_range,
    .run = {take_piece, take_and_give_piece, take_piece},
    .check = check_arena,
};

const struct scenario scenario_rest = {
    .name = "rest",
    .words = "pieces go back, and with them held addresses, while another thread takes one",
    .threads = 2,
    .set_up = set_up_range,
    .run = {give_three_pieces, take_and_give_piece},
    .check = check_arena,
};

/* The program maps memory of its own where a SuperSlab was, and frees a pointer into it. */
static void free_foreign(void) {
    char *place = SUPERSLAB_START;
    for (unsigned i = 0; i < 2; i++)
        if (platform_claim(i) && hak_registry_owner(place + i * HAK_SUPERSLAB_BYTES) != 0)
            model_fail("memory of the program is taken for a SuperSlab");
}
static void end_and_trim(void) {
    hak_front_end();
    trim_pool();
}

const struct scenario scenario_lookup = {
    .name = "lookup",
    .words = "a SuperSlab is unmapped while another thread looks its address up",
    .threads = 3,
    .set_up = set_up_reserve,
    .run = {end_and_trim, world_take_one, free_foreign},
    .check = check_reserve,
};

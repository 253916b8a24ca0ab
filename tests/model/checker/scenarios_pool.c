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

const struct scenario scenario_full3 = {
    .name = "full3",
    .words = "the same, and a third trims",
    .threads = 3,
    .set_up = set_up_full_reserve,
    .run = {hak_front_end, world_take_one, trim_pool},
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

/* So many blocks, and those that a refill brings beyond them, fill all but a few slabs. */
static unsigned blocks_of(unsigned superslabs) {
    return superslabs * BLOCKS_OF_SUPERSLAB - 15;
}

/* The more there are, the more addresses are held at once: none for the first two, for one more
 * with the third. */
static void take_superslabs(unsigned superslabs) {
    hak_front_start();
    for (unsigned i = 0; i < blocks_of(superslabs); i++)
        many[i] = world_take(BIG);
}
static void take_two_superslabs(void) {
    take_superslabs(2);
}
static void take_three_superslabs(void) {
    take_superslabs(3);
}
static void set_up_no_range(void) {
    world_start();
    model_as(0, take_two_superslabs);
    model_as(1, world_start_thread);
    model_as(2, world_start_thread);
}
static void set_up_range(void) {
    world_start();
    model_as(0, take_three_superslabs);
    model_as(1, world_start_thread);
    model_as(2, world_start_thread);
}
static void do_nothing(void) {}
static void give_arena(void) {
    hak_arena_give(hak_arena_take());
}
/* All goes back, so that addresses nobody knows of are seen. */
static void give_superslabs(void) {
    for (unsigned i = 0; i < blocks_of(2); i++)
        world_give(many[i]);
}
static void give_one(void) {
    world_give(world_blocks[model->current][0]);
}
static void check_two(void) {
    model_as(0, give_superslabs);
    model_as(1, give_one);
    model_as(2, give_one);
    world_check(0);
}
static void check_three(void) {
    world_check(blocks_of(3) + 1);
}

const struct scenario scenario_map = {
    .name = "map",
    .words = "two threads need a SuperSlab and no addresses are held",
    .threads = 3,
    .set_up = set_up_no_range,
    .run = {do_nothing, world_take_one, world_take_one},
    .check = check_two,
};

const struct scenario scenario_cut = {
    .name = "cut",
    .words = "one thread needs a SuperSlab where addresses are held, another takes one and gives "
             "it back",
    .threads = 3,
    .set_up = set_up_range,
    .run = {do_nothing, world_take_one, give_arena},
    .check = check_three,
};

static void *pieces[3];
static void set_up_rest(void) {
    world_start();
    for (unsigned i = 0; i < 3; i++)
        pieces[i] = hak_arena_take();
}
static void give_pieces(void) {
    for (unsigned i = 0; i < 3; i++)
        hak_arena_give(pieces[i]);
}

const struct scenario scenario_rest = {
    .name = "rest",
    .words =
        "all SuperSlabs go back to the kernel while another thread takes one and gives it back",
    .threads = 2,
    .set_up = set_up_rest,
    .run = {give_pieces, give_arena},
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

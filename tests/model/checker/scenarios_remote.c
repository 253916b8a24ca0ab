/* Blocks on their way home: posts, drains, threads that end, begin and help. */
#include "world.h"

/* ---- two threads free each other's blocks while both drain ------------------------------------
 */

static void set_up_two_owners(void) {
    world_start();
    model_as(0, world_own_four);
    model_as(1, world_own_four);
    model_name((void *)&hak_heap_of(2)->posted, "heap 2's mail box");
    model_name((void *)&hak_heap_of(3)->posted, "heap 3's mail box");
    model_name((void *)&hak_heap_of(2)->state, "heap 2's state");
    model_name((void *)&hak_heap_of(3)->state, "heap 3's state");
}

static void give_two(unsigned owner) {
    world_give(world_blocks[owner][0]);
    world_give(world_blocks[owner][1]);
}

static void cross_0(void) {
    give_two(1);
    hak_remote_drain();
    world_give(world_blocks[0][2]);
}
static void cross_1(void) {
    give_two(0);
    hak_remote_drain();
    world_give(world_blocks[1][2]);
}
static void check_cross(void) {
    world_check(2);
}

const struct scenario scenario_cross = {
    .name = "cross",
    .words = "two threads free two blocks of each other and drain",
    .threads = 2,
    .set_up = set_up_two_owners,
    .run = {cross_0, cross_1},
    .check = check_cross,
};

/* ---- posting to a heap whose thread ends at that moment ---------------------------------------
 */

static void idle_0(void) {
    hak_front_end();
}
static void idle_1(void) {
    give_two(0);
}
static void check_idle(void) {
    world_check(6);
}

const struct scenario scenario_idle = {
    .name = "idle",
    .words = "a thread ends while another posts to it",
    .threads = 2,
    .set_up = set_up_two_owners,
    .run = {idle_0, idle_1},
    .check = check_idle,
};

/* ---- adoption by a new thread, a post, a helper -----------------------------------------------
 */

static void give_first(void) {
    world_give(world_blocks[2][2 * model->current]);
}
static void give_second(void) {
    world_give(world_blocks[2][2 * model->current + 1]);
}

/* Heap 4 is idle, with four blocks out; threads 0 and 1 have one of them each in a chunk that one
 * more makes full; thread 2 is a new one. */
static void set_up_orphan(void) {
    world_start();
    model_as(0, world_own_four);
    model_as(1, world_start_thread);
    model_as(2, world_own_four);
    model_as(0, give_first);
    model_as(1, give_first);
    model_as(2, hak_front_end);
    model_name((void *)&hak_heap_of(4)->posted, "heap 4's mail box");
    model_name((void *)&hak_heap_of(4)->state, "heap 4's state");
    hak_thread.state = HAK_THREAD_NEW; /* thread 2 begins anew */
}
static void begin_and_drain(void) {
    hak_front_start();
    hak_remote_drain();
}
static void do_nothing(void) {}
static void check_adopt(void) {
    model_as(1, give_second);
    world_check(4);
}
static void check_adopt3(void) {
    world_check(4);
}

const struct scenario scenario_adopt = {
    .name = "adopt",
    .words = "an idle heap is adopted while a thread posts to it, or helps to drain it",
    .threads = 3,
    .set_up = set_up_orphan,
    .run = {give_second, do_nothing, begin_and_drain},
    .check = check_adopt,
};

const struct scenario scenario_help = {
    .name = "help",
    .words = "two threads post to an idle heap and help to drain it",
    .threads = 2,
    .set_up = set_up_orphan,
    .run = {give_second, give_second},
    .check = check_adopt3,
};

const struct scenario scenario_adopt3 = {
    .name = "adopt3",
    .words = "an idle heap is adopted while two threads post to it, or help to drain it",
    .threads = 3,
    .has_simple_locks = true,
    .set_up = set_up_orphan,
    .run = {give_second, give_second, begin_and_drain},
    .check = check_adopt3,
};

/* ---- one owner, two who post ------------------------------------------------------------------
 */

static void drain_twice(void) {
    hak_remote_drain();
    hak_remote_drain();
}
static void set_up_two_posters(void) {
    world_start();
    model_as(0, world_own_four);
    model_as(1, world_start_thread);
    model_as(2, world_start_thread);
}
static void first_half_of_0(void) {
    world_give(world_blocks[0][0]);
    world_give(world_blocks[0][1]);
}
static void second_half_of_0(void) {
    world_give(world_blocks[0][2]);
    world_give(world_blocks[0][3]);
}
static void check_all_home(void) {
    world_check(0);
}

const struct scenario scenario_post = {
    .name = "post",
    .words = "two threads post to a third, which drains twice",
    .threads = 3,
    .set_up = set_up_two_posters,
    .run = {drain_twice, first_half_of_0, second_half_of_0},
    .check = check_all_home,
};

static void give_0(void) {
    world_give(world_blocks[0][0]);
}
static void give_1(void) {
    world_give(world_blocks[0][1]);
}
static void give_2(void) {
    world_give(world_blocks[0][2]);
}
static void give_3(void) {
    world_give(world_blocks[0][3]);
}

/* Threads 1 and 2 have a chunk for thread 0 that one more block makes full. */
static void set_up_full_chunks(void) {
    set_up_two_posters();
    model_as(1, give_0);
    model_as(2, give_2);
}

const struct scenario scenario_idle3 = {
    .name = "idle3",
    .words = "a thread ends while two others post to it",
    .threads = 3,
    .has_simple_locks = true,
    .set_up = set_up_full_chunks,
    .run = {hak_front_end, give_1, give_3},
    .check = check_all_home,
};

/* ---- ends with chunks that are not full --------------------------------------------------------
 */

static void give_one_and_end(void) {
    world_give(world_blocks[1 - model->current][0]);
    hak_front_end();
}

const struct scenario scenario_partial = {
    .name = "partial",
    .words = "two threads end at once, each with one block of the other in a chunk",
    .threads = 2,
    .set_up = set_up_two_owners,
    .run = {give_one_and_end, give_one_and_end},
    .check = check_idle,
};

/* ---- threads without a heap -------------------------------------------------------------------
 */

static void set_up_shared(void) {
    world_start();
    hak_heap_limit_ids(HAK_SHARED_HEAP_ID);
    model_as(0, world_start_thread);
    model_as(0, world_take_one);
    model_as(1, world_start_thread);
    model_as(1, world_take_one);
}
static void swap_shared(void) {
    world_give(world_blocks[model->current][0]);
    world_take_one();
}
static void check_shared(void) {
    base_t block = hak_front_take_shared(BIG); /* drains */
    hak_slab_give(hak_shared_heap(), block);
    world_check(2);
}

const struct scenario scenario_shared = {
    .name = "shared",
    .words = "two threads without a heap free a block and take another",
    .threads = 2,
    .set_up = set_up_shared,
    .run = {swap_shared, swap_shared},
    .check = check_shared,
};

/* ---- trim ---------------------------------------------------------------------------------------
 */

static void trim_all(void) {
    (void)hak_front_trim();
}
static void check_trim(void) {
    model_as(2, give_3);
    world_check(0);
}

const struct scenario scenario_trim = {
    .name = "trim",
    .words = "a thread ends while another posts to it and a third trims idle heaps",
    .threads = 3,
    .has_simple_locks = true,
    .set_up = set_up_full_chunks,
    .run = {hak_front_end, give_1, trim_all},
    .check = check_trim,
};

/* ---- three threads in a ring -------------------------------------------------------------------
 */

static void give_next(void) {
    world_give(world_blocks[(model->current + 1) % THREADS_MAX][0]);
}
static void set_up_ring(void) {
    world_start();
    for (unsigned t = 0; t < THREADS_MAX; t++)
        model_as(t, world_own_four);
    for (unsigned t = 0; t < THREADS_MAX; t++)
        model_as(t, give_next);
}
static void check_ring(void) {
    world_check(9);
}

const struct scenario scenario_ring = {
    .name = "ring",
    .words = "three threads end at once, each with a block of the next in a chunk",
    .threads = 3,
    .has_simple_locks = true,
    .set_up = set_up_ring,
    .run = {hak_front_end, hak_front_end, hak_front_end},
    .check = check_ring,
};

/* ---- a heap from hand to hand ------------------------------------------------------------------
 */

static void be_new(void) {
    world_start_thread();
    hak_front_end();
    hak_thread.state = HAK_THREAD_NEW;
}
static void set_up_heir(void) {
    set_up_full_chunks();
    model_as(2, be_new);
}
static void begin_and_end(void) {
    hak_front_start();
    hak_front_end();
}

/* The third block of thread 0 is home with the chunk that thread 2 posted at its end. */
static void check_heir(void) {
    world_check(1);
}

const struct scenario scenario_heir = {
    .name = "heir",
    .words = "a thread ends, another begins and ends with what heap it finds, a third posts",
    .threads = 3,
    .has_simple_locks = true,
    .set_up = set_up_heir,
    .run = {hak_front_end, give_1, begin_and_end},
    .check = check_heir,
};

/* ---- a refill takes what waits -----------------------------------------------------------------
 */

static void refill_twice(void) {
    (void)hak_remote_fill(BIG);
    hak_front_tend();
    (void)hak_remote_fill(BIG);
}

const struct scenario scenario_refill = {
    .name = "refill",
    .words = "a thread refills its array with what two others post",
    .threads = 3,
    .set_up = set_up_two_posters,
    .run = {refill_twice, first_half_of_0, second_half_of_0},
    .check = check_all_home,
};

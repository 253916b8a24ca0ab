/* The lock itself, its sleeping included; compiled as the layers are. */
#include "world.h"

enum { ROUNDS = 2 };

static struct hak_lock lock;
static unsigned entered; /* plain: a race here is two threads in the section */

static void set_up(void) {
    model_name(&lock, "the lock");
}

static void enter_and_leave(void) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        hak_lock(&lock);
        entered++;
        hak_unlock(&lock);
    }
}

static void check(void) {
    if (entered != ROUNDS * THREADS_MAX)
        model_fail("%u times entered, %u counted", ROUNDS * THREADS_MAX, entered);
    if (lock.holder)
        model_fail("the lock is held at the end");
}

const struct scenario scenario_lock = {
    .name = "lock",
    .words = "three threads take a lock twice each",
    .threads = 3,
    .set_up = set_up,
    .run = {enter_and_leave, enter_and_leave, enter_and_leave},
    .check = check,
};

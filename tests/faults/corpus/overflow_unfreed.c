/* Blocks that are written past their end and never freed: only a look at all blocks can find it. */
#include <signal.h>
#include <unistd.h>
#include "shapes.h"

static char *kept, *others[50];

static void spoil(size_t size) {
    kept = opaque(malloc(size));
    kept[size] = '!';
}

SHAPE(at_return) {
    spoil(42);
}

SHAPE(at_exit) {
    spoil(43);
    exit(0);
}

static void spoil_late(void) {
    kept[44] = '!';
}

SHAPE(in_exit_handler) {
    kept = opaque(malloc(44));
    atexit(spoil_late);
}

static void exit_in_signal_handler(int number) {
    (void)number;
    exit(0);
}

SHAPE(before_a_signal_ends_it) {
    signal(SIGTERM, exit_in_signal_handler);
    spoil(45);
    raise(SIGTERM);
}

SHAPE(among_others) {
    for (int i = 0; i < 50; i++)
        others[i] = malloc(46);
    others[31][46] = '!';
}

SHAPE(several) {
    for (int i = 0; i < 50; i++)
        others[i] = malloc(47);
    for (int i = 0; i < 50; i += 10)
        others[i][47] = '!';
}

SHAPE(mid) {
    spoil(9000);
}
SHAPE(large) {
    spoil(300000);
}

SHAPE(and_leaked) {
    spoil(48);
    kept = NULL;
}

SHAPE(then_ended_at_once) {
    spoil(49);
    _exit(0);
}

RUN_ONE()

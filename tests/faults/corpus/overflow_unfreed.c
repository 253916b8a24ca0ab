/* Blocks that are written past their end and never freed: only a look at all blocks can find it. */
#include <signal.h>
#include <unistd.h>
#include "shapes.h"

static char *kept, *others[50];

static void spoil(size_t size) {
    kept = opaque(malloc(size));
    kept[size] = '!';
}

static void at_return(void) {
    spoil(42);
}

static void at_exit(void) {
    spoil(43);
    exit(0);
}

static void spoil_late(void) {
    kept[44] = '!';
}

static void in_exit_handler(void) {
    kept = opaque(malloc(44));
    atexit(spoil_late);
}

static void exit_in_signal_handler(int number) {
    (void)number;
    exit(0);
}

static void before_a_signal_ends_it(void) {
    signal(SIGTERM, exit_in_signal_handler);
    spoil(45);
    raise(SIGTERM);
}

static void among_others(void) {
    for (int i = 0; i < 50; i++)
        others[i] = malloc(46);
    others[31][46] = '!';
}

static void several(void) {
    for (int i = 0; i < 50; i++)
        others[i] = malloc(47);
    for (int i = 0; i < 50; i += 10)
        others[i][47] = '!';
}

static void mid(void) {
    spoil(9000);
}
static void large(void) {
    spoil(300000);
}

static void and_leaked(void) {
    spoil(48);
    kept = NULL;
}

static void then_ended_at_once(void) {
    spoil(49);
    _exit(0);
}

static const struct shape shapes[] = {
    {"at_return", at_return},
    {"at_exit", at_exit},
    {"in_exit_handler", in_exit_handler},
    {"before_a_signal_ends_it", before_a_signal_ends_it},
    {"among_others", among_others},
    {"several", several},
    {"mid", mid},
    {"large", large},
    {"and_leaked", and_leaked},
    {"then_ended_at_once", then_ended_at_once},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

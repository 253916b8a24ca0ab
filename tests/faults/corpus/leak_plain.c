/* A block is allocated in a function, and its only pointer is lost. */
#include "shapes.h"

static char *kept;

static void use(char *block) {
    block[0] = 'u';
}

SHAPE(local) {
    char *block = opaque(malloc(101));
    use(block);
}

SHAPE(overwritten) {
    kept = opaque(malloc(102));
    use(kept);
    kept = NULL;
}

SHAPE(replaced_by_another) {
    kept = opaque(malloc(103));
    kept = opaque(malloc(203));
    free(kept);
    kept = NULL;
}

static int parse(const char *text) {
    char *copy = opaque(strdup(text));
    if (copy[0] == '#')
        return -1;
    free(copy);
    return 0;
}

SHAPE(early_return) {
    printf("%d\n", parse("# a comment of 24 bytes"));
}

SHAPE(result_ignored) {
    (void)opaque(strdup("ignored by its caller"));
}

SHAPE(in_a_loop) {
    for (int i = 0; i < 10; i++)
        use(opaque(malloc(104)));
}

SHAPE(all_but_the_last) {
    char *block = NULL;
    for (int i = 0; i < 5; i++)
        block = opaque(malloc(105));
    free(block);
}

SHAPE(on_one_path) {
    char *block = opaque(malloc(106));
    if (kept != NULL)
        free(block);
}

SHAPE(moved_on) {
    kept = opaque(calloc(1, 107));
    kept += 200;
    kept = NULL;
}

SHAPE(of_one_byte) {
    use(opaque(malloc(1)));
}
SHAPE(mid) {
    use(opaque(malloc(10000)));
}
SHAPE(large) {
    use(opaque(malloc(500000)));
}
SHAPE(huge) {
    use(opaque(malloc(20000000)));
}

SHAPE(several_sizes) {
    for (size_t size = 200; size < 2000; size += 300)
        use(opaque(malloc(size)));
}

SHAPE(pointer_only_in_freed_memory) {
    char **holder = opaque(malloc(sizeof *holder));
    *holder = opaque(malloc(108));
    free(holder);
}

SHAPE(exit_below) {
    local();
    exit(0);
}

RUN_ONE()

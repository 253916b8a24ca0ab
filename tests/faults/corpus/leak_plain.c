/* A block is allocated in a function, and its only pointer is lost. */
#include "shapes.h"

static char *kept;

static void use(char *block) {
    block[0] = 'u';
}

static void local(void) {
    char *block = opaque(malloc(101));
    use(block);
}

static void overwritten(void) {
    kept = opaque(malloc(102));
    use(kept);
    kept = NULL;
}

static void replaced_by_another(void) {
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

static void early_return(void) {
    printf("%d\n", parse("# a comment of 24 bytes"));
}

static void result_ignored(void) {
    (void)opaque(strdup("ignored by its caller"));
}

static void in_a_loop(void) {
    for (int i = 0; i < 10; i++)
        use(opaque(malloc(104)));
}

static void all_but_the_last(void) {
    char *block = NULL;
    for (int i = 0; i < 5; i++)
        block = opaque(malloc(105));
    free(block);
}

static void on_one_path(void) {
    char *block = opaque(malloc(106));
    if (kept != NULL)
        free(block);
}

static void moved_on(void) {
    kept = opaque(calloc(1, 107));
    kept += 200;
    kept = NULL;
}

static void of_one_byte(void) {
    use(opaque(malloc(1)));
}
static void mid(void) {
    use(opaque(malloc(10000)));
}
static void large(void) {
    use(opaque(malloc(500000)));
}
static void huge(void) {
    use(opaque(malloc(20000000)));
}

static void several_sizes(void) {
    for (size_t size = 200; size < 2000; size += 300)
        use(opaque(malloc(size)));
}

static void pointer_only_in_freed_memory(void) {
    char **holder = opaque(malloc(sizeof *holder));
    *holder = opaque(malloc(108));
    free(holder);
}

static void exit_below(void) {
    local();
    exit(0);
}

static const struct shape shapes[] = {
    {"local", local},
    {"overwritten", overwritten},
    {"replaced_by_another", replaced_by_another},
    {"early_return", early_return},
    {"result_ignored", result_ignored},
    {"in_a_loop", in_a_loop},
    {"all_but_the_last", all_but_the_last},
    {"on_one_path", on_one_path},
    {"moved_on", moved_on},
    {"of_one_byte", of_one_byte},
    {"mid", mid},
    {"large", large},
    {"huge", huge},
    {"several_sizes", several_sizes},
    {"pointer_only_in_freed_memory", pointer_only_in_freed_memory},
    {"exit_below", exit_below},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

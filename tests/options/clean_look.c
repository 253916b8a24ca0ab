/* Writes past the end of a block, or with an argument into it after its free, between two calls of
 * the malloc family, long after its allocation: what a sweep before that narrows down. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *block;
enum { SMALL = 40, LONG = 60, LONG_BYTES = 3000 };
static char *small[SMALL], *longer[LONG];

/* Blocks whose pages are closed in part, and one whose page others keep open. */
static char *make_neighbours(void) {
    for (int i = 0; i < SMALL; i++)
        small[i] = malloc(10);
    for (int i = 0; i < LONG; i++)
        longer[i] = malloc(LONG_BYTES);
    free(longer[LONG - 10]);
    free(longer[LONG - 9]);
    free(small[SMALL - 4]);
    return small[SMALL - 4];
}

static void before(void) {
    free(malloc(20));
}

static void last_call_before(void) {
    free(malloc(30));
}

static void first_call_after(void) {
    free(malloc(40));
}

int main(int count, char **argument) {
    block = malloc(10);
    if (count > 1 && !strcmp(argument[1], "partly"))
        block = make_neighbours();
    else if (count > 1)
        free(block);
    before();
    last_call_before();
    ((volatile char *)block)[count > 1 ? 3 : 10] = 1;
    first_call_after();
    _exit(0);
}

/* Writes past the end of a block, or with an argument into it after its free, between two calls of
 * the malloc family, long after its allocation: what a sweep before that narrows down. */
#include <stdlib.h>
#include <unistd.h>

static char *block;

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
    (void)argument;
    block = malloc(10);
    if (count > 1)
        free(block);
    before();
    last_call_before();
    ((volatile char *)block)[count > 1 ? 3 : 10] = 1;
    first_call_after();
    _exit(0);
}

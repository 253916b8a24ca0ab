/* Frees in exit handlers and destructors, in the order in which they run. */
#include "../corpus/shapes.h"

static char *first, *second, *third;

__attribute__((constructor)) static void begin(void) {
    third = opaque(malloc(300));
}

__attribute__((destructor)) static void end(void) {
    memset(third, 'e', 300);
    free(third);
}

static void last_handler(void) {
    free(first);
    first = opaque(malloc(11));
    free(first);
}

static void early_handler(void) {
    free(second);
    second = opaque(malloc(5000));
    memset(second, 's', 5000);
    atexit(last_handler);
}

static void late(int status, void *block) {
    printf("ends with %d\n", status);
    free(block);
}

int main(void) {
    first = opaque(malloc(100));
    second = opaque(malloc(200));
    atexit(early_handler);
    on_exit(late, opaque(malloc(400)));
    exit(5);
}

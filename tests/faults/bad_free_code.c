/* Frees the address of a function. */
#include <stdint.h>
#include <stdlib.h>

static void drop(void *callback) {
    free(callback);
}

int main(void) {
    drop((void *)(uintptr_t)main);
    return 0;
}

/* A block of 8 MiB that lives for one call, among ten thousand small ones. */
#include <stdlib.h>
#include <string.h>

enum { CALLS = 5000, BYTES = 8 << 20 };

static void call_small(void) {
    for (int i = 0; i < CALLS; i++)
        free(malloc(100));
}

int main(void) {
    call_small();
    char *brief = malloc(BYTES);
    memset(brief, 1, BYTES);
    free(brief);
    call_small();
    return 0;
}

/* Keeps more blocks of one stack than can be guarded at once, and writes past the end of a late
 * one: of a size that is seldom, or (many one-size) of the size that all have. */
#include <stdlib.h>
#include <string.h>

enum { count = 60000, late = 50000 };
static char *kept[count];

static char *make(size_t bytes) {
    return malloc(bytes);
}

int main(int argc, char **argv) {
    int one_size = argc > 1 && strcmp(argv[1], "one-size") == 0;
    for (int i = 0; i < count; i++)
        kept[i] = make(i % 1000 == 0 && !one_size ? 64 : 48);
    size_t end = one_size ? 48 : 64;
    kept[late][end] = 'x'; /* late */
    for (int i = 0; i < count; i++)
        free(kept[i]);
    return 0;
}

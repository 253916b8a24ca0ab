/* Writes past the ends of two blocks that are never freed. */
#include <stdlib.h>
#include <string.h>

static char *keep(size_t bytes, size_t written) {
    char *block = malloc(bytes);
    memset(block, 'x', written);
    return block;
}

int main(void) {
    char *first = keep(24, 25), *second = keep(1000, 1003);
    return first == second;
}

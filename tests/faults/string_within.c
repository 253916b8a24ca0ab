/* Writes a byte past the end of a block; found when memset, which stays within it, is looked at
 * (HAKMEM_CHECK_STRING). */
#include <stdlib.h>
#include <string.h>

static void fill(char *name) {
    for (int i = 0; i <= 24; i++)
        name[i] = '.';
}

int main(void) {
    char *volatile name = malloc(24);
    volatile size_t bytes = 24;
    fill(name);
    memset(name, 0, bytes);
    free(name);
    return 0;
}

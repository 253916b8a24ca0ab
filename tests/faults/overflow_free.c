/* Writes one byte past a block's end; found when it is freed. */
#include <stdlib.h>
#include <string.h>

static void fill(char *name) {
    strcpy(name, "twenty-four characters..");
}

int main(void) {
    char *name = malloc(24);
    fill(name);
    free(name);
    return 0;
}

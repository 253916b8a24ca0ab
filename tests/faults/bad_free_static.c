/* Frees static data. */
#include <stdlib.h>

static char table[64];

static void drop(char *entry) {
    free(entry);
}

int main(void) {
    drop(table);
    return 0;
}

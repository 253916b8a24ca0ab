/* Frees a pointer 16 bytes into a live block. */
#include <stdlib.h>

static void drop(char *record) {
    free(record + 16);
}

int main(void) {
    char *record = malloc(100);
    drop(record);
    return 0;
}

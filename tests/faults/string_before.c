/* HKM-302 by HAKMEM_CHECK_STRING: memmove makes room in front of a block's start. */
#include <stdlib.h>
#include <string.h>

static void shift(char *text, size_t bytes, size_t by) {
    memmove(text - by, text, bytes);
}

int main(void) {
    char *before = malloc(64), *text = malloc(64);
    memset(text, 'a', 64);
    shift(text, 64, 8);
    free(text);
    free(before);
    return 0;
}

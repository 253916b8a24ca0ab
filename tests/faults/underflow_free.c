/* Writes one byte before a block's first; found when it is freed. */
#include <stdlib.h>

static void trim(char *text, int end) {
    while (end >= 0 && text[end] != 'x')
        end--;
    text[end] = '\0';
}

int main(void) {
    char *text = calloc(40, 1);
    trim(text, 39);
    free(text);
    return 0;
}

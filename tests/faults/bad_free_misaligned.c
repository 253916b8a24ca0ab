/* Frees a pointer one byte past what malloc returned. */
#include <stdlib.h>

static void drop(char *text) {
    free(text + 1);
}

int main(void) {
    char *text = malloc(40);
    drop(text);
    return 0;
}

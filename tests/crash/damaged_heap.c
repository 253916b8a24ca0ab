/* Writes behind a block, and crashes over something else. */
#include <stdlib.h>
#include <string.h>

static int *volatile nothing;

static void fill(char *text) {
    memcpy(text, "more than twenty-four bytes", 28);
}

int main(void) {
    char *text = malloc(24);
    fill(text);
    return *nothing + text[0];
}

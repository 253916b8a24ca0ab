/* Frees a local array. */
#include <stdlib.h>
#include <string.h>

static void drop(char *text) {
    free(text);
}

int main(void) {
    char text[64];
    strcpy(text, "not from malloc");
    drop(text);
    return 0;
}

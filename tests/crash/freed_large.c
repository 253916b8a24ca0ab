/* Reads from a large block after its free. */
#include <stdlib.h>
#include <string.h>

static void drop(char *text) {
    free(text);
}

int main(void) {
    char *volatile text = malloc(300000);
    memset(text, 'x', 300000);
    drop(text);
    return text[1000] == 'y';
}

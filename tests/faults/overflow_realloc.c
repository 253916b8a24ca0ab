/* Writes ten bytes past a block's end; found when it is resized. */
#include <stdlib.h>
#include <string.h>

static char *append(char *line) {
    memset(line, '.', 110);
    return realloc(line, 200);
}

int main(void) {
    char *line = append(malloc(100));
    free(line);
    return 0;
}

/* Writes a byte past the end of a block that realloc made; found when realloc is called again. */
#include <stdlib.h>

int main(void) {
    char *line = malloc(10);
    line = realloc(line, 100);
    line[100] = '\n';
    line = realloc(line, 200);
    free(line);
    return 0;
}

/* Reads a large block that it has freed, far behind its start. */
#include <stdlib.h>
#include <string.h>

int main(void) {
    size_t bytes = 3000000;
    char *picture = malloc(bytes);
    memset(picture, 1, bytes);
    free(picture);
    return picture[bytes / 2] == 2;
}

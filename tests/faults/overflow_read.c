/* Reads past the end of a block: twice as much as it holds. */
#include <stdlib.h>
#include <string.h>

int main(void) {
    static char destination[200];
    char *source = malloc(100);
    memset(source, 'x', 100);
    memcpy(destination, source, sizeof destination);
    free(source);
    return 0;
}

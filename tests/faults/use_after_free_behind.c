/* Reads behind the end of a block that it has freed, where no block has ever been. */
#include <stdlib.h>

int main(void) {
    volatile char *name = malloc(100);
    free((void *)name);
    return name[100 + 64] == 'x';
}

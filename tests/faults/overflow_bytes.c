/* Writes two bytes past the end of a block; they are no text. */
#include <stdlib.h>

int main(void) {
    volatile char *record = malloc(24);
    record[24] = 0;
    record[25] = 'A';
    free((void *)record);
    return 0;
}

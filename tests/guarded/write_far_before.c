/* Writes 80 bytes in front of a block, and leaves its header alone. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static void write_at(int *numbers, int at) {
    numbers[at] = 7;
}

int main(void) {
    be_busy();
    int *numbers = malloc(12 * sizeof *numbers);
    write_at(numbers, -20);
    free(numbers);
    return 0;
}

/* Writes an array from its end to one in front of its start. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static void fill(int *numbers, int from) {
    for (int i = from; i >= -1; i--)
        numbers[i] = i;
}

int main(void) {
    be_busy();
    int *numbers = malloc(12 * sizeof *numbers);
    fill(numbers, 11);
    free(numbers);
    return 0;
}

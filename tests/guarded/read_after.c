/* Reads past a block: the elements of an array, one too many. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static long sum_of(const long *numbers, int count) {
    long sum = 0;
    for (int i = 0; i <= count; i++)
        sum += numbers[i];
    return sum;
}

int main(void) {
    be_busy();
    long *numbers = calloc(10, sizeof *numbers);
    long sum = sum_of(numbers, 10);
    free(numbers);
    return sum == 12345;
}

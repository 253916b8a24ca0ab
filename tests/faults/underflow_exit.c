/* Writes before the first number of a block that is never freed. */
#include <stdlib.h>

static void shift(int *numbers, int count, int by) {
    for (int i = 0; i < count; i++)
        numbers[i - by] = numbers[i];
}

int main(void) {
    int *numbers = calloc(10, sizeof *numbers);
    shift(numbers, 3, 4);
    return numbers[0];
}

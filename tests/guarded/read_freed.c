/* Reads a block that it has freed. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static int first_of(const int *numbers) {
    return numbers[0];
}

int main(void) {
    be_busy();
    int *numbers = calloc(100, sizeof *numbers);
    free(numbers);
    return first_of(numbers) == 12345;
}

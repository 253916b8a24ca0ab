/* Reads a block after its free: recorded as late.db on aarch64. */
#include <stdio.h>
#include <stdlib.h>

struct reading {
    int count, values[9];
};

static int sum(const struct reading *reading) {
    int total = 0;
    for (int i = 0; i < reading->count; i++)
        total += reading->values[i];
    return total;
}

int main(void) {
    struct reading *reading = calloc(1, sizeof *reading);
    reading->count = 9;
    free(reading);
    printf("%d\n", sum(reading));
    return 0;
}

/* Reads past the end of a block as far as the next page, which no block is on. */
#include <stdlib.h>

static int sum(const volatile char *from, const volatile char *end) {
    int total = 0;
    while (from < end)
        total += *from++;
    return total;
}

int main(void) {
    char *name = malloc(100);
    (void)sum(name, name + 4100);
    free(name);
    return 0;
}

/* Writes so far in front of a block that its header stays whole: index -5 of longs. */
#include <stdlib.h>

static long *totals;

static void add(int number) {
    totals[number]++;
}

int main(void) {
    totals = calloc(10, sizeof *totals);
    add(-5);
    return 0;
}

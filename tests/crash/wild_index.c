/* Reads at an index that nobody has checked, thousands of millions of bytes before its block. */
#include <stdlib.h>

static volatile int number = -1000000000;

static int pick(const int *list, int index) {
    return list[index];
}

int main(void) {
    int *list = calloc(10, sizeof *list);
    return list ? pick(list, number) : 2;
}

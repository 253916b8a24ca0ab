/* Divides by zero. */
#include <stdlib.h>

static volatile int parts;

static int share(int all) {
    return all / parts;
}

int main(void) {
    return share(100);
}

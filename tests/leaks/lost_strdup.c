/* Strings that the C library allocated for the program. LOST direct 2 31 indirect 0 0 */
#define _GNU_SOURCE
#include "leaks.h"

static __attribute__((noinline)) void work(void) {
    char *text = NULL;
    use(strdup("ten bytes"));
    if (asprintf(&text, "%s and %s", "twenty-one", "bytes") < 0)
        exit(2);
    use(text);
}

int main(void) {
    work();
    forget_frames();
    return 0;
}

/* Crashes in a function that exit calls. */
#include <stdlib.h>

static int *volatile nothing;

static void say_goodbye(void) {
    *nothing = 1;
}

int main(void) {
    atexit(say_goodbye);
    return 0;
}

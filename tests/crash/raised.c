/* Sends itself SIGSEGV. */
#include <signal.h>

static void fail(void) {
    raise(SIGSEGV);
}

int main(void) {
    fail();
    return 0;
}

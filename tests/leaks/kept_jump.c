/* A program that jumped out of a handler and of deep frames. KEPT */
#include <setjmp.h>
#include <signal.h>
#include "leaks.h"

static jmp_buf back;
static char *held;

static void handler(int signal) {
    (void)signal;
    longjmp(back, 1);
}

int main(void) {
    char *volatile block = take(300);
    signal(SIGUSR1, handler);
    if (setjmp(back) == 0) {
        held = take(100);
        raise(SIGUSR1);
    }
    use(block);
    free(block);
    exit(held ? 0 : 1);
}

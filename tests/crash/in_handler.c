/* Crashes in the handler of another signal. */
#include <signal.h>
#include <stdlib.h>

static void write_to(int *pointer) {
    *pointer = 1;
}

static void on_user(int number) {
    (void)number;
    write_to(NULL);
}

int main(void) {
    signal(SIGUSR1, on_user);
    raise(SIGUSR1);
    return 0;
}

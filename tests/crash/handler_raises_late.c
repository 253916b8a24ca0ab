/* The program's handler sends itself the signal, which is blocked while the handler runs. */
#include <signal.h>
#include <stdlib.h>

static void on_fault(int number) {
    signal(number, SIG_DFL);
    raise(number);
}

static int read_through(const int *pointer) {
    return *pointer;
}

int main(void) {
    signal(SIGSEGV, on_fault);
    return read_through(NULL);
}

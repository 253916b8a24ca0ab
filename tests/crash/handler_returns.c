/* The program's handler puts the default back and returns: the fault comes again. */
#include <signal.h>
#include <stdlib.h>

static void on_fault(int number) {
    signal(number, SIG_DFL);
}

static int read_through(const int *pointer) {
    return *pointer;
}

int main(void) {
    signal(SIGSEGV, on_fault);
    return read_through(NULL);
}

/* The program's handler of SIGSEGV calls abort. */
#include <signal.h>
#include <stdlib.h>

static void on_fault(int number) {
    (void)number;
    abort();
}

static int read_through(const int *pointer) {
    return *pointer;
}

int main(void) {
    signal(SIGSEGV, on_fault);
    return read_through(NULL);
}

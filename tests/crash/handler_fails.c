/* The program's handler of SIGSEGV divides by zero. */
#include <signal.h>
#include <stdlib.h>

static volatile int parts;

static void on_fault(int number) {
    parts = number / parts;
}

static int read_through(const int *pointer) {
    return *pointer;
}

int main(void) {
    signal(SIGSEGV, on_fault);
    return read_through(NULL);
}

/* The program's handler jumps back out, many times and from several depths; then it crashes
 * elsewhere without one. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static sigjmp_buf back;

static void on_fault(int number) {
    siglongjmp(back, number);
}

static int read_through(const int *pointer, int depth) {
    return depth > 0 ? read_through(pointer, depth - 1) + 1 : *pointer;
}

static int divide(int by) {
    return 100 / by;
}

int main(void) {
    volatile int caught = 0;
    signal(SIGSEGV, on_fault);
    for (volatile int i = 0; i < 200; i++)
        if (sigsetjmp(back, 1) == 0)
            read_through(NULL, i % 7);
        else
            caught++;
    printf("%d caught\n", caught);
    fflush(stdout);
    return divide(caught - 200);
}

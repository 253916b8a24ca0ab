/* Frees a block twice; its handler of SIGABRT jumps out, and the program goes on. Then it crashes.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static sigjmp_buf back;

static void on_abort(int number) {
    siglongjmp(back, number);
}

static void crash(int *pointer) {
    *pointer = 1;
}

int main(void) {
    char *volatile block = malloc(24);
    signal(SIGABRT, on_abort);
    free(block);
    if (sigsetjmp(back, 1) == 0)
        free(block);
    for (int i = 0; i < 1000; i++)
        free(malloc((size_t)i));
    puts("goes on");
    fflush(stdout);
    crash(NULL);
    return 0;
}

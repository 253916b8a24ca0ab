/* Allocates in signal handlers that interrupt anything, on the own and on an alternate stack, in
 * deep recursion and in coroutines, for the comparing preload: signals ROUNDS [alternate]. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile int handled;
static volatile double sink;
static ucontext_t main_context, coroutine;

static void allocate(size_t bytes) {
    void *volatile block = malloc(bytes);
    free(block);
}

static void handle(int number) {
    (void)number;
    allocate(10);
    handled++;
}

static int compare(const void *a, const void *b) {
    allocate(4);
    return *(const int *)a - *(const int *)b;
}

static void recurse(int depth);
static void (*volatile recurse_again)(int) = recurse; /* keeps the compiler from inlining levels */

static void recurse(int depth) {
    volatile char bytes[64];
    bytes[0] = (char)depth;
    if (depth > 0)
        recurse_again(depth - 1);
    else
        allocate(3);
    bytes[1] = bytes[0];
}

static void run_coroutine(void) {
    for (;;) {
        allocate(30);
        recurse(5);
        swapcontext(&coroutine, &main_context);
    }
}

int main(int argc, char **argv) {
    static char alternate[65536], coroutine_stack[65536];
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    struct sigaction action = {.sa_handler = handle};
    struct itimerval timer = {{0, 300}, {0, 300}}, off = {{0, 0}, {0, 0}};
    char text[200];
    if (argc > 2) {
        stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
        sigaltstack(&stack, NULL);
        action.sa_flags = SA_ONSTACK;
    }
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (int i = 0; i < rounds; i++) {
        int numbers[32];
        for (int k = 0; k < 32; k++)
            numbers[k] = rand();
        qsort(numbers, 32, sizeof *numbers, compare);
        sink += snprintf(text, sizeof text, "%d %f", i, i * 1.5);
        if (i % 10 == 0)
            raise(SIGUSR1);
        if (i % 100 == 0)
            recurse(i % 900);
    }
    setitimer(ITIMER_REAL, &off, NULL);
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = coroutine_stack;
    coroutine.uc_stack.ss_size = sizeof coroutine_stack;
    makecontext(&coroutine, run_coroutine, 0);
    for (int i = 0; i < rounds; i++)
        swapcontext(&main_context, &coroutine);
    return handled >= rounds / 10 ? 0 : 1;
}

/* Signals come while blocks are taken and given; handlers touch blocks that are there. */
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>
#include "../corpus/shapes.h"

static char *volatile shared;
static volatile int ticks;

static void tick(int number) {
    (void)number;
    shared[ticks++ % 100] = 't';
}

SHAPE(timer) {
    struct itimerval every = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    shared = opaque(malloc(100));
    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &every, NULL);
    while (ticks < 20)
        for (size_t i = 0; i < 500; i++)
            free(opaque(malloc(i)));
    setitimer(ITIMER_REAL, &never, NULL);
    free(shared);
}

SHAPE(own_stack) {
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536}, old;
    require(sigaltstack(&stack, &old) == 0, "a stack of its own");
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR2, &action, NULL);
    shared = opaque(malloc(100));
    for (int i = 0; i < 10; i++)
        raise(SIGUSR2);
    sigaltstack(&old, NULL);
    free(stack.ss_sp);
    free(shared);
}

RUN_ALL()

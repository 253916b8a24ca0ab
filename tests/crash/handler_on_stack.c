/* The program's handler runs on an alternate stack of the program, after the thread's own is full,
 * and sends the process the signal again. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int endless = 1;

static int recurse(int depth) {
    volatile char frame[512];
    frame[0] = (char)depth;
    return endless ? recurse(depth + 1) + frame[0] : 0;
}

static void on_fault(int number, siginfo_t *info, void *context) {
    static const char word[] = "out of stack\n";
    (void)info;
    (void)context;
    (void)!write(1, word, sizeof word - 1);
    kill(getpid(), number);
}

int main(void) {
    static char room[64 << 10];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction mine = {.sa_sigaction = on_fault,
                             .sa_flags =
                                 (int)(SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESETHAND)};
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &mine, NULL);
    return recurse(0);
}

/* Crashes on an alternate stack as small as the kernel allows, in a handler of another signal. */
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>

static int read_through(const int *pointer) {
    return *pointer;
}

static void on_user(int number) {
    read_through((const int *)(long)number);
}

int main(void) {
    size_t least = getauxval(AT_MINSIGSTKSZ);
    /* Room for the frames of two signals, and little more. */
    stack_t stack = {.ss_size = 2 * (least ? least : MINSIGSTKSZ) + 2048};
    struct sigaction mine = {.sa_handler = on_user, .sa_flags = SA_ONSTACK};
    stack.ss_sp = malloc(stack.ss_size);
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &mine, NULL);
    raise(SIGUSR1);
    return 0;
}

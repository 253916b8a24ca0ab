/* Damages a block, then calls the malloc family some more and ends without its atexit: what
 * HAKMEM_SWEEP_SIGNAL and HAKMEM_SWEEP_EVERY find. Argument: what the program itself does with
 * SIGUSR2: nothing, ignore, handler, or verify (calls hak_verify). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hakmem.h"

static void handle(int number) {
    static const char said[] = "the program's own handler\n";
    (void)number;
    if (write(1, said, sizeof said - 1) < 0)
        _exit(3);
}

/* The program must read back what it has set itself. */
static int set(void (*handler)(int)) {
    struct sigaction now;
    return signal(SIGUSR2, handler) == SIG_ERR || sigaction(SIGUSR2, NULL, &now) != 0 ||
           now.sa_handler != handler;
}

int main(int count, char **argument) {
    const char *what = count > 1 ? argument[1] : "nothing";
    struct sigaction before;
    sigaction(SIGUSR2, NULL, &before);
    if (before.sa_handler != SIG_DFL || (strcmp(what, "ignore") == 0 && set(SIG_IGN)) ||
        (strcmp(what, "handler") == 0 && set(handle)))
        return 2;
    char *block = malloc(10);
    block[10] = 1;
    if (strcmp(what, "verify") == 0)
        printf("verify: %d\n", hak_verify ? (int)hak_verify() : -1);
    else if (strcmp(what, "nothing") != 0)
        raise(SIGUSR2);
    for (int i = 0; i < 20; i++)
        free(malloc(20));
    fflush(stdout);
    _exit(0);
}

/* Uses pointers with wrong tags where that is found late (tests/arm/tags.sh):
 *
 *     tag_late write|read|free|handler|loop
 *
 * right behind a block, in a header, whose tag no pointer has. free: then gives back what is no
 * block. handler: of the program's own. loop: three times at the same place. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 48, TIMES = 3 };
static volatile int heard;

static void hear(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    if (info->si_addr == NULL)
        heard = info->si_code;
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "read";
    struct sigaction action = {.sa_sigaction = hear, .sa_flags = SA_SIGINFO};
    volatile char *block = malloc(BYTES);
    char *other = malloc(BYTES);
    if (strcmp(what, "handler") == 0)
        sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < (strcmp(what, "loop") == 0 ? TIMES : 1); i++) {
        if (strcmp(what, "write") == 0)
            block[BYTES] = 1;
        else
            (void)block[BYTES];
        (void)getppid();
    }
    if (strcmp(what, "free") == 0)
        free(other + 1);
    printf("goes on, %d\n", heard);
    return 0;
}

/* Forks in a signal handler that interrupts malloc and free wherever they are, locks held or not,
 * as crash handlers and timers of single-threaded programs do; glibc takes no lock then. The child
 * does what is left to it, and ends. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 150, EVERY_US = 1500, BLOCKS = 4000 };

static volatile sig_atomic_t forks, failures;

/* Once: a fork that takes longer than the time between two signals, on a machine with much to do,
 * leaves time for the program all the same. */
static bool set_alarm(void) {
    struct itimerval once = {{0, 0}, {0, EVERY_US}};
    return setitimer(ITIMER_REAL, &once, NULL) == 0;
}

static void on_alarm(int number) {
    (void)number;
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 7)
        failures++;
    if (++forks < FORKS && !set_alarm())
        failures++;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    static void *blocks[BLOCKS];
    unsigned random = 1;
    if (sigaction(SIGALRM, &action, NULL) != 0 || !set_alarm())
        return 1;
    while (forks < FORKS)
        for (int i = 0; i < BLOCKS; i++) {
            random = random * 1103515245 + 12345;
            size_t bytes =
                (random >> 8) % 4 == 0 ? 40000 + (random >> 10) % 100000 : (random >> 10) % 3000;
            free(blocks[i]);
            blocks[i] = malloc(bytes);
        }
    printf("%d failures\n", (int)failures);
    return 0;
}

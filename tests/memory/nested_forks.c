/* A signal handler allocates where it interrupted malloc or free, and another one that interrupts
 * this forks. In the child a second thread allocates while the first goes on where it was: no block
 * is handed out twice. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 40, EVERY_US = 1500, BLOCKS = 2000, BYTES = 48 };

static volatile sig_atomic_t forks, failures, is_child;
static char *others[BLOCKS], *own[BLOCKS];

static void *allocate(void *of) {
    char **blocks = of;
    for (int i = 0; i < BLOCKS; i++)
        if ((blocks[i] = malloc(BYTES)))
            memset(blocks[i], blocks == own ? 1 : 2, BYTES);
    return NULL;
}

static int is_filled(char *const *blocks, char with) {
    for (int i = 0; i < BLOCKS; i++)
        for (int b = 0; b < BYTES; b++)
            if (!blocks[i] || blocks[i][b] != with)
                return 0;
    return 1;
}

static void start(int timer) {
    struct itimerval once = {{0, 0}, {0, EVERY_US}};
    if (setitimer(timer, &once, NULL) != 0)
        failures++;
}

static void on_second(int number) {
    pthread_t thread;
    int status = 0;
    (void)number;
    pid_t child = fork();
    if (child == 0) {
        is_child = 1;
        if (pthread_create(&thread, NULL, allocate, others) != 0)
            _exit(7); /* the interrupted call holds a lock: there is no memory here */
        if (pthread_join(thread, NULL) != 0)
            _exit(9);
        return;
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 7)
        failures++;
    forks++;
}

static void on_first(int number) {
    (void)number;
    int before = forks;
    start(ITIMER_PROF);
    while (forks == before && !is_child)
        free(malloc(BYTES));
    if (forks < FORKS && !is_child)
        start(ITIMER_REAL);
}

int main(void) {
    struct sigaction first = {.sa_handler = on_first, .sa_flags = SA_RESTART},
                     second = {.sa_handler = on_second, .sa_flags = SA_RESTART};
    static void *blocks[BLOCKS];
    if (sigaction(SIGALRM, &first, NULL) != 0 || sigaction(SIGPROF, &second, NULL) != 0)
        return 1;
    start(ITIMER_REAL);
    for (unsigned i = 0; forks < FORKS && !is_child; i++) {
        free(blocks[i % BLOCKS]);
        blocks[i % BLOCKS] = malloc(i % 3 ? BYTES : 700);
    }
    if (is_child) {
        allocate(own);
        _exit(is_filled(own, 1) && is_filled(others, 2) ? 7 : 8);
    }
    printf("%d failures\n", (int)failures);
    return 0;
}

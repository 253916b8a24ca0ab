/* Forks while another thread sweeps (HAKMEM_SWEEP_EVERY=1): each of N children writes behind a
 * block of its own and exits, where its own sweep must find it. `fork_sweeps N`. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 4000 };
static atomic_bool stop, is_ready;

static void *allocate(void *nothing) {
    static void *kept[KEPT]; /* so that a sweep takes a while */
    for (int i = 0; i < KEPT; i++)
        kept[i] = malloc(100);
    is_ready = true;
    while (!stop)
        free(malloc(40));
    for (int i = 0; i < KEPT; i++)
        free(kept[i]);
    return nothing;
}

int main(int argc, char **argv) {
    pthread_t thread;
    (void)argc;
    pthread_create(&thread, NULL, allocate, NULL);
    while (!is_ready)
        usleep(1000);
    for (int i = atoi(argv[1]); i > 0; i--) {
        usleep(3000);
        pid_t child = fork();
        if (child == 0) {
            volatile size_t behind = 24;
            char *block = malloc(behind);
            block[behind] = 'x';
            exit(0);
        }
        waitpid(child, NULL, 0);
    }
    stop = true;
    pthread_join(thread, NULL);
    return 0;
}

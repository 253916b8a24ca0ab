/* Threads that get their names late, and one that is killed with it: `named FILE`, when FILE is
 * there. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *run(void *name) {
    free(malloc(10));
    usleep(50000);
    pthread_setname_np(pthread_self(), name);
    for (;;) {
        free(malloc(10));
        usleep(10000);
    }
    return NULL;
}

int main(int count, char **arguments) {
    pthread_t first, second;
    pthread_create(&first, NULL, run, "reader");
    pthread_create(&second, NULL, run, "writer");
    free(malloc(1));
    prctl(PR_SET_NAME, "boss");
    for (int i = 0; i < 5000 && access(count > 1 ? arguments[1] : "/", F_OK) != 0; i++)
        usleep(10000);
    kill(getpid(), 9);
    return 0;
}

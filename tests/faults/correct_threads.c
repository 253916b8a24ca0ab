/* A correct program: blocks are made by one thread, written by another and freed by a third, over
 * and over, with forked children in between. It must end with status 0 and print nothing. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { rounds = 60, blocks = 500 };

static char *block[blocks];
static size_t bytes_of(int i) {
    return (size_t)(i * 37 % 3000 + 1);
}

static void *make(void *unused) {
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(bytes_of(i));
    return unused;
}

static void *fill(void *unused) {
    for (int i = 0; i < blocks; i++)
        memset(block[i], i, bytes_of(i));
    return unused;
}

static void *release(void *unused) {
    for (int i = 0; i < blocks; i++)
        free(block[i]);
    return unused;
}

static void run(void *(*body)(void *)) {
    pthread_t thread;
    pthread_create(&thread, NULL, body, NULL);
    pthread_join(thread, NULL);
}

int main(void) {
    int failed = 0;
    for (int round = 0; round < rounds; round++) {
        run(make);
        run(fill);
        if (round % 20 == 0) {
            int status = 1;
            pid_t child = fork();
            if (child == 0) {
                release(NULL);
                run(make);
                exit(0);
            }
            waitpid(child, &status, 0);
            failed |= status;
        }
        run(release);
    }
    return failed != 0;
}

/* Frees a block twice in a destructor of thread-specific data that runs behind hakmem's own. Run by
 * given_up.sh. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t key;
static char *volatile block;
static int rounds;

static void end(void *value) {
    if (++rounds < 3) {
        pthread_setspecific(key, value);
        return;
    }
    free(block);
    puts("freed twice late");
}

static void *run(void *argument) {
    pthread_setspecific(key, argument);
    block = malloc(24);
    free(block);
    return NULL;
}

int main(void) {
    pthread_t thread;
    pthread_key_create(&key, end);
    pthread_create(&thread, NULL, run, &rounds);
    pthread_join(thread, NULL);
    return 0;
}

/* A thread frees a block that the main thread has freed. */
#include <pthread.h>
#include <stdlib.h>

static void *close_in_thread(void *session) {
    free(session);
    return NULL;
}

int main(void) {
    pthread_t thread;
    char *session = malloc(56);
    free(session);
    pthread_create(&thread, NULL, close_in_thread, session);
    pthread_join(thread, NULL);
    return 0;
}

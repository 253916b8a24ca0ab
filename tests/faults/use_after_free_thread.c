/* A thread reads a block that another one took and freed meanwhile. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static char *message;

static void *read_later(void *unused) {
    (void)unused;
    return message[0] == '!' ? message : NULL;
}

int main(void) {
    pthread_t thread;
    message = malloc(200);
    strcpy(message, "soon to be gone!");
    free(message);
    pthread_create(&thread, NULL, read_later, NULL);
    pthread_join(thread, NULL);
    return 0;
}

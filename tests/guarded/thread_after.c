/* A second thread reads past a block of the first. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

#include <pthread.h>

static void *look(void *block) {
    return ((char *)block)[48] ? block : NULL;
}

int main(void) {
    pthread_t thread;
    be_busy();
    char *block = calloc(1, 48);
    pthread_create(&thread, NULL, look, block);
    pthread_join(thread, NULL);
    free(block);
    return 0;
}

/* A block that a thread allocates, a thread of that thread frees, and main frees again when both
 * are gone. */
#include <pthread.h>
#include <stdlib.h>

static void *session;

static void *close_session(void *unused) {
    (void)unused;
    pthread_setname_np(pthread_self(), "closer");
    free(session);
    return NULL;
}

static void start_closer(void) {
    pthread_t closer;
    pthread_create(&closer, NULL, close_session, NULL);
    pthread_join(closer, NULL);
}

static void *dispatch(void *unused) {
    (void)unused;
    pthread_setname_np(pthread_self(), "dispatcher");
    session = malloc(56);
    start_closer();
    return NULL;
}

int main(void) {
    pthread_t dispatcher;
    pthread_create(&dispatcher, NULL, dispatch, NULL);
    pthread_join(dispatcher, NULL);
    free(session);
    return 0;
}

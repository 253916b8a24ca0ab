/* A thread reads the guard page below its own stack, far from where it works. */
#include <pthread.h>

static void *worker(void *unused) {
    pthread_attr_t attributes;
    void *stack;
    size_t bytes;
    (void)unused;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &stack, &bytes);
    volatile char *guard = (volatile char *)stack - 100;
    return (void *)(long)*guard;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, worker, NULL);
    pthread_join(thread, NULL);
    return 0;
}

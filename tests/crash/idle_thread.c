/* Crashes with a full stack in a thread that never allocates. */
#include <pthread.h>
#include <stddef.h>

static volatile int endless = 1;

static int recurse(int depth) {
    volatile char frame[2048];
    frame[0] = (char)depth;
    return endless ? recurse(depth + 1) + frame[0] : 0;
}

static void *work(void *unused) {
    recurse(0);
    return unused;
}

int main(void) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 << 10);
    pthread_create(&thread, &attributes, work, NULL);
    pthread_join(thread, NULL);
    return 0;
}

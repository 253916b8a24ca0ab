/* Everything was given back, by this thread and by others. KEPT */
#include <pthread.h>
#include "leaks.h"

static void *give_back(void *block) {
    free(block);
    return take(10);
}

int main(void) {
    void *blocks[100], *result;
    pthread_t thread;
    for (size_t i = 0; i < 100; i++)
        blocks[i] = take(i * 100 + 1);
    if (pthread_create(&thread, NULL, give_back, blocks[99]) != 0)
        return 2;
    pthread_join(thread, &result);
    free(result);
    for (int i = 0; i < 99; i++)
        free(blocks[i]);
    return 0;
}

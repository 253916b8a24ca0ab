/* A thread forgets its blocks and ends; what its stack held does not count any more.
 * LOST direct 3 3000 indirect 0 0 */
#include <pthread.h>
#include "leaks.h"

static void *work(void *argument) {
    char *volatile block[3];
    for (int i = 0; i < 3; i++)
        block[i] = take(1000);
    use(block[0]);
    return argument;
}

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 2;
    pthread_join(thread, NULL);
    return 0;
}

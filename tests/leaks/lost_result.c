/* A thread's result is thrown away by the thread that joins it; its argument was lost by it.
 * LOST direct 2 300 indirect 0 0 */
#include <pthread.h>
#include "leaks.h"

static void *work(void *argument) {
    use(argument);
    return take(100);
}

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, take(200)) != 0)
        return 2;
    pthread_join(thread, NULL);
    forget_frames();
    return 0;
}

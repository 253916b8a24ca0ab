/* A second thread exits the process, while the first one waits with pointers on its stack. KEPT */
#include <pthread.h>
#include <unistd.h>
#include "leaks.h"

static void *work(void *argument) {
    char *volatile block = take(90);
    use(argument);
    exit(0);
    return block;
}

int main(void) {
    pthread_t thread;
    char *volatile block = take(100);
    char *volatile list[10] = {take(10), take(20)};
    if (pthread_create(&thread, NULL, work, take(50)) != 0)
        return 2;
    pthread_join(thread, NULL);
    use(block);
    use(list[0]);
    return 0;
}

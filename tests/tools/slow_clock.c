/* A preload for tests of what happens during long work: each look at the clock is 0.3 s after the
 * one before, and look number WAIT_FOR_SIGNAL makes a file "waiting" and waits for one, so that a
 * test can be sure to come in between. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static long long looks;
    (void)clock;
    looks++;
    const char *wait = getenv("WAIT_FOR_SIGNAL");
    if (wait && looks == atoll(wait)) {
        close(creat("waiting", 0600));
        nanosleep(&(struct timespec){.tv_sec = 30}, NULL);
    }
    now->tv_sec = (time_t)(1000000 + looks * 3 / 10);
    now->tv_nsec = looks * 3 % 10 * 100000000;
    return 0;
}

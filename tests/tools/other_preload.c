/* A preload that stands before or behind hakmem: says which exec was called, and sets signal
 * handlers under a lock that it would wait for, for ever, if hakmem called it back. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void say(const char *text) {
    if (write(1, text, strlen(text)) < 0)
        _exit(8);
}

int execve(const char *path, char *const arguments[], char *const environment[]) {
    int (*next)(const char *, char *const[], char *const[]);
    say("seen\n");
    *(void **)&next = dlsym(RTLD_NEXT, "execve");
    return next(path, arguments, environment);
}

sighandler_t signal(int number, sighandler_t handler) {
    sighandler_t (*next)(int, sighandler_t);
    *(void **)&next = dlsym(RTLD_NEXT, "signal");
    pthread_mutex_lock(&lock);
    sighandler_t before = next(number, handler);
    pthread_mutex_unlock(&lock);
    return before;
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before) {
    int (*next)(int, const struct sigaction *, struct sigaction *);
    *(void **)&next = dlsym(RTLD_NEXT, "sigaction");
    pthread_mutex_lock(&lock);
    int result = next(number, action, before);
    pthread_mutex_unlock(&lock);
    return result;
}

static int is_ready;

__attribute__((constructor)) static void get_ready(void) {
    is_ready = 1;
}

/* A clock that needs its own constructor (libfaketime's, which reads the environment). */
int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!is_ready)
        say("too early\n");
    return (int)syscall(SYS_clock_gettime, clock, now);
}

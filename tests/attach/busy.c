/* A recorder that comes and goes must not be noticed here: threads that begin and end, load and
 * unload libraries, fork, count on errno, on vector registers, on signals and on interrupted system
 * calls. Prints a line for whatever was not as it should, and "all as it was" at SIGTERM.
 *
 *   busy LIMIT      so many calls of epoll_wait may end with EINTR */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_bool is_over;
static atomic_int wrong;
static atomic_ulong ticks;

static void expect(bool holds, const char *what) {
    if (holds)
        return;
    if (atomic_fetch_add(&wrong, 1) < 20)
        fprintf(stderr, "wrong: %s (errno %d)\n", what, errno);
}

static bool goes_on(void) {
    return !atomic_load(&is_over);
}

/* All threads together leave half of two processors to others: who records has to come to it. */
static void rest(void) {
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void *allocate(void *unused) {
    enum { BLOCKS = 64 };
    unsigned char *block[BLOCKS] = {0};
    size_t bytes[BLOCKS] = {0};
    for (unsigned i = 0; goes_on(); i++) {
        unsigned at = i % BLOCKS;
        if (block[at])
            expect(block[at][0] == at && block[at][bytes[at] - 1] == at, "bytes of a block");
        free(block[at]);
        bytes[at] = i % 700 + 1;
        block[at] = i % 5 ? malloc(bytes[at]) : realloc(calloc(1, 10), bytes[at]);
        memset(block[at], (int)at, bytes[at]);
        if (i % 1024 == 0)
            rest();
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(block[i]);
    return unused;
}

static void *load(void *unused) {
    while (goes_on()) {
        void *library = dlopen("libz.so.1", RTLD_LAZY);
        expect(library != NULL, "dlopen");
        if (library) {
            const char *(*version)(void) = (const char *(*)(void))dlsym(library, "zlibVersion");
            expect(version && version()[0] == '1', "a function of a library");
            dlclose(library);
        }
        rest();
    }
    return unused;
}

static void *fork_children(void *unused) {
    while (goes_on()) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            for (int i = 1; i < 100; i++)
                free(malloc((size_t)i));
            _exit(3);
        }
        expect(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3,
               "a child's end");
        rest();
    }
    return unused;
}

static void *count_on_errno(void *unused) {
    unsigned calls = 0;
    while (goes_on()) {
        errno = 0;
        expect(close(-1) == -1 && errno == EBADF, "errno of a call");
        errno = 77;
        for (volatile int i = 0; i < 500; i++)
            continue;
        expect(errno == 77, "errno between calls");
        if (++calls % 256 == 0)
            rest();
    }
    return unused;
}

static void *count_on_registers(void *unused) {
    while (goes_on()) {
        double a = 1.5, b = 2.25;
        unsigned long sum = 0;
        for (unsigned long i = 0; i < 100000; i++) {
            a *= 1.0000001;
            b /= 1.0000001;
            sum = sum * 31 + i;
        }
        static _Atomic unsigned long due;
        unsigned long none = 0;
        if (!atomic_compare_exchange_strong(&due, &none, sum))
            expect(none == sum, "general registers");
        expect(a * b > 3.374999 && a * b < 3.375001, "vector registers");
        rest();
    }
    return unused;
}

static void tick(int number) {
    (void)number;
    atomic_fetch_add(&ticks, 1);
}

/* As signal(7) has it, a thread that is stopped may get EINTR from epoll_wait. This is made good,
 * but where the recorder is killed, and where the first thread is traced while a child ends. */
static atomic_ulong ended_early;

static int wait_for_event(int all, int ms) {
    struct epoll_event event;
    int result;
    while ((result = epoll_wait(all, &event, 1, ms)) < 0 && errno == EINTR)
        atomic_fetch_add(&ended_early, 1);
    return result;
}

/* Calls that a stop interrupts, by the thread that is looked at before all others. */
static void *wait_in_calls(void *unused) {
    int ends[2], all = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    sem_t semaphore;
    sigset_t child;
    /* The kernel keeps a child's SIGCHLD, which nobody asked for, where the thread that forked is
     * traced, and hands it to any thread: its epoll_wait would end without hakmem having stopped
     * it. */
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child, NULL);
    expect(pipe(ends) == 0 && epoll_ctl(all, EPOLL_CTL_ADD, ends[0], &event) == 0, "a pipe");
    sem_init(&semaphore, 0, 0);
    while (goes_on()) {
        char byte = 0;
        struct pollfd one = {.fd = ends[0], .events = POLLIN};
        struct timespec now, nap = {0, 300000};
        expect(wait_for_event(all, 2) == 0, "epoll_wait with nothing");
        expect(poll(&one, 1, 1) == 0, "poll with nothing");
        expect(nanosleep(&nap, NULL) == 0, "nanosleep");
        clock_gettime(CLOCK_REALTIME, &now);
        now.tv_nsec += 1000000;
        now.tv_sec += now.tv_nsec / 1000000000;
        now.tv_nsec %= 1000000000;
        expect(sem_timedwait(&semaphore, &now) == -1 && errno == ETIMEDOUT, "sem_timedwait");
        expect(write(ends[1], "x", 1) == 1, "write");
        expect(wait_for_event(all, -1) == 1, "epoll_wait with something");
        expect(read(ends[0], &byte, 1) == 1 && byte == 'x', "read");
    }
    return unused;
}

static void *be_short(void *unused) {
    free(strdup("short"));
    return unused;
}

/* The first thread is in a signal handler for good: no call can be made there. */
static void stay(int number) {
    sigset_t end;
    pthread_t one;
    (void)number;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    while (sigtimedwait(&end, NULL, &(struct timespec){0, 500000}) != SIGTERM)
        if (pthread_create(&one, NULL, be_short, NULL) == 0)
            pthread_join(one, NULL);
}

int main(int count, char **arguments) {
    static void *(*const work[])(void *) = {wait_in_calls, allocate,       allocate,          load,
                                            fork_children, count_on_errno, count_on_registers};
    enum { THREADS = sizeof work / sizeof *work };
    pthread_t thread[THREADS];
    sigset_t end, before;
    unsigned long limit = count > 1 ? strtoul(arguments[1], NULL, 10) : 0;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = tick, .sa_flags = SA_RESTART}, NULL);
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    sigaddset(&end, SIGALRM); /* to the main thread alone */
    sigprocmask(SIG_BLOCK, &end, &before);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, work[i], NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    timer_t timer;
    struct itimerspec each = {{0, 2000000}, {0, 2000000}};
    timer_create(CLOCK_MONOTONIC,
                 &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM}, &timer);
    timer_settime(timer, 0, &each, NULL);
    puts("ready");
    fflush(stdout);
    signal(SIGUSR1, stay);
    raise(SIGUSR1);
    atomic_store(&is_over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    expect(atomic_load(&ticks) > 0, "signals");
    if (atomic_load(&ended_early) > limit)
        fprintf(stderr, "%lu calls of epoll_wait ended with EINTR\n", atomic_load(&ended_early));
    expect(atomic_load(&ended_early) <= limit, "calls that end early");
    puts(atomic_load(&wrong) ? "not as it was" : "all as it was");
    return 0;
}

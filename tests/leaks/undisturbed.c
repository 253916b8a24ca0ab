/* Threads that wait in system calls which Linux does not restart after a stop; leaks are looked for
 * meanwhile, again and again. None of the calls may return before what it waits for has come: each
 * thread tells with which errno it did. Status: one bit for each call that was disturbed. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "hakmem.h"

enum { EPOLL, EPOLL_LIMIT, SEMOP, SIGTIMEDWAIT, RECV, INOTIFY, WAITERS };

static int event_file, epoll_file, semaphore, sockets[2], watch_file;
static volatile int ids[WAITERS];

static int wait_in(int which) {
    struct epoll_event event;
    struct sembuf down = {.sem_op = -1};
    struct timespec limit = {.tv_sec = 600};
    sigset_t usr1;
    char bytes[512];
    switch (which) {
    case EPOLL:
        return epoll_wait(epoll_file, &event, 1, -1);
    case EPOLL_LIMIT:
        return epoll_wait(epoll_file, &event, 1, 600000);
    case SEMOP:
        return semop(semaphore, &down, 1);
    case SIGTIMEDWAIT:
        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        return sigtimedwait(&usr1, NULL, &limit);
    case RECV:
        return (int)recv(sockets[0], bytes, sizeof bytes, 0);
    default:
        return (int)read(watch_file, bytes, sizeof bytes);
    }
}

static void *wait_once(void *number) {
    int which = (int)(long)number;
    __atomic_store_n(&ids[which], (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    return wait_in(which) >= 0 ? NULL : (void *)(long)errno;
}

/* Until the kernel says that the thread sleeps. */
static void wait_until_asleep(int which) {
    char path[64], state = 0;
    while (state != 'S') {
        usleep(1000);
        int id = __atomic_load_n(&ids[which], __ATOMIC_ACQUIRE);
        if (id == 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", id);
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = 0;
        if (file)
            fclose(file);
    }
}

static void wake_all(const char *folder) {
    struct sembuf up = {.sem_op = 1};
    char path[512];
    uint64_t one = 1;
    kill(getpid(), SIGUSR1);
    semop(semaphore, &up, 1);
    snprintf(path, sizeof path, "%s/made", folder);
    fclose(fopen(path, "w"));
    if (write(sockets[1], "x", 1) != 1 || write(event_file, &one, sizeof one) != sizeof one)
        perror("write");
}

int main(int count, char **arguments) {
    static const char *const names[] = {"epoll_wait",   "epoll_wait with a limit", "semop",
                                        "sigtimedwait", "recv with a limit",       "inotify"};
    struct epoll_event event = {.events = EPOLLIN};
    struct timeval limit = {.tv_sec = 600};
    pthread_t threads[WAITERS];
    sigset_t usr1;
    int disturbed = 0;
    if (count < 2 || !hak_find_leaks)
        return 100;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    event_file = eventfd(0, 0), epoll_file = epoll_create1(0);
    watch_file = inotify_init();
    semaphore = semget(IPC_PRIVATE, 1, 0600);
    if (pthread_sigmask(SIG_BLOCK, &usr1, NULL) != 0 || semaphore < 0 ||
        epoll_ctl(epoll_file, EPOLL_CTL_ADD, event_file, &event) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0 ||
        setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        inotify_add_watch(watch_file, arguments[1], IN_CREATE) < 0)
        return 101;
    for (long i = 0; i < WAITERS; i++)
        if (pthread_create(&threads[i], NULL, wait_once, (void *)i) != 0)
            return 102;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < WAITERS && round == 0; i++)
            wait_until_asleep(i);
        if (hak_find_leaks() != 0)
            return 103;
        usleep(2000);
    }
    wake_all(arguments[1]);
    for (int i = 0; i < WAITERS; i++) {
        void *error = NULL;
        pthread_join(threads[i], &error);
        if (error) {
            printf("%s gave errno %ld\n", names[i], (long)error);
            disturbed |= 1 << i;
        }
    }
    semctl(semaphore, 0, IPC_RMID);
    return disturbed;
}

/* A process's kind of end is known at the end that was seen, while its parent reaps it. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../suite.h"
#include "collector/session/ends.h"

static pthread_barrier_t barrier;
static atomic_int child;

static void *reap(void *unused) {
    for (;;) {
        pthread_barrier_wait(&barrier);
        pid_t one = atomic_load(&child);
        if (one == 0)
            return unused;
        waitpid(one, NULL, 0);
        pthread_barrier_wait(&barrier);
    }
}

/* A child that was killed, as the collector sees it: its pidfd is ready. It needs no memory of its
 * own, which takes longer to copy than all else here. */
static struct hak_process_watch killed_child(void) {
    pid_t pid = vfork();
    if (pid == 0) {
        kill(getpid(), SIGKILL);
        _exit(1);
    }
    struct hak_process_watch watch = {
        .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0), .wait_status = -1};
    struct pollfd end = {.fd = watch.pidfd, .events = POLLIN};
    ck_assert_int_ge(watch.pidfd, 0);
    ck_assert_int_eq(poll(&end, 1, -1), 1);
    return watch;
}

/* Linux 6.15 tells it. */
static bool tells_of_the_reaped(void) {
    struct hak_process_watch watch = killed_child();
    ck_assert_int_eq(waitpid(watch.pid, NULL, 0), watch.pid);
    hak_ends_ask(&watch);
    close(watch.pidfd);
    return watch.wait_status == SIGKILL;
}

TEST(knows_the_zombie) {
    struct hak_process_watch watch = killed_child();
    hak_ends_ask(&watch);
    ck_assert_int_eq(watch.wait_status, SIGKILL);
    ck_assert_int_eq(waitpid(watch.pid, NULL, 0), watch.pid);
    close(watch.pidfd);
}

/* The parent reaps at any moment of the question. */
TEST(knows_who_is_reaped_meanwhile) {
    pthread_t parent;
    if (!tells_of_the_reaped())
        return;
    pthread_barrier_init(&barrier, NULL, 2);
    ck_assert_int_eq(pthread_create(&parent, NULL, reap, NULL), 0);
    for (int i = 0; i < 3000; i++) {
        struct hak_process_watch watch = killed_child();
        atomic_store(&child, watch.pid);
        pthread_barrier_wait(&barrier);
        hak_ends_ask(&watch);
        pthread_barrier_wait(&barrier);
        close(watch.pidfd);
        ck_assert_msg(watch.wait_status == SIGKILL, "round %d: %d", i, watch.wait_status);
    }
    atomic_store(&child, 0);
    pthread_barrier_wait(&barrier);
    pthread_join(parent, NULL);
}

RUN_TESTS()

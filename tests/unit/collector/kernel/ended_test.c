/* How a process ended, by its pidfd. */
#include "collector/kernel/ended.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/suite.h"

/* A child that was killed and reaped; returns its pidfd. */
static int reaped_child(void) {
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(1);
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    ck_assert_int_ge(pidfd, 0);
    ck_assert_int_eq(hak_ended_status(pidfd), -1);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    return pidfd;
}

TEST(a_reaped_process_has_its_status_or_none) {
    int pidfd = reaped_child();
    ck_assert_int_eq(hak_ended_status(pidfd), hak_ended_can_ask() ? SIGKILL : -1);
    close(pidfd);
}

TEST(another_descriptor_has_no_status) {
    ck_assert_int_eq(hak_ended_status(-1), -1);
    ck_assert_int_eq(hak_ended_status(STDIN_FILENO), -1);
}

RUN_TESTS()

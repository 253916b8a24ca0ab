/* Ignored signals do nothing, blocked ones wait; at a fault the kernel ends who blocks its signal.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    sigset_t set;
    siginfo_t info;
    struct signalfd_siginfo from_file;
    struct timespec now = {0, 0};
    signal(SIGSEGV, SIG_IGN);
    signal(SIGABRT, SIG_IGN);
    raise(SIGSEGV);
    raise(SIGABRT);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigaddset(&set, SIGABRT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGSEGV);
    kill(getpid(), SIGABRT);
    int got = sigwaitinfo(&set, &info);
    printf("sigwaitinfo: %d code %d\n", got, info.si_code);
    int file = signalfd(-1, &set, 0);
    ssize_t bytes = read(file, &from_file, sizeof from_file);
    printf("signalfd: %zd bytes, signal %u code %d\n", bytes, from_file.ssi_signo,
           from_file.ssi_code);
    printf("left: %d\n", sigtimedwait(&set, &info, &now));
    fflush(stdout);
    *(volatile int *)NULL = 1;
    return 0;
}

/* Another process sends it SIGSEGV while it waits. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void wait_for_end(void) {
    for (;;)
        pause();
}

int main(void) {
    pid_t self = getpid();
    if (fork() == 0) {
        usleep(100000);
        kill(self, SIGSEGV);
        _exit(0);
    }
    wait_for_end();
    return 0;
}

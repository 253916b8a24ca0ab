/* Calls of what hakmem interposes, with arguments that are bad, missing or at the edge: prints what
 * each gives back and its errno. With an argument it executes this echo. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* siginterrupt */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tools/older.h"

/* Hides from the compiler what an argument is. */
static void *bad(uintptr_t address) {
    __asm__("" : "+r"(address));
    return (void *)address;
}

#define SHOW(call)                                                                                 \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long result = (long)(call);                                                                \
        printf("%s = %ld %s\n", #call, result, errno ? strerrorname_np(errno) : "");               \
    } while (0)

static char *words[] = {"x", NULL};

static void execute(void) {
    SHOW(execve("/nowhere", words, environ));
    SHOW(execve("", words, environ));
    SHOW(execve(bad(0), words, environ));
    SHOW(execve(bad(8), words, environ));
    SHOW(execve("/etc/passwd", words, environ));
    SHOW(execve("/bin/true", bad(1), environ));
    SHOW(execve("/bin/true", words, bad(1)));
    SHOW(execv("/nowhere", words));
    SHOW(execvp("nowhere-in-path", words));
    SHOW(execvp("", words));
    SHOW(execvpe("nowhere-in-path", words, environ));
    SHOW(execl("/nowhere", "x", NULL));
    SHOW(execl("/nowhere", bad(0), NULL));
    SHOW(execlp("nowhere-in-path", "x", "y", NULL));
    SHOW(execle("/nowhere", "x", NULL, environ));
    SHOW(execveat(-1, "nowhere", words, environ, 0));
    SHOW(execveat(99, "", words, environ, AT_EMPTY_PATH));
    SHOW(fexecve(-1, words, environ));
    SHOW(fexecve(99, words, environ));
}

static void enter_sandboxes(void) {
    struct {
        unsigned short count;
        void *code;
    } program = {4, bad(8)};
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0));
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, bad(8), 0, 0));
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
    SHOW(prctl(PR_SET_SECCOMP, 77, 0, 0, 0));
    SHOW(prctl(-1));
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL));
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, bad(8)));
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
    SHOW(syscall(-1));
    SHOW(syscall(SYS_close, -1));
    SHOW(unshare(-1));
    SHOW(setns(-1, CLONE_NEWNET));
    SHOW(clone(NULL, NULL, 0, NULL));
    SHOW(mlockall(0));
    SHOW(mlockall(MCL_ONFAULT));
}

static void handle_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    stack_t stack = {.ss_sp = words, .ss_size = 1};
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack(bad(8), NULL));
    SHOW(sigaltstack(NULL, bad(8)));
    SHOW(sigaction(0, &action, NULL));
    SHOW(sigaction(32, &action, NULL));
    SHOW(sigaction(65, &action, NULL));
    SHOW(sigaction(SIGKILL, &action, NULL));
    SHOW(sigaction(SIGSEGV, NULL, NULL));
    SHOW(signal(SIGSEGV, SIG_ERR));
    SHOW(signal(SIGSEGV, SIG_IGN));
    SHOW(signal(SIGSEGV, SIG_DFL));
    SHOW(signal(32, SIG_IGN));
    SHOW(signal(65, SIG_IGN));
    SHOW(siginterrupt(0, 1));
    SHOW(siginterrupt(SIGBUS, 1));
}

static void wait_for(pid_t child) {
    int status = -1;
    if (child > 0 && waitpid(child, &status, 0) == child)
        printf("status %x\n", (unsigned)status);
}

static void start_children(void) {
    pid_t child = -5;
    SHOW(posix_spawn(&child, "/nowhere", NULL, NULL, words, environ));
    SHOW(posix_spawnp(&child, "nowhere-in-path", NULL, NULL, words, environ));
    printf("%d\n", child);
    if (mkfifo("fifo", 0777) != 0)
        abort();
    child = vfork();
    if (child == 0) {
        execve("./fifo", words, environ); /* is not to be opened: that waits for a writer */
        _exit(errno);
    }
    wait_for(child);
    environ = NULL;
    if (posix_spawnp(&child, "true", NULL, NULL, words, NULL) == 0)
        wait_for(child);
}

int main(int count, char **arguments) {
    if (count > 1) {
        char *echo[] = {"echo", "executed", NULL};
        execve(arguments[1], echo, environ);
        return 9;
    }
    execute();
    enter_sandboxes();
    handle_signals();
    fflush(stdout);
    start_children();
    fflush(stdout);
    return 3;
}

/* A program that stands as `record -p` does not want it. Prints "ready" and waits.
 *
 *   target plain | seccomp | traced */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void enter_sandbox(void) {
    struct sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    struct sock_fprog program = {1, allow};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        abort();
}

int main(int count, char **arguments) {
    const char *how = count > 1 ? arguments[1] : "";
    if (strcmp(how, "seccomp") == 0)
        enter_sandbox();
    if (strcmp(how, "traced") == 0) {
        pid_t child = fork();
        if (child > 0) { /* the child is recorded, which this one traces */
            if (ptrace(PTRACE_SEIZE, child, NULL, NULL) != 0)
                abort();
            printf("ready %d %d\n", (int)child, (int)getpid());
            fflush(stdout);
            waitpid(child, NULL, 0);
            return 0;
        }
        for (;;)
            pause();
    }
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    for (;;)
        free(malloc(100)), usleep(1000);
}

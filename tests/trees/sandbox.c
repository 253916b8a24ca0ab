/* Programs that lock themselves up: `sandbox CASE`. They warm up, enter their sandbox, allocate and
 * free what they had before, and end as the sandbox allows. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 64 };

static void work(int times) {
    char *volatile blocks[BLOCKS];
    for (int i = 0; i < times; i++) {
        for (int b = 0; b < BLOCKS; b++)
            blocks[b] = malloc(40);
        for (int b = 0; b < BLOCKS; b++)
            free(blocks[b]);
    }
}

static void say(const char *text) {
    if (write(1, text, strlen(text)) < 0)
        syscall(SYS_exit, 99);
}

#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define REFUSE(name, action)                                                                       \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, action)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void refuse(uint32_t action, int by_syscall, int with_memory) {
    struct sock_filter code[] = {LOAD_NUMBER,
                                 REFUSE(futex, action),
                                 REFUSE(socket, action),
                                 REFUSE(connect, action),
                                 REFUSE(sendmsg, action),
                                 REFUSE(memfd_create, action),
                                 REFUSE(rt_sigprocmask, action),
                                 REFUSE(gettid, action),
                                 REFUSE(getpid, action),
                                 REFUSE(sched_yield, action),
                                 REFUSE(sigaltstack, action),
                                 REFUSE(nanosleep, action),
                                 REFUSE(mmap, with_memory ? SECCOMP_RET_ALLOW : action),
                                 ALLOW};
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        (by_syscall ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0
                    : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0))
        say("no sandbox\n");
}

/* As browsers do for what they start: no memory to share, no way out. */
static void refuse_hello(void) {
    struct sock_filter code[] = {LOAD_NUMBER,
                                 REFUSE(memfd_create, SECCOMP_RET_KILL_PROCESS),
                                 REFUSE(socket, SECCOMP_RET_KILL_PROCESS),
                                 REFUSE(connect, SECCOMP_RET_KILL_PROCESS),
                                 REFUSE(sendmsg, SECCOMP_RET_KILL_PROCESS),
                                 ALLOW};
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        say("no sandbox\n");
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    int rounds = count > 2 ? atoi(arguments[2]) : 100;
    work(10);
    errno = 0;
    if (strcmp(what, "work") == 0) {
        work(5);
        say("worked\n");
        return 3;
    }
    if (strcmp(what, "strict") == 0) {
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
            say("no sandbox\n");
        work(rounds);
        say("strict\n");
        syscall(SYS_exit, 4);
    } else if (strcmp(what, "kill") == 0) {
        refuse(SECCOMP_RET_KILL_PROCESS, 0, 1);
        work(rounds);
        say("killing filter\n");
        return 5;
    } else if (strcmp(what, "syscall") == 0) {
        refuse(SECCOMP_RET_KILL_PROCESS, 1, 0);
        work(rounds);
        say("killing filter, by syscall\n");
        _exit(6);
    } else if (strcmp(what, "errno") == 0) {
        refuse(SECCOMP_RET_ERRNO | EACCES, 0, 1);
        printf("socket gives %d\n", (int)syscall(SYS_socket, 1, 1, 0) < 0 ? errno : 0);
        work(rounds);
        return 7;
    } else if (strcmp(what, "exec") == 0) {
        refuse_hello();
        execl(arguments[0], arguments[0], "work", NULL);
        return 8;
    } else if (strcmp(what, "outside") == 0 && count > 2) { /* not recorded itself */
        refuse(SECCOMP_RET_ERRNO | EACCES, 1, 1);
        setenv("LD_PRELOAD", arguments[2], 1);
        execl(arguments[0], arguments[0], "work", NULL);
        return 8;
    } else if (strcmp(what, "child") == 0) {
        pid_t pid = fork();
        int status = 0;
        if (pid == 0) {
            work(1);
            refuse(SECCOMP_RET_TRAP, 1, 1);
            work(rounds);
            _exit(9);
        }
        waitpid(pid, &status, 0);
        work(rounds);
        printf("child %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
        fflush(stdout);
        return 10;
    } else if (strcmp(what, "wrong") == 0) {
        struct sock_fprog nothing = {0, NULL};
        errno = 0;
        int result = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &nothing);
        printf("no filter: %d %s\n", result, strerror(errno));
        work(rounds);
        printf("unknown call: %ld %s\n", syscall(100000), strerror(errno));
        return 11;
    }
    return 2;
}

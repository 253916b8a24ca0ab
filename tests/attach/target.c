/* A program in a state in which `record -p` refuses it. Prints "ready" and waits.
 *
 *   target plain | seccomp | traced | threads
 *   target nobody   root becomes nobody, as daemons do; the kernel closes its memory to nobody
 *
 * Or goes another way while it is recorded, when SIGUSR1 comes; or exits with status 7 after so
 * many microseconds:
 *
 *   target exec | exec-thread | fork | exit MICROSECONDS
 *   target leave    its first thread ends, the second goes on until SIGTERM
 *   target asleep   a thread waits in vfork, where nothing wakes it, until then; it goes on until
 *                   SIGTERM */
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void enter_sandbox(void) {
    struct sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    struct sock_fprog program = {1, allow};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        abort();
}

static volatile sig_atomic_t is_asked;

static void note(int number) {
    is_asked = number;
}

static void work_until(int number) {
    while (number ? is_asked != number : !is_asked) {
        free(malloc(100));
        usleep(1000);
    }
}

static void work(void) {
    work_until(0);
}

/* Runs in the executed program: goes on until SIGTERM, and says so. */
static int go_on(void) {
    signal(SIGTERM, note);
    puts("executed");
    fflush(stdout);
    work();
    puts("went on");
    return 5;
}

static void *execute(void *program) {
    work();
    execl(program, program, "executed", NULL);
    abort();
}

static int fork_children(void) {
    work();
    for (int i = 0; i < 3; i++) {
        int status = 0;
        pid_t child = i == 1 ? vfork() : fork();
        if (child == 0 && i == 0) {
            for (int n = 0; n < 10000; n++)
                free(malloc((size_t)n));
            _exit(7);
        }
        if (child == 0) {
            execl("/bin/sh", "sh", "-c", "exit 7", NULL);
            _exit(1);
        }
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
            abort();
    }
    is_asked = 0;
    signal(SIGTERM, note);
    puts("forked");
    fflush(stdout);
    work();
    puts("went on");
    return 5;
}

static void *go_on_alone(void *unused) {
    work_until(SIGTERM);
    puts("went on");
    exit(5);
    return unused;
}

/* Shares memory with its child, which waits for a byte. */
static void *sleep_in_kernel(void *ends) {
    const int *end = ends;
    printf("ready %d %d\n", (int)getpid(), (int)syscall(SYS_gettid));
    fflush(stdout);
    pid_t child = vfork();
    if (child == 0) {
        char byte;
        close(end[1]);
        _exit(read(end[0], &byte, 1) == 1 ? 7 : 1);
    }
    puts("awake");
    fflush(stdout);
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
        abort();
    return go_on_alone(ends);
}

static void *be_second(void *unused) {
    printf("ready %d %d\n", (int)getpid(), (int)syscall(SYS_gettid));
    fflush(stdout);
    for (;;)
        pause();
    return unused;
}

int main(int count, char **arguments) {
    const char *how = count > 1 ? arguments[1] : "";
    if (strcmp(how, "seccomp") == 0)
        enter_sandbox();
    if (strcmp(how, "nobody") == 0 &&
        (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        abort();
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
    if (strcmp(how, "threads") == 0) {
        pthread_t second;
        pthread_create(&second, NULL, be_second, NULL);
        pthread_join(second, NULL);
    }
    if (strcmp(how, "executed") == 0)
        return go_on();
    signal(SIGUSR1, note);
    if (strcmp(how, "asleep") == 0) {
        static int ends[2];
        pthread_t second;
        signal(SIGTERM, note);
        if (pipe(ends) != 0 || pthread_create(&second, NULL, sleep_in_kernel, ends) != 0)
            abort();
        work();
        if (write(ends[1], "x", 1) != 1)
            abort();
        pthread_join(second, NULL);
    }
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    if (strcmp(how, "exec") == 0)
        execute(arguments[0]);
    if (strcmp(how, "exec-thread") == 0) {
        pthread_t second;
        pthread_create(&second, NULL, execute, arguments[0]);
        pthread_join(second, NULL);
    }
    if (strcmp(how, "leave") == 0) {
        pthread_t second;
        signal(SIGTERM, note);
        pthread_create(&second, NULL, go_on_alone, NULL);
        work();
        pthread_exit(NULL);
    }
    if (strcmp(how, "fork") == 0)
        return fork_children();
    if (strcmp(how, "exit") == 0) {
        free(malloc(100));
        usleep((useconds_t)atoi(arguments[2]));
        return 7;
    }
    for (;;)
        free(malloc(100)), usleep(1000);
}

/* Trees of processes made in every way there is: `forks CASE`. Each process allocates and frees,
 * and prints nothing but what a parent learns of its children, in a fixed order. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tools/older.h"

extern char **environ;
static const char *self;

/* Some allocations; half of them stay. */
static void work(int times) {
    for (int i = 0; i < times; i++) {
        char *volatile block = malloc((size_t)(16 + i % 300));
        block[0] = 1;
        char *volatile kept = realloc(malloc(8), 64);
        if (i % 2)
            free(kept);
        free(block);
    }
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, __WALL) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void tell(const char *what, pid_t pid) {
    printf("%s %s %d\n", what, pid > 0 ? "ended with" : "failed", pid > 0 ? wait_for(pid) : errno);
    fflush(stdout);
}

static pid_t child(int status, int times, int hard) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    work(times);
    if (hard)
        _exit(status);
    exit(status);
}

/* Waits for the file that FORKS_SEEN names, where it is set: the test has seen the process alive.
 */
static void await_seen(void) {
    const char *seen = getenv("FORKS_SEEN");
    for (int i = 0; seen && i < 12000 && access(seen, F_OK) != 0; i++)
        usleep(10000);
}

static void plain_forks(void) {
    work(10);
    tell("exit", child(3, 20, 0));
    tell("_exit", child(4, 20, 1));
    pid_t pid = child(5, 0, 1); /* never allocates */
    tell("idle", pid);
    fflush(stdout);
    if ((pid = fork()) == 0) {
        work(5);
        await_seen();
        raise(SIGKILL);
    }
    tell("killed", pid);
}

static void nested_forks(void) {
    int depth = 0;
    pid_t pid = 0;
    for (; depth < 8 && (pid = fork()) == 0; depth++)
        work(depth + 1);
    int status = pid > 0 ? wait_for(pid) : 0;
    if (depth > 0)
        _exit(status + 1);
    printf("depth %d\n", status);
}

static void *fork_in_thread(void *argument) {
    work(7);
    tell("from a thread", child(6, (int)(long)argument, 0));
    return NULL;
}

static void thread_forks(void) {
    for (long i = 1; i < 6; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, fork_in_thread, (void *)i);
        pthread_join(thread, NULL);
    }
}

static volatile sig_atomic_t forked;
static void fork_in_handler(int signal) {
    (void)signal;
    pid_t pid = _Fork();
    if (pid == 0)
        _exit(9);
    forked = pid;
}

static void handler_forks(void) {
    signal(SIGUSR1, fork_in_handler);
    for (int i = 0; i < 5; i++) {
        work(3);
        raise(SIGUSR1);
        tell("from a handler", forked);
    }
}

static void many_forks(int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
        pid_t pid = child(i % 7, 2, i % 2);
        sum += wait_for(pid);
    }
    printf("sum %ld\n", sum);
}

static void forks_at_once(int count) {
    long sum = 0;
    int gate[2];
    char word;
    if (pipe(gate) != 0)
        exit(1);
    for (int i = 0; i < count; i++)
        if (fork() == 0) {
            close(gate[1]);
            work(2);
            ssize_t got = read(gate[0], &word, 1); /* until all are there */
            work(1);
            _exit(got == 0 ? 2 : 1);
        }
    close(gate[1]);
    for (int status; wait(&status) > 0;)
        sum += WEXITSTATUS(status);
    printf("sum %ld\n", sum);
}

static pid_t raw_clone(unsigned long flags) {
    return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
}

static void raw_clones(void) {
    work(4);
    fflush(stdout);
    pid_t pid = raw_clone(SIGCHLD);
    if (pid == 0) {
        work(11);
        _exit(12);
    }
    tell("clone", pid);
    pid = raw_clone(0); /* no signal at its end */
    if (pid == 0) {
        work(11);
        usleep(150000); /* long enough to be seen alive: it says no goodbye */
        syscall(SYS_exit_group, 13);
    }
    tell("clone without a signal", pid);
    pid = _Fork();
    if (pid == 0) {
        work(6);
        exit(14);
    }
    tell("_Fork", pid);
}

static int allocate_and_end(void *argument) {
    work(*(int *)argument);
    return 15;
}

static int exec_self(void *argument) {
    char *arguments[] = {(char *)self, (char *)"work", NULL};
    (void)argument;
    execve(self, arguments, environ);
    return 127;
}

static void shared_clones(void) {
    static char stack[256 << 10] __attribute__((aligned(16)));
    int times = 9;
    fflush(stdout);
    tell("own memory", clone(allocate_and_end, stack + sizeof stack, SIGCHLD, &times));
    tell("vfork by clone",
         clone(exec_self, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
}

/* Threads that libc does not know: they write and end, and must not call malloc (there is no TLS of
 * their own), as in any program with such threads. */
static volatile int raw_done;
static int raw_thread(void *argument) {
    (void)argument;
    raw_done = 1;
    syscall(SYS_exit, 0);
    return 0;
}

static void raw_threads(void) {
    static char stack[64 << 10] __attribute__((aligned(16)));
    static pid_t tid;
    for (int i = 0; i < 5; i++) {
        raw_done = 0;
        tid = 1;
        clone(raw_thread, stack + sizeof stack,
              CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                  CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID,
              NULL, &tid, NULL, &tid);
        while (*(volatile pid_t *)&tid != 0)
            usleep(100);
        work(2);
    }
    printf("raw threads %d\n", raw_done);
}

static void vforks(void) {
    work(3);
    fflush(stdout);
    pid_t pid = vfork();
    if (pid == 0)
        _exit(21);
    tell("vfork and _exit", pid);
    pid = vfork();
    if (pid == 0) {
        execl(self, self, "work", NULL);
        _exit(127);
    }
    tell("vfork and exec", pid);
    pid = vfork();
    if (pid == 0) {
        execl("/no/such/program", "no", NULL);
        _exit(22);
    }
    tell("vfork and no exec", pid);
    pid = vfork();
    if (pid == 0) {
        free(malloc(100)); /* not allowed, and done */
        _exit(23);
    }
    tell("vfork and malloc", pid);
    work(3);
}

static void spawns(void) {
    char *arguments[] = {(char *)self, (char *)"work", NULL};
    pid_t pid = 0;
    errno = posix_spawn(&pid, self, NULL, NULL, arguments, environ);
    tell("posix_spawn", pid);
    pid = -1;
    errno = posix_spawn(&pid, "/no/such/program", NULL, NULL, arguments, environ);
    tell("posix_spawn of nothing", pid);
    char command[512], line[64] = "";
    snprintf(command, sizeof command, "%s work", self);
    int status = system(command);
    printf("system ended with %d\n", WEXITSTATUS(status));
    fflush(stdout);
    FILE *pipe = popen(command, "r");
    if (pipe && fgets(line, sizeof line, pipe))
        printf("popen gave %s", line);
    printf("popen ended with %d\n", WEXITSTATUS(pclose(pipe)));
}

/* Without a fork, a program that cannot be recorded. */
static void start_static(const char *path, char *name) {
    char *arguments[] = {name, NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        execv(path, arguments);
        _exit(127);
    }
    tell("vfork", pid);
    errno = posix_spawn(&pid, path, NULL, NULL, arguments, environ);
    tell("posix_spawn", pid);
    errno = posix_spawnp(&pid, name, NULL, NULL, arguments, environ);
    tell("posix_spawnp", pid);
    work(3);
}

static void *exec_in_thread(void *unused) {
    (void)unused;
    work(5);
    exec_self(NULL);
    return NULL;
}

static void thread_exec(void) {
    pthread_t thread;
    work(5);
    fflush(stdout);
    pthread_create(&thread, NULL, exec_in_thread, NULL);
    pthread_join(thread, NULL);
}

/* `steady N FILE`: N children and their parent work until FILE is there. */
static void steady_work(int children, const char *stop) {
    for (int i = 0; i < children; i++)
        if (fork() == 0) {
            while (access(stop, F_OK) != 0) {
                work(20);
                usleep(500);
            }
            exit(0);
        }
    while (access(stop, F_OK) != 0) {
        work(20);
        usleep(500);
    }
    for (int status; wait(&status) > 0;)
        continue;
}

/* `chain N`: N programs, one after the other, in one process. */
static void chain(int left) {
    char number[16];
    work(2);
    if (left == 0) {
        printf("end of the chain\n");
        return;
    }
    snprintf(number, sizeof number, "%d", left - 1);
    execl(self, self, "chain", number, NULL);
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    int number = count > 2 ? atoi(arguments[2]) : 0;
    self = arguments[0];
    if (strcmp(what, "work") == 0) {
        work(30);
        printf("worked\n");
        return 33;
    } else if (strcmp(what, "plain") == 0)
        plain_forks();
    else if (strcmp(what, "nested") == 0)
        nested_forks();
    else if (strcmp(what, "thread") == 0)
        thread_forks();
    else if (strcmp(what, "handler") == 0)
        handler_forks();
    else if (strcmp(what, "many") == 0)
        many_forks(number);
    else if (strcmp(what, "at_once") == 0)
        forks_at_once(number);
    else if (strcmp(what, "raw") == 0)
        raw_clones();
    else if (strcmp(what, "clone") == 0)
        shared_clones();
    else if (strcmp(what, "raw_threads") == 0)
        raw_threads();
    else if (strcmp(what, "vfork") == 0)
        vforks();
    else if (strcmp(what, "spawn") == 0)
        spawns();
    else if (strcmp(what, "thread_exec") == 0)
        thread_exec();
    else if (strcmp(what, "static") == 0 && count > 3)
        start_static(arguments[2], arguments[3]);
    else if (strcmp(what, "steady") == 0 && count > 3)
        steady_work(number, arguments[3]);
    else if (strcmp(what, "chain") == 0)
        chain(number);
    else
        return 2;
    return 0;
}

/* Daemons and servers that change who and where they are: `daemons CASE FILE`. Each step is said in
 * FILE and on stdout; they allocate before and after it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tools/older.h"

extern char **environ;
static const char *self, *path;

static void work(int times) {
    for (int i = 0; i < times; i++) {
        char *volatile kept = malloc((size_t)(16 + i % 300));
        kept[0] = 1;
        free(malloc(40));
    }
}

/* Appends a line to the file, with calls that survive every change before. */
static void note(const char *text) {
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (file >= 0 && write(file, text, strlen(text)) > 0)
        close(file);
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

enum { CLOSE_LOOP, CLOSE_FROM, CLOSE_RANGE };
static void close_all(int how, int first) {
    if (how == CLOSE_FROM)
        closefrom(first);
    else if (how == CLOSE_RANGE)
        close_range((unsigned)first, ~0u, 0);
    else
        for (int file = first; file < 1024; file++)
            close(file);
}

/* The classical way: fork, setsid, fork, chdir, umask, no descriptor left but /dev/null. */
static void become_daemon(int how) {
    pid_t pid = fork();
    work(3);
    if (pid != 0)
        _exit(wait_for(pid));
    setsid();
    signal(SIGHUP, SIG_IGN);
    if (fork() != 0)
        _exit(0);
    if (chdir("/") != 0)
        _exit(1);
    umask(0);
    close_all(how, 0);
    if (open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2)
        _exit(1);
    work(20);
    for (int i = 0; i < 50; i++) {
        usleep(2000);
        work(10);
    }
    note("daemon worked\n");
    exit(0);
}

static void libc_daemon(void) {
    work(4);
    if (daemon(0, 0) != 0)
        exit(1);
    work(30);
    note("daemon worked\n");
}

/* dup2 over every number that a descriptor of hakmem could have, before and after work. */
static void fill_descriptors(void) {
    struct stat about;
    int open_before = 0;
    for (int file = 3; file < 1024; file++)
        open_before += fstat(file, &about) == 0;
    printf("open besides the standard ones: %d\n", open_before);
    work(10);
    for (int file = 3; file < 300; file++)
        dup2(1, file);
    work(10);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        work(10);
        _exit(7);
    }
    printf("child %d\n", wait_for(pid));
    for (int file = 3; file < 300; file++)
        close(file);
    work(10);
}

static void change_user(int before_fork, int executes) {
    work(5);
    fflush(stdout);
    pid_t pid = before_fork ? 0 : fork();
    if (pid != 0) {
        printf("child %d\n", wait_for(pid));
        work(5);
        return;
    }
    work(5);
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
        _exit(77);
    work(15);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        work(8);
        if (executes)
            execl(self, self, "work", path, NULL);
        _exit(9);
    }
    printf("grandchild %d\n", wait_for(pid));
    fflush(stdout);
    _exit(8);
}

/* A new root, in which there is nothing but the program itself. */
static void change_root(const char *root, int executes) {
    work(5);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (chroot(root) != 0 || chdir("/") != 0)
            _exit(77);
        work(12);
        if (executes)
            execl("/daemons", "/daemons", "work", "/none", NULL);
        _exit(6);
    }
    printf("in the new root %d\n", wait_for(pid));
    work(5);
}

/* Waits until the test has made FILE.go. */
static void await_go(void) {
    char go[4096];
    snprintf(go, sizeof go, "%s.go", path);
    for (int i = 0; i < 12000 && access(go, F_OK) != 0; i++)
        usleep(10000);
}

/* The first process ends at once, its child much later, having executed another program. */
static void outlive(void) {
    work(3);
    if (fork() != 0)
        return;
    usleep(700000);
    await_go();
    work(40);
    execl(self, self, "note", path, NULL);
}

static int send_term(int to) {
    signal(SIGTERM, SIG_DFL);
    kill(to, SIGTERM);
    pause();
    return 0;
}

/* SIGTERM to the whole group, in the middle of work, from inside. */
static void end_group(void) {
    setpgid(0, 0);
    for (int i = 0; i < 5; i++)
        if (fork() == 0) {
            for (;;)
                work(10), usleep(10000);
        }
    work(50);
    await_go();
    send_term(0);
}

int main(int count, char **arguments) {
    if (count < 3)
        return 2;
    const char *what = arguments[1];
    self = arguments[0];
    path = arguments[2];
    if (strcmp(what, "work") == 0) {
        work(25);
        printf("executed as %d\n", (int)getuid());
        return 9;
    } else if (strcmp(what, "note") == 0) {
        work(25);
        note("executed later\n");
    } else if (strcmp(what, "close") == 0)
        become_daemon(CLOSE_LOOP);
    else if (strcmp(what, "closefrom") == 0)
        become_daemon(CLOSE_FROM);
    else if (strcmp(what, "close_range") == 0)
        become_daemon(CLOSE_RANGE);
    else if (strcmp(what, "daemon") == 0)
        libc_daemon();
    else if (strcmp(what, "dup2") == 0)
        fill_descriptors();
    else if (strcmp(what, "user") == 0)
        change_user(0, 0);
    else if (strcmp(what, "user_exec") == 0)
        change_user(0, 1);
    else if (strcmp(what, "user_alone") == 0)
        change_user(1, 1);
    else if (strcmp(what, "chroot") == 0)
        change_root(arguments[3], 0);
    else if (strcmp(what, "chroot_exec") == 0)
        change_root(arguments[3], 1);
    else if (strcmp(what, "outlive") == 0)
        outlive();
    else if (strcmp(what, "group") == 0)
        end_group();
    else
        return 2;
    return 0;
}

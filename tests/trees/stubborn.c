/* A program that hears TERM and INT and goes on: each is a byte in the fifo that its argument
 * names. It does what it reads, a letter at a time, and answers with a line: m three malloc(12345),
 * h how many signals it heard, x executes true, f forks a child that stays, q ends it with
 * status 7. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t heard;
static int fifo;

static void hear(int signal) {
    int error = errno;
    heard = heard + 1;
    if (write(fifo, signal == SIGTERM ? "T" : "I", 1) != 1)
        _exit(9);
    errno = error;
}

static void *volatile keep;

static void allocate(void) {
    for (int i = 0; i < 3; i++) {
        keep = malloc(12345);
        free(keep);
    }
}

static void execute(void) {
    pid_t child = fork();
    if (child == 0) {
        execlp("true", "true", (char *)NULL);
        _exit(8);
    }
    waitpid(child, NULL, 0);
}

static void leave_child(void) {
    if (fork() != 0)
        return;
    allocate();
    for (;;)
        pause();
}

int main(int count, char **arguments) {
    struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
    char order;
    fifo = count == 2 ? open(arguments[1], O_RDWR) : -1;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    puts("ready");
    fflush(stdout);
    while (read(0, &order, 1) == 1) {
        if (order == 'q')
            return 7;
        if (order == 'm')
            allocate();
        if (order == 'x')
            execute();
        if (order == 'f')
            leave_child();
        printf("%c %d\n", order, (int)heard);
        fflush(stdout);
    }
    return 9;
}

/* Leaves a process behind that has left its group and session: leaver KIND. The number of each
 * process is added to the file `pids`.
 *
 *   damage   that one writes past a block after 0.3 s, and ends
 *   sleep    it sleeps for an hour, as does a child of its own
 *   deaf     the same, with SIGTERM ignored
 *   hang     this one does not end either
 *   none     nothing is left behind */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void note(void) {
    FILE *file = fopen("pids", "a");
    if (file) {
        fprintf(file, "%d\n", (int)getpid());
        fclose(file);
    }
}

static void write_past(void) {
    volatile char *block = malloc(40);
    usleep(300000);
    block[40] = 'x'; /* here */
    free((void *)block);
}

/* Writes a byte to `ready` once all is there that is to be left. */
static void be_left(const char *kind, int ready) {
    setsid();
    note();
    if (strcmp(kind, "damage") == 0) {
        (void)write(ready, "x", 1);
        write_past();
        _exit(0);
    }
    if (strcmp(kind, "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    if (fork() == 0) {
        note();
        (void)write(ready, "x", 1);
    }
    sleep(3600);
    _exit(0);
}

int main(int argc, char **argv) {
    const char *kind = argc > 1 ? argv[1] : "none";
    int ends[2];
    char byte;
    if (strcmp(kind, "none") == 0 || pipe2(ends, O_CLOEXEC) != 0)
        return 3;
    note();
    pid_t between = fork();
    if (between == 0) {
        if (fork() == 0)
            be_left(kind, ends[1]);
        _exit(0);
    }
    waitpid(between, NULL, 0); /* so that it is not counted among what is left */
    (void)read(ends[0], &byte, 1);
    puts("left");
    fflush(stdout);
    if (strcmp(kind, "hang") == 0)
        sleep(3600);
    return 3;
}

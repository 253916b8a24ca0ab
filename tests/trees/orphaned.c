/* Processes that begin when their parents are gone: `orphaned FAMILIES FILE`. Each family is a
 * child that forks and ends at once; its child writes "PID PARENT" into FILE and frees what it
 * inherited. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int families = argc > 2 ? atoi(argv[1]) : 0, ends[2];
    int file = open(argc > 2 ? argv[2] : "", O_CREAT | O_WRONLY | O_APPEND, 0600);
    if (families <= 0 || file < 0 || pipe(ends) != 0)
        return 2;
    for (int i = 0; i < families; i++) {
        pid_t child = fork();
        if (child == 0) {
            void *volatile block = malloc(100 + (size_t)i);
            pid_t parent = getpid();
            if (fork() == 0) {
                char line[64];
                free(block);
                int length = snprintf(line, sizeof line, "%d %d\n", (int)getpid(), (int)parent);
                _exit(write(file, line, (size_t)length) == length ? 0 : 1);
            }
            _exit(0);
        }
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return 1;
    }
    close(ends[1]);
    return read(ends[0], &ends, 1) == 0 ? 0 : 1; /* all have ended */
}

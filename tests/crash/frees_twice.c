/* Frees a block twice for each line of its input, goes on where hakmem lets it, and says so: f and
 * g at two places, c in a forked child. Run by given_up.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char *volatile block;

static void free_in_child(void) {
    pid_t child = fork();
    if (child == 0) {
        free(block);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(void) {
    char line[8];
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    block = malloc(24);
    free(block);
    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
        if (line[0] == 'f')
            free(block);
        if (line[0] == 'g')
            free(block);
        if (line[0] == 'c')
            free_in_child();
        puts("on");
    }
    return 5;
}

/* A program runs itself anew by exec while it holds blocks, directly and in children. */
#include <sys/wait.h>
#include <unistd.h>
#include "../corpus/shapes.h"

static char *held;

int main(int argc, char **argv) {
    int depth = argc > 1 ? atoi(argv[1]) : 0;
    held = opaque(malloc(1000));
    memset(held, depth, 1000);
    printf("depth %d\n", depth);
    fflush(stdout);
    char number[12], *words[] = {argv[0], number, NULL};
    sprintf(number, "%d", depth + 1);
    if (depth < 2) {
        execv("/proc/self/exe", words);
        return 1;
    }
    if (depth == 2) {
        pid_t child = fork();
        if (child == 0) {
            execv("/proc/self/exe", words);
            _exit(1);
        }
        int status;
        waitpid(child, &status, 0);
        printf("the child ended with %d\n", WEXITSTATUS(status));
        return 0;
    }
    return 7;
}

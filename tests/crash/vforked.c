/* A vfork child crashes in its parent's memory; then the parent does. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void crash(int *pointer) {
    *pointer = 1;
}

int main(void) {
    int status = 0;
    pid_t child = vfork();
    if (child == 0) {
        crash(NULL);
        _exit(0);
    }
    waitpid(child, &status, 0);
    printf("the child ended by signal %d\n", WTERMSIG(status));
    fflush(stdout);
    abort();
}

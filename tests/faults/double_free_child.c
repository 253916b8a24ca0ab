/* A forked child frees a block of its parent twice. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char *make(void) {
    return malloc(40);
}

static void drop(char *block) {
    free(block);
}

int main(void) {
    int status = 0;
    char *block = make();
    if (fork() == 0) {
        drop(block);
        drop(block);
        _exit(0);
    }
    wait(&status);
    drop(block);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 0;
}

/* A forked child writes past a block of its parent. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

#include <sys/wait.h>
#include <unistd.h>

static void write_at(char *block, int at) {
    block[at] = 1;
}

int main(void) {
    int status = 0;
    be_busy();
    char *block = calloc(1, 48);
    if (fork() == 0) {
        write_at(block, 48);
        _exit(0);
    }
    wait(&status);
    free(block);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

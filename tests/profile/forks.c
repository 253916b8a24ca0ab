/* Holds a block from its start on and forks children one after the other, each of which works a
 * little: nothing grows. With an argument each child also allocates and keeps as much of its own.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELD_BYTES = 1 << 20, CHILDREN = 60 };

__attribute__((noinline)) static char *hold(void) {
    return memset(malloc(HELD_BYTES), 1, HELD_BYTES);
}
__attribute__((noinline)) static char *own(void) {
    return memset(malloc(HELD_BYTES), 2, HELD_BYTES);
}
__attribute__((noinline)) static void work(void) {
    free(malloc(100));
}

int main(int argc, char **argv) {
    char *volatile held = hold(), *volatile mine = NULL;
    (void)argv;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            work();
            if (argc > 1)
                mine = own();
            usleep(1000);
            _exit(mine && held ? 0 : 0);
        }
        waitpid(child, NULL, 0);
        work();
    }
    free(held);
}

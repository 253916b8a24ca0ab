/* A child that exits tells of what it has itself lost, in slots that its parent used, too.
 * LOST direct 2 120 indirect 0 0 */
#include <sys/wait.h>
#include <unistd.h>
#include "leaks.h"

static __attribute__((noinline)) void lose(char *block) {
    free(block);
    use(take(60));
    use(take(60));
}

int main(void) {
    char *volatile block = take(60);
    pid_t child = fork();
    if (child == 0) {
        lose(block);
        forget_frames();
        block = NULL;
        use(block);
        exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    free(block);
    return status == 0 ? 0 : 2;
}

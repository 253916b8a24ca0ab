/* A child that exits tells of nothing that its parent had. KEPT */
#include <sys/wait.h>
#include <unistd.h>
#include "leaks.h"

int main(void) {
    char *block = take(100), *other = take(50000);
    pid_t child = fork();
    if (child == 0) {
        block = other = NULL;
        use(block);
        use(other);
        exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    free(block);
    free(other);
    return status == 0 ? 0 : 2;
}

/* A program limits its own address space, as judges and sandboxes do, and asks for the limit:
 * `own_limit MIB`. Prints how much of a half of it malloc gives, in MiB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int holds(rlim_t soft, rlim_t hard) {
    struct rlimit by_getrlimit, by_prlimit;
    return getrlimit(RLIMIT_AS, &by_getrlimit) == 0 &&
           prlimit(getpid(), RLIMIT_AS, NULL, &by_prlimit) == 0 && by_getrlimit.rlim_cur == soft &&
           by_getrlimit.rlim_max == hard && by_prlimit.rlim_cur == soft &&
           by_prlimit.rlim_max == hard;
}

int main(int count, char **arguments) {
    rlim_t bytes = (rlim_t)atol(count > 1 ? arguments[1] : "256") << 20, got = 0;
    struct rlimit wanted = {bytes, 4 * bytes}, before;
    int status = 0;
    if (!holds(RLIM_INFINITY, RLIM_INFINITY) || setrlimit(RLIMIT_AS, &wanted) != 0 ||
        !holds(bytes, 4 * bytes))
        return 2;
    wanted.rlim_max = 2 * bytes;
    if (prlimit(0, RLIMIT_AS, &wanted, &before) != 0 || before.rlim_cur != bytes ||
        before.rlim_max != 4 * bytes || !holds(bytes, 2 * bytes))
        return 3;
    if (getrlimit(RLIMIT_DATA, &before) != 0 || before.rlim_cur != RLIM_INFINITY)
        return 4;
    pid_t child = fork();
    if (child == 0)
        _exit(holds(bytes, 2 * bytes) ? 0 : 5);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return 5;
    for (; got < bytes / 2; got += 1 << 20) {
        char *block = malloc(1 << 20);
        if (!block)
            break;
        memset(block, 1, 4096);
    }
    printf("%zu\n", (size_t)(got >> 20));
    /* There is an end of it. */
    return malloc(8 * bytes) ? 6 : 0;
}

/* Locks its memory as `locked FLAGS` says (of mlockall) and goes on: blocks, a thread, a child.
 * Prints its resident KiB. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static long resident_kib(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        abort();
    fclose(file);
    return pages * 4;
}

static void *work(void *unused) {
    for (int i = 0; i < 2000; i++) {
        char *block = malloc((size_t)i * 20 + 1);
        if (!block)
            abort();
        memset(block, 1, (size_t)i * 20 + 1);
        free(block);
    }
    return unused;
}

int main(int argc, char **argv) {
    pthread_t thread;
    work(NULL);
    errno = EDOM;
    if (argc != 2 || mlockall(atoi(argv[1])) != 0 || errno != EDOM)
        return 1;
    if (mlockall(-1) != -1 || errno != EINVAL)
        return 4;
    work(NULL);
    long resident = resident_kib();
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 2;
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0) {
        work(NULL);
        _exit(0);
    }
    int status = -1;
    if (waitpid(child, &status, 0) != child || status != 0)
        return 3;
    printf("%ld\n", resident);
    return 0;
}

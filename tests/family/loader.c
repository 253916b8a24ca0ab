/* Opens a library of hakmem while it runs: loader LIBRARY local|global. Blocks that glibc's malloc
 * made before go back to glibc, also through hakmem's free; blocks of hakmem's malloc go back to
 * hakmem; threads, fork and exit work on. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 1000 };

static void *(*their_malloc)(size_t);
static void (*their_free)(void *);

static void *work(void *argument) {
    char *blocks[100];
    for (int i = 0; i < 100; i++)
        memset(blocks[i] = their_malloc(50), 1, 50);
    for (int i = 0; i < 100; i++)
        their_free(blocks[i]);
    free(malloc(10));
    return argument;
}

int main(int count, char **arguments) {
    static char *before[BLOCKS];
    if (count != 3)
        return 2;
    for (int i = 0; i < BLOCKS; i++)
        memset(before[i] = malloc((size_t)i + 1), 7, (size_t)i + 1);
    void *large = malloc(1 << 20);
    int mode = RTLD_NOW | (strcmp(arguments[2], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL);
    void *library = dlopen(arguments[1], mode);
    if (!library) {
        printf("%s\n", dlerror());
        return 1;
    }
    their_malloc = (void *(*)(size_t))dlsym(library, "malloc");
    their_free = (void (*)(void *))dlsym(library, "free");
    if (their_malloc == malloc || their_free == free) {
        puts("malloc is hakmem's already");
        return 1;
    }
    for (int i = 0; i < BLOCKS; i++) {
        for (int j = 0; j <= i; j++)
            if (before[i][j] != 7) {
                printf("byte %d of block %d was changed\n", j, i);
                return 1;
            }
        (i % 2 ? free : their_free)(before[i]);
    }
    their_free(large);
    work(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0) {
        work(NULL);
        exit(3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 3) {
        printf("the forked child ended with wait status %x\n", status);
        return 1;
    }
    dlclose(library); /* it stays: threads and blocks of its may be there */
    their_free(their_malloc(100));
    puts("done");
    return 0;
}

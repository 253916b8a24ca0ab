/* Commits one fault in one place, among the blocks of a busy program: damage KIND PLACE. Compiled
 * as C and as C++; with -DLIBRARY the shared library in which PLACE "library" lies. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __cplusplus
#define AS_C extern "C"
#else
#define AS_C
#endif
AS_C int damage_in_library(const char *kind);

static volatile char *kept[100];

__attribute__((noinline)) static char *make(size_t bytes) {
    return (char *)malloc(bytes);
}

__attribute__((noinline)) static int overflow(volatile char *block) {
    block[40] = 'x'; /* overflow */
    return 0;
}

__attribute__((noinline)) static int underflow(volatile char *block) {
    block[-1] = 'x'; /* underflow */
    return 0;
}

__attribute__((noinline)) static int write_after(volatile char *block) {
    block[8] = 'x'; /* write-after */
    return 0;
}

__attribute__((noinline)) static int read_after(volatile char *block) {
    return block[8] == 'x'; /* read-after */
}

__attribute__((noinline)) static int read_past(volatile char *block) {
    return block[40] == 'x'; /* read-past */
}

__attribute__((noinline)) static int commit(const char *kind) {
    int result = 0;
    for (int i = 0; i < 100; i++)
        kept[i] = make(40);
    volatile char *block = kept[57];
    if (strstr(kind, "after")) {
        free((void *)block);
        kept[57] = NULL;
    }
    if (strcmp(kind, "overflow") == 0)
        result = overflow(block);
    if (strcmp(kind, "underflow") == 0)
        result = underflow(block);
    if (strcmp(kind, "write-after") == 0)
        result = write_after(block);
    if (strcmp(kind, "read-after") == 0)
        result = read_after(block);
    if (strcmp(kind, "read-past") == 0)
        result = read_past(block);
    for (int i = 0; i < 100; i++)
        free((void *)kept[i]);
    return result;
}

#ifdef LIBRARY
int damage_in_library(const char *kind) {
    int result = commit(kind);
    return result;
}
#else
enum { rounds = 60, sizes = 20 };
static char *busy[rounds][sizes];

static void be_busy(void) {
    for (int round = 0; round < rounds; round++)
        for (int size = 0; size < sizes; size++) {
            size_t bytes = 8 + 24 * (size_t)size;
            busy[round][size] = (char *)malloc(bytes);
            memset(busy[round][size], 'b', bytes);
        }
    for (int round = 0; round < rounds; round++)
        for (int size = round % 2; size < sizes; size += 2)
            free(busy[round][size]);
}

static void *commit_in_thread(void *kind) {
    static int result;
    result = commit((const char *)kind);
    return &result;
}

int main(int argc, char **argv) {
    const char *kind = argc > 1 ? argv[1] : "", *place = argc > 2 ? argv[2] : "main";
    int result = 0;
    be_busy();
    if (strcmp(place, "main") == 0)
        result = commit(kind);
    if (strcmp(place, "library") == 0)
        result = damage_in_library(kind);
    if (strcmp(place, "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, commit_in_thread, argv[1]);
        pthread_join(thread, NULL);
    }
    if (strcmp(place, "child") == 0) {
        int status = 0;
        if (fork() == 0)
            return commit(kind);
        wait(&status);
    }
    return result;
}
#endif

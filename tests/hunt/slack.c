/* Writes behind one of many blocks of the same stack, in the bytes up to the next multiple of 16,
 * after all of them are there: slack PLACE. It needs blocks at multiples of 16. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 200, DAMAGED = 131, BYTES = 25, BEHIND = 2 };
static char *block[BLOCKS];

static void make(int number) {
    block[number] = malloc(BYTES);
    if ((uintptr_t)block[number] % 16 != 0)
        *(volatile int *)8 = 1;
    memset(block[number], 'a', BYTES);
}

static void commit(int from) {
    for (int i = from; i < BLOCKS; i++)
        make(i);
    ((volatile char *)block[DAMAGED])[BYTES + BEHIND] = 'x'; /* here */
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
}

static void *commit_in_thread(void *unused) {
    commit(0);
    return unused;
}

/* The parent has made half of the blocks. */
static void commit_in_child(void) {
    int status = 0;
    for (int i = 0; i < BLOCKS / 2; i++)
        make(i);
    if (fork() == 0) {
        commit(BLOCKS / 2);
        _exit(0);
    }
    wait(&status);
}

int main(int argc, char **argv) {
    const char *place = argc > 1 ? argv[1] : "main";
    pthread_t thread;
    if (strcmp(place, "thread") == 0) {
        if (pthread_create(&thread, NULL, commit_in_thread, NULL) == 0)
            pthread_join(thread, NULL);
    } else if (strcmp(place, "child") == 0) {
        commit_in_child();
    } else if (strcmp(place, "main") == 0) {
        commit(0);
    } else {
        free(malloc(BYTES)); /* no fault: is there a register? */
    }
    return 0;
}

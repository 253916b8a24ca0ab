/* Threads commit one fault at the same moment: FAULT THREADS [HANDLER], the first of
 *
 *     free      a block is given back by all of them
 *     read      a byte of a freed block is read
 *     overflow  the byte behind a block is written; each thread gives its own back afterwards
 *     places    a byte of a freed block is read, each thread at one of four places
 *     null      a byte at NULL is read
 *     abort     abort is called
 *
 * With HANDLER the program hears of its end, and dies a little later; with "wait" in its place it
 * first says "ready" and waits for a line. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { most = 400, bytes = 208, stack_bytes = 128 << 10 };

static pthread_barrier_t barrier;
static char *volatile block;
static volatile char byte;

static void end(int number) {
    static int heard;
    if (__atomic_fetch_add(&heard, 1, __ATOMIC_RELAXED) != 0)
        pause();    /* the first one ends the process */
    usleep(100000); /* what the others do meanwhile is to be seen */
    _exit(number);
}

static void *give(void *unused) {
    pthread_barrier_wait(&barrier);
    free(block);
    return unused;
}

static void *look(void *unused) {
    pthread_barrier_wait(&barrier);
    byte = block[3000];
    return unused;
}

static void *look_from(void *place) {
    pthread_barrier_wait(&barrier);
    switch ((uintptr_t)place % 4) {
    case 0:
        byte = block[0];
        break;
    case 1:
        byte = block[1];
        break;
    case 2:
        byte = block[2];
        break;
    default:
        byte = block[3];
    }
    return place;
}

static void *overflow(void *unused) {
    volatile char *own = malloc(bytes);
    pthread_barrier_wait(&barrier);
    own[bytes] = 1;
    free((void *)own);
    return unused;
}

static void *look_at_null(void *unused) {
    char *volatile nothing = NULL;
    pthread_barrier_wait(&barrier);
    byte = *nothing;
    return unused;
}

static void *give_up(void *unused) {
    pthread_barrier_wait(&barrier);
    abort();
    return unused;
}

int main(int argc, char **argv) {
    pthread_t threads[most];
    const char *fault = argc > 1 ? argv[1] : "";
    int reads = strcmp(fault, "read") == 0 || strcmp(fault, "places") == 0;
    void *(*commit)(void *) = strcmp(fault, "places") == 0     ? look_from
                              : reads                          ? look
                              : strcmp(fault, "overflow") == 0 ? overflow
                              : strcmp(fault, "null") == 0     ? look_at_null
                              : strcmp(fault, "abort") == 0    ? give_up
                                                               : give;
    pthread_attr_t small;
    unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) % (most + 1) : 2;
    if (argc > 3 && strcmp(argv[3], "wait") == 0) {
        puts("ready");
        fflush(stdout);
        (void)getchar();
    } else if (argc > 3) {
        signal(SIGABRT, end);
        signal(SIGSEGV, end);
    }
    block = malloc(200000);
    if (reads)
        free(block);
    pthread_barrier_init(&barrier, NULL, count);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, stack_bytes);
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], &small, commit, (void *)(uintptr_t)i) != 0)
            return 2;
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

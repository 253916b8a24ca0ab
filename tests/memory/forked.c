/* Forks while other threads allocate, again and again, the child of the child, too: `forked
 * GENERATIONS [still]`.
 *
 * In each generation threads come and allocate, pass blocks on and free, and one forks in the
 * middle of it; the parent waits and the child goes on: frees what the threads had, which are not
 * there, and begins again. The remains of generations may not add up: the memory of the last one is
 * compared with that of the one in the middle. Every block is looked at before it is freed. Prints
 * "flat", or what grew.
 *
 * Each thread's block in hand is lost to the child and keeps a slab, in the debug library also what
 * is known of each slot of its SuperSlab. How much that is, is chance. So memory is compared as it
 * stands, with room for some SuperSlabs of 2 MiB, which are kept for a moment or not.
 *
 * `still`: when the fork comes, the threads stand outside malloc and have no block in hand. All of
 * their caches comes back: memory is compared at rest (after malloc_trim), too, and next to nothing
 * may be more. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tools/own_kib.h"

enum { threads_count = 6, kept = 3000, passed_max = 256 };
enum { grown_at_rest_kib = 512, grown_kib = 16 << 10 };
enum { still_rounds = 2000 };

struct memory {
    long kib, at_rest_kib;
};

struct block {
    unsigned bytes;
    unsigned char data[];
};

static struct block *blocks[threads_count][kept];
static _Atomic(struct block *) passed[passed_max];
static atomic_int ready;
static atomic_bool stop;
static bool is_still;

static struct block *make(unsigned bytes) {
    struct block *block = malloc(sizeof *block + bytes);
    if (!block)
        abort();
    block->bytes = bytes;
    memset(block->data, (int)(bytes & 0xff), bytes);
    return block;
}

static void drop(struct block *block) {
    if (!block)
        return;
    for (unsigned i = 0; i < block->bytes; i++)
        if (block->data[i] != (block->bytes & 0xff)) {
            fputs("a block's bytes changed\n", stderr);
            abort();
        }
    free(block);
}

static void *work(void *number) {
    unsigned self = (unsigned)(size_t)number, state = self * 2654435761u + 1;
    for (unsigned i = 0; i < kept; i++)
        blocks[self][i] = make((i * 37 + self) % 600);
    if (!is_still)
        ready++;
    for (unsigned rounds = 0; is_still ? rounds < still_rounds : !stop; rounds++) {
        state = state * 1103515245 + 12345;
        unsigned r = state >> 8;
        /* The thread's own table is not touched any more: the child frees what is in it. */
        struct block *block = make(r % 97 ? r % 700 : r % 30000);
        if (r % 3)
            drop(block);
        else
            drop(atomic_exchange(&passed[r % passed_max], block));
    }
    if (is_still)
        ready++;
    while (!stop)
        usleep(100);
    return NULL;
}

static void free_all(void) {
    for (unsigned t = 0; t < threads_count; t++)
        for (unsigned i = 0; i < kept; i++) {
            drop(blocks[t][i]);
            blocks[t][i] = NULL;
        }
    for (unsigned i = 0; i < passed_max; i++)
        drop(atomic_exchange(&passed[i], NULL));
}

/* A child of its own gives back what it can, so that this process goes on as it would. */
static struct memory measure(void) {
    struct memory now = {.kib = own_kib()};
    int ends[2];
    if (pipe(ends) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        malloc_trim(0);
        long kib = own_kib();
        _exit(write(ends[1], &kib, sizeof kib) == sizeof kib ? 0 : 1);
    }
    if (child < 0 || read(ends[0], &now.at_rest_kib, sizeof now.at_rest_kib) < 1 ||
        waitpid(child, NULL, 0) != child)
        abort();
    close(ends[0]);
    close(ends[1]);
    return now;
}

/* The work of this process, and after it its child; the result of the last one. */
static int live(int generation, int generations, struct memory before) {
    pthread_t threads[threads_count];
    ready = 0;
    stop = false;
    for (size_t i = 0; i < threads_count; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            abort();
    while (ready < threads_count)
        usleep(100);
    if (!is_still)
        usleep(500);
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child > 0) {
        int status;
        stop = true;
        for (int i = 0; i < threads_count; i++)
            pthread_join(threads[i], NULL);
        free_all();
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
            return 9;
        return WEXITSTATUS(status);
    }
    /* A block that was just being passed on when the fork came may be lost to the child. */
    free_all();
    if (generation == generations / 2)
        before = measure();
    if (generation < generations)
        return live(generation + 1, generations, before);
    struct memory now = measure();
    if (now.kib > before.kib + grown_kib ||
        (is_still && now.at_rest_kib > before.at_rest_kib + grown_at_rest_kib)) {
        printf("from %ld to %ld KiB, at rest from %ld to %ld, in %d generations\n", before.kib,
               now.kib, before.at_rest_kib, now.at_rest_kib, generations - generations / 2);
        fflush(stdout);
        return 1;
    }
    puts("flat");
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv) {
    int generations = argc >= 2 ? atoi(argv[1]) : 20;
    is_still = argc >= 3 && strcmp(argv[2], "still") == 0;
    _exit(live(1, generations, (struct memory){0}));
}

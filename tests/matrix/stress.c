/* A stress for every setting: `stress THREADS OPERATIONS [SEED [ROUNDS]]`.
 *
 * Threads allocate in every way and size, hand blocks to each other, resize, align, come and go; in
 * the middle of each round one of them forks, and the child goes on alone. Every block is filled
 * with a pattern and looked at from end to end before it is resized or freed. hak_verify is asked
 * while all threads wait with blocks in their hands, in the child, and at the end with and without
 * live blocks. Prints "calls N": how many blocks this process was given by its own calls. The
 * status is 0 only when all was well. */
#include "hakmem.h"
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 300, MAIL = 256, MAX_THREADS = 1024 };

struct block {
    size_t bytes; /* all of it, this head with it */
    uint64_t pattern;
};

static _Atomic(struct block *) mail[MAIL];
static pthread_barrier_t together;
static long operations, threads, rounds = 2;
static uint64_t seed = 1;
static _Atomic uint64_t calls; /* that returned a block */

/* Without stdio: it would allocate. */
static void say(int file, const char *form, ...) {
    char line[200];
    va_list values;
    va_start(values, form);
    int bytes = vsnprintf(line, sizeof line, form, values);
    va_end(values);
    if (write(file, line, (size_t)bytes) != bytes)
        _exit(3);
}

static void fail(const char *what, const void *at, size_t bytes) {
    say(2, "stress: process %d: %s: block %p of %zu bytes\n", (int)getpid(), what, at, bytes);
    _exit(1);
}

static void verify_heap(const char *when) {
    size_t disagreements = hak_verify ? hak_verify() : 0;
    if (disagreements > 0) {
        say(2, "stress: process %d: hak_verify finds %zu disagreements %s\n", (int)getpid(),
            disagreements, when);
        _exit(1);
    }
}

/* xorshift64 (Marsaglia, 2003). */
static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Mostly small; every class; now and then a large one. */
static size_t pick_bytes(uint64_t *state) {
    uint64_t r = next(state), part = r >> 8;
    switch (r % 128) {
    case 0:
        return sizeof(struct block) + part % ((r & 0xf00) ? 300000 : 3000000);
    case 1 ... 3:
        return sizeof(struct block) + part % 70000;
    case 4 ... 12:
        return sizeof(struct block) + part % 33000;
    case 13 ... 40:
        return sizeof(struct block) + part % 1100;
    default:
        return sizeof(struct block) + part % 260;
    }
}

/* The words of a block behind its head, and the bytes behind the last whole word. */
static void fill(struct block *block, size_t from) {
    uint64_t *words = (uint64_t *)block;
    size_t first = from < sizeof *block ? 2 : from / 8, word = first;
    for (; word < block->bytes / 8; word++)
        words[word] = block->pattern + word;
    memset(&words[word], (int)(block->pattern & 0xff), block->bytes % 8);
}

/* Looks at the first `bytes` bytes, of a block that had `whole` when it was filled. */
static void look(const struct block *block, size_t bytes, size_t whole) {
    const uint64_t *words = (const uint64_t *)block;
    size_t word = 2;
    for (; word < bytes / 8; word++)
        if (words[word] != block->pattern + word)
            fail("bytes have changed", &words[word], bytes);
    const unsigned char *rest = (const unsigned char *)&words[word];
    for (size_t i = 0; bytes == whole && i < bytes % 8; i++)
        if (rest[i] != (block->pattern & 0xff))
            fail("the last bytes have changed", &rest[i], bytes);
}

static struct block *begin(struct block *block, size_t bytes, size_t alignment, uint64_t *state) {
    if (!block || (uintptr_t)block % alignment || malloc_usable_size(block) < bytes)
        fail("there is no block, it is not aligned, or it is too small", block, bytes);
    calls++;
    block->bytes = bytes;
    block->pattern = next(state);
    fill(block, 0);
    return block;
}

static struct block *make(uint64_t *state) {
    size_t bytes = pick_bytes(state), alignment = (size_t)16 << next(state) % 9;
    struct block *block = NULL;
    switch (next(state) % 16) {
    case 0:
        if (posix_memalign((void **)&block, alignment, bytes) != 0)
            block = NULL;
        return begin(block, bytes, alignment, state);
    case 1:
        return begin(aligned_alloc(64, bytes), bytes, 64, state);
    case 2:
    case 3:
        block = calloc(1, bytes);
        for (size_t word = 0; block && word < bytes / 8; word++)
            if (((uint64_t *)block)[word])
                fail("calloc gave what is not zero", block, bytes);
        break;
    case 4:
        block = realloc(NULL, bytes);
        break;
    default:
        block = malloc(bytes);
    }
    return begin(block, bytes, 16, state);
}

static void drop(struct block *block) {
    if (!block)
        return;
    look(block, block->bytes, block->bytes);
    block->pattern = ~block->pattern; /* whoever still has it sees it */
    errno = 77;
    free(block);
    if (errno != 77)
        fail("free changed errno", block, 0);
}

static struct block *resize(struct block *block, uint64_t *state) {
    size_t bytes = pick_bytes(state), old = block->bytes;
    look(block, old, old);
    block = realloc(block, bytes);
    if (!block || malloc_usable_size(block) < bytes)
        fail("realloc gave no block", block, bytes);
    calls++;
    look(block, old < bytes ? old : bytes, old);
    block->bytes = bytes;
    fill(block, old < bytes ? old / 8 * 8 : bytes / 8 * 8);
    return block;
}

static void work(struct block **mine, long count, uint64_t *state) {
    for (long i = 0; i < count; i++) {
        struct block **place = &mine[next(state) % KEPT];
        uint64_t what = next(state) % 16;
        if (*place && what < 2) {
            *place = resize(*place, state);
        } else if (what < 5) {
            *place = atomic_exchange(&mail[next(state) % MAIL], *place);
        } else if (what < 7) {
            drop(*place);
            *place = NULL;
        } else {
            drop(*place);
            *place = make(state);
        }
    }
}

static void drop_all(struct block **mine) {
    for (int i = 0; i < KEPT; i++) {
        drop(mine[i]);
        mine[i] = NULL;
    }
}

static void drop_mail(void) {
    for (int i = 0; i < MAIL; i++)
        drop(atomic_exchange(&mail[i], NULL));
}

/* The other threads are not there in the child, and what they had in their hands is lost to it. */
static void go_on_in_child(struct block **mine, uint64_t *state) {
    verify_heap("at the start of a child");
    work(mine, operations / rounds, state);
    verify_heap("in a child with live blocks");
    drop_all(mine);
    drop_mail();
    verify_heap("at the end of a child");
    _exit(0);
}

static void fork_here(struct block **mine, uint64_t *state) {
    int status;
    pid_t child = fork();
    if (child == 0)
        go_on_in_child(mine, state);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        say(2, "stress: a child ended with status %d\n", child < 0 ? -1 : status);
        _exit(1);
    }
}

struct task {
    uint64_t state;
    int forks;
};

static void *run(void *argument) {
    struct task *task = argument;
    struct block *mine[KEPT] = {NULL};
    long count = operations / rounds / 2;
    work(mine, count, &task->state);
    pthread_barrier_wait(&together);
    /* The main thread asks hak_verify. */
    pthread_barrier_wait(&together);
    work(mine, count / 2, &task->state);
    if (task->forks)
        fork_here(mine, &task->state);
    work(mine, count - count / 2, &task->state);
    /* Some go to the mail, so that threads end whose blocks are still in use. */
    for (int i = 0; i < KEPT / 4; i++)
        mine[i] = atomic_exchange(&mail[next(&task->state) % MAIL], mine[i]);
    drop_all(mine);
    return NULL;
}

static void run_round(long round) {
    pthread_t ids[MAX_THREADS];
    struct task tasks[MAX_THREADS];
    for (long i = 0; i < threads; i++) {
        tasks[i].state = seed * 0x9e3779b97f4a7c15ull + (uint64_t)(round * threads + i + 1);
        tasks[i].forks = i == round % threads;
        int error = pthread_create(&ids[i], NULL, run, &tasks[i]);
        if (error != 0) {
            say(2, "stress: pthread_create: %s\n", strerror(error));
            _exit(1);
        }
    }
    pthread_barrier_wait(&together);
    verify_heap("with waiting threads");
    pthread_barrier_wait(&together);
    for (long i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
}

int main(int count, char **arguments) {
    threads = count > 2 ? atol(arguments[1]) : 0;
    if (threads < 1 || threads > MAX_THREADS) {
        say(2, "usage: stress THREADS OPERATIONS [SEED [ROUNDS]]\n");
        return 2;
    }
    operations = atol(arguments[2]) / threads;
    seed = count > 3 ? (uint64_t)atol(arguments[3]) : 1;
    rounds = count > 4 ? atol(arguments[4]) : 2;
    if (pthread_barrier_init(&together, NULL, (unsigned)threads + 1) != 0)
        return 2;
    for (long round = 0; round < rounds; round++)
        run_round(round);
    verify_heap("at the end with live blocks");
    drop_mail();
    verify_heap("at the end");
    say(1, "calls %lu\n", (unsigned long)calls);
    return 0;
}

/* A correct program that does with blocks what can be done: sizes, alignments, realloc, calloc,
 * threads that free each other's, a child that goes on; and asks hak_verify at its end. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hakmem.h"

enum { places = 200, threads = 3 };
static int turns = 500;

struct block {
    unsigned char *bytes;
    size_t size;
    unsigned char due;
};
static struct block shared[places];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void fail(const char *what) {
    fprintf(stderr, "correct: %s\n", what);
    abort();
}

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

static void look_at(const struct block *b) {
    for (size_t i = 0; i < b->size; i++)
        if (b->bytes[i] != b->due)
            fail("a block's bytes changed");
    if (b->bytes && malloc_usable_size(b->bytes) < b->size)
        fail("a block holds fewer bytes than were asked for");
}

static size_t pick_size(uint32_t *state) {
    static const size_t most[] = {16, 40, 100, 300, 1000, 5000, 40000, 200000};
    return next_random(state) % most[next_random(state) % 8];
}

static struct block make(uint32_t *state) {
    struct block b = {.size = pick_size(state), .due = (unsigned char)next_random(state)};
    size_t alignment = (size_t)16 << next_random(state) % 10;
    switch (next_random(state) % 4) {
    case 0:
        b.bytes = calloc(1, b.size);
        for (size_t i = 0; b.bytes && i < b.size; i++)
            if (b.bytes[i])
                fail("calloc gave bytes that are not 0");
        break;
    case 1:
        b.bytes = aligned_alloc(alignment, b.size);
        if ((uintptr_t)b.bytes % alignment)
            fail("a block is not aligned");
        break;
    default:
        b.bytes = malloc(b.size);
    }
    if (!b.bytes)
        fail("there is no memory");
    memset(b.bytes, b.due, b.size);
    return b;
}

static void resize(struct block *b, size_t size) {
    unsigned char *bytes = realloc(b->bytes, size + 1);
    if (!bytes)
        fail("realloc has no memory");
    b->bytes = bytes;
    if (size < b->size)
        b->size = size;
    look_at(b);
    memset(bytes, b->due, size + 1);
    b->size = size + 1;
}

static void work(uint32_t seed) {
    for (int turn = 0; turn < turns; turn++) {
        struct block mine = make(&seed);
        struct block *place = &shared[next_random(&seed) % places];
        pthread_mutex_lock(&lock);
        struct block other = *place;
        *place = mine;
        pthread_mutex_unlock(&lock);
        if (!other.bytes)
            continue;
        look_at(&other);
        if (next_random(&seed) % 4 == 0)
            resize(&other, pick_size(&seed));
        free(other.bytes);
    }
}

static void *run(void *seed) {
    work((uint32_t)(uintptr_t)seed);
    return NULL;
}

static void end_all(void) {
    for (int i = 0; i < places; i++) {
        look_at(&shared[i]);
        free(shared[i].bytes);
        shared[i] = (struct block){NULL, 0, 0};
    }
}

/* Not allowed by POSIX, and done by programs all the same: whatever call of the family is
 * interrupted, a handler's own block keeps its bytes, and so do all others. There may be no memory
 * for it. */
static struct block of_handler[8];

static void allocate_in_handler(int number) {
    static uint32_t seed = 5, turn;
    int before = errno;
    struct block *place = &of_handler[turn++ % 8];
    size_t size = pick_size(&seed) + 1;
    look_at(place);
    unsigned char *bytes = turn % 3 ? realloc(place->bytes, size) : NULL;
    if (bytes && place->size > 0 && bytes[0] != place->due)
        fail("a block that a handler resizes lost its bytes");
    if (!bytes) {
        free(place->bytes);
        bytes = malloc(size);
    }
    *place = (struct block){bytes, bytes ? size : 0, (unsigned char)(turn + (unsigned)number)};
    if (bytes)
        memset(bytes, place->due, size);
    errno = before;
}

static void handle(const char *how) {
    static unsigned char memory[64 << 10];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    struct sigaction action = {.sa_handler = allocate_in_handler, .sa_flags = SA_RESTART};
    if (how && strcmp(how, "alternate-stack") == 0) {
        sigaltstack(&stack, NULL);
        action.sa_flags |= SA_ONSTACK;
    }
    sigaction(SIGALRM, &action, NULL);
}

/* `correct HANDLER [TURNS]`: alternate-stack: the handler runs on a stack of its own,
 * without-handler: none does. */
int main(int argc, char **argv) {
    pthread_t all[threads];
    int status = 0;
    if (argc > 2)
        turns = atoi(argv[2]);
    for (uintptr_t i = 0; i < threads; i++)
        pthread_create(&all[i], NULL, run, (void *)(i + 1));
    for (int i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    pid_t child = fork();
    if (child == 0) {
        work(99);
        end_all();
        _exit(hak_verify && hak_verify() != 0);
    }
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    if (argc > 1 && strcmp(argv[1], "without-handler") == 0)
        signal(SIGALRM, SIG_IGN);
    else
        handle(argv[1]);
    setitimer(ITIMER_REAL, &often, NULL);
    work(100);
    setitimer(ITIMER_REAL, &never, NULL);
    waitpid(child, &status, 0);
    if (status != 0)
        fail("the child failed");
    end_all();
    for (int i = 0; i < 8; i++) {
        look_at(&of_handler[i]);
        free(of_handler[i].bytes);
    }
    if (hak_verify && hak_verify() != 0)
        fail("hak_verify finds something");
    puts("well");
    return 0;
}

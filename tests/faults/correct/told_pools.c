/* Pools of the program's own that tell hakmem what they hand out, by hakmem.h: pieces freed and
 * handed out again, resets, room around pieces, pools at the address of a former one, more pools
 * and pieces than are kept, threads, forks. */
#include "hakmem.h"
#include "../corpus/shapes.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 32, PIECES = 100, THREADS = 4 };

static void create(const void *pool, const char *name) {
    if (hak_pool_create)
        hak_pool_create(pool, name);
}
static void take(const void *pool, const void *piece) {
    if (hak_pool_alloc)
        hak_pool_alloc(pool, piece, PIECE);
}
static void give(const void *pool, const void *piece) {
    if (hak_pool_free)
        hak_pool_free(pool, piece);
}
static void reset(const void *pool) {
    if (hak_pool_reset)
        hak_pool_reset(pool);
}
static void destroy(const void *pool) {
    if (hak_pool_destroy)
        hak_pool_destroy(pool);
}

/* Takes and gives all pieces of a pool, three times. */
static void use(char *memory) {
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PIECES; i++)
            take(memory, memory + i * PIECE);
        for (int i = 0; i < PIECES; i++)
            give(memory, memory + i * PIECE);
    }
}

SHAPE(freed_and_taken_again) {
    char *memory = opaque(malloc(PIECE * PIECES));
    create(memory, "again");
    use(memory);
    give(memory, NULL);
    destroy(memory);
    free(memory);
}

SHAPE(reset_with_live_pieces) {
    char *memory = opaque(malloc(PIECE * PIECES));
    create(memory, NULL);
    for (int i = 0; i < 10; i++) {
        take(memory, memory);
        take(memory, memory + PIECE);
        give(memory, memory);
        reset(memory);
    }
    destroy(memory);
    free(memory);
}

SHAPE(pool_at_the_address_of_a_former_one) {
    static char memory[PIECE * PIECES];
    for (int i = 0; i < 10; i++) {
        create(memory, "one after the other, with a name that does not fit any table of names");
        take(memory, memory);
        if (i % 2)
            destroy(memory); /* else it is forgotten */
    }
}

SHAPE(pieces_that_move_between_pools) {
    static char memory[PIECE * PIECES];
    static char first, second;
    create(&first, "first");
    create(&second, "second");
    take(&first, memory);
    destroy(&first);
    take(&second, memory);
    give(&second, memory);
    destroy(&second);
}

SHAPE(pool_in_a_piece) {
    static char memory[PIECE * PIECES];
    static char outer, inner;
    create(&outer, "outer");
    for (int i = 0; i < 2; i++) {
        take(&outer, memory);
        create(&inner, "inner");
        take(&inner, memory);
        if (i == 0) {
            give(&inner, memory);
            destroy(&inner);
        }
        give(&outer, memory);
    }
    destroy(&outer);
}

SHAPE(pieces_of_no_bytes) {
    static char memory[PIECE];
    create(memory, "of no bytes");
    if (hak_pool_alloc)
        hak_pool_alloc(memory, memory, 0);
    take(memory, memory);
    give(memory, memory);
    give(memory, memory);
    destroy(memory);
}

/* The program uses its pieces up to their last byte, and the pool reads the room between them. */
SHAPE(room_around_pieces) {
    char *memory = opaque(malloc(4 * PIECE * PIECES));
    create(memory, "with room");
    if (hak_pool_redzone)
        hak_pool_redzone(memory, PIECE, 2 * PIECE);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PIECES; i++) {
            take(memory, memory + (4 * i + 1) * PIECE);
            memset(memory + (4 * i + 1) * PIECE, round, PIECE);
        }
        for (int i = round; i < PIECES; i += 2)
            give(memory, memory + (4 * i + 1) * PIECE);
        reset(memory);
        memset(memory, 0, 4 * PIECE * PIECES); /* nobody's between a reset and the next piece */
    }
    take(memory, memory + PIECE);
    free(memory); /* without a destroy, and another block may lie there */
    char *other = opaque(malloc(4 * PIECE * PIECES));
    memset(other, 1, 4 * PIECE * PIECES);
    free(other);
}

SHAPE(never_created) {
    static char memory[PIECE];
    take(memory, memory);
    give(memory, memory);
    give(memory, memory);
    reset(memory);
    destroy(memory);
    destroy(memory);
}

static void *use_in_thread(void *memory) {
    use(memory);
    return NULL;
}

SHAPE(in_threads) {
    static char memory[THREADS][PIECE * PIECES];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        create(memory[i], "of a thread");
        pthread_create(&threads[i], NULL, use_in_thread, memory[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pid_t child = fork();
    if (child == 0) {
        use(memory[0]);
        destroy(memory[0]);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    use(memory[0]);
}

/* Last: nothing is said of pieces that are not known from here on. */
SHAPE(more_than_are_kept) {
    static char pools[10000];
    for (size_t i = 0; i < sizeof pools; i++)
        create(&pools[i], "many");
    for (size_t i = 0; i < sizeof pools; i++) {
        take(&pools[i], &pools[i]);
        give(&pools[i], &pools[i]);
        destroy(&pools[i]);
    }
}

RUN_ALL()

/* A pool of rows that gives some of its pieces up to hakmem, by hakmem.h: `guarded CASE` does one
 * thing wrong, `guarded correct` all that is allowed. */
#include <hakmem.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 400, ROUNDS = 40, THREADS = 4 };

struct row {
    struct row *next; /* while it is unused */
    char text[32];
};

struct pool {
    struct row memory[ROWS], *unused;
    int used;
};

static _Atomic int guarded; /* pieces */

static void begin(struct pool *pool, const char *name) {
    pool->unused = NULL;
    pool->used = 0;
    if (hak_pool_create)
        hak_pool_create(pool, name);
}

static struct row *row_new(struct pool *pool) {
    struct row *row = NULL;
    if (hak_pool_alloc_guarded)
        row = hak_pool_alloc_guarded(pool, sizeof *row, _Alignof(struct row));
    if (row) {
        guarded++;
        return row;
    }
    row = pool->unused ? pool->unused : &pool->memory[pool->used++];
    pool->unused = pool->unused ? pool->unused->next : NULL;
    if (hak_pool_alloc)
        hak_pool_alloc(pool, row, sizeof *row);
    return row;
}

static void row_free(struct pool *pool, struct row *row) {
    if (hak_pool_free_guarded && hak_pool_free_guarded(pool, row))
        return;
    if (hak_pool_free)
        hak_pool_free(pool, row);
    row->next = pool->unused;
    pool->unused = row;
}

static void reset(struct pool *pool) {
    if (hak_pool_reset)
        hak_pool_reset(pool);
    pool->unused = NULL;
    pool->used = 0;
}

static void end(struct pool *pool) {
    if (hak_pool_destroy)
        hak_pool_destroy(pool);
}

static struct pool rows, sessions, moved;
static struct row *volatile kept[ROWS];
static int taken_from_inner; /* pieces of a pool that keeps them itself */

/* ---- what is allowed ------------------------------------------------------------------------- */

static void *use(void *of) {
    struct pool *pool = of;
    struct row *taken[ROWS / 2];
    for (int round = 0; round < ROUNDS; round++) {
        int count = 1 + round * 7 % (ROWS / 2);
        for (int i = 0; i < count; i++)
            memset(taken[i] = row_new(pool), round, sizeof *taken[i]);
        for (int i = 0; i < count / 2; i++)
            row_free(pool, taken[i]);
        if (round % 3)
            for (int i = count / 2; i < count; i++)
                row_free(pool, taken[i]);
        else
            reset(pool);
    }
    return NULL;
}

static int use_in_child(void) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        row_free(&rows, kept[0]);
        memset(kept[1], 1, sizeof *kept[1]); /* the child's copy */
        use(&sessions);
        reset(&rows);
        struct row *row = row_new(&rows);
        memset(row, 2, sizeof *row);
        end(&rows);
        exit(0);
    }
    waitpid(child, &status, 0);
    return status;
}

/* Gives the piece of the inner pool back, as to a pool that takes no guarded pieces itself. */
static void give_inner(const void *inner, char *piece) {
    if (hak_pool_free_guarded)
        taken_from_inner += hak_pool_free_guarded(inner, piece);
    if (hak_pool_free)
        hak_pool_free(inner, piece);
}

/* A piece is the memory of another pool, whose ends leave the piece to its own pool. */
static void cut_piece(void) {
    enum { INNER = 16 };
    static const char inner; /* the pool's address */
    struct row *row = row_new(&rows);
    char *memory = (char *)row;
    for (int round = 0; round < 2 && hak_pool_create; round++) {
        hak_pool_create(&inner, "inner");
        hak_pool_alloc(&inner, memory, INNER); /* the address of the piece around it */
        hak_pool_alloc(&inner, memory + INNER, INNER);
        give_inner(&inner, memory);
        give_inner(&inner, memory + INNER);
        memset(row, round, sizeof *row);
        hak_pool_alloc(&inner, memory, INNER);
        hak_pool_alloc(&inner, memory + INNER, INNER);
        if (round == 0)
            hak_pool_reset(&inner);
        hak_pool_destroy(&inner);
        memset(row, round, sizeof *row);
    }
    row_free(&rows, row);
}

static void do_correct(void) {
    static struct pool pools[THREADS];
    pthread_t threads[THREADS];
    cut_piece();
    for (int i = 0; i < THREADS; i++) {
        begin(&pools[i], "of a thread");
        pthread_create(&threads[i], NULL, use, &pools[i]);
    }
    for (int i = 0; i < 3; i++)
        kept[i] = row_new(&rows);
    printf("child: %d\n", use_in_child());
    memset(kept[0], 3, sizeof *kept[0]);
    row_free(&rows, kept[0]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (hak_pool_reset_outside)
        hak_pool_reset_outside(&rows, kept[1], 1);
    memset(kept[1], 4, sizeof *kept[1]);
    if (hak_pool_rebase)
        hak_pool_rebase(&rows, &moved);
    row_free(&moved, kept[1]);
    end(&moved);
    begin(&rows, "rows"); /* a pool that is nobody's any more */
    (void)row_new(&rows);
    begin(&rows, NULL);
    row_free(&rows, row_new(&rows));
    printf("guarded: %s\n", guarded ? "some" : "none");
    if (taken_from_inner)
        printf("pieces of the inner pool taken: %d\n", taken_from_inner);
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static char *volatile text;
static volatile int past = sizeof(struct row);

static void do_wrong(const char *does) {
    struct row *row = row_new(&rows);
    if (strcmp(does, "overflow") == 0)
        (void)((volatile char *)row)[past + 8];
    if (strcmp(does, "slack") == 0) {
        memset(row, 'x', (size_t)past + 1);
        row_free(&rows, row);
    }
    if (strcmp(does, "freed") == 0) {
        row_free(&rows, row);
        row->text[0] = 'x';
    }
    if (strcmp(does, "reset") == 0) {
        reset(&rows);
        row->text[0] = 'x';
    }
    if (strcmp(does, "destroyed") == 0) {
        end(&rows);
        row->text[0] = 'x';
    }
    if (strcmp(does, "replaced") == 0) {
        begin(&rows, "next");
        row->text[0] = 'x';
    }
    if (strcmp(does, "twice") == 0) {
        row_free(&rows, row);
        row_free(&rows, row);
    }
    if (strcmp(does, "late") == 0) {
        reset(&rows);
        row_free(&rows, row);
    }
    if (strcmp(does, "other") == 0)
        row_free(&sessions, row);
    if (strcmp(does, "inside") == 0)
        row_free(&rows, (struct row *)(void *)row->text);
    if (strcmp(does, "free") == 0)
        free(row);
    if (strcmp(does, "realloc") == 0)
        text = realloc(row, 100);
    if (strcmp(does, "leak") == 0) {
        row_free(&rows, row);
        row_new(&rows)->next = row_new(&rows);
        row = NULL;
    }
    if (strcmp(does, "arena") == 0) {
        for (int i = 0; i < 3; i++) {
            row = row_new(&rows);
            row->next = malloc(100); /* the pool's piece keeps it */
        }
        row = NULL;
    }
}

int main(int argc, char **argv) {
    begin(&rows, "rows");
    begin(&sessions, "sessions");
    if (argc > 1 && strcmp(argv[1], "correct") == 0)
        do_correct();
    else if (argc > 1)
        do_wrong(argv[1]);
    return 0;
}

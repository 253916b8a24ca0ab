/* Allocators that programs have of their own, on top of malloc: pools, arenas, obstacks, headers.
 */
#include <obstack.h>
#include <stddef.h>
#include "../corpus/shapes.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free

SHAPE(obstacks) {
    struct obstack stack;
    obstack_init(&stack);
    void *middle = NULL;
    for (int i = 0; i < 3000; i++) {
        char *text = obstack_copy0(&stack, "grown in an obstack", (size_t)(i % 20));
        if (i == 1500)
            middle = text;
    }
    obstack_free(&stack, middle);
    obstack_grow(&stack, "at its end", 10);
    obstack_free(&stack, NULL);
}

/* A pool of equal cells: freed cells are linked through their first word. */
struct pool {
    char *memory;
    void **first_free;
};

static void *take(struct pool *pool) {
    void **cell = pool->first_free;
    pool->first_free = *cell;
    return cell;
}

static void give(struct pool *pool, void *cell) {
    *(void **)cell = pool->first_free;
    pool->first_free = cell;
}

SHAPE(pool_of_cells) {
    struct pool pool = {malloc(100 * 48), NULL};
    void *cell[100];
    for (int i = 0; i < 100; i++)
        give(&pool, pool.memory + i * 48);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 100; i++)
            memset(cell[i] = take(&pool), round, 48);
        for (int i = 0; i < 100; i++)
            give(&pool, cell[(i * 13) % 100]);
    }
    free(pool.memory);
}

/* Puts a size in front of each block and hands out what lies behind it. */
static void *allocate_with_size(size_t size) {
    max_align_t *block = malloc(sizeof *block + size);
    *(size_t *)block = size;
    return block + 1;
}

static void free_with_size(void *pointer) {
    free((max_align_t *)pointer - 1);
}

static void *kept_behind_header;

SHAPE(header_in_front) {
    for (size_t size = 1; size < 500; size += 11) {
        char *block = allocate_with_size(size);
        memset(block, 'h', size);
        require(((size_t *)((max_align_t *)block - 1))[0] == size, "its size");
        free_with_size(block);
    }
    kept_behind_header = allocate_with_size(77);
}

/* Aligns by hand and remembers the true start right in front. */
SHAPE(aligned_by_hand) {
    for (size_t size = 1; size < 3000; size += 97) {
        char *block = malloc(size + 64 + sizeof(void *));
        char *aligned = (char *)(((size_t)block + 64 + sizeof(void *)) / 64 * 64);
        ((void **)aligned)[-1] = block;
        memset(aligned, 'a', (size_t)(block + size + 64 + sizeof(void *) - aligned));
        free(((void **)aligned)[-1]);
    }
}

struct arena {
    struct arena *next;
    size_t used;
    char bytes[4000];
};

SHAPE(arenas) {
    struct arena *arena = NULL;
    for (int i = 0; i < 1000; i++) {
        if (arena == NULL || arena->used + 60 > sizeof arena->bytes) {
            struct arena *fresh = malloc(sizeof *fresh);
            fresh->next = arena;
            fresh->used = 0;
            arena = fresh;
        }
        memset(arena->bytes + arena->used, i, 60);
        arena->used += 60;
    }
    for (struct arena *next; arena != NULL; arena = next) {
        next = arena->next;
        free(arena);
    }
}

RUN_ALL()

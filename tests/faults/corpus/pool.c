/* Faults in the memory of the program's own pools, which it has named by hak_pool_name. */
#include "hakmem.h"
#include "shapes.h"

struct pool {
    char *memory;
    size_t used, size;
};

static struct pool make_pool(size_t size, const char *name) {
    struct pool pool = {opaque(malloc(size)), 0, size};
    if (hak_pool_name)
        hak_pool_name(pool.memory, name);
    return pool;
}

static char *take(struct pool *pool, size_t size) {
    char *piece = pool->memory + pool->used;
    pool->used += size;
    return piece;
}

SHAPE(piece_freed) {
    struct pool pool = make_pool(600, "records");
    take(&pool, 48);
    free(opaque(take(&pool, 48)));
}

SHAPE(more_taken_than_there_is) {
    struct pool pool = make_pool(601, "records");
    for (int i = 0; i < 13; i++)
        memset(take(&pool, 48), i, 48);
    free(opaque(pool.memory));
}

SHAPE(piece_in_front) {
    struct pool pool = make_pool(602, "records");
    pool.memory[-1] = 'p';
    free(opaque(pool.memory));
}

SHAPE(freed_twice) {
    struct pool pool = make_pool(603, "records");
    free(opaque(pool.memory));
    free(opaque(pool.memory));
}

SHAPE(piece_used_after_the_pool) {
    struct pool pool = make_pool(604, "records");
    char *piece = take(&pool, 48);
    free(pool.memory);
    *(char *)opaque(piece + 5) = 'p';
}

SHAPE(large_pool) {
    struct pool pool = make_pool(100005, "images");
    take(&pool, 100000);
    memset(take(&pool, 10), 'i', 10);
    free(opaque(pool.memory));
}

SHAPE(lost) {
    struct pool pool = make_pool(606, "records");
    take(&pool, 48);
}

RUN_ONE()

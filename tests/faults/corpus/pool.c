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

static void piece_freed(void) {
    struct pool pool = make_pool(600, "records");
    take(&pool, 48);
    free(opaque(take(&pool, 48)));
}

static void more_taken_than_there_is(void) {
    struct pool pool = make_pool(601, "records");
    for (int i = 0; i < 13; i++)
        memset(take(&pool, 48), i, 48);
    free(opaque(pool.memory));
}

static void piece_in_front(void) {
    struct pool pool = make_pool(602, "records");
    pool.memory[-1] = 'p';
    free(opaque(pool.memory));
}

static void freed_twice(void) {
    struct pool pool = make_pool(603, "records");
    free(opaque(pool.memory));
    free(opaque(pool.memory));
}

static void piece_used_after_the_pool(void) {
    struct pool pool = make_pool(604, "records");
    char *piece = take(&pool, 48);
    free(pool.memory);
    *(char *)opaque(piece + 5) = 'p';
}

static void large_pool(void) {
    struct pool pool = make_pool(100005, "images");
    take(&pool, 100000);
    memset(take(&pool, 10), 'i', 10);
    free(opaque(pool.memory));
}

static void lost(void) {
    struct pool pool = make_pool(606, "records");
    take(&pool, 48);
}

static const struct shape shapes[] = {
    {"piece_freed", piece_freed},
    {"more_taken_than_there_is", more_taken_than_there_is},
    {"piece_in_front", piece_in_front},
    {"freed_twice", freed_twice},
    {"piece_used_after_the_pool", piece_used_after_the_pool},
    {"large_pool", large_pool},
    {"lost", lost},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

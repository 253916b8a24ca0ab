/* Gives a piece of one of the program's own pools back to another one. */
#include "hakmem.h"
#include <stdlib.h>

struct pool {
    char memory[1000];
};

static void give(const struct pool *pool, char *piece) {
    if (hak_pool_free)
        hak_pool_free(pool, piece);
}

int main(void) {
    struct pool *rows = malloc(sizeof *rows), *sessions = malloc(sizeof *sessions);
    if (hak_pool_create) {
        hak_pool_create(rows, "rows");
        hak_pool_create(sessions, "sessions");
    }
    if (hak_pool_alloc)
        hak_pool_alloc(sessions, sessions->memory + 64, 40);
    give(rows, sessions->memory + 64);
    free(rows);
    free(sessions);
    return 0;
}

/* The program's own pool hands out pieces of one block of malloc, which the program keeps. Two of
 * them are lost, one by way of the other; the pool takes pieces back, so they will never end. */
#include "hakmem.h"

#include <stdlib.h>

enum { SLOT = 64, PIECES = 10 };

struct row {
    struct row *next;
    char text[40];
};

static struct {
    char *memory;
    int used;
} pool;
static struct row *kept;

static struct row *new_row(struct row *next) {
    struct row *row = (struct row *)(void *)(pool.memory + SLOT * pool.used++);
    row->next = next;
    if (hak_pool_alloc)
        hak_pool_alloc(&pool, row, sizeof *row);
    return row;
}

int main(void) {
    pool.memory = malloc(SLOT * PIECES);
    if (hak_pool_create)
        hak_pool_create(&pool, "rows");
    kept = new_row(new_row(NULL));
    struct row *row = new_row(NULL);
    if (hak_pool_free)
        hak_pool_free(&pool, row);
    row = new_row(new_row(NULL));
    row = NULL;
    return row != NULL;
}

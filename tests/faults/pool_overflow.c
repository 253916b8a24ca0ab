/* Writes past a piece of the program's own pool into the room that the pool leaves between pieces;
 * the pool's free finds it. */
#include "hakmem.h"

#include <string.h>

enum { SLOT = 64, ROOM = 16 };

static char memory[10 * SLOT];

static char *new_row(int number) {
    char *row = memory + number * SLOT;
    if (hak_pool_alloc)
        hak_pool_alloc(memory, row, SLOT - ROOM);
    return row;
}

int main(void) {
    if (hak_pool_create)
        hak_pool_create(memory, "rows");
    if (hak_pool_redzone)
        hak_pool_redzone(memory, 0, ROOM);
    char *row = new_row(3);
    volatile unsigned bytes = SLOT - ROOM + 4;
    new_row(4);
    memset(row, 'x', bytes);
    if (hak_pool_free)
        hak_pool_free(memory, row);
    return 0;
}

/* Writes past two pieces of the program's own pool, whose reset finds it. */
#include "hakmem.h"

#include <stdlib.h>

enum { SLOT = 64, ROOM = 16, PIECES = 10 };

static char *new_piece(char *memory, int number) {
    char *piece = memory + number * SLOT;
    if (hak_pool_alloc)
        hak_pool_alloc(memory, piece, SLOT - ROOM);
    return piece;
}

int main(void) {
    char *memory = malloc(PIECES * SLOT);
    if (hak_pool_create)
        hak_pool_create(memory, "request");
    if (hak_pool_redzone)
        hak_pool_redzone(memory, 0, ROOM);
    for (int i = 0; i < PIECES; i++) {
        volatile int bytes = i % 4 == 3 ? SLOT - ROOM + 1 : SLOT - ROOM;
        char *piece = new_piece(memory, i);
        for (int byte = 0; byte < bytes; byte++)
            piece[byte] = 'y';
    }
    if (hak_pool_reset)
        hak_pool_reset(memory);
    free(memory);
    return 0;
}

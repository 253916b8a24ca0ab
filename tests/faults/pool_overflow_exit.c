/* Writes in front of a piece of the program's own pool, which is never given back: in level normal
 * the sweep at exit finds it. */
#include "hakmem.h"

#include <stdlib.h>

enum { SLOT = 64, ROOM = 16 };

int main(void) {
    char *memory = malloc(10 * SLOT);
    if (hak_pool_create)
        hak_pool_create(memory, "rows");
    if (hak_pool_redzone)
        hak_pool_redzone(memory, ROOM, 0);
    for (int i = 0; i < 3; i++)
        if (hak_pool_alloc)
            hak_pool_alloc(memory, memory + i * SLOT + ROOM, SLOT - ROOM);
    volatile int back = 2;
    memory[SLOT + ROOM - back] = 1;
    memory[2 * SLOT + ROOM - back] = 1;
    return memory[0] == 1;
}

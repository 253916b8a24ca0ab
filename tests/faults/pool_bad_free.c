/* Gives an address inside of a piece back to the program's own pool. */
#include "hakmem.h"

static _Alignas(64) char memory[1000];

int main(void) {
    if (hak_pool_create)
        hak_pool_create(memory, "sessions");
    if (hak_pool_alloc)
        hak_pool_alloc(memory, memory + 64, 40);
    if (hak_pool_free)
        hak_pool_free(memory, memory + 72);
    return 0;
}

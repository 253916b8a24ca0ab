/* Gives a piece back to the program's own pool after the pool's reset. */
#include "hakmem.h"

static char memory[1000];

static void end_request(void) {
    if (hak_pool_reset)
        hak_pool_reset(memory);
}

int main(void) {
    if (hak_pool_create)
        hak_pool_create(memory, "request");
    if (hak_pool_alloc)
        hak_pool_alloc(memory, memory + 64, 40);
    end_request();
    if (hak_pool_free)
        hak_pool_free(memory, memory + 64);
    return 0;
}

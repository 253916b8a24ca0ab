/* Takes a piece from the program's own pool after its destroy. */
#include "hakmem.h"

static char memory[1000];

static void end_request(void) {
    if (hak_pool_destroy)
        hak_pool_destroy(memory);
}

int main(void) {
    if (hak_pool_create)
        hak_pool_create(memory, "request");
    end_request();
    if (hak_pool_alloc)
        hak_pool_alloc(memory, memory + 64, 40);
    return 0;
}

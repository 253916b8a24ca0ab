/* Reads memory of hakmem's own, in which no block is; in level normal that page is closed. */
#include <stdint.h>
#include <stdlib.h>

int main(void) {
    uintptr_t block = (uintptr_t)malloc(100);
    uintptr_t superslab = block & ~(uintptr_t)0x1fffff;
    volatile char *last_of_head = (volatile char *)(superslab + 0xf000 + 100);
    return *last_of_head;
}

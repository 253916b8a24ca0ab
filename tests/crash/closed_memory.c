/* Reads memory of hakmem's own, in which no block is: in level normal the first block is guarded,
 * and lies far behind the beginning of the closed addresses. */
#include <stdint.h>
#include <stdlib.h>

int main(void) {
    uintptr_t block = (uintptr_t)malloc(100);
    volatile char *in_front = (volatile char *)(block - 40000);
    return *in_front & 0;
}

/* Frees an address at which nothing is mapped. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static void drop(void *handle) {
    free(handle);
}

int main(void) {
    void *handle = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(handle, 65536);
    drop(handle);
    return 0;
}

/* A program that is linked with a second allocator, as its library's manual tells: blocks of its
 * own calls are given to free and realloc, and those of malloc to free. -DALLOCATE=CALL. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *mi_malloc(size_t);
void *tc_malloc(size_t);
void *mallocx(size_t, int);

int main(void) {
    size_t kept = 0;
    for (unsigned i = 1; i <= 500; i++) {
        size_t bytes = (size_t)i * i;
        char *block = ALLOCATE;
        memset(block, (int)i, bytes);
        if (i % 3 == 0)
            block = realloc(block, bytes + 1000);
        for (size_t at = 0; at < bytes; at++)
            kept += block[at] == (char)i;
        free(block);
        char *other = malloc(bytes);
        free(realloc(other, bytes + 10));
    }
    printf("%zu bytes kept\n", kept);
    return 0;
}

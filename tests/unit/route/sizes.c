/* Every size from 0 to 40,000 bytes is served, written, measured and taken back: `sizes`. Sums the
 * usable bytes of C0 to C7, so that a look from outside finds the same classes at every setting. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 40001 };

static unsigned char *blocks[SIZES];

int main(void) {
    for (size_t bytes = 0; bytes < SIZES; bytes++) {
        blocks[bytes] = malloc(bytes);
        if (!blocks[bytes] || malloc_usable_size(blocks[bytes]) < bytes) {
            printf("%zu bytes are not served\n", bytes);
            return 1;
        }
        if ((uintptr_t)blocks[bytes] % 16 && bytes > 8) {
            printf("%zu bytes are not aligned\n", bytes);
            return 1;
        }
        if (bytes) {
            blocks[bytes][0] = (unsigned char)bytes;
            blocks[bytes][bytes - 1] = (unsigned char)bytes;
        }
    }
    for (size_t bytes = 1; bytes < SIZES; bytes++)
        if (blocks[bytes][0] != (unsigned char)bytes ||
            blocks[bytes][bytes - 1] != (unsigned char)bytes) {
            printf("%zu bytes were written by another block\n", bytes);
            return 1;
        }
    for (size_t bytes = 0; bytes < SIZES; bytes += 2)
        free(blocks[bytes]);
    for (size_t bytes = 1; bytes < SIZES; bytes += 2) {
        blocks[bytes] = realloc(blocks[bytes], SIZES - bytes);
        if (!blocks[bytes] || blocks[bytes][0] != (unsigned char)bytes) {
            printf("realloc from %zu bytes lost them\n", bytes);
            return 1;
        }
        free(blocks[bytes]);
    }
    puts("all served");
    return 0;
}

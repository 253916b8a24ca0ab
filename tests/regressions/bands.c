/* `bands COUNT`: COUNT blocks of each of the sizes 8 to 1,024, filled, looked at, half of them
 * freed and taken again, all freed: with few calls every band fills its magazine and its list and
 * spills them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t sizes[] = {8, 16, 32, 64, 128, 256, 512, 1024};
enum { BANDS = sizeof sizes / sizeof *sizes };

static unsigned char *take(size_t bytes, unsigned char pattern) {
    unsigned char *block = malloc(bytes);
    if (!block || (uintptr_t)block % (bytes < 16 ? 8 : 16) != 0) {
        fprintf(stderr, "bands: %p for %zu bytes\n", (void *)block, bytes);
        exit(1);
    }
    memset(block, pattern, bytes);
    return block;
}

static void look(const unsigned char *block, size_t bytes, unsigned char pattern) {
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != pattern) {
            fprintf(stderr, "bands: byte %zu of %zu changed\n", i, bytes);
            exit(1);
        }
}

int main(int count, char **arguments) {
    size_t blocks = count > 1 ? strtoul(arguments[1], NULL, 10) : 400;
    unsigned char **block = calloc(blocks * BANDS, sizeof *block);
    for (size_t i = 0; i < blocks * BANDS; i++)
        block[i] = take(sizes[i % BANDS], (unsigned char)i);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < blocks * BANDS; i += 2) {
            look(block[i], sizes[i % BANDS], (unsigned char)i);
            free(block[i]);
        }
        for (size_t i = 0; i < blocks * BANDS; i += 2)
            block[i] = take(sizes[i % BANDS], (unsigned char)i);
    }
    for (size_t i = 0; i < blocks * BANDS; i++) {
        look(block[i], sizes[i % BANDS], (unsigned char)i);
        free(block[i]);
    }
    free(block);
    return 0;
}

/* Grows one buffer by 16 bytes a step, as a reader of a stream of unknown length does: growing
 * STEPS. Looks at a byte of each page when it is done. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    size_t steps = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, bytes = 16;
    unsigned char *buffer = malloc(bytes);
    for (size_t i = 1; buffer && i <= steps; i++) {
        buffer[bytes - 1] = (unsigned char)(bytes / 4096 + 1);
        bytes += 16;
        buffer = realloc(buffer, bytes);
    }
    for (size_t at = 4095; buffer && at + 16 < bytes; at += 4096)
        if (buffer[at] != (unsigned char)((at + 1) / 4096 + 1)) {
            printf("byte %zu is %u\n", at, buffer[at]);
            return 1;
        }
    char *smaller = buffer ? realloc(buffer, bytes / 2) : NULL;
    puts(smaller ? "whole" : "no memory");
    free(smaller);
    return 0;
}

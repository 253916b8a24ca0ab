/* `iterations COUNT LIVE`: COUNT times a block of 16 bytes to 3 KiB in the place of another one of
 * LIVE; every 100,000 all of them are freed and given back to the kernel, so that whole SuperSlabs
 * come and go. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { EACH = 100000 };

int main(int argument_count, char **arguments) {
    size_t count = argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 1000000;
    size_t live = argument_count > 2 ? strtoul(arguments[2], NULL, 10) : 20000;
    unsigned char **table = calloc(live, sizeof *table);
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        unsigned char **place = &table[state % live];
        size_t bytes = 16 + (state >> 32) % ((state >> 20) % 16 == 0 ? 3000 : 300);
        free(*place);
        *place = malloc(bytes);
        if (!*place) {
            fprintf(stderr, "iterations: no block at iteration %zu\n", i);
            return 1;
        }
        (*place)[0] = (*place)[bytes - 1] = (unsigned char)i;
        if (i % EACH == EACH - 1) {
            for (size_t k = 0; k < live; k++) {
                free(table[k]);
                table[k] = NULL;
            }
            malloc_trim(0);
        }
    }
    for (size_t k = 0; k < live; k++)
        free(table[k]);
    free(table);
    return 0;
}

/* Writes past the end of a block, through the header of the next one, and into it. */
#include <stdlib.h>
#include <string.h>

enum { blocks = 40, bytes = 24, header_and_canary = 24, into = 5 };

int main(void) {
    char *block[blocks];
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(bytes);
    for (int i = 20; i < blocks; i++)
        for (int k = 0; k < i; k++)
            if (block[i] - block[k] == bytes + header_and_canary) {
                volatile size_t all = bytes + header_and_canary + into;
                memset(block[k], 'x', all);
                free(block[k]);
                return 0;
            }
    return 0;
}

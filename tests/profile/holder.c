/* Holds 64 MiB in blocks of 1,000 bytes, all written, until its standard input ends; frees them,
 * and ends when the file that its argument names is there, after one more event: what the kernel
 * said in between belongs to the time of the recording. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 64 << 10, BYTES = 1024 };

int main(int argc, char **argv) {
    static char *blocks[BLOCKS];
    char byte;
    if (argc != 2)
        return 2;
    for (int i = 0; i < BLOCKS; i++) {
        if (!(blocks[i] = malloc(BYTES)))
            return 2;
        memset(blocks[i], i, BYTES);
    }
    while (read(0, &byte, 1) > 0)
        continue;
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    while (access(argv[1], F_OK) != 0)
        usleep(10000);
    free(malloc(BYTES));
    return 0;
}

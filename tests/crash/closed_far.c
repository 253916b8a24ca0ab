/* Writes one byte where no block was ever served, 1 MiB or 256 KiB behind its own block. Run by
 * closed.sh. */
#include <stdlib.h>

int main(int argc, char **argv) {
    int count = argc > 2 ? atoi(argv[2]) : 100;
    char *volatile last = NULL;
    for (int i = 0; i < count; i++)
        last = malloc(40);
    char *volatile far = last + (argc > 1 ? atoi(argv[1]) : 1 << 20);
    *far = 'x';
    return 0;
}

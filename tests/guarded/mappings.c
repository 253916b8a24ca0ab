/* A correct program that has used up its mappings, all but as many as its argument says, and goes
 * on, for so many turns as the second one says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "hakmem.h"

enum { bytes = 4096, most = 200000 };

int main(int count, char **arguments) {
    long spare = count > 1 ? atol(arguments[1]) : 0, used = 0,
         turns = count > 2 ? atol(arguments[2]) : 20000;
    char *area = mmap(NULL, (size_t)most * bytes, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    static char *blocks[500];
    if (area == MAP_FAILED)
        return 2;
    for (int i = 0; i < 250; i++)
        blocks[i] = memset(malloc(100), 'x', 100);
    while (used < most / 2 && mprotect(area + 2 * used * bytes, bytes, PROT_READ) == 0)
        used++;
    for (long i = 0; i < spare / 2; i++)
        mprotect(area + 2 * --used * bytes, bytes, PROT_NONE);
    for (long i = 0; i < turns; i++) {
        char **place = &blocks[i * 7 % 500];
        size_t size = (size_t)(i % 300 + 1);
        if (*place && **place != 'x')
            abort();
        free(*place);
        *place = malloc(size);
        if (*place)
            memset(*place, 'x', size);
    }
    for (int i = 0; i < 500; i++)
        free(blocks[i]);
    munmap(area, (size_t)most * bytes);
    if (hak_verify && hak_verify() != 0)
        return 3;
    puts("well");
    return used > 20000 ? 0 : 4;
}

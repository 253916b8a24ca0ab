/* `metadata COUNT`: a benchmark that keeps its own tables in glibc's malloc, found in libc by its
 * version, and frees them by free() as everything else: COUNT of them among 120 times as many
 * blocks of ours. Says how many bytes glibc still has in use for them. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../tools/of_libc.h"

#if __GLIBC_PREREQ(2, 33)
#define THEIR_INFO "mallinfo2"
#else
#define mallinfo2  mallinfo
#define THEIR_INFO "mallinfo"
#endif

enum { OTHERS = 119, BYTES = 200 };

int main(int argument_count, char **arguments) {
    size_t count = argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 500;
    void *(*their_malloc)(size_t) = (void *(*)(size_t))of_libc("malloc");
    struct mallinfo2 (*their_info)(void) = (__typeof__(their_info))of_libc(THEIR_INFO);
    if (!their_malloc || !their_info || their_malloc == malloc)
        return 2;
    free(their_malloc(BYTES));
    size_t before = their_info().uordblks;
    for (size_t i = 0; i < count; i++) {
        char *metadata = their_malloc(BYTES);
        memset(metadata, 'm', BYTES);
        for (int k = 0; k < OTHERS; k++)
            free(memset(malloc(BYTES), k, BYTES));
        free(metadata);
    }
    size_t after = their_info().uordblks;
    printf("%zu\n", after > before ? after - before : 0);
    return 0;
}

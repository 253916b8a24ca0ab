/* A correct program that frees what other allocators made: glibc's own, asked for by the name that
 * glibc itself uses. It must end with status 0 and print nothing. */
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);

int main(void) {
    for (int i = 0; i < 1000; i++) {
        char *p = __libc_malloc((size_t)i * 3);
        char *q = __libc_calloc((size_t)i, 5);
        char *r = strdup("a copy");
        memset(p, 1, (size_t)i * 3);
        free(p);
        free(q);
        free(r);
    }
    return 0;
}

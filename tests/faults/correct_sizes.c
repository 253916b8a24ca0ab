/* A correct program: every member of the malloc family, many sizes and alignments, every byte of
 * each block written, up to malloc_usable_size. It must end with status 0 and print nothing. */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int is_filled(const unsigned char *p, unsigned char with, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (p[i] != with)
            return 0;
    return 1;
}

static void use(unsigned char *p, size_t bytes) {
    if (!p || malloc_usable_size(p) < bytes)
        abort();
    memset(p, 0xa5, malloc_usable_size(p));
}

int main(void) {
    for (size_t bytes = 0; bytes < 70000; bytes += bytes < 2100 ? 1 : 997) {
        unsigned char *p = malloc(bytes), *q = calloc(bytes, 1);
        use(p, bytes);
        if (!is_filled(q, 0, bytes))
            abort();
        use(q, bytes);
        p = realloc(p, bytes + bytes / 2 + 1);
        if (!is_filled(p, 0xa5, bytes))
            abort();
        use(p, bytes + bytes / 2 + 1);
        p = realloc(p, bytes / 2 + 1);
        use(p, bytes / 2 + 1);
        free(p);
        free(q);
    }
    for (size_t alignment = 16; alignment <= 1 << 20; alignment *= 2)
        for (size_t bytes = 1; bytes < 300000; bytes = bytes * 7 + 3) {
            void *p;
            if (posix_memalign(&p, alignment, bytes) != 0 || (uintptr_t)p % alignment != 0)
                abort();
            use(p, bytes);
            unsigned char *q = aligned_alloc(alignment, bytes);
            if ((uintptr_t)q % alignment != 0)
                abort();
            use(q, bytes);
            q = realloc(q, bytes * 2);
            use(q, bytes * 2);
            free(q);
            free(p);
        }
    free(NULL);
    free(valloc(100));
    volatile size_t too_much = SIZE_MAX - 4096;
    return malloc(too_much) != NULL;
}

/* Counts calls, and hands them to glibc by its second names. FREE_ONLY: those that take are
 * glibc's own. */
#include <stddef.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void __libc_free(void *);
unsigned long calls;

#ifndef FREE_ONLY
void *malloc(size_t bytes) {
    calls++;
    return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
    calls++;
    return __libc_calloc(count, bytes);
}
void *realloc(void *block, size_t bytes) {
    calls++;
    return __libc_realloc(block, bytes);
}
#endif
void free(void *block) {
    calls++;
    __libc_free(block);
}

/* An allocator that counts how often the player sleeps until a word changes, and writes it to the
 * file SLEEPS. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static _Alignas(64) unsigned char memory[1 << 30];
static size_t used;
static long sleeps;

static void *take(size_t bytes, size_t alignment) {
    size_t at = __atomic_fetch_add(&used, (bytes + alignment + 31) & ~(size_t)15, __ATOMIC_RELAXED);
    at = (at + 16 + alignment - 1) & ~(alignment - 1);
    if (at + bytes > sizeof memory)
        return NULL;
    memcpy(memory + at - 8, &bytes, 8);
    return memory + at;
}

void *malloc(size_t bytes) {
    return take(bytes, 16);
}
void *calloc(size_t count, size_t bytes) {
    return take(count * bytes, 16);
}
void *realloc(void *old, size_t bytes) {
    size_t before = 0;
    void *block = take(bytes, 16);
    if (old && block) {
        memcpy(&before, (char *)old - 8, 8);
        memcpy(block, old, before < bytes ? before : bytes);
    }
    return block;
}
int posix_memalign(void **out, size_t alignment, size_t bytes) {
    *out = take(bytes, alignment);
    return *out ? 0 : 12;
}
void free(void *block) {
    (void)block;
}

long syscall(long number, ...) {
    static long (*real)(long, ...);
    long of[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        of[i] = va_arg(list, long);
    va_end(list);
    if (!real)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    if (number == SYS_futex && (of[1] & FUTEX_CMD_MASK) == FUTEX_WAIT)
        __atomic_fetch_add(&sleeps, 1, __ATOMIC_RELAXED);
    return real(number, of[0], of[1], of[2], of[3], of[4], of[5]);
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("SLEEPS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", sleeps);
        fclose(file);
    }
}

/* Counts the calls of the malloc family that give a record, in front of any allocator.
 *
 * LD_PRELOAD="count_calls.so hakmem-debug.so", with COUNT_CALLS_FILE naming a file of 4,096 bytes
 * or more. Counted are MALLOC (malloc, calloc and the aligned family), REALLOC and FREE, from the
 * time when this library's constructor has run (ld.so's own calls before it are left out, as hakmem
 * leaves them out) to the end of the process, forked children included. Calls that fail and
 * free(NULL) are not counted; realloc(p, 0) of glibc frees, so it counts as FREE. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { MALLOC, FREE, REALLOC, KINDS };
static _Atomic unsigned long before_start[KINDS];
static _Atomic unsigned long *counts = before_start;

static void count(int kind) {
    atomic_fetch_add_explicit(&counts[kind], 1, memory_order_relaxed);
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("COUNT_CALLS_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED)
        counts = shared;
}

/* The next library's function of the same name; dlsym of glibc 2.36 does not allocate on success.
 */
#define NEXT(result, name, ...)                                                                    \
    static result (*next_##name)(__VA_ARGS__);                                                     \
    if (!next_##name)                                                                              \
    next_##name = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define EXPORT __attribute__((visibility("default")))

static void *counted(void *block, int kind) {
    if (block)
        count(kind);
    return block;
}

EXPORT void *malloc(size_t bytes) {
    NEXT(void *, malloc, size_t);
    return counted(next_malloc(bytes), MALLOC);
}
EXPORT void *calloc(size_t members, size_t bytes) {
    NEXT(void *, calloc, size_t, size_t);
    return counted(next_calloc(members, bytes), MALLOC);
}
EXPORT void *memalign(size_t alignment, size_t bytes) {
    NEXT(void *, memalign, size_t, size_t);
    return counted(next_memalign(alignment, bytes), MALLOC);
}
EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    NEXT(void *, aligned_alloc, size_t, size_t);
    return counted(next_aligned_alloc(alignment, bytes), MALLOC);
}
EXPORT void *valloc(size_t bytes) {
    NEXT(void *, valloc, size_t);
    return counted(next_valloc(bytes), MALLOC);
}
EXPORT void *pvalloc(size_t bytes) {
    NEXT(void *, pvalloc, size_t);
    return counted(next_pvalloc(bytes), MALLOC);
}
EXPORT int posix_memalign(void **block, size_t alignment, size_t bytes) {
    NEXT(int, posix_memalign, void **, size_t, size_t);
    int error = next_posix_memalign(block, alignment, bytes);
    counted(error ? NULL : *block, MALLOC);
    return error;
}
EXPORT void *realloc(void *block, size_t bytes) {
    NEXT(void *, realloc, void *, size_t);
    void *moved = next_realloc(block, bytes);
    if (block && bytes == 0)
        count(FREE);
    return counted(moved, REALLOC);
}
EXPORT void *reallocarray(void *block, size_t members, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(members, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, total);
}
EXPORT void free(void *block) {
    NEXT(void, free, void *);
    if (block)
        count(FREE);
    next_free(block);
}

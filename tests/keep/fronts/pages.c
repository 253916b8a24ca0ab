/* An allocator of malloc, free, calloc and realloc alone, as Electric Fence and others: a block
 * behind a page that nobody may touch. glibc's malloc_usable_size reads there.
 * WITH_ALIGNED: posix_memalign, too, and aligned_alloc, which takes only a multiple of the
 * alignment; memalign is glibc's.
 * WITH_COPIES: strdup and strndup, too, as mimalloc 3 has them: they do not call malloc. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };
struct head {
    size_t bytes, mapped_bytes;
};

static struct head *head_of(void *block) {
    return (struct head *)((uintptr_t)block / PAGE * PAGE - 2 * PAGE);
}

static void *take(size_t bytes) {
    size_t mapped_bytes = (bytes / PAGE + 3) * PAGE;
    char *memory = bytes > PTRDIFF_MAX ? MAP_FAILED
                                       : mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        errno = ENOMEM;
        return NULL;
    }
    *(struct head *)memory = (struct head){bytes, mapped_bytes};
    mprotect(memory + PAGE, PAGE, PROT_NONE);
    return memory + 2 * PAGE;
}

void *malloc(size_t bytes) {
    return take(bytes);
}
void free(void *block) {
    if (block)
        munmap(head_of(block), head_of(block)->mapped_bytes);
}
void *calloc(size_t count, size_t bytes) {
    return take(count * bytes);
}
void *realloc(void *block, size_t bytes) {
    void *other = take(bytes);
    if (block && other) {
        size_t old_bytes = head_of(block)->bytes;
        memcpy(other, block, old_bytes < bytes ? old_bytes : bytes);
        free(block);
    }
    return other;
}
#ifdef WITH_ALIGNED
void *aligned_alloc(size_t alignment, size_t bytes) {
    if (alignment > PAGE || bytes % alignment != 0) {
        errno = EINVAL;
        return NULL;
    }
    return take(bytes);
}
int posix_memalign(void **result, size_t alignment, size_t bytes) {
    *result = alignment > PAGE ? NULL : take(bytes);
    return *result ? 0 : ENOMEM;
}
#endif
#ifdef WITH_COPIES
char *strndup(const char *text, size_t bytes) {
    size_t length = strnlen(text, bytes);
    char *copy = take(length + 1);
    return copy ? memcpy(copy, text, length) : NULL;
}
char *strdup(const char *text) {
    return strndup(text, SIZE_MAX);
}
#endif

/* An allocator that hands out every tenth block twice. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static _Alignas(64) unsigned char memory[512 << 20];
static size_t used;
static void *last;
static size_t last_bytes;
static unsigned calls;

static void *take(size_t bytes, size_t alignment) {
    used = (used + 16 + alignment - 1) & ~(alignment - 1);
    if (used + bytes > sizeof memory)
        return NULL;
    void *block = memory + used;
    memcpy((char *)block - 8, &bytes, 8);
    used += bytes;
    return block;
}

void *malloc(size_t bytes) {
    if (bytes <= last_bytes && ++calls % 10 == 0)
        return last;
    last = take(bytes, 16);
    last_bytes = last ? bytes : 0;
    return last;
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
    return 0;
}
void free(void *block) {
    (void)block;
}

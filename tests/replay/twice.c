/* An allocator that hands out every tenth block twice. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static _Alignas(64) unsigned char memory[512 << 20];
static size_t used;
static void *last;
static size_t last_bytes;
static unsigned calls;
static int is_busy;

static void *take(size_t bytes, size_t alignment) {
    size_t at = __atomic_fetch_add(&used, bytes + alignment + 16, __ATOMIC_RELAXED);
    at = (at + 16 + alignment - 1) & ~(alignment - 1);
    if (at + bytes > sizeof memory)
        return NULL;
    memcpy(memory + at - 8, &bytes, 8);
    return memory + at;
}

void *malloc(size_t bytes) {
    while (__atomic_exchange_n(&is_busy, 1, __ATOMIC_ACQUIRE))
        ;
    if (bytes > last_bytes || ++calls % 10 != 0) {
        last = take(bytes, 16);
        last_bytes = last ? bytes : 0;
    }
    void *block = last;
    __atomic_store_n(&is_busy, 0, __ATOMIC_RELEASE);
    return block;
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

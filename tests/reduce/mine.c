/* An allocator with a fault: it dies when a thread takes a block after another thread freed one of
 * its. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct head {
    atomic_int *has_foreign; /* of the thread that took the block */
    size_t bytes;
};

static _Alignas(64) char memory[64 << 20];
static atomic_size_t used;
static _Thread_local __attribute__((tls_model("initial-exec"))) atomic_int has_foreign;

void *malloc(size_t bytes) {
    size_t room = (bytes + sizeof(struct head) + 15) & ~(size_t)15;
    size_t at = atomic_fetch_add(&used, room);
    if (at + room > sizeof memory)
        return NULL;
    if (has_foreign)
        abort();
    struct head *head = (struct head *)(memory + at);
    *head = (struct head){&has_foreign, bytes};
    return head + 1;
}

void free(void *pointer) {
    struct head *head = (struct head *)pointer - 1;
    if (pointer && head->has_foreign != &has_foreign)
        *head->has_foreign = 1;
}

void *calloc(size_t count, size_t bytes) {
    return malloc(count * bytes);
}

void *realloc(void *pointer, size_t bytes) {
    struct head *head = (struct head *)pointer - 1;
    void *next = malloc(bytes);
    if (pointer && next)
        memcpy(next, pointer, head->bytes < bytes ? head->bytes : bytes);
    free(pointer);
    return next;
}

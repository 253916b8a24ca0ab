/* The library that loaded.c loads. */
#include <stdlib.h>

void *library_make(size_t size);
void library_release(void *block);
void library_keep(void *block);

static void *kept;

void *library_make(size_t size) {
    return malloc(size);
}
void library_release(void *block) {
    free(block);
}
void library_keep(void *block) {
    kept = block;
}

__attribute__((destructor)) static void end(void) {
    free(kept);
}

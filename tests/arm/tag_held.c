/* Holds a mapping that munmap refuses and whose pages are locked, so that madvise refuses, too: the
 * block that it serves next finds zeros, and no tag of the one before (tests/arm/tags.sh). Compiled
 * with src/large/held.c and src/platform/tags.c; the platform's calls are these. */
#include <stdio.h>
#include <sys/mman.h>
#include "large/held.h"
#include "platform/tags.h"

enum { BYTES = 3 * 4096, TAG = 9 };

bool hak_unmap(void *start, size_t bytes) {
    return (void)start, (void)bytes, false;
}
bool hak_discard(void *start, size_t bytes) {
    return (void)start, (void)bytes, false;
}
bool hak_allow_writes(void *start, size_t bytes) {
    return (void)start, (void)bytes, true;
}

void hak_hop_count(enum hak_counted counted, unsigned class_index, uint64_t amount) {
    (void)counted, (void)class_index, (void)amount;
}

/* One thread waits for nobody. */
void hak_futex_wait(_Atomic uint32_t *word, uint32_t value) {
    (void)word, (void)value;
}
void hak_futex_wake(_Atomic uint32_t *word, int count) {
    (void)word, (void)count;
}

static char *map(void) {
    return mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(void) {
    size_t bytes = 0;
    (void)hak_tags_start(HAK_TAGS_WAY_SYNC);
    char *list = map(), *start = map();
    hak_tags_fit(start, BYTES);
    for (int i = 0; i < BYTES; i++)
        start[i] = 1;
    hak_tag_memory(start, start + BYTES, TAG);
    (void)hak_tags_begin_own();
    hak_held_unmap(list, BYTES);
    hak_held_unmap(start, BYTES);
    char *again = hak_held_take(BYTES, &bytes);
    for (int i = 0; i < BYTES; i++)
        if (again != start || again[i] != 0 || hak_tag_at(again + i) != 0)
            return printf("byte %d: %d, tag %u\n", i, again[i], hak_tag_at(again + i)), 1;
    puts("clean");
    return 0;
}

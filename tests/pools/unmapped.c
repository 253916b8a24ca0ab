/* A pool in mapped memory whose owner unmaps, replaces, moves or shrinks the mapping and tells of
 * it late or never. `unmapped CASE`; each but the cases "kept..." is correct. */
#define _GNU_SOURCE
#include <hakmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 4, ROOM = 16, PIECE = 48 };

static char pool[16];

static char *map_at(char *at) {
    char *memory = mmap(at, PAGES * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
    if (memory == MAP_FAILED)
        exit(3);
    return memory;
}

/* The piece of a page: with room on both sides. */
static char *piece_of(char *memory, int page) {
    return memory + page * PAGE + 2 * ROOM;
}

static void take_all(char *memory) {
    for (int i = 0; i < PAGES; i++)
        hak_pool_alloc(pool, piece_of(memory, i), PIECE);
}

static void unmap(char *from, size_t bytes) {
    if (munmap(from, bytes) != 0)
        exit(4);
}

int main(int argc, char **argv) {
    const char *does = argc > 1 ? argv[1] : "";
    char *memory = map_at(NULL), *other = map_at(NULL);
    if (!hak_pool_create)
        return 1;
    hak_pool_create(pool, "rows");
    hak_pool_redzone(pool, ROOM, ROOM);
    take_all(memory);
    hak_pool_free(pool, piece_of(memory, 0)); /* it is no arena */
    hak_pool_alloc(pool, piece_of(memory, 0), PIECE);
    if (strcmp(does, "gone") == 0) {
        unmap(memory, PAGES * PAGE);
    } else if (strcmp(does, "again") == 0) { /* another user has the addresses */
        unmap(memory, PAGES * PAGE);
        (void)map_at(memory);
    } else if (strcmp(does, "anew") == 0) { /* the pool has, and hands the addresses out again */
        unmap(memory, PAGES * PAGE);
        (void)map_at(memory);
        take_all(memory);
        for (int i = 0; i < PAGES; i++)
            hak_pool_free(pool, piece_of(memory, i));
    } else if (strcmp(does, "replaced") == 0) {
        (void)map_at(memory);
    } else if (strcmp(does, "moved") == 0) {
        (void)mremap(memory, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);
        (void)map_at(memory);
    } else if (strcmp(does, "onto") == 0) {
        (void)mremap(other, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, memory);
    } else if (strcmp(does, "shrunk") == 0) {
        (void)mremap(memory, PAGES * PAGE, 2 * PAGE, 0);
        (void)mmap(memory + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    } else if (strcmp(does, "lost") == 0) { /* no pointer leads to pieces that are not there */
        unmap(memory, PAGES * PAGE);
        memory = NULL;
        return 0;
    } else if (strcmp(does, "kept-beside") == 0) { /* a write where the memory is still there */
        unmap(memory + PAGE, (PAGES - 1) * PAGE);
        (void)map_at(other);
        piece_of(memory, 0)[PIECE] = 1;
    } else if (strcmp(does, "kept-refused") == 0) {
        if (munmap(memory + 1, PAGES * PAGE) == 0)
            return 5;
        piece_of(memory, 3)[-1] = 1;
    } else if (strcmp(does, "kept-shrunk") == 0) {
        (void)mremap(memory, PAGES * PAGE, 2 * PAGE, 0);
        piece_of(memory, 1)[PIECE] = 1;
    }
    hak_pool_destroy(pool);
    return 0;
}

/* Memory of the program's own mappings beside the heap: holds pointers, moves, is shared with a
 * child. */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../corpus/shapes.h"

static char *map(size_t size, int flags) {
    char *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    require(mapping != MAP_FAILED, "there is memory");
    return mapping;
}

SHAPE(holds_pointers) {
    char **table = (char **)map(65536, MAP_PRIVATE);
    for (int i = 0; i < 1000; i++)
        table[i] = opaque(malloc(50));
    table = mremap(table, 65536, 1 << 20, MREMAP_MAYMOVE);
    for (int i = 0; i < 1000; i++)
        free(table[i]);
    munmap(table, 1 << 20);
}

SHAPE(shared_with_a_child) {
    char *shared = map(4096, MAP_SHARED), *text = opaque(strdup("of the parent"));
    pid_t child = fork();
    if (child == 0) {
        strcpy(shared, text);
        free(text);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    require(strcmp(shared, "of the parent") == 0, "written by the child");
    free(text);
    munmap(shared, 4096);
}

SHAPE(own_guard_pages) {
    char *mapping = map(3 * 4096, MAP_PRIVATE);
    mprotect(mapping, 4096, PROT_NONE);
    mprotect(mapping + 8192, 4096, PROT_NONE);
    memset(mapping + 4096, 'g', 4096);
    munmap(mapping, 3 * 4096);
}

/* As in programs that manage pages themselves: an arena in a mapping, its parts never seen by
 * malloc. */
SHAPE(arena) {
    char *base = map(1 << 20, MAP_PRIVATE), *next = base;
    for (int i = 0; i < 1000; i++) {
        memset(next, i, 1000);
        next += 1024;
    }
    char *copy = opaque(malloc(1000));
    memcpy(copy, base + 500 * 1024, 1000);
    free(copy);
    munmap(base, 1 << 20);
}

RUN_ALL()

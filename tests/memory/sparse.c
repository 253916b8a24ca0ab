/* A large block of which a few pages were touched grows and shrinks, and moves as it does: its
 * bytes come along, and the pages that nobody touched stay so. Prints what went wrong. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { STEP = 16 << 20, MIB = 1 << 20 };

/* Written here and there, also at both ends of each whole page. */
static void write_marks(char *block, size_t bytes) {
    for (size_t at = 0; at + 4096 <= bytes; at += STEP) {
        block[at] = (char)(at / STEP + 1);
        block[at + 4095] = (char)(at / STEP + 2);
    }
    block[bytes - 1] = 3;
}

static int are_there(const char *block, size_t bytes, size_t last) {
    for (size_t at = 0; at + 4096 <= bytes; at += STEP)
        if (block[at] != (char)(at / STEP + 1) || block[at + 4095] != (char)(at / STEP + 2) ||
            block[at + 5000] != 0)
            return 0;
    return last >= bytes || block[last] == 3;
}

static void expect(int holds, const char *what) {
    if (!holds)
        printf("%s\n", what);
}

int main(void) {
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    size_t bytes = (size_t)512 * MIB + 77;
    char *block = malloc(bytes);
    if (!block)
        return 1;
    write_marks(block, bytes);
    /* It cannot grow where it lies: the addresses behind it are taken. */
    void *in_the_way = mmap(block + 2 * (size_t)512 * MIB, 4096, PROT_READ,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    block = realloc(block, 3 * bytes);
    expect(block && are_there(block, bytes, bytes - 1), "grown: other bytes");
    char *other = malloc(3 * bytes);
    block = realloc(block, 5 * bytes);
    expect(block && are_there(block, bytes, bytes - 1), "grown again: other bytes");
    block = realloc(block, bytes / 2);
    expect(block && are_there(block, bytes / 2, bytes), "shrunk: other bytes");
    free(block);
    free(other);
    /* Pages that the program has closed itself move with the others, or are left as they are. */
    block = aligned_alloc(4096, 8 * MIB);
    write_marks(block, 8 * MIB);
    if (mprotect(block + 4 * MIB, 4096, PROT_READ) != 0)
        return 1;
    block = realloc(block, 20 * MIB);
    expect(block && are_there(block, 8 * MIB, 8 * MIB - 1), "closed: other bytes");
    free(block);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    expect(usage.ru_maxrss < 80 * 1024, "pages that nobody touched are resident");
    (void)in_the_way;
    return 0;
}

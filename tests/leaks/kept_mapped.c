/* Tables in memory that the program has mapped itself, as pools and interpreters have them:
 * private, shared, of a file, and one that was made read-only. KEPT */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>
#include "leaks.h"

enum { BYTES = 1 << 20 };

static void **map(int flags, int file) {
    void **table = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, flags, file, 0);
    if (table == MAP_FAILED)
        exit(2);
    return table;
}

int main(void) {
    void **private = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    void **shared = map(MAP_SHARED | MAP_ANONYMOUS, -1);
    int file = memfd_create("table", 0);
    if (file < 0 || ftruncate(file, BYTES) != 0)
        return 3;
    void **of_file = map(MAP_SHARED, file);
    void **closed = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    private[1000] = take(10);
    shared[2000] = take(20);
    of_file[3000] = take(30);
    closed[0] = take(40);
    mprotect(closed, BYTES, PROT_READ);
    forget_frames();
    return 0;
}

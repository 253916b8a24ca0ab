/* Maps 100 bytes, and gives them back: whole pages, as large as the kernel's are
 * (tests/arm/collector.sh). */
#include <stdlib.h>
#include <sys/mman.h>

enum { BYTES = 100 };

int main(void) {
    char *mapped = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return 1;
    mapped[0] = 1;
    free(malloc(1));
    return munmap(mapped, BYTES) != 0;
}

/* Reads a page of its own that nobody may touch. */
#include <sys/mman.h>

int main(void) {
    char *volatile pages =
        mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 4096, 4096, PROT_NONE);
    return pages[4096 + 100];
}

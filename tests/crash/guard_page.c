/* Reads a page that nobody may touch, as lies below a thread's stack. */
#include <sys/mman.h>

int main(void) {
    char *volatile pages =
        mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 4096, 4096, PROT_NONE);
    return pages[4096 + 100];
}

/* Reads on behind the end of a mapped file, where nothing is mapped. */
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
    int file = memfd_create("table", 0);
    char *alone = mmap(0, 64 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ftruncate(file, 4096) != 0 || alone == MAP_FAILED)
        return 2;
    char *volatile table = mmap(alone, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
    munmap(alone + 4096, 63 * 4096);
    int sum = 0;
    for (int i = 0; i < 8192; i++)
        sum += table[i];
    return sum;
}

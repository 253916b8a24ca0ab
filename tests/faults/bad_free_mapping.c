/* Frees the middle of memory that the program mapped itself. */
#include <stdlib.h>
#include <sys/mman.h>

static void drop(char *entry) {
    free(entry);
}

int main(void) {
    char *area = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    drop(area + 4112);
    return 0;
}

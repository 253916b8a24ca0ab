/* Reads a mapped file behind its end, after another truncated it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int read_last(const char *text, size_t size) {
    return text[size - 1];
}

int main(void) {
    enum { BYTES = 8192 };
    int file = memfd_create("data", 0);
    if (file < 0 || ftruncate(file, BYTES) != 0)
        return 1;
    char *text = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, file, 0);
    if (text == MAP_FAILED || ftruncate(file, 10) != 0)
        return 1;
    return read_last(text, BYTES);
}

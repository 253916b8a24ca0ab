/* The library that overflow_library.c loads. */
#include <stdlib.h>
#include <string.h>

void library_fill(char *buffer, size_t count);
char *library_make(size_t size);
void library_spoil(size_t size);

void library_fill(char *buffer, size_t count) {
    memset(buffer, 'l', count);
}

char *library_make(size_t size) {
    return malloc(size);
}

void library_spoil(size_t size) {
    char *volatile own = malloc(size);
    own[size] = 'l';
    free(own);
}

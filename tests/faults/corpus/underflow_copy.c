/* Functions that copy, set or read are given an address in front of the block. */
#include <unistd.h>
#include <wchar.h>
#include "shapes.h"

static const char source[64] = "fifteen letters and some more of them, up to sixty";

SHAPE(copy) {
    char *buffer = opaque(malloc(50));
    memcpy(buffer - 8, source, 50);
    free(opaque(buffer));
}

SHAPE(move) {
    char *buffer = opaque(malloc(51));
    memset(buffer, 'm', 51);
    memmove(buffer - 1, buffer, 50);
    free(opaque(buffer));
}

SHAPE(set) {
    char *buffer = opaque(malloc(52));
    memset(buffer - 4, 0x11, 8);
    free(opaque(buffer));
}

SHAPE(string) {
    char *buffer = opaque(malloc(53));
    strcpy(buffer - 8, source);
    free(opaque(buffer));
}

SHAPE(string_bounded) {
    char *buffer = opaque(malloc(54));
    strncpy(buffer - 8, source, 8);
    free(opaque(buffer));
}

SHAPE(wide_string) {
    wchar_t *buffer = opaque(malloc(20 * sizeof *buffer));
    wcscpy(buffer - 2, L"wide");
    free(opaque(buffer));
}

SHAPE(wide_set) {
    wchar_t *buffer = opaque(malloc(21 * sizeof *buffer));
    wmemset(buffer - 1, L'w', 5);
    free(opaque(buffer));
}

SHAPE(print) {
    char *buffer = opaque(malloc(55));
    sprintf(buffer - 3, "%d", 12345);
    free(opaque(buffer));
}

SHAPE(input) {
    int ends[2];
    char *buffer = opaque(malloc(56));
    if (pipe(ends) != 0 || write(ends[1], source, 20) != 20 || read(ends[0], buffer - 16, 20) != 20)
        exit(2);
    free(opaque(buffer));
}

RUN_ONE()

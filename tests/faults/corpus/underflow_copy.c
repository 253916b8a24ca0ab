/* Functions that copy, set or read are given an address in front of the block. */
#include <unistd.h>
#include <wchar.h>
#include "shapes.h"

static const char source[64] = "fifteen letters and some more of them, up to sixty";

static void copy(void) {
    char *buffer = opaque(malloc(50));
    memcpy(buffer - 8, source, 50);
    free(opaque(buffer));
}

static void move(void) {
    char *buffer = opaque(malloc(51));
    memset(buffer, 'm', 51);
    memmove(buffer - 1, buffer, 50);
    free(opaque(buffer));
}

static void set(void) {
    char *buffer = opaque(malloc(52));
    memset(buffer - 4, 0x11, 8);
    free(opaque(buffer));
}

static void string(void) {
    char *buffer = opaque(malloc(53));
    strcpy(buffer - 8, source);
    free(opaque(buffer));
}

static void string_bounded(void) {
    char *buffer = opaque(malloc(54));
    strncpy(buffer - 8, source, 8);
    free(opaque(buffer));
}

static void wide_string(void) {
    wchar_t *buffer = opaque(malloc(20 * sizeof *buffer));
    wcscpy(buffer - 2, L"wide");
    free(opaque(buffer));
}

static void wide_set(void) {
    wchar_t *buffer = opaque(malloc(21 * sizeof *buffer));
    wmemset(buffer - 1, L'w', 5);
    free(opaque(buffer));
}

static void print(void) {
    char *buffer = opaque(malloc(55));
    sprintf(buffer - 3, "%d", 12345);
    free(opaque(buffer));
}

static void input(void) {
    int ends[2];
    char *buffer = opaque(malloc(56));
    if (pipe(ends) != 0 || write(ends[1], source, 20) != 20 || read(ends[0], buffer - 16, 20) != 20)
        exit(2);
    free(opaque(buffer));
}

static const struct shape shapes[] = {
    {"copy", copy},
    {"move", move},
    {"set", set},
    {"string", string},
    {"string_bounded", string_bounded},
    {"wide_string", wide_string},
    {"wide_set", wide_set},
    {"print", print},
    {"input", input},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

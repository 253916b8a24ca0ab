/* One byte behind blocks of every function that hands blocks out. */
#include <malloc.h>
#include "shapes.h"

static void write_behind(char *block, size_t size) {
    block = opaque(block);
    block[size] = 'x';
    free(block);
}

SHAPE(from_malloc) {
    write_behind(malloc(50), 50);
}
SHAPE(from_calloc) {
    write_behind(calloc(6, 9), 54);
}
SHAPE(from_realloc) {
    write_behind(realloc(NULL, 57), 57);
}
SHAPE(grown) {
    write_behind(realloc(malloc(30), 300), 300);
}
SHAPE(grown_in_place) {
    write_behind(realloc(malloc(65), 67), 67);
}
SHAPE(shrunk) {
    write_behind(realloc(malloc(500), 90), 90);
}
SHAPE(shrunk_by_one) {
    write_behind(realloc(malloc(48), 47), 47);
}
SHAPE(from_reallocarray) {
    write_behind(reallocarray(NULL, 5, 13), 65);
}
SHAPE(from_aligned_alloc) {
    write_behind(aligned_alloc(64, 128), 128);
}
SHAPE(from_memalign) {
    write_behind(memalign(256, 70), 70);
}
SHAPE(from_valloc) {
    write_behind(valloc(100), 100);
}
SHAPE(from_pvalloc) {
    write_behind(pvalloc(4096), 4096);
}
SHAPE(from_strdup) {
    write_behind(strdup("fifteen letters"), 16);
}
SHAPE(from_strndup) {
    write_behind(strndup("fifteen letters", 7), 8);
}
SHAPE(of_no_bytes) {
    write_behind(malloc(0), 0);
}

SHAPE(from_posix_memalign) {
    void *block;
    if (posix_memalign(&block, 32, 77) == 0)
        write_behind(block, 77);
}

SHAPE(from_asprintf) {
    char *text;
    int length = asprintf(&text, "%s of %d", "length", 12);
    write_behind(realloc(text, (size_t)length + 1), (size_t)length + 1);
}

RUN_ONE()

/* One byte behind blocks of every function that hands blocks out. */
#include <malloc.h>
#include "shapes.h"

static void write_behind(char *block, size_t size) {
    block = opaque(block);
    block[size] = 'x';
    free(block);
}

static void from_malloc(void) {
    write_behind(malloc(50), 50);
}
static void from_calloc(void) {
    write_behind(calloc(6, 9), 54);
}
static void from_realloc(void) {
    write_behind(realloc(NULL, 57), 57);
}
static void grown(void) {
    write_behind(realloc(malloc(30), 300), 300);
}
static void grown_in_place(void) {
    write_behind(realloc(malloc(65), 67), 67);
}
static void shrunk(void) {
    write_behind(realloc(malloc(500), 90), 90);
}
static void shrunk_by_one(void) {
    write_behind(realloc(malloc(48), 47), 47);
}
static void from_reallocarray(void) {
    write_behind(reallocarray(NULL, 5, 13), 65);
}
static void from_aligned_alloc(void) {
    write_behind(aligned_alloc(64, 128), 128);
}
static void from_memalign(void) {
    write_behind(memalign(256, 70), 70);
}
static void from_valloc(void) {
    write_behind(valloc(100), 100);
}
static void from_pvalloc(void) {
    write_behind(pvalloc(4096), 4096);
}
static void from_strdup(void) {
    write_behind(strdup("fifteen letters"), 16);
}
static void from_strndup(void) {
    write_behind(strndup("fifteen letters", 7), 8);
}
static void of_no_bytes(void) {
    write_behind(malloc(0), 0);
}

static void from_posix_memalign(void) {
    void *block;
    if (posix_memalign(&block, 32, 77) == 0)
        write_behind(block, 77);
}

static void from_asprintf(void) {
    char *text;
    int length = asprintf(&text, "%s of %d", "length", 12);
    write_behind(realloc(text, (size_t)length + 1), (size_t)length + 1);
}

static const struct shape shapes[] = {
    {"from_malloc", from_malloc},
    {"from_calloc", from_calloc},
    {"from_realloc", from_realloc},
    {"grown", grown},
    {"grown_in_place", grown_in_place},
    {"shrunk", shrunk},
    {"shrunk_by_one", shrunk_by_one},
    {"from_reallocarray", from_reallocarray},
    {"from_aligned_alloc", from_aligned_alloc},
    {"from_memalign", from_memalign},
    {"from_valloc", from_valloc},
    {"from_pvalloc", from_pvalloc},
    {"from_strdup", from_strdup},
    {"from_strndup", from_strndup},
    {"of_no_bytes", of_no_bytes},
    {"from_posix_memalign", from_posix_memalign},
    {"from_asprintf", from_asprintf},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

/* Memory that functions of the C library hand out is never given back. */
#include <dirent.h>
#include <limits.h>
#include <regex.h>
#include <stdint.h>
#include <unistd.h>
#include <wchar.h>
#include "shapes.h"

SHAPE(from_strdup) {
    opaque(strdup("duplicated, not freed"));
}
SHAPE(from_strndup) {
    opaque(strndup("duplicated, not freed", 10));
}
SHAPE(from_wcsdup) {
    opaque(wcsdup(L"wide and lost"));
}
SHAPE(from_calloc) {
    opaque(calloc(11, 11));
}
SHAPE(from_aligned_alloc) {
    opaque(aligned_alloc(64, 192));
}
SHAPE(from_getcwd) {
    opaque(getcwd(NULL, 0));
}
SHAPE(from_realpath) {
    opaque(realpath("/", NULL));
}

SHAPE(from_posix_memalign) {
    void *block;
    if (posix_memalign(&block, 128, 384) == 0)
        opaque(block);
    block = NULL;
}

SHAPE(from_asprintf) {
    char *text;
    if (asprintf(&text, "%d bottles", 99) > 0)
        opaque(text);
    text = NULL;
}

SHAPE(from_getline) {
    char *line = NULL;
    size_t size = 0;
    FILE *stream = fopen("/proc/self/status", "r");
    if (getline(&line, &size, stream) < 0)
        exit(2);
    fclose(stream);
    line = NULL;
}

SHAPE(from_memory_stream) {
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    fputs("kept by nobody", stream);
    fclose(stream);
    text = NULL;
}

static int choose_none(const struct dirent *entry) {
    return strcmp(entry->d_name, "self") == 0;
}

SHAPE(from_scandir) {
    struct dirent **entries;
    if (scandir("/proc", &entries, choose_none, alphasort) < 0)
        exit(2);
    entries = NULL;
}

SHAPE(from_opendir) {
    opaque(opendir("/"));
}

SHAPE(from_regcomp) {
    regex_t expression;
    if (regcomp(&expression, "a+(b|c)", REG_EXTENDED) != 0)
        exit(2);
    memset(&expression, 0, sizeof expression);
}

SHAPE(realloc_failed) {
    char *block = opaque(malloc(121));
    block = opaque(realloc(block, PTRDIFF_MAX));
    if (block == NULL)
        puts("not resized");
}

SHAPE(realloc_moved_and_lost) {
    char *block = opaque(malloc(122));
    opaque(realloc(block, 12200));
}

SHAPE(realloc_in_place_and_lost) {
    opaque(realloc(malloc(123), 124));
}

RUN_ONE()

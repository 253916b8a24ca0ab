/* Memory that functions of the C library hand out is never given back. */
#include <dirent.h>
#include <limits.h>
#include <regex.h>
#include <stdint.h>
#include <unistd.h>
#include <wchar.h>
#include "shapes.h"

static void from_strdup(void) {
    opaque(strdup("duplicated, not freed"));
}
static void from_strndup(void) {
    opaque(strndup("duplicated, not freed", 10));
}
static void from_wcsdup(void) {
    opaque(wcsdup(L"wide and lost"));
}
static void from_calloc(void) {
    opaque(calloc(11, 11));
}
static void from_aligned_alloc(void) {
    opaque(aligned_alloc(64, 192));
}
static void from_getcwd(void) {
    opaque(getcwd(NULL, 0));
}
static void from_realpath(void) {
    opaque(realpath("/", NULL));
}

static void from_posix_memalign(void) {
    void *block;
    if (posix_memalign(&block, 128, 384) == 0)
        opaque(block);
    block = NULL;
}

static void from_asprintf(void) {
    char *text;
    if (asprintf(&text, "%d bottles", 99) > 0)
        opaque(text);
    text = NULL;
}

static void from_getline(void) {
    char *line = NULL;
    size_t size = 0;
    FILE *stream = fopen("/proc/self/status", "r");
    if (getline(&line, &size, stream) < 0)
        exit(2);
    fclose(stream);
    line = NULL;
}

static void from_memory_stream(void) {
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

static void from_scandir(void) {
    struct dirent **entries;
    if (scandir("/proc", &entries, choose_none, alphasort) < 0)
        exit(2);
    entries = NULL;
}

static void from_opendir(void) {
    opaque(opendir("/"));
}

static void from_regcomp(void) {
    regex_t expression;
    if (regcomp(&expression, "a+(b|c)", REG_EXTENDED) != 0)
        exit(2);
    memset(&expression, 0, sizeof expression);
}

static void realloc_failed(void) {
    char *block = opaque(malloc(121));
    block = opaque(realloc(block, PTRDIFF_MAX));
    if (block == NULL)
        puts("not resized");
}

static void realloc_moved_and_lost(void) {
    char *block = opaque(malloc(122));
    opaque(realloc(block, 12200));
}

static void realloc_in_place_and_lost(void) {
    opaque(realloc(malloc(123), 124));
}

static const struct shape shapes[] = {
    {"from_strdup", from_strdup},
    {"from_strndup", from_strndup},
    {"from_wcsdup", from_wcsdup},
    {"from_calloc", from_calloc},
    {"from_aligned_alloc", from_aligned_alloc},
    {"from_getcwd", from_getcwd},
    {"from_realpath", from_realpath},
    {"from_posix_memalign", from_posix_memalign},
    {"from_asprintf", from_asprintf},
    {"from_getline", from_getline},
    {"from_memory_stream", from_memory_stream},
    {"from_scandir", from_scandir},
    {"from_opendir", from_opendir},
    {"from_regcomp", from_regcomp},
    {"realloc_failed", realloc_failed},
    {"realloc_moved_and_lost", realloc_moved_and_lost},
    {"realloc_in_place_and_lost", realloc_in_place_and_lost},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

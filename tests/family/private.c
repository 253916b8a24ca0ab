/* A program with a malloc of its own, which libc finds before any that is preloaded, or which only
 * the program calls (-DHIDDEN); the other half of the family is whoever's comes next. Prints what
 * it did. */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char memory[8 << 20];
static size_t used, calls;

#ifdef HIDDEN
#define PRIVATE static
#define malloc  own_malloc
#define free    own_free
#define calloc  own_calloc
#define realloc own_realloc
#else
#define PRIVATE
#endif

PRIVATE void *malloc(size_t bytes) {
    size_t *head = (size_t *)(memory + used);
    used += (bytes + 31) & ~(size_t)15;
    calls++;
    if (used > sizeof memory)
        return NULL;
    *head = bytes;
    return head + 2;
}

PRIVATE void free(void *block) {
    calls++;
    if (block && ((char *)block < memory || (char *)block >= memory + sizeof memory)) {
        fputs("free of another's block\n", stderr);
        _Exit(4);
    }
}

PRIVATE void *calloc(size_t count, size_t bytes) {
    return malloc(count * bytes); /* static memory is zero, and nothing serves twice */
}

PRIVATE void *realloc(void *block, size_t bytes) {
    void *moved = malloc(bytes);
    size_t old = block ? ((size_t *)block)[-2] : 0;
    return memcpy(moved, block ? block : "", old < bytes ? old : bytes);
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

int main(void) {
    void *tree = NULL;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    for (unsigned i = 0; i < 100; i++) {
        char *word = malloc(20);
        snprintf(word, 20, "%u", i * 7919 % 100);
        tsearch(word, &tree, compare);
        fprintf(stream, "%s ", word);
        if (i % 2)
            word = realloc(word, 40);
        if (i % 3 == 0)
            free(calloc(3, 40));
    }
    fclose(stream);
    puts(text);
    char *aligned = NULL;
    if (posix_memalign((void **)&aligned, 64, 100) == 0)
        printf("aligned: %u\n", (unsigned)((size_t)aligned % 64));
    printf("own calls: %s\n", calls > 100 ? "many" : "few");
    return 0;
}

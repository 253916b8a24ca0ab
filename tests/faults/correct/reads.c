/* Fast functions of libc read whole words at the ends of blocks; string functions stop in time. */
#include <wchar.h>
#include "../corpus/shapes.h"

SHAPE(strings_at_the_end) {
    size_t sum = 0;
    for (size_t size = 1; size < 600; size++) {
        char *text = opaque(malloc(size)), *other = opaque(malloc(size));
        memset(text, 'r', size - 1);
        text[size - 1] = 0;
        memcpy(other, text, size);
        sum += strlen(text) + strnlen(other, size) + (size_t)(strcmp(text, other) == 0);
        sum += (size_t)(memchr(text, 0, size) != NULL) + (size_t)(strchr(text, 'x') == NULL);
        sum += (size_t)(strstr(text, "rx") == NULL) + (size_t)(memcmp(text, other, size) == 0);
        free(text);
        free(other);
    }
    require(sum > 1000, "all were read");
}

SHAPE(wide_strings_at_the_end) {
    for (size_t count = 1; count < 100; count++) {
        wchar_t *text = opaque(calloc(count, sizeof *text));
        wmemset(text, L'w', count - 1);
        require(wcslen(text) == count - 1, "its length");
        free(text);
    }
}

SHAPE(not_closed_but_bounded) {
    char *text = opaque(malloc(40));
    memset(text, 'n', 40);
    printf("%.40s\n", text);
    require(strnlen(text, 40) == 40, "no zero in it");
    require(strncmp(text, "nnnn", 4) == 0, "the same");
    free(text);
}

SHAPE(at_the_end_of_large) {
    for (size_t size = 40000; size < 45000; size += 111) {
        char *text = opaque(malloc(size));
        memset(text, 'l', size - 1);
        text[size - 1] = 0;
        require(strlen(text) == size - 1, "its length");
        free(text);
    }
}

RUN_ALL()

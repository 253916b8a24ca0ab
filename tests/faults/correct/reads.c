/* Fast functions of libc read whole words at the ends of blocks; string functions stop in time. */
#include <wchar.h>
#include "../corpus/shapes.h"

static void strings_at_the_end(void) {
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

static void wide_strings_at_the_end(void) {
    for (size_t count = 1; count < 100; count++) {
        wchar_t *text = opaque(calloc(count, sizeof *text));
        wmemset(text, L'w', count - 1);
        require(wcslen(text) == count - 1, "its length");
        free(text);
    }
}

static void not_closed_but_bounded(void) {
    char *text = opaque(malloc(40));
    memset(text, 'n', 40);
    printf("%.40s\n", text);
    require(strnlen(text, 40) == 40, "no zero in it");
    require(strncmp(text, "nnnn", 4) == 0, "the same");
    free(text);
}

static void at_the_end_of_large(void) {
    for (size_t size = 40000; size < 45000; size += 111) {
        char *text = opaque(malloc(size));
        memset(text, 'l', size - 1);
        text[size - 1] = 0;
        require(strlen(text) == size - 1, "its length");
        free(text);
    }
}

static const struct shape shapes[] = {
    {"strings_at_the_end", strings_at_the_end},
    {"wide_strings_at_the_end", wide_strings_at_the_end},
    {"not_closed_but_bounded", not_closed_but_bounded},
    {"at_the_end_of_large", at_the_end_of_large},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_all(shapes, argc, argv);
}

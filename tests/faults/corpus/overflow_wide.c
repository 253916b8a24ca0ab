/* Wide characters are counted where bytes are due, or one too few is asked for. */
#include <wchar.h>
#include "shapes.h"

static const wchar_t *word = L"nine wide";

static void copy(void) {
    wchar_t *text = opaque(malloc(wcslen(word) * sizeof *text));
    wcscpy(text, word);
    free(text);
}

static void characters_for_bytes(void) {
    wchar_t *text = opaque(malloc(wcslen(word) + 1));
    wcscpy(text, word);
    free(text);
}

static void append(void) {
    wchar_t *text = opaque(malloc(15 * sizeof *text));
    wcscpy(text, word);
    wcscat(text, word);
    free(text);
}

static void copy_bounded(void) {
    wchar_t *text = opaque(malloc(12 * sizeof *text));
    wcsncpy(text, word, 12 * sizeof *text);
    free(text);
}

static void set(void) {
    wchar_t *text = opaque(malloc(20 * sizeof *text));
    wmemset(text, L'w', 21);
    free(text);
}

static void print(void) {
    wchar_t *text = opaque(malloc(10 * sizeof *text));
    swprintf(text, 40, L"%ls again", word);
    free(text);
}

static void convert(void) {
    wchar_t *text = opaque(malloc(8 * sizeof *text));
    mbstowcs(text, "more than eight", 16);
    free(text);
}

static const struct shape shapes[] = {
    {"copy", copy},       {"characters_for_bytes", characters_for_bytes},
    {"append", append},   {"copy_bounded", copy_bounded},
    {"set", set},         {"print", print},
    {"convert", convert}, {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}

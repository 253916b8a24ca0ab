/* Wide characters are counted where bytes are due, or one too few is asked for. */
#include <wchar.h>
#include "shapes.h"

static const wchar_t *word = L"nine wide";

SHAPE(copy) {
    wchar_t *text = opaque(malloc(wcslen(word) * sizeof *text));
    wcscpy(text, word);
    free(text);
}

SHAPE(characters_for_bytes) {
    wchar_t *text = opaque(malloc(wcslen(word) + 1));
    wcscpy(text, word);
    free(text);
}

SHAPE(append) {
    wchar_t *text = opaque(malloc(15 * sizeof *text));
    wcscpy(text, word);
    wcscat(text, word);
    free(text);
}

SHAPE(copy_bounded) {
    wchar_t *text = opaque(malloc(12 * sizeof *text));
    wcsncpy(text, word, 12 * sizeof *text);
    free(text);
}

SHAPE(set) {
    wchar_t *text = opaque(malloc(20 * sizeof *text));
    wmemset(text, L'w', 21);
    free(text);
}

SHAPE(print) {
    wchar_t *text = opaque(malloc(10 * sizeof *text));
    swprintf(text, 40, L"%ls again", word);
    free(text);
}

SHAPE(convert) {
    wchar_t *text = opaque(malloc(8 * sizeof *text));
    mbstowcs(text, "more than eight", 16);
    free(text);
}

RUN_ONE()

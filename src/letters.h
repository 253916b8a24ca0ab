/* How far a typed word is from a known one. */
#ifndef HAK_LETTERS_H
#define HAK_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

enum { HAK_LETTERS_MAX = 40 };

static inline int hak_lower_letter(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* Counts how many letters must be changed, added or taken away to make `b`, of HAK_LETTERS_MAX at
 * most, of the first `length` letters of `a`, in any case (Levenshtein, 1966; by rows, as in Wagner
 * and Fischer, 1974). Allocates nothing. */
static inline int hak_letters_changed(const char *a, size_t length, const char *b) {
    int row[HAK_LETTERS_MAX + 1];
    for (int k = 0; k <= HAK_LETTERS_MAX; k++)
        row[k] = k;
    int last = 0;
    while (b[last])
        last++;
    for (size_t i = 0; i < length; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (int k = 0; k < last; k++) {
            int above = row[k + 1];
            bool differs = hak_lower_letter(a[i]) != hak_lower_letter(b[k]);
            int best = diagonal + differs;
            best = above + 1 < best ? above + 1 : best;
            best = row[k] + 1 < best ? row[k] + 1 : best;
            row[k + 1] = best;
            diagonal = above;
        }
    }
    return row[last];
}

#endif

/* Finds the known word that is nearest to a typed one, by letters changed, added or left out. */
#include "viewer/cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "letters.h"

enum { CHANGES_MAX = 2, BEGIN_MIN = 3 };

/* The number of first letters that are the same. */
static int same_begin(const char *a, const char *b) {
    int same = 0;
    while (a[same] && tolower((unsigned char)a[same]) == tolower((unsigned char)b[same]))
        same++;
    return same;
}

/* True when `a` fits better: as a beginning, by fewer changes, by more letters. */
static bool is_nearer(const struct nearest *a, const struct nearest *b) {
    if (a->is_begin != b->is_begin)
        return a->is_begin;
    if (a->changes != b->changes)
        return a->changes < b->changes;
    return a->same > b->same;
}

void nearest_offer(struct nearest *nearest, const char *word) {
    size_t length = strlen(nearest->typed);
    if (length > HAK_LETTERS_MAX || strlen(word) > HAK_LETTERS_MAX)
        return;
    int changes = hak_letters_changed(nearest->typed, length, word);
    bool is_begin = length >= BEGIN_MIN && strncasecmp(nearest->typed, word, length) == 0;
    if (!is_begin && (changes > CHANGES_MAX || changes >= (int)length))
        return;
    struct nearest now = {nearest->typed, word, changes, same_begin(nearest->typed, word),
                          is_begin};
    if (!nearest->best || is_nearer(&now, nearest))
        *nearest = now;
}

const char *nearest_words(const struct nearest *nearest, const char *before) {
    static char words[HAK_LETTERS_MAX + 32];
    if (!nearest->best)
        return "";
    snprintf(words, sizeof words, "; did you mean '%s%s'?", before, nearest->best);
    return words;
}

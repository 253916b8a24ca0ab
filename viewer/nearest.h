/* What was probably meant by a word that is not known: "did you mean 'faults'?". */
#ifndef HAK_VIEWER_NEAREST_H
#define HAK_VIEWER_NEAREST_H

#include <stdbool.h>

/* Begin with {.typed = ...}, offer every word that is known, then ask for the words. */
struct nearest {
    const char *typed;
    const char *best; /* NULL = none is near */
    int changes;      /* to get from one to the other */
    int same;         /* letters that are the same at their begin */
    bool is_begin;    /* `typed` is how it begins */
};

void nearest_offer(struct nearest *nearest, const char *word);
/* "; did you mean '--json'?", `before` standing before the word; "" where none is near. Lives until
 * the next call. */
const char *nearest_words(const struct nearest *nearest, const char *before);

#endif

/* Sequences of steps. */
#include "viewer/reduce/parts.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"

static const char *const words[] = {
#define VERB(name, word, statement) word,
    SEQUENCE_VERBS(VERB)
#undef VERB
};

bool sequence_add(struct sequence *sequence, const struct step *step) {
    if (!hak_growing_make_room(&sequence->step, sequence->count, &sequence->capacity,
                               sizeof *sequence->step))
        return false;
    sequence->step[sequence->count++] = *step;
    return true;
}

bool sequence_copy(struct sequence *to, const struct sequence *from) {
    to->count = 0;
    for (uint32_t i = 0; i < from->count; i++)
        if (!sequence_add(to, &from->step[i]))
            return false;
    return true;
}

void sequence_free(struct sequence *sequence) {
    free(sequence->step);
    *sequence = (struct sequence){0};
}

const char *sequence_word(enum sequence_verb verb) {
    return words[verb];
}

void sequence_add_step(struct hak_text *text, const struct step *step) {
    const struct sequence_step *s = &step->made;
    hak_text_add(text, "%u %s %u %lld %lld", s->thread, words[s->verb], s->block, (long long)s->a,
                 (long long)s->b);
}

void sequence_add_text(struct hak_text *text, const struct sequence *sequence) {
    for (uint32_t i = 0; i < sequence->count; i++) {
        sequence_add_step(text, &sequence->step[i]);
        hak_text_add(text, "\n");
    }
}

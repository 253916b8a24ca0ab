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

int64_t sequence_within(int64_t number) {
    const int64_t most = INT64_C(1) << 56;
    return number > most ? most : number < -most ? -most : number;
}

bool sequence_add(struct sequence *sequence, const struct step *step) {
    if (!hak_growing_make_room(&sequence->step, sequence->count, &sequence->capacity,
                               sizeof *sequence->step))
        return false;
    struct step *added = &sequence->step[sequence->count++];
    *added = *step;
    added->made.a = sequence_within(step->made.a);
    added->made.b = sequence_within(step->made.b);
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

bool verb_is_birth(enum sequence_verb verb) {
    return verb <= SEQUENCE_NEW_ARRAY_ALIGNED;
}

bool verb_takes_pointer(enum sequence_verb verb) {
    return verb >= SEQUENCE_REALLOC && verb <= SEQUENCE_DELETE_ARRAY_ALIGNED;
}

bool verb_is_of_pool(enum sequence_verb verb) {
    return verb >= SEQUENCE_POOL_CREATE && verb <= SEQUENCE_POOL_DESTROY;
}

bool step_follows(const struct sequence_step *a, const struct sequence_step *b) {
    return a->verb == b->verb && a->a == b->a && a->b == b->b && b->block == a->block + 1;
}

uint32_t sequence_last_block(const struct sequence *sequence) {
    uint32_t last = 0;
    for (uint32_t i = 0; i < sequence->count; i++)
        last = sequence->step[i].made.block > last ? sequence->step[i].made.block : last;
    return last;
}

bool sequence_is_whole(const struct sequence *sequence) {
    bool is_whole = true;
    uint32_t most = sequence_last_block(sequence);
    bool *has_block = calloc(most + 1ul, sizeof *has_block);
    if (!has_block)
        return false;
    has_block[0] = true;
    for (uint32_t i = 0; i < sequence->count && is_whole; i++) {
        const struct sequence_step *made = &sequence->step[i].made;
        has_block[made->block] |= verb_is_birth(made->verb);
        is_whole = has_block[made->block];
    }
    free(has_block);
    return is_whole;
}

uint32_t sequence_last_thread(const struct sequence *sequence) {
    uint32_t last = 1;
    for (uint32_t i = 0; i < sequence->count; i++)
        if (sequence->step[i].made.thread > last)
            last = sequence->step[i].made.thread;
    return last;
}

static int compare_numbers(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

bool sequence_number_threads(struct sequence *sequence) {
    uint32_t count = sequence->count, distinct = 0, next = 2;
    uint32_t *old = malloc((count + 1ul) * sizeof *old), *new = calloc(count + 1ul, sizeof *new);
    bool good = old && new;
    for (uint32_t i = 0; i < count && good; i++)
        old[i] = sequence->step[i].made.thread;
    if (good)
        qsort(old, count, sizeof *old, compare_numbers);
    for (uint32_t i = 0; i < count && good; i++)
        if (i == 0 || old[i] != old[distinct - 1])
            old[distinct++] = old[i];
    for (uint32_t i = 0; i < count && good; i++) {
        uint32_t *thread = &sequence->step[i].made.thread;
        uint32_t *at = bsearch(thread, old, distinct, sizeof *old, compare_numbers);
        if (at && !new[at - old])
            new[at - old] = *thread == 1 ? 1 : next++;
        *thread = at ? new[at - old] : 1;
    }
    free(old);
    free(new);
    return good;
}

/* Numbers from `next` on, in the order of `old`; 0 stays. */
static uint32_t new_number(uint32_t *of, uint32_t old, uint32_t *next) {
    if (old && !of[old])
        of[old] = (*next)++;
    return of[old];
}

bool sequence_number(struct sequence *sequence) {
    uint32_t most = sequence_last_block(sequence), blocks = 1;
    uint32_t *block = calloc(most + 1ul, sizeof *block);
    bool good = block && sequence_number_threads(sequence);
    for (uint32_t i = 0; i < sequence->count && good; i++) {
        struct sequence_step *made = &sequence->step[i].made;
        made->block = new_number(block, made->block, &blocks);
        if (made->verb == SEQUENCE_POOL_FREE && made->b <= most)
            made->b = block[made->b];
    }
    free(block);
    return good;
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

/* Helpers for the tests of learning: a thread with learning on, and ways to use its fronts. */
#ifndef TESTS_UNIT_LEARN_LEARNING_H
#define TESTS_UNIT_LEARN_LEARNING_H

#include "learn/learner.h"
#include "unit/front/fronts.h"

enum { MOST_BLOCKS = 4096 };

/* `count` blocks are taken and given back, `rounds` times. */
static inline void use(unsigned class_index, unsigned count, unsigned rounds) {
    static base_t blocks[MOST_BLOCKS];
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < count; i++)
            blocks[i] = take(class_index);
        for (unsigned i = 0; i < count; i++)
            give(class_index, blocks[i]);
    }
}

static inline struct hak_learned learned(void) {
    struct hak_learned figures;
    hak_learn_figures(&figures);
    return figures;
}

#endif

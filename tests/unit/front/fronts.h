/* Helpers for the tests of the fronts: a thread with given variables, the two ways of a block, and
 * where blocks are. */
#ifndef TESTS_UNIT_FRONT_FRONTS_H
#define TESTS_UNIT_FRONT_FRONTS_H

#include "front/take.h"
#include "front/thread_block.h"
#include "front/tune.h"
#include "route/route.h"
#include "unit/suite.h"

/* Up to seven variables, NULL where there are fewer. */
static inline void start_with(const char *first, const char *second, const char *third) {
    char *environment[] = {(char *)first, (char *)second, (char *)third, NULL};
    hak_options_read(environment);
    hak_registry_start(true);
    hak_route_start();
    hak_front_start();
}

/* As route does it. */
static inline base_t take(unsigned class_index) {
    base_t block = hak_array_pop(class_index);
    return block.p ? block : hak_front_take(class_index);
}

static inline void give(unsigned class_index, base_t block) {
    hak_front_give(class_index, block, HAK_FREE);
}

/* The class's cache at a place; NULL when it has none there. */
static inline struct hak_cache *cache_at(unsigned class_index, enum hak_place place) {
    for (unsigned i = 0; i < hak_plan[class_index].caches; i++)
        if (hak_caches_of(class_index)[i].place == place)
            return &hak_caches_of(class_index)[i];
    return NULL;
}

/* The places of the class's chain, first to last, as words: "UltraHot magazine TLS SLL ". */
static inline const char *chain_of(unsigned class_index) {
    static const char *const names[HAK_PLACE_COUNT] = {
#define PLACE(name, number, text, sentence) [number] = text,
#include "hops.def"
    };
    static char words[256];
    words[0] = 0;
    for (unsigned i = 0; i < hak_plan[class_index].caches; i++) {
        strcat(words, names[hak_caches_of(class_index)[i].place]);
        strcat(words, " ");
    }
    return words;
}

/* Slots of the class that are out of their slabs: in caches, or with the program. */
static inline unsigned count_out(unsigned class_index) {
    unsigned used = 0;
    struct hak_heap *heap = hak_thread.heap;
    const struct hak_superslab *lists[] = {heap->room, heap->full, heap->cooled};
    for (int l = 0; l < 3; l++)
        for (const struct hak_superslab *s = lists[l]; s; s = s->next)
            for (unsigned i = 1; i < HAK_SLABS; i++)
                used += s->class_of_slab[i] == class_index ? s->slabs[i].used : 0;
    return used;
}

/* Blocks in all of the thread's fronts of the class. */
static inline unsigned count_cached(unsigned class_index) {
    unsigned cached = hak_array_count(class_index);
    for (unsigned i = 0; i < hak_plan[class_index].caches; i++)
        cached += hak_caches_of(class_index)[i].count;
    return cached + (unsigned)hak_mid_count(hak_thread.front->mid, class_index);
}

#endif

/* Answers the parts of `layers` from its counts: the classes shown, sums over them, names. */
#include "viewer/layers/counts.h"

#include <stdio.h>
#include "report/words/words.h"
#include "superslab.h"

static const char *const layer_names[HAK_LAYERS] = {
#define LAYER(name, number, text, sentence) [number] = text,
#include "hops.def"
};

const char *layers_name(unsigned layer) {
    return layer < HAK_LAYERS ? layer_names[layer] : "";
}

bool layers_shows_class(const struct layers *l, unsigned metric_class) {
    uint64_t slot_bytes;
    unsigned band;
    bool is_class = metric_class < HAK_CLASSES;
    if (l->filter.store.class_index >= 0)
        return is_class ? l->filter.store.class_index == (int)metric_class
                        : l->filter.store.class_index == HAK_CLASS_NONE;
    return l->filter.band < 0 ||
           (is_class && hak_store_class(l->view->reader, metric_class, &slot_bytes, &band) &&
            (int)band == l->filter.band);
}

bool layers_shows_all(const struct layers *l) {
    return l->filter.store.class_index < 0 && l->filter.band < 0;
}

const char *layers_class_name(const struct layers *l, unsigned metric_class) {
    static char name[64];
    if (metric_class == HAK_METRIC_NO_CLASS)
        return hak_store_is_kept(l->view->reader) ? "all" : "large";
    snprintf(name, sizeof name, "%s %s B", hak_words_class(l->view->reader, metric_class),
             hak_words_number(hak_words_slot_bytes(l->view->reader, metric_class)));
    return name;
}

uint64_t layers_sum(const struct layers *l, unsigned metric) {
    uint64_t sum = 0;
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
        if (layers_shows_class(l, k))
            sum += l->all->cells[k][metric];
    return sum;
}

uint64_t layers_served(const struct layers *l, unsigned metric_class) {
    uint64_t sum = l->all->unknown[metric_class];
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++)
        sum += l->all->cells[metric_class][HAK_METRIC_SERVED_FIRST + layer];
    return sum;
}

#define IN(place) (1u << HAK_PLACE_##place)
static const struct {
    unsigned from, to, blocks;
} move_kinds[] = {
#define CALL(name, number, from_set, to_set, sentence)
#define HOP(name, number, from_set, to_set, sentence)                                              \
    {from_set, to_set, HAK_METRIC_##name##_BLOCKS},
#include "hops.def"
};

struct layers_moves layers_moves(const uint64_t *metrics) {
    struct layers_moves sum = {0};
    for (size_t i = 0; i < sizeof move_kinds / sizeof move_kinds[0]; i++) {
        uint64_t blocks = metrics[move_kinds[i].blocks], runs = metrics[move_kinds[i].blocks + 1];
        bool is_drain = move_kinds[i].from == IN(REMOTE);
        bool is_spill = move_kinds[i].to == IN(SLAB) && !is_drain;
        bool is_refill = (move_kinds[i].from & IN(SLAB)) && move_kinds[i].to != IN(SLAB);
        sum.refills += is_refill ? runs : 0;
        sum.refill_blocks += is_refill ? blocks : 0;
        sum.spills += is_spill ? runs : 0;
        sum.spill_blocks += is_spill ? blocks : 0;
    }
    return sum;
}
#undef IN

bool layers_disagree(const struct layers *l) {
    return l->log_was_read && l->differing > 0;
}

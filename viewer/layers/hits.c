/* Hit rates of layers and stages of slabs, from what `layers` counted. */
#include "viewer/layers/counts.h"

/* The order in which layers are offered a malloc: the first fronts one after the other, then the
 * base, then the layers behind it. Large blocks have their own row. */
static const uint8_t depth_of[HAK_LAYERS] = {
    [HAK_LAYER_ULTRAHOT] = 1,    [HAK_LAYER_HEAPV2] = 2,   [HAK_LAYER_FC] = 3,
    [HAK_LAYER_SFC] = 4,         [HAK_LAYER_SMALLMID] = 5, [HAK_LAYER_FRONT] = 6,
    [HAK_LAYER_RING] = 6,        [HAK_LAYER_MAGAZINE] = 6, [HAK_LAYER_MID_RING] = 6,
    [HAK_LAYER_BELOW] = 6,       [HAK_LAYER_SLL] = 7,      [HAK_LAYER_MID_LIFO] = 7,
    [HAK_LAYER_REMOTE] = 8,      [HAK_LAYER_SLAB] = 9,     [HAK_LAYER_EMPTY_SLAB] = 9,
    [HAK_LAYER_UNUSED_SLAB] = 9, [HAK_LAYER_MAP] = 9,      [HAK_LAYER_BIGCACHE] = 1,
    [HAK_LAYER_L25] = 2,         [HAK_LAYER_LARGE] = 3,
};

/* The counter that shows, beside what the layer served, that it is on for a class. */
static const uint8_t filled_by[HAK_LAYERS] = {
    [HAK_LAYER_ULTRAHOT] = HAK_METRIC_ULTRAHOT_FILL_BLOCKS,
    [HAK_LAYER_HEAPV2] = HAK_METRIC_HEAPV2_FILL_BLOCKS,
    [HAK_LAYER_FC] = HAK_METRIC_FC_FILL_BLOCKS,
    [HAK_LAYER_SFC] = HAK_METRIC_SFC_FILL_BLOCKS,
    [HAK_LAYER_SMALLMID] = HAK_METRIC_SMALLMID_FILL_BLOCKS,
    [HAK_LAYER_FRONT] = HAK_METRIC_FRONT_REFILL_BLOCKS,
    [HAK_LAYER_RING] = HAK_METRIC_PROMOTE_BLOCKS,
    [HAK_LAYER_MAGAZINE] = HAK_METRIC_MAGAZINE_FILL_BLOCKS,
    [HAK_LAYER_MID_RING] = HAK_METRIC_MID_REFILL_BLOCKS,
    [HAK_LAYER_SLL] = HAK_METRIC_SLL_PUSH_BLOCKS,
    [HAK_LAYER_MID_LIFO] = HAK_METRIC_MID_OVERFLOW_BLOCKS,
    [HAK_LAYER_BIGCACHE] = HAK_METRIC_BIGCACHE_PUT_BLOCKS,
    [HAK_LAYER_L25] = HAK_METRIC_L25_PUT_BLOCKS,
};

/* True when a layer before the front served or was filled. */
static bool has_first_front(const uint64_t *metrics) {
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++)
        if (depth_of[layer] < depth_of[HAK_LAYER_FRONT] && filled_by[layer] &&
            (metrics[HAK_METRIC_SERVED_FIRST + layer] || metrics[filled_by[layer]]))
            return true;
    return false;
}

/* True when the layer served or was filled. */
static bool is_on(const uint64_t *metrics, unsigned layer) {
    if (metrics[HAK_METRIC_SERVED_FIRST + layer])
        return true;
    return filled_by[layer] && metrics[filled_by[layer]];
}

/* How many mallocs of a class were asked of the layer: those that it served, those that layers
 * below it served, and `unknown` ones. The base of a class with a first front is BELOW: what it
 * served while there was none stays its own. */
static uint64_t asked_in_class(const uint64_t *metrics, unsigned layer, uint64_t unknown) {
    uint64_t asked = unknown;
    for (unsigned other = 0; other < HAK_LAYERS; other++)
        if (depth_of[other] > depth_of[layer] || other == layer)
            asked += metrics[HAK_METRIC_SERVED_FIRST + other];
    return asked;
}

struct layers_hits layers_hits(const struct layers *l, unsigned layer) {
    struct layers_hits hits = {0};
    if (!filled_by[layer] && layer != HAK_LAYER_BELOW)
        return hits; /* what always has a block, or has them mapped */
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++) {
        const uint64_t *metrics = l->all->cells[k];
        bool is_base = depth_of[layer] == depth_of[HAK_LAYER_FRONT] && layer != HAK_LAYER_BELOW;
        if (!layers_shows_class(l, k) || !is_on(metrics, layer))
            continue;
        if (is_base && metrics[HAK_METRIC_SERVED_FIRST + layer] == 0 && has_first_front(metrics))
            continue; /* counted as BELOW */
        hits.hits += metrics[HAK_METRIC_SERVED_FIRST + layer];
        hits.asked += asked_in_class(metrics, layer, l->all->unknown[k]);
    }
    return hits;
}

struct layers_stages layers_stages(const struct layers *l) {
    struct layers_stages stages = {
        .taken = layers_sum(l, HAK_METRIC_SLAB_ACQUIRE_TIMES),
        .empty = layers_sum(l, HAK_METRIC_SLAB_REUSE_TIMES),
        .unused = layers_sum(l, HAK_METRIC_SLAB_CLAIM_TIMES),
    };
    stages.is_known =
        stages.taken > 0 && !l->is_from_log && stages.empty + stages.unused <= stages.taken;
    if (stages.is_known)
        stages.mapped = stages.taken - stages.empty - stages.unused;
    return stages;
}

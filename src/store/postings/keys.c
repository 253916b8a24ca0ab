/* Gathers the keys of a chunk: from the numbered columns, so that work is for each distinct base
 * and stack, and for each event only a look at the last note on its base. */
#include "store/postings/keys.h"

#include <stdlib.h>
#include "hop.h"
#include "superslab.h"
#include "base/sorted.h"

#define RECENT 1024 /* owners seen lately, so that few are noted twice */

bool hak_posting_keys_init(struct hak_posting_keys *k) {
    *k = (struct hak_posting_keys){0};
    bool ok = true;
    for (int i = 0; i < HAK_POSTING_KINDS; i++)
        ok &= (k->key[i] = malloc((HAK_CHUNK_EVENTS_MAX + 1) * sizeof(uint64_t))) != NULL;
    ok &= (k->extent = malloc((HAK_CHUNK_EVENTS_MAX + 1) * sizeof(uint64_t))) != NULL;
    ok &= (k->pair = malloc((size_t)2 * (HAK_CHUNK_EVENTS_MAX + 1) * sizeof *k->pair)) != NULL;
    ok &= (k->large_of = malloc(HAK_CHUNK_EVENTS_MAX * sizeof(uint64_t))) != NULL;
    ok &= (k->owner_of = malloc(HAK_CHUNK_EVENTS_MAX * sizeof(uint32_t))) != NULL;
    if (!ok)
        hak_posting_keys_free(k);
    return ok;
}

void hak_posting_keys_free(struct hak_posting_keys *k) {
    for (int i = 0; i < HAK_POSTING_KINDS; i++)
        free(k->key[i]);
    free(k->extent);
    free(k->pair);
    free(k->large_of);
    free(k->owner_of);
    *k = (struct hak_posting_keys){0};
}

/* ---- gathering ---------------------------------------------------------------------------------
 */

/* The values of a column, whether it was encoded from them or decoded. */
struct values {
    const uint64_t *value, *dictionary;
    const uint32_t *index;
};

/* The column's values, plain or through its dictionary. */
static struct values values_of(const struct hak_columns *c, enum hak_column column) {
    return (struct values){.value = c->by_index[column] ? NULL : c->value[column],
                           .dictionary = c->dictionary[column],
                           .index = c->index[column]};
}
static inline uint64_t value_at(const struct values *v, uint32_t i) {
    return v->value ? v->value[i] : v->dictionary[v->index[i]];
}

/* Sorts the keys of a kind and drops those that are there twice. */
static void sort_keys(struct hak_posting_keys *k, enum hak_posting_kind kind) {
    hak_sort_keys(k->key[kind], k->count[kind], &k->pair->key);
    k->count[kind] = hak_drop_doubles(k->key[kind], k->count[kind]);
}

struct gathering {
    struct hak_posting_keys *keys;
    uint64_t recent[RECENT];
    bool has_large, has_zero;
};

/* Adds the key of the block's owner, mostly only once; a full list is sorted first. */
static void note_owner(struct gathering *g, uint64_t base, uint32_t process, uint8_t class_index) {
    uint64_t key = hak_posting_owner(base, process, class_index);
    uint64_t *recent = &g->recent[(key * 0x9e3779b97f4a7c15ull) >> 54];
    if (*recent == key)
        return;
    *recent = key;
    uint32_t *count = &g->keys->count[HAK_POSTING_OWNER];
    if (*count > HAK_CHUNK_EVENTS_MAX) /* many collisions: make room */
        sort_keys(g->keys, HAK_POSTING_OWNER);
    g->keys->key[HAK_POSTING_OWNER][(*count)++] = key;
}

/* More than any block has, and base + extent is a number of the store: sizes may be nonsense. */
#define EXTENT_MAX ((uint64_t)1 << 62)

/* Notes the greatest extent of a large block in the chunk. */
static void note_large(struct gathering *g, const struct hak_columns *c, uint32_t number,
                       uint64_t extent) {
    struct hak_posting_keys *k = g->keys;
    extent = extent < EXTENT_MAX ? extent : EXTENT_MAX;
    if (!g->has_large)
        memset(k->large_of, 0, c->distinct[HAK_COLUMN_BASE] * sizeof *k->large_of);
    g->has_large = true;
    if (!k->large_of[number]) {
        k->key[HAK_POSTING_LARGE][k->count[HAK_POSTING_LARGE]++] = number; /* its base later */
        k->large_of[number] = 1;
    }
    if (extent >= k->large_of[number])
        k->large_of[number] = extent + 1;
}

/* Looks at each event for its keys of owners and distances. `is_plain`: all values lie in arrays,
 * as they do where events are written. */
HAK_IN_PLACE void look_at_each(struct gathering *g, const struct hak_columns *c, bool is_plain) {
    struct hak_posting_keys *k = g->keys;
    const struct values shapes = values_of(c, HAK_COLUMN_SHAPE);
    const struct values actors = values_of(c, HAK_COLUMN_ACTOR);
    const struct values deltas = values_of(c, HAK_COLUMN_DELTA);
    const uint64_t *base = c->dictionary[HAK_COLUMN_BASE];
    const uint32_t *number = c->index[HAK_COLUMN_BASE];
    uint32_t *owner_of = k->owner_of;
    uint64_t last_delta = 0;
    for (uint32_t i = 0, events = c->events; i < events; i++) {
        uint64_t shape = is_plain ? shapes.value[i] : value_at(&shapes, i);
        uint64_t delta = is_plain ? deltas.value[i] : value_at(&deltas, i);
        uint64_t actor = is_plain ? actors.value[i] : value_at(&actors, i);
        uint32_t b = number[i], owner = (uint32_t)(actor >> 32) << 8 | (uint8_t)(shape >> 8);
        if (delta && delta != last_delta)
            hak_distances_add(&k->distances, last_delta = delta);
        bool is_move = (uint8_t)shape - 1u < 63;
        if (is_move && owner_of[b] == owner && (uint8_t)owner != HAK_CLASS_NONE)
            continue; /* nothing new, as most are */
        if (!base[b]) {
            g->has_zero |= delta != 0;
            continue;
        }
        if (!is_move)
            continue; /* a note */
        if ((uint8_t)owner == HAK_CLASS_NONE)
            note_large(g, c, b, delta + hak_columns_value(c, HAK_COLUMN_SIZE, i));
        if (owner_of[b] != owner) {
            owner_of[b] = owner;
            note_owner(g, base[b], (uint32_t)(actor >> 32), (uint8_t)owner);
        }
    }
}

/* Gathers owners, extents and distances from all events. */
static void look_at_events(struct gathering *g, const struct hak_columns *c) {
    memset(g->keys->owner_of, 0xff, c->distinct[HAK_COLUMN_BASE] * sizeof *g->keys->owner_of);
    if (!c->by_index[HAK_COLUMN_SHAPE] && !c->by_index[HAK_COLUMN_ACTOR] &&
        !c->by_index[HAK_COLUMN_DELTA])
        look_at_each(g, c, true);
    else
        look_at_each(g, c, false);
}

/* Numbers of bases become bases in order, each with its extent. */
static void settle_large(struct hak_posting_keys *k, const struct hak_columns *c) {
    uint64_t *key = k->key[HAK_POSTING_LARGE];
    uint32_t count = k->count[HAK_POSTING_LARGE];
    for (uint32_t i = 0; i < count; i++)
        k->pair[i] = (struct hak_pair){c->dictionary[HAK_COLUMN_BASE][key[i]], key[i]};
    hak_sort_pairs(k->pair, count, k->pair + count);
    for (uint32_t i = 0; i < count; i++) {
        key[i] = k->pair[i].key;
        k->extent[i] = k->large_of[k->pair[i].value] - 1;
    }
}

/* Adds the column's distinct values but 0 as keys. */
static void take_distinct(struct hak_posting_keys *k, enum hak_posting_kind kind,
                          const struct hak_columns *c, enum hak_column column) {
    for (uint32_t i = 0; i < c->distinct[column]; i++)
        if (c->dictionary[column][i])
            k->key[kind][k->count[kind]++] = c->dictionary[column][i];
}

void hak_posting_keys_collect(struct hak_posting_keys *k, const struct hak_columns *c) {
    struct gathering g = {.keys = k};
    memset(k->count, 0, sizeof k->count);
    k->distances = (struct hak_distances){0};
    look_at_events(&g, c);
    take_distinct(k, HAK_POSTING_BASE, c, HAK_COLUMN_BASE);
    if (g.has_zero)
        k->key[HAK_POSTING_BASE][k->count[HAK_POSTING_BASE]++] = 0;
    take_distinct(k, HAK_POSTING_STACK, c, HAK_COLUMN_STACK);
    settle_large(k, c);
    sort_keys(k, HAK_POSTING_BASE);
    sort_keys(k, HAK_POSTING_STACK);
    sort_keys(k, HAK_POSTING_OWNER);
}

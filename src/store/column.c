/* Turns events into columns and back, and chooses the codec of each column. */
#include "store/column.h"

#include <stdlib.h>
#include "store/codec.h"

const char *const hak_column_names[HAK_COLUMN_COUNT] = {
    "shape", "actor", "ns", "base", "delta", "stack", "size", "old_address", "generation",
};

#define TABLE_SLOTS (2 * HAK_CHUNK_EVENTS_MAX) /* codec.c numbers values in it */
#define BIT(column) (1u << (column))

bool hak_columns_init(struct hak_columns *c) {
    *c = (struct hak_columns){0};
    bool ok = true;
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) { /* untouched pages cost nothing */
        ok &= (c->value[i] = calloc(HAK_CHUNK_EVENTS_MAX, sizeof(uint64_t))) != NULL;
        ok &= (c->dictionary[i] = calloc(HAK_CHUNK_EVENTS_MAX, sizeof(uint64_t))) != NULL;
        ok &= (c->index[i] = calloc(HAK_CHUNK_EVENTS_MAX, sizeof(uint32_t))) != NULL;
    }
    ok &= (c->scratch = calloc(HAK_CHUNK_EVENTS_MAX, sizeof(uint64_t))) != NULL;
    ok &= (c->scratch2 = calloc(HAK_CHUNK_EVENTS_MAX, sizeof(uint64_t))) != NULL;
    ok &= (c->table_key = calloc(TABLE_SLOTS, sizeof(uint64_t))) != NULL;
    ok &= (c->table_index = calloc(TABLE_SLOTS, sizeof(uint32_t))) != NULL;
    ok &= (c->raw = malloc(HAK_RAW_BYTES_MAX)) != NULL;
    if (!ok)
        hak_columns_free(c);
    return ok;
}

void hak_columns_free(struct hak_columns *c) {
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) {
        free(c->value[i]);
        free(c->dictionary[i]);
        free(c->index[i]);
    }
    free(c->scratch);
    free(c->scratch2);
    free(c->table_key);
    free(c->table_index);
    free(c->raw);
    *c = (struct hak_columns){0};
}

void hak_columns_from_events(struct hak_columns *c, const struct hak_event *events,
                             uint32_t count) {
    c->events = count;
    memset(c->by_index, 0, sizeof c->by_index);
    for (uint32_t i = 0; i < count; i++) {
        const struct hak_event *e = &events[i];
        c->value[HAK_COLUMN_SHAPE][i] = e->kind | (uint64_t)e->class_index << 8 |
                                        (uint64_t)e->place << 16 | (uint64_t)e->subkind << 24 |
                                        (uint64_t)e->flags << 32;
        c->value[HAK_COLUMN_ACTOR][i] = (uint64_t)e->process << 32 | e->thread;
        c->value[HAK_COLUMN_NS][i] = e->ns;
        c->value[HAK_COLUMN_BASE][i] = e->base;
        c->value[HAK_COLUMN_DELTA][i] = e->address - e->base;
        c->value[HAK_COLUMN_STACK][i] = e->stack;
        c->value[HAK_COLUMN_SIZE][i] = e->size;
        c->value[HAK_COLUMN_OLD][i] = e->old_address;
        c->value[HAK_COLUMN_GENERATION][i] = e->generation;
    }
}

void hak_columns_get(const struct hak_columns *c, uint32_t i, uint64_t id, struct hak_event *out) {
    uint64_t shape = hak_columns_value(c, HAK_COLUMN_SHAPE, i);
    uint64_t actor = hak_columns_value(c, HAK_COLUMN_ACTOR, i);
    uint64_t base = hak_columns_value(c, HAK_COLUMN_BASE, i);
    *out = (struct hak_event){
        .id = id,
        .ns = hak_columns_value(c, HAK_COLUMN_NS, i),
        .address = base + hak_columns_value(c, HAK_COLUMN_DELTA, i),
        .base = base,
        .size = hak_columns_value(c, HAK_COLUMN_SIZE, i),
        .old_address = hak_columns_value(c, HAK_COLUMN_OLD, i),
        .generation = hak_columns_value(c, HAK_COLUMN_GENERATION, i),
        .process = (uint32_t)(actor >> 32),
        .thread = (uint32_t)actor,
        .stack = (uint32_t)hak_columns_value(c, HAK_COLUMN_STACK, i),
        .kind = (uint8_t)shape,
        .class_index = (uint8_t)(shape >> 8),
        .place = (uint8_t)(shape >> 16),
        .subkind = (uint8_t)(shape >> 24),
        .flags = (uint8_t)(shape >> 32),
    };
}

unsigned hak_column_needs(enum hak_column column) {
    switch (column) {
    case HAK_COLUMN_GENERATION:
        return BIT(HAK_COLUMN_BASE);
    case HAK_COLUMN_SIZE:
        return BIT(HAK_COLUMN_SHAPE) | BIT(HAK_COLUMN_BASE) | BIT(HAK_COLUMN_STACK);
    default:
        return 0;
    }
}

static bool is_constant(const uint64_t *value, uint32_t events) {
    for (uint32_t i = 1; i < events; i++)
        if (value[i] != value[0])
            return false;
    return true;
}

static uint8_t codec_of(enum hak_column column) {
    switch (column) {
    case HAK_COLUMN_NS:
        return HAK_CODEC_STEPS;
    case HAK_COLUMN_BASE:
        return HAK_CODEC_RECENT;
    case HAK_COLUMN_SIZE:
        return HAK_CODEC_ASKED;
    case HAK_COLUMN_GENERATION:
        return HAK_CODEC_NEXT;
    default:
        return HAK_CODEC_DICTIONARY;
    }
}

size_t hak_column_encode(struct hak_columns *c, enum hak_column column, uint8_t *codec) {
    c->parts = 0;
    if (is_constant(c->value[column], c->events)) {
        *codec = HAK_CODEC_CONSTANT;
        memset(c->index[column], 0, c->events * sizeof(uint32_t));
        c->dictionary[column][0] = c->value[column][0];
        c->distinct[column] = 1;
        return (size_t)(hak_write_varint(c->raw, c->value[column][0]) - c->raw);
    }
    *codec = codec_of(column);
    return hak_codec_encode(c, column, *codec);
}

/* The columns that a codec may be used for (bit n = column n). Those that others are predicted from
 * need their dictionaries; what is predicted needs its predictors. */
static unsigned columns_of_codec(uint8_t codec) {
    switch (codec) {
    case HAK_CODEC_CONSTANT:
    case HAK_CODEC_DICTIONARY:
    case HAK_CODEC_RECENT:
        return (1u << HAK_COLUMN_COUNT) - 1;
    case HAK_CODEC_STEPS:
        return (1u << HAK_COLUMN_COUNT) - 1 - BIT(HAK_COLUMN_BASE) - BIT(HAK_COLUMN_STACK);
    case HAK_CODEC_NEXT:
        return BIT(HAK_COLUMN_GENERATION);
    case HAK_CODEC_ASKED:
        return BIT(HAK_COLUMN_SIZE);
    default:
        return 0;
    }
}

const char *hak_column_decode(struct hak_columns *c, enum hak_column column, uint8_t codec,
                              const uint8_t *bytes, size_t count) {
    struct hak_input in = {.at = bytes, .end = bytes + count};
    const char *wrong = NULL;
    c->by_index[column] = false;
    if (!columns_of_codec(codec))
        return "its codec is not known to this version";
    if (!(columns_of_codec(codec) >> column & 1))
        return "its codec does not fit the column";
    if (codec == HAK_CODEC_CONSTANT) {
        c->dictionary[column][0] = hak_read_varint(&in);
        memset(c->index[column], 0, c->events * sizeof(uint32_t));
        c->distinct[column] = 1;
        c->by_index[column] = true;
        wrong = in.broken ? "its value is cut short" : NULL;
    } else {
        wrong = hak_codec_decode(c, column, codec, &in);
    }
    if (!wrong && in.at != in.end)
        wrong = "bytes are left over behind its values";
    return wrong;
}

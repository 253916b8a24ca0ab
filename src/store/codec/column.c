/* Turns events into columns and back, and chooses the codec of each column. */
#include "store/codec/column.h"

#include <stdlib.h>
#include "store/codec/by_site.h"

const char *const hak_column_names[HAK_COLUMN_COUNT] = {
    "shape", "actor", "ns", "base", "delta", "stack", "size", "old_address", "generation",
};

#define BIT(column) (1u << (column))

bool hak_columns_init(struct hak_columns *c) {
    *c = (struct hak_columns){0};
    bool ok = true;
    /* Not calloc, which clears these 10 MB by hand in a process that has freed as much before. */
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) {
        ok &= (c->value[i] = malloc(HAK_CHUNK_EVENTS_MAX * sizeof(uint64_t))) != NULL;
        ok &= (c->dictionary[i] = malloc(HAK_CHUNK_EVENTS_MAX * sizeof(uint64_t))) != NULL;
    }
    /* A column that is not wanted is read all the same, through its index. One block for all, so
     * large that its zeros are the kernel's and cost nothing before they are written. */
    uint32_t *index = calloc(HAK_COLUMN_COUNT * HAK_CHUNK_EVENTS_MAX, sizeof *index);
    ok &= index != NULL;
    for (int i = 0; i < HAK_COLUMN_COUNT && index; i++)
        c->index[i] = index + (size_t)i * HAK_CHUNK_EVENTS_MAX;
    ok &= (c->scratch = malloc(HAK_CHUNK_EVENTS_MAX * sizeof(uint64_t))) != NULL;
    ok &= (c->coder = hak_coder_make()) != NULL;
    ok &= (c->raw = malloc(HAK_RAW_BYTES_MAX)) != NULL;
    if (!ok)
        hak_columns_free(c);
    return ok;
}

void hak_columns_free(struct hak_columns *c) {
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) {
        free(c->value[i]);
        free(c->dictionary[i]);
    }
    free(c->index[0]);
    free(c->scratch);
    hak_coder_free(c->coder);
    free(c->raw);
    *c = (struct hak_columns){0};
}

void hak_columns_from_events(struct hak_columns *c, const struct hak_event *events,
                             uint32_t count) {
    hak_columns_begin(c, count);
    for (uint32_t i = 0; i < count; i++)
        hak_columns_put(c, i, &events[i]);
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

void hak_columns_spread(struct hak_columns *c) {
    for (int column = 0; column < HAK_COLUMN_COUNT; column++)
        for (uint32_t i = 0; i < c->events && c->by_index[column]; i++)
            c->value[column][i] = c->dictionary[column][c->index[column][i]];
}

struct hak_column_sites hak_columns_sites(const struct hak_columns *c) {
    return (struct hak_column_sites){c->coder->site_of, c->coder->sites};
}

uint64_t hak_columns_site_shape(const struct hak_columns *c, uint32_t site) {
    return c->coder->site[site].shape;
}

uint32_t hak_columns_site_stack(const struct hak_columns *c, uint32_t site) {
    return (uint32_t)c->coder->site[site].stack;
}

unsigned hak_column_needs(enum hak_column column) {
    unsigned walk = BIT(HAK_COLUMN_SHAPE) | BIT(HAK_COLUMN_ACTOR) | BIT(HAK_COLUMN_BASE) |
                    BIT(HAK_COLUMN_STACK);
    switch (column) {
    case HAK_COLUMN_NS:
    case HAK_COLUMN_DELTA:
    case HAK_COLUMN_SIZE:
    case HAK_COLUMN_GENERATION:
        return walk;
    case HAK_COLUMN_OLD:
        return walk | BIT(HAK_COLUMN_DELTA);
    default:
        return 0;
    }
}

/* The numbering that the column's values share. */
static enum hak_numbering numbering_of(enum hak_column column) {
    switch (column) {
    case HAK_COLUMN_SHAPE:
        return HAK_NUMBER_SHAPE;
    case HAK_COLUMN_ACTOR:
        return HAK_NUMBER_ACTOR;
    case HAK_COLUMN_STACK:
        return HAK_NUMBER_STACK;
    default:
        return HAK_NUMBER_BASE;
    }
}

void hak_columns_number(struct hak_columns *c, enum hak_column column) {
    enum hak_numbering which = numbering_of(column);
    const uint64_t *value = c->value[column];
    uint64_t *dictionary = c->dictionary[column];
    uint32_t *index = c->index[column], distinct = 0;
    if (c->is_numbered[column])
        return;
    hak_number_begin(c->coder, which);
    for (uint32_t i = 0; i < c->events; i++)
        index[i] = hak_number(c->coder, which, dictionary, &distinct, value[i]);
    c->distinct[column] = distinct;
    c->is_numbered[column] = true;
}

/* Whether all values are the same. */
static bool is_constant(const uint64_t *value, uint32_t events) {
    for (uint32_t i = 1; i < events; i++)
        if (value[i] != value[0])
            return false;
    return true;
}

void hak_columns_find_sites(struct hak_columns *c) {
    hak_walk_sites(c);
    hak_columns_number(c, HAK_COLUMN_ACTOR);
    hak_columns_number(c, HAK_COLUMN_BASE);
}

void hak_columns_encode(struct hak_columns *c, uint8_t codec[HAK_COLUMN_COUNT]) {
    hak_walk_encode(c);
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) {
        enum hak_column column = (enum hak_column)i;
        codec[i] = HAK_CODEC_STREAMS;
        if (hak_walk_place(column) >= 0)
            continue;
        hak_coder_empty(c->coder, column);
        if (is_constant(c->value[i], c->events))
            codec[i] = HAK_CODEC_CONSTANT;
        else
            hak_guessed_encode(c, column);
    }
    /* The tokens are complete only now. */
    struct hak_stream *tokens = &c->coder->stream[HAK_COLUMN_SHAPE][0];
    memcpy(tokens->start, c->coder->token, c->events);
    tokens->at = tokens->start + c->events;
}

size_t hak_column_bytes(struct hak_columns *c, enum hak_column column, uint8_t codec) {
    c->parts = 0;
    if (codec == HAK_CODEC_CONSTANT)
        return (size_t)(hak_write_varint(c->raw, c->value[column][0]) - c->raw);
    c->parts = hak_walk_streams(column);
    return hak_streams_join(c->coder->stream[column], c->parts, c->raw, c->part_end);
}

/* Decodes a column of streams that is guessed from the walk. NULL, or what is wrong with it. */
static const char *decode_guessed(struct hak_columns *c, enum hak_column column,
                                  const uint8_t *bytes, size_t count) {
    struct hak_input in[HAK_STREAMS_MAX];
    uint32_t streams = hak_walk_streams(column);
    if (!hak_streams_split(bytes, count, in, streams))
        return "its streams are cut short";
    if (!hak_guessed_decode(c, column, in))
        return "its steps are of an impossible form";
    return hak_streams_used_up(in, streams) ? NULL : "its streams are too short or too long";
}

const char *hak_column_decode(struct hak_columns *c, enum hak_column column, uint8_t codec,
                              const uint8_t *bytes, size_t count) {
    struct hak_input in = {.at = bytes, .end = bytes + count};
    c->by_index[column] = false;
    if (codec == HAK_CODEC_STREAMS)
        return decode_guessed(c, column, bytes, count);
    if (codec != HAK_CODEC_CONSTANT)
        return "its codec is not known to this version";
    c->dictionary[column][0] = hak_read_varint(&in);
    memset(c->index[column], 0, c->events * sizeof(uint32_t));
    c->distinct[column] = 1;
    c->by_index[column] = true;
    if (in.broken)
        return "its value is cut short";
    return in.at == in.end ? NULL : "bytes are left over after its values";
}

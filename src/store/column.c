/* Turns events into columns and each column into bytes, and back without trusting the bytes. */
#include "store/column.h"

#include <stdlib.h>
#include "hop.h"

const char *const hak_column_names[HAK_COLUMN_COUNT] = {
    "shape", "actor", "ns", "base", "delta", "stack", "size", "old_address", "generation",
};

#define TABLE_SLOTS (2 * HAK_CHUNK_EVENTS_MAX)
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

/* Numbers the distinct values in the order of their first use; the new ones go to `distinct`. */
static uint32_t number_values(struct hak_columns *c, const uint64_t *value, uint32_t *index,
                              uint64_t *distinct) {
    uint32_t slots = 16, found = 0;
    while (slots < 2 * c->events)
        slots *= 2;
    memset(c->table_index, 0, slots * sizeof *c->table_index);
    for (uint32_t i = 0; i < c->events; i++) {
        uint32_t at = (uint32_t)((value[i] * 0x9e3779b97f4a7c15ull) >> 32) & (slots - 1);
        while (c->table_index[at] && c->table_key[at] != value[i])
            at = (at + 1) & (slots - 1);
        if (!c->table_index[at]) {
            c->table_key[at] = value[i];
            distinct[found] = value[i];
            c->table_index[at] = ++found;
        }
        index[i] = c->table_index[at] - 1;
    }
    return found;
}

static uint8_t *encode_dictionary(struct hak_columns *c, enum hak_column column) {
    const uint64_t *value = c->value[column];
    uint32_t *index = c->index[column];
    uint32_t distinct = number_values(c, value, index, c->scratch);
    c->distinct[column] = distinct;
    uint8_t *out = hak_write_varint(c->raw, distinct);
    uint64_t before = 0;
    for (uint32_t i = 0; i < distinct; i++) {
        out = hak_write_varint(out, hak_zigzag(c->scratch[i] - before));
        before = c->scratch[i];
    }
    for (uint32_t i = 0; i < c->events; i++)
        *out++ = (uint8_t)index[i];
    if (distinct > 256)
        for (uint32_t i = 0; i < c->events; i++)
            *out++ = (uint8_t)(index[i] >> 8);
    return out;
}

static const char *decode_dictionary(struct hak_columns *c, enum hak_column column,
                                     struct hak_input *in) {
    uint64_t distinct = hak_read_varint(in);
    if (in->broken || distinct == 0 || distinct > c->events)
        return "its dictionary has an impossible length";
    uint64_t before = 0, *dictionary = c->dictionary[column];
    for (uint64_t i = 0; i < distinct; i++)
        dictionary[i] = before += hak_unzigzag(hak_read_varint(in));
    if (in->broken)
        return "its dictionary is cut short";
    const uint8_t *low = hak_read_bytes(in, c->events);
    const uint8_t *high = distinct > 256 && low ? hak_read_bytes(in, c->events) : NULL;
    if (in->broken)
        return "its indexes are cut short";
    uint32_t *index = c->index[column], greatest = 0;
    for (uint32_t i = 0; i < c->events; i++) {
        uint32_t k = high ? low[i] | (uint32_t)high[i] << 8 : low[i];
        index[i] = k;
        greatest = k > greatest ? k : greatest;
    }
    if (greatest >= distinct)
        return "an index points behind its dictionary";
    c->by_index[column] = true;
    c->distinct[column] = (uint32_t)distinct;
    return NULL;
}

/* What CODEC_ASKED expects as the size of an event: births repeat what their call stack asked for
 * last, ends what was asked for the block. Others carry a number of their own. */
enum role { OTHER, BIRTH, END };

struct asked {
    uint64_t *by_stack, *by_base;
    const uint32_t *stack, *base;
};

static struct asked asked_start(struct hak_columns *c) {
    struct asked a = {.by_stack = c->scratch,
                      .by_base = c->scratch2,
                      .stack = c->index[HAK_COLUMN_STACK],
                      .base = c->index[HAK_COLUMN_BASE]};
    memset(a.by_stack, 0, c->distinct[HAK_COLUMN_STACK] * sizeof(uint64_t));
    memset(a.by_base, 0, c->distinct[HAK_COLUMN_BASE] * sizeof(uint64_t));
    return a;
}
static inline enum role asked_role(const struct hak_columns *c, uint32_t i) {
    switch ((uint8_t)hak_columns_value(c, HAK_COLUMN_SHAPE, i)) {
    case HAK_MALLOC:
    case HAK_REALLOC:
        return BIRTH;
    case HAK_FREE:
    case HAK_REALLOC_FROM:
        return END;
    default:
        return OTHER;
    }
}
static inline uint64_t asked_expect(const struct asked *a, enum role role, uint32_t i) {
    return role == BIRTH ? a->by_stack[a->stack[i]] : role == END ? a->by_base[a->base[i]] : 0;
}
static inline void asked_learn(struct asked *a, enum role role, uint32_t i, uint64_t size) {
    if (role == BIRTH)
        a->by_stack[a->stack[i]] = a->by_base[a->base[i]] = size;
}

static uint8_t *encode_differences(struct hak_columns *c, enum hak_column column, uint8_t codec) {
    const uint64_t *value = c->value[column];
    const uint32_t *base = c->index[HAK_COLUMN_BASE];
    uint8_t *out = c->raw;
    uint64_t before = 0;
    if (codec == HAK_CODEC_DELTA) {
        for (uint32_t i = 0; i < c->events; i++) {
            out = hak_write_varint(out, hak_zigzag(value[i] - before));
            before = value[i];
        }
    } else if (codec == HAK_CODEC_NEXT) {
        memset(c->scratch, 0, c->distinct[HAK_COLUMN_BASE] * sizeof(uint64_t));
        for (uint32_t i = 0; i < c->events; i++) {
            uint64_t *last = &c->scratch[base[i]];
            uint64_t expected = *last ? *last + 1 : before;
            out = hak_write_varint(out, hak_zigzag(value[i] - expected));
            *last = before = value[i];
        }
    } else {
        struct asked a = asked_start(c);
        for (uint32_t i = 0; i < c->events; i++) {
            enum role role = asked_role(c, i);
            out = hak_write_varint(out, hak_zigzag(value[i] - asked_expect(&a, role, i)));
            asked_learn(&a, role, i, value[i]);
        }
    }
    return out;
}

static const char *decode_differences(struct hak_columns *c, enum hak_column column, uint8_t codec,
                                      struct hak_input *in) {
    uint64_t *value = c->value[column];
    const uint32_t *base = c->index[HAK_COLUMN_BASE];
    uint64_t before = 0;
    if (codec == HAK_CODEC_DELTA) {
        for (uint32_t i = 0; i < c->events; i++)
            value[i] = before += hak_unzigzag(hak_read_varint(in));
    } else if (codec == HAK_CODEC_NEXT) {
        memset(c->scratch, 0, c->distinct[HAK_COLUMN_BASE] * sizeof(uint64_t));
        for (uint32_t i = 0; i < c->events; i++) {
            uint64_t *last = &c->scratch[base[i]];
            uint64_t expected = *last ? *last + 1 : before;
            value[i] = *last = before = expected + hak_unzigzag(hak_read_varint(in));
        }
    } else {
        struct asked a = asked_start(c);
        for (uint32_t i = 0; i < c->events; i++) {
            enum role role = asked_role(c, i);
            value[i] = asked_expect(&a, role, i) + hak_unzigzag(hak_read_varint(in));
            asked_learn(&a, role, i, value[i]);
        }
    }
    return in->broken ? "its values are cut short" : NULL;
}

static uint8_t codec_of(enum hak_column column) {
    switch (column) {
    case HAK_COLUMN_NS:
        return HAK_CODEC_DELTA;
    case HAK_COLUMN_SIZE:
        return HAK_CODEC_ASKED;
    case HAK_COLUMN_GENERATION:
        return HAK_CODEC_NEXT;
    default:
        return HAK_CODEC_DICTIONARY;
    }
}

size_t hak_column_encode(struct hak_columns *c, enum hak_column column, uint8_t *codec) {
    if (is_constant(c->value[column], c->events)) {
        *codec = HAK_CODEC_CONSTANT;
        memset(c->index[column], 0, c->events * sizeof(uint32_t));
        c->distinct[column] = 1;
        return (size_t)(hak_write_varint(c->raw, c->value[column][0]) - c->raw);
    }
    *codec = codec_of(column);
    uint8_t *end = *codec == HAK_CODEC_DICTIONARY ? encode_dictionary(c, column)
                                                  : encode_differences(c, column, *codec);
    return (size_t)(end - c->raw);
}

const char *hak_column_decode(struct hak_columns *c, enum hak_column column, uint8_t codec,
                              const uint8_t *bytes, size_t count) {
    struct hak_input in = {.at = bytes, .end = bytes + count};
    bool is_predictor = column == HAK_COLUMN_BASE || column == HAK_COLUMN_STACK;
    const char *wrong;
    c->by_index[column] = false;
    switch (codec) {
    case HAK_CODEC_CONSTANT:
        c->dictionary[column][0] = hak_read_varint(&in);
        memset(c->index[column], 0, c->events * sizeof(uint32_t));
        c->distinct[column] = 1;
        c->by_index[column] = true;
        wrong = in.broken ? "its value is cut short" : NULL;
        break;
    case HAK_CODEC_DICTIONARY:
        wrong = decode_dictionary(c, column, &in);
        break;
    case HAK_CODEC_DELTA:
        wrong = is_predictor ? "its codec does not fit the column"
                             : decode_differences(c, column, codec, &in);
        break;
    case HAK_CODEC_NEXT:
    case HAK_CODEC_ASKED: /* these two need other columns to be there */
        wrong = (codec == HAK_CODEC_NEXT) == (column == HAK_COLUMN_GENERATION) &&
                        (codec == HAK_CODEC_ASKED) == (column == HAK_COLUMN_SIZE)
                    ? decode_differences(c, column, codec, &in)
                    : "its codec does not fit the column";
        break;
    default:
        return "its codec is not known to this version";
    }
    if (!wrong && in.at != in.end)
        wrong = "bytes are left over behind its values";
    return wrong;
}

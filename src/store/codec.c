/* Each codec, both ways: steps, dictionary, recent, next and asked. */
#include "store/codec.h"

#include "hop.h"

#define SLAB_SHIFT 16 /* 64 KiB: blocks of a slab have similar generations */

/* ---- parts and planes --------------------------------------------------------------------------
 */

static void end_part(struct hak_columns *c, const uint8_t *out) {
    if (c->parts < HAK_PARTS_MAX)
        c->part_end[c->parts++] = (uint32_t)(out - c->raw);
}

/* Numbers as bytes: all lowest bytes, all second ones, and so on, as many as the greatest needs. */
static uint8_t *write_planes(struct hak_columns *c, uint8_t *out, const uint64_t *value,
                             uint32_t count) {
    uint64_t all = 0;
    for (uint32_t i = 0; i < count; i++)
        all |= value[i];
    uint8_t planes = 0;
    while (planes < 8 && all >> 8 * planes)
        planes++;
    *out++ = planes;
    end_part(c, out);
    for (unsigned plane = 0; plane < planes; plane++) {
        for (uint32_t i = 0; i < count; i++)
            *out++ = (uint8_t)(value[i] >> 8 * plane);
        end_part(c, out);
    }
    return out;
}

static void read_planes(struct hak_input *in, uint64_t *value, uint32_t count) {
    const uint8_t *planes = hak_read_bytes(in, 1);
    memset(value, 0, count * sizeof *value);
    if (!planes || *planes > 8) {
        in->broken = true;
        return;
    }
    for (unsigned plane = 0; plane < *planes; plane++) {
        const uint8_t *bytes = hak_read_bytes(in, count);
        for (uint32_t i = 0; bytes && i < count; i++)
            value[i] |= (uint64_t)bytes[i] << 8 * plane;
    }
}

/* ---- steps -------------------------------------------------------------------------------------
 */

static uint8_t *encode_steps(struct hak_columns *c, const uint64_t *value) {
    bool rises = true;
    uint64_t before = value[0];
    for (uint32_t i = 0; i < c->events; i++)
        rises &= value[i] >= (i ? value[i - 1] : value[0]);
    uint8_t *out = hak_write_varint(c->raw, value[0]);
    *out++ = rises ? 0 : 1;
    for (uint32_t i = 0; i < c->events; i++) {
        c->scratch[i] = rises ? value[i] - before : hak_zigzag(value[i] - before);
        before = value[i];
    }
    return write_planes(c, out, c->scratch, c->events);
}

static const char *decode_steps(struct hak_columns *c, uint64_t *value, struct hak_input *in) {
    uint64_t before = hak_read_varint(in);
    const uint8_t *is_zigzag = hak_read_bytes(in, 1);
    read_planes(in, value, c->events);
    if (in->broken || *is_zigzag > 1)
        return "its values are cut short";
    for (uint32_t i = 0; i < c->events; i++)
        value[i] = before += *is_zigzag ? hak_unzigzag(value[i]) : value[i];
    return NULL;
}

/* ---- dictionary --------------------------------------------------------------------------------
 */

/* Numbers the distinct values in the order of their first use; they go to `distinct`, if it is
 * there. */
static uint32_t number_values(struct hak_columns *c, const uint64_t *value, uint32_t count,
                              uint32_t *index, uint64_t *distinct) {
    uint32_t slots = 16, found = 0;
    while (slots < 2 * count)
        slots *= 2;
    memset(c->table_index, 0, slots * sizeof *c->table_index);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)((value[i] * 0x9e3779b97f4a7c15ull) >> 32) & (slots - 1);
        while (c->table_index[at] && c->table_key[at] != value[i])
            at = (at + 1) & (slots - 1);
        if (!c->table_index[at]) {
            c->table_key[at] = value[i];
            if (distinct)
                distinct[found] = value[i];
            c->table_index[at] = ++found;
        }
        index[i] = c->table_index[at] - 1;
    }
    return found;
}

static uint8_t *encode_dictionary(struct hak_columns *c, enum hak_column column) {
    uint32_t *index = c->index[column];
    uint32_t distinct = number_values(c, c->value[column], c->events, index, c->scratch);
    c->distinct[column] = distinct;
    uint8_t *out = hak_write_varint(c->raw, distinct);
    uint64_t before = 0;
    for (uint32_t i = 0; i < distinct; i++) {
        out = hak_write_varint(out, hak_zigzag(c->scratch[i] - before));
        before = c->scratch[i];
    }
    end_part(c, out);
    for (uint32_t i = 0; i < c->events; i++)
        *out++ = (uint8_t)index[i];
    end_part(c, out);
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

/* ---- recent ------------------------------------------------------------------------------------
 */

static uint8_t *encode_recent(struct hak_columns *c, enum hak_column column) {
    uint64_t *dictionary = c->dictionary[column], low_bits = 0;
    uint32_t *index = c->index[column];
    uint32_t distinct = number_values(c, c->value[column], c->events, index, dictionary);
    c->distinct[column] = distinct;
    for (uint32_t i = 0; i < distinct; i++)
        low_bits |= dictionary[i];
    unsigned shift = low_bits ? (unsigned)__builtin_ctzll(low_bits) : 0;
    for (uint32_t i = 0; i < distinct; i++)
        c->scratch[i] = dictionary[i] >> shift;
    uint8_t *out = hak_write_varint(c->raw, distinct);
    *out++ = (uint8_t)shift;
    out = write_planes(c, out, c->scratch, distinct);
    uint64_t *last_use = c->scratch2; /* event number + 1 */
    memset(last_use, 0, distinct * sizeof *last_use);
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t *last = &last_use[index[i]];
        c->scratch[i] = *last ? i + 1 - *last : 0;
        *last = i + 1;
    }
    return write_planes(c, out, c->scratch, c->events);
}

static const char *decode_recent(struct hak_columns *c, enum hak_column column,
                                 struct hak_input *in) {
    uint64_t distinct = hak_read_varint(in), *dictionary = c->dictionary[column];
    const uint8_t *shift = hak_read_bytes(in, 1);
    if (in->broken || distinct == 0 || distinct > c->events || *shift > 63)
        return "its dictionary has an impossible length";
    read_planes(in, dictionary, (uint32_t)distinct);
    for (uint64_t i = 0; i < distinct; i++)
        dictionary[i] <<= *shift;
    if (in->broken)
        return "its dictionary is cut short";
    uint64_t *ago = c->scratch;
    read_planes(in, ago, c->events);
    if (in->broken)
        return "its indexes are cut short";
    uint32_t *index = c->index[column], seen = 0;
    for (uint32_t i = 0; i < c->events; i++) {
        if (ago[i] > i || (!ago[i] && seen == distinct))
            return "an index points behind its dictionary";
        index[i] = ago[i] ? index[i - ago[i]] : seen++;
    }
    c->by_index[column] = true;
    c->distinct[column] = (uint32_t)distinct;
    return NULL;
}

/* ---- next --------------------------------------------------------------------------------------
 */

/* The slab of each base is known by its number; returns how many slabs there are. */
static uint32_t number_slabs(struct hak_columns *c, uint32_t *slab_of_base) {
    uint32_t bases = c->distinct[HAK_COLUMN_BASE];
    for (uint32_t k = 0; k < bases; k++)
        c->scratch[k] = c->dictionary[HAK_COLUMN_BASE][k] >> SLAB_SHIFT;
    return number_values(c, c->scratch, bases, slab_of_base, NULL);
}

/* Goes over the events twice, with `n` and with `epoch` of the generation: n is expected to be the
 * last one of the base plus 1, else the last of its slab; epoch the last of its slab, else the
 * last. Encoding, `out` gets the differences; decoding (`in`), c->value gets the generations. */
struct next {
    uint64_t *of_base, *of_slab; /* what is expected next, 0 = nothing */
    const uint32_t *base, *slab;
};

static struct next next_start(struct hak_columns *c) {
    struct next n = {.of_base = c->scratch,
                     .of_slab = c->table_key, /* the numbering is done with it */
                     .base = c->index[HAK_COLUMN_BASE],
                     .slab = (uint32_t *)c->scratch2};
    uint32_t slabs = number_slabs(c, (uint32_t *)c->scratch2);
    memset(n.of_base, 0, c->distinct[HAK_COLUMN_BASE] * sizeof *n.of_base);
    memset(n.of_slab, 0, slabs * sizeof *n.of_slab);
    return n;
}

static inline uint64_t expected_n(const struct next *n, uint32_t i) {
    uint64_t of_base = n->of_base[n->base[i]];
    return of_base ? of_base : n->of_slab[n->slab[n->base[i]]];
}
static inline void learn_n(struct next *n, uint32_t i, uint64_t value) {
    n->of_base[n->base[i]] = value + 1;
    n->of_slab[n->slab[n->base[i]]] = value;
}

static uint8_t *encode_next(struct hak_columns *c, const uint64_t *value) {
    struct next n = next_start(c);
    uint8_t *out = c->raw;
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t low = value[i] & UINT32_MAX;
        out = hak_write_varint(out, hak_zigzag(low - expected_n(&n, i)));
        learn_n(&n, i, low);
    }
    end_part(c, out);
    n = next_start(c);
    uint64_t before = 0;
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t *of_slab = &n.of_slab[n.slab[n.base[i]]], epoch = value[i] >> 32;
        out = hak_write_varint(out, hak_zigzag(epoch - (*of_slab ? *of_slab - 1 : before)));
        *of_slab = epoch + 1;
        before = epoch;
    }
    return out;
}

static const char *decode_next(struct hak_columns *c, uint64_t *value, struct hak_input *in) {
    struct next n = next_start(c);
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t low = (expected_n(&n, i) + hak_unzigzag(hak_read_varint(in))) & UINT32_MAX;
        value[i] = low;
        learn_n(&n, i, low);
    }
    n = next_start(c);
    uint64_t before = 0;
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t *of_slab = &n.of_slab[n.slab[n.base[i]]];
        before = *of_slab ? *of_slab - 1 : before;
        before = (before + hak_unzigzag(hak_read_varint(in))) & UINT32_MAX;
        *of_slab = before + 1;
        value[i] |= before << 32;
    }
    return in->broken ? "its values are cut short" : NULL;
}

/* ---- asked -------------------------------------------------------------------------------------
 */

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

static uint8_t *encode_asked(struct hak_columns *c, const uint64_t *value) {
    struct asked a = asked_start(c);
    uint8_t *out = c->raw;
    for (uint32_t i = 0; i < c->events; i++) {
        enum role role = asked_role(c, i);
        out = hak_write_varint(out, hak_zigzag(value[i] - asked_expect(&a, role, i)));
        asked_learn(&a, role, i, value[i]);
    }
    return out;
}

static const char *decode_asked(struct hak_columns *c, uint64_t *value, struct hak_input *in) {
    struct asked a = asked_start(c);
    for (uint32_t i = 0; i < c->events; i++) {
        enum role role = asked_role(c, i);
        value[i] = asked_expect(&a, role, i) + hak_unzigzag(hak_read_varint(in));
        asked_learn(&a, role, i, value[i]);
    }
    return in->broken ? "its values are cut short" : NULL;
}

/* ---- by number ---------------------------------------------------------------------------------
 */

size_t hak_codec_encode(struct hak_columns *c, enum hak_column column, uint8_t codec) {
    const uint64_t *value = c->value[column];
    uint8_t *end;
    switch (codec) {
    case HAK_CODEC_STEPS:
        end = encode_steps(c, value);
        break;
    case HAK_CODEC_RECENT:
        end = encode_recent(c, column);
        break;
    case HAK_CODEC_NEXT:
        end = encode_next(c, value);
        break;
    case HAK_CODEC_ASKED:
        end = encode_asked(c, value);
        break;
    default:
        end = encode_dictionary(c, column);
        break;
    }
    return (size_t)(end - c->raw);
}

const char *hak_codec_decode(struct hak_columns *c, enum hak_column column, uint8_t codec,
                             struct hak_input *in) {
    uint64_t *value = c->value[column];
    switch (codec) {
    case HAK_CODEC_STEPS:
        return decode_steps(c, value, in);
    case HAK_CODEC_RECENT:
        return decode_recent(c, column, in);
    case HAK_CODEC_NEXT:
        return decode_next(c, value, in);
    case HAK_CODEC_ASKED:
        return decode_asked(c, value, in);
    default:
        return decode_dictionary(c, column, in);
    }
}

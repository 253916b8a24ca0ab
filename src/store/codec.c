/* Reads what older versions wrote: steps, dictionary, recent, next and asked. */
#include "store/codec.h"

#include "hop.h"
#include "store/walk.h"

#define SLAB_SHIFT 16 /* 64 KiB: blocks of a slab have similar generations */

/* Numbers as bytes: all lowest bytes, all second ones, and so on, as many as the greatest needs. */
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
    uint32_t slabs = 0;
    hak_number_begin(c->walk, HAK_NUMBER_SLAB);
    for (uint32_t k = 0; k < c->distinct[HAK_COLUMN_BASE]; k++)
        slab_of_base[k] = hak_number(c->walk, HAK_NUMBER_SLAB, c->walk->of_site[0], &slabs,
                                     c->dictionary[HAK_COLUMN_BASE][k] >> SLAB_SHIFT);
    return slabs;
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
                     .of_slab = c->walk->of_site[1],
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

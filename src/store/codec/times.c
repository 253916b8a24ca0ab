/* Codes the times: steps from event to event, sorted into streams by the last step between the same
 * two sites, so that each stream has an entropy code of its own. */
#include "store/codec/by_site.h"

#include "attributes.h"

#define HEAD         0 /* streams: shift, first value */
#define GROUPS       14
#define REST         (1 + GROUPS) /* of steps that a byte does not hold */
#define CONTEXT_BITS 16
#define CONTEXTS     (1 << CONTEXT_BITS)
#define LITERALS     192 /* steps below it are bytes of their own */
#define LITERAL_BITS 8

/* Steps are told apart by their bits; 0 = the two sites never followed each other. */
static inline uint8_t group_of(uint64_t step) {
    unsigned bits = step ? 64 - (unsigned)__builtin_clzll(step) : 0;
    return (uint8_t)(bits < GROUPS - 2 ? bits + 1 : GROUPS - 1);
}

static inline uint8_t *context_of(uint8_t *contexts, uint32_t before, uint32_t site) {
    uint32_t hash = before * 0x9e3779b1u ^ site * 0x85ebca6bu;
    return &contexts[hash >> (32 - CONTEXT_BITS)];
}

/* Writes a step of time: small ones as themselves, others as the number of bits and the rest. */
static inline void put_step(struct hak_stream *group, struct hak_stream *rest, uint64_t step) {
    if (step < LITERALS) {
        hak_stream_byte(group, step);
        return;
    }
    unsigned bits = 64 - (unsigned)__builtin_clzll(step);
    hak_stream_byte(group, LITERALS + bits - LITERAL_BITS);
    hak_stream_varint(rest, step - ((uint64_t)1 << (bits - 1)));
}

/* Reads a step of time. False: an impossible number of bits. */
static inline bool read_step(struct hak_input *group, struct hak_input *rest, uint64_t *step) {
    *step = hak_read_byte(group);
    if (*step < LITERALS)
        return true;
    unsigned bits = (unsigned)*step - LITERALS + LITERAL_BITS;
    if (bits > 64)
        return false;
    *step = hak_read_varint(rest) + ((uint64_t)1 << (bits - 1));
    return true;
}

/* Codes the times, or, if `reads`, a constant, decodes them from `in`; false: they are damaged. */
HAK_IN_PLACE bool code(struct hak_columns *c, struct hak_input *in, bool reads) {
    struct hak_coder *coder = c->coder;
    struct hak_stream *out = coder->stream[HAK_COLUMN_NS];
    uint64_t *ns = c->value[HAK_COLUMN_NS], bits = 0, last;
    uint8_t *contexts = (uint8_t *)c->scratch; /* too much for a small stack */
    unsigned shift;
    if (reads) {
        shift = hak_read_byte(&in[HEAD]);
        last = hak_read_varint(&in[HEAD]);
    } else {
        for (uint32_t i = 0; i < c->events; i++)
            bits |= ns[i];
        shift = bits ? (unsigned)__builtin_ctzll(bits) : 0;
        last = ns[0] >> shift;
        hak_stream_byte(&out[HEAD], shift);
        hak_stream_varint(&out[HEAD], last);
    }
    if (shift > 63)
        return false;
    memset(contexts, 0, CONTEXTS);
    uint32_t before = HAK_NO_SITE;
    for (uint32_t i = 0; i < c->events; i++) {
        uint8_t *context = context_of(contexts, before, coder->site_of[i]);
        uint64_t step = reads ? 0 : hak_zigzag((ns[i] >> shift) - last);
        before = coder->site_of[i];
        if (!reads)
            put_step(&out[1 + *context], &out[REST], step);
        else if (!read_step(&in[1 + *context], &in[REST], &step))
            return false;
        *context = group_of(step);
        last += hak_unzigzag(step);
        if (reads)
            ns[i] = last << shift;
    }
    return true;
}

void hak_times_encode(struct hak_columns *c) {
    struct hak_input none = {0};
    code(c, &none, false);
}

bool hak_times_decode(struct hak_columns *c, struct hak_input *in) {
    return code(c, in, true);
}

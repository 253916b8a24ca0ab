/* Codes a part of a run of states: one column after the other, each in the order of the states. */
#include "store/live/part.h"

#include <stdlib.h>
#include "base/checksum.h"
#include "base/sorted.h"
#include "store/pack.h"

#define HEADER_BYTES   20
#define CHECKSUM_BYTES 4
#define COLUMNS        11
#define RAW_BYTES_MAX  ((HAK_LIVE_PART_STATES * COLUMNS + 1) * HAK_VARINT_BYTES)

_Static_assert(HAK_LIVE_PART_STATES == 1 << 12, "an index has 12 bits in sort_by_birth");
#define STACK_SLOTS (HAK_LIVE_PART_STATES * 2)

enum { STEP_BITS = 3, FRESH_BIT = 4 };

/* What coding and decoding work in, one for each thread that does so: not in the thread-local
 * block, which would have to fit on the smallest stack. */
struct scratch {
    uint8_t raw[RAW_BYTES_MAX];
    uint64_t order[2 * HAK_LIVE_PART_STATES];
    uint32_t stack_of[HAK_LIVE_PART_STATES];
    struct seen {
        uint32_t stack, number;
    } seen[STACK_SLOTS];
};
static _Thread_local struct scratch *scratch;

static bool have_scratch(void) {
    return scratch || (scratch = malloc(sizeof *scratch));
}

struct coder {
    uint8_t *at;
    uint32_t part_end[COLUMNS], parts;
    uint8_t *raw;
    unsigned shift; /* all bases are multiples of 2^shift */
};

static void end_column(struct coder *c) {
    c->part_end[c->parts++] = (uint32_t)(c->at - c->raw);
}

static void put_difference(struct coder *c, uint64_t value, uint64_t *before) {
    c->at = hak_write_varint(c->at, hak_zigzag(value - *before));
    *before = value;
}

static bool is_open(const struct hak_live_state *s) {
    return s->step != HAK_LIVE_ENDED;
}
static bool is_born(const struct hak_live_state *s) {
    return s->step == HAK_LIVE_BORN;
}
static bool is_any(const struct hak_live_state *s) {
    (void)s;
    return true;
}

#define PUT_DIFFERENCES(field, which)                                                              \
    do {                                                                                           \
        uint64_t before = 0;                                                                       \
        for (uint32_t i = 0; i < count; i++)                                                       \
            if (which(&states[i]))                                                                 \
                put_difference(&c, (field), &before);                                              \
        end_column(&c);                                                                            \
    } while (0)

/* The states that were born, as indexes, by their births: `order` has room for all, twice. */
static uint32_t sort_by_birth(const struct hak_live_state *states, uint32_t count,
                              uint64_t *order) {
    uint64_t least = UINT64_MAX;
    uint32_t born = 0;
    for (uint32_t i = 0; i < count; i++)
        if (is_born(&states[i]) && states[i].birth < least)
            least = states[i].birth;
    for (uint32_t i = 0; i < count; i++)
        if (is_born(&states[i]))
            order[born++] = (states[i].birth - least) << 12 | i;
    hak_sort_keys(order, born, order + HAK_LIVE_PART_STATES);
    for (uint32_t i = 0; i < born; i++)
        order[i] &= HAK_LIVE_PART_STATES - 1;
    return born;
}

/* Times grow with the numbers of the events: in that order they differ least. */
static void put_times(struct coder *c, const struct hak_live_state *states, uint32_t count) {
    uint64_t *order = scratch->order;
    uint32_t born = sort_by_birth(states, count, order);
    uint64_t bits = 0, before = 0;
    for (uint32_t i = 0; i < born; i++)
        bits |= states[order[i]].ns;
    unsigned shift = bits ? (unsigned)__builtin_ctzll(bits) : 0;
    c->at = hak_write_varint(c->at, shift);
    for (uint32_t i = 0; i < born; i++)
        put_difference(c, states[order[i]].ns >> shift, &before);
    end_column(c);
}

/* Distinct stacks get numbers in the order of their first use: 0 = the next new one. */
static void put_stacks(struct coder *c, const struct hak_live_state *states, uint32_t count) {
    struct seen *seen = scratch->seen;
    uint32_t numbers = 0;
    uint64_t before = 0;
    memset(seen, 0, sizeof scratch->seen);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_born(&states[i]))
            continue;
        uint32_t at = states[i].stack * 0x9e3779b1u % STACK_SLOTS;
        while (seen[at].number && seen[at].stack != states[i].stack)
            at = (at + 1) % STACK_SLOTS;
        c->at = hak_write_varint(c->at, seen[at].number);
        if (!seen[at].number) {
            seen[at].stack = states[i].stack;
            seen[at].number = ++numbers;
        }
    }
    end_column(c);
    for (uint32_t i = 0, told = 0; i < count; i++) { /* their values, in the same order */
        if (!is_born(&states[i]))
            continue;
        uint32_t at = states[i].stack * 0x9e3779b1u % STACK_SLOTS;
        while (seen[at].stack != states[i].stack || !seen[at].number)
            at = (at + 1) % STACK_SLOTS;
        if (seen[at].number == told + 1) {
            put_difference(c, states[i].stack, &before);
            told++;
        }
    }
    end_column(c);
}

static void put_columns(struct coder *out, const struct hak_live_state *states, uint32_t count) {
    struct coder c = *out;
    uint64_t low_bits = 0;
    for (uint32_t i = 0; i < count; i++)
        low_bits |= states[i].base;
    c.shift = low_bits ? (unsigned)__builtin_ctzll(low_bits) : 0;
    for (uint32_t i = 0; i < count; i++)
        *c.at++ = (uint8_t)(states[i].step | (states[i].is_fresh ? FRESH_BIT : 0));
    end_column(&c);
    PUT_DIFFERENCES(states[i].process, is_any);
    PUT_DIFFERENCES(states[i].base >> c.shift, is_any);
    PUT_DIFFERENCES(states[i].class_index, is_open);
    PUT_DIFFERENCES(states[i].user - states[i].base, is_open);
    PUT_DIFFERENCES(states[i].size, is_open);
    PUT_DIFFERENCES(states[i].birth, is_born);
    put_times(&c, states, count);
    put_stacks(&c, states, count);
    PUT_DIFFERENCES(states[i].thread, is_born);
    *out = c;
}

bool hak_live_part_encode(const struct hak_live_state *states, uint32_t count,
                          struct hak_buffer *out) {
    if (!have_scratch())
        return false;
    uint8_t *raw = scratch->raw;
    struct coder c = {.at = raw, .raw = raw};
    put_columns(&c, states, count);
    size_t start = out->size, raw_bytes = (size_t)(c.at - raw);
    if (!hak_buffer_reserve(out, HEADER_BYTES))
        return false;
    out->size += HEADER_BYTES;
    uint8_t packing;
    uint32_t packed;
    if (!hak_buffer_pack(out, raw, raw_bytes, c.part_end, c.parts, &packing, &packed) ||
        !hak_buffer_reserve(out, CHECKSUM_BYTES))
        return false;
    uint8_t *at = out->data + start;
    at = hak_write_little(at, HAK_LIVE_PART_MAGIC, 4);
    at = hak_write_little(at, HAK_LIVE_PART_FORMAT, 2);
    *at++ = packing;
    *at++ = (uint8_t)c.shift;
    at = hak_write_little(at, count, 4);
    at = hak_write_little(at, raw_bytes, 4);
    hak_write_little(at, packed, 4);
    hak_write_little(out->data + out->size, hak_crc32c(out->data + start, out->size - start), 4);
    out->size += CHECKSUM_BYTES;
    return true;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

#define GET_DIFFERENCES(assign, which)                                                             \
    do {                                                                                           \
        uint64_t value = 0;                                                                        \
        for (uint32_t i = 0; i < count; i++)                                                       \
            if (which(&states[i])) {                                                               \
                value += hak_unzigzag(hak_read_varint(in));                                        \
                assign;                                                                            \
            }                                                                                      \
    } while (0)

static const char *get_times(struct hak_input *in, struct hak_live_state *states, uint32_t count) {
    uint64_t *order = scratch->order;
    uint32_t born = sort_by_birth(states, count, order);
    uint64_t shift = hak_read_varint(in), value = 0;
    if (shift > 63)
        return "its times are impossible";
    for (uint32_t i = 0; i < born; i++) {
        value += hak_unzigzag(hak_read_varint(in));
        states[order[i]].ns = value << shift;
    }
    return NULL;
}

static const char *get_stacks(struct hak_input *in, struct hak_live_state *states, uint32_t count) {
    uint32_t *stack_of = scratch->stack_of;
    uint32_t numbers = 0, due = 0;
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_born(&states[i]))
            continue;
        uint64_t number = hak_read_varint(in);
        if (number > numbers)
            return "a stack is not among those it lists";
        states[i].stack = number ? (uint32_t)number - 1 : numbers++;
    }
    for (; due < numbers; due++) {
        value += hak_unzigzag(hak_read_varint(in));
        stack_of[due] = (uint32_t)value;
    }
    for (uint32_t i = 0; i < count; i++)
        if (is_born(&states[i]))
            states[i].stack = stack_of[states[i].stack];
    return NULL;
}

static const char *get_columns(struct hak_input *in, struct hak_live_state *states, uint32_t count,
                               unsigned shift) {
    const uint8_t *flags = hak_read_bytes(in, count);
    if (!flags)
        return "it is cut short";
    memset(states, 0, count * sizeof *states);
    for (uint32_t i = 0; i < count; i++) {
        if ((flags[i] & STEP_BITS) > HAK_LIVE_RESIZED)
            return "a state is of a kind that this version does not know";
        states[i].step = flags[i] & 3u;
        states[i].is_fresh = (flags[i] & FRESH_BIT) != 0;
    }
    GET_DIFFERENCES(states[i].process = (uint32_t)value & (HAK_LIVE_PROCESSES - 1), is_any);
    GET_DIFFERENCES(states[i].base = value << shift, is_any);
    GET_DIFFERENCES(states[i].class_index = (uint8_t)value, is_open);
    GET_DIFFERENCES(states[i].user = states[i].base + value, is_open);
    GET_DIFFERENCES(states[i].size = value, is_open);
    GET_DIFFERENCES(states[i].birth = value, is_born);
    const char *wrong = get_times(in, states, count);
    if (!wrong)
        wrong = get_stacks(in, states, count);
    GET_DIFFERENCES(states[i].thread = (uint32_t)value, is_born);
    if (wrong || in->broken)
        return wrong ? wrong : "it is cut short";
    return in->at == in->end ? NULL : "bytes are left over behind its states";
}

const char *hak_live_part_decode(const uint8_t *blob, size_t blob_bytes,
                                 struct hak_live_state *states, uint32_t *count) {
    *count = 0;
    if (!have_scratch())
        return "there is not enough memory for it";
    uint8_t *raw = scratch->raw;
    if (!blob || blob_bytes < HEADER_BYTES + CHECKSUM_BYTES)
        return "it is cut short";
    if (hak_read_little(blob, 4) != HAK_LIVE_PART_MAGIC)
        return "it does not begin with HKLV";
    if (hak_crc32c(blob, blob_bytes - CHECKSUM_BYTES) !=
        hak_read_little(blob + blob_bytes - CHECKSUM_BYTES, 4))
        return "its checksum does not hold";
    if (hak_read_little(blob + 4, 2) != HAK_LIVE_PART_FORMAT)
        return "it is of a format that this version does not know";
    uint32_t states_in = (uint32_t)hak_read_little(blob + 8, 4);
    size_t raw_bytes = hak_read_little(blob + 12, 4), packed = hak_read_little(blob + 16, 4);
    if (states_in > HAK_LIVE_PART_STATES || blob[7] > 63 || raw_bytes > RAW_BYTES_MAX ||
        packed != blob_bytes - HEADER_BYTES - CHECKSUM_BYTES)
        return "its header gives impossible lengths";
    const char *wrong = hak_unpack(blob + HEADER_BYTES, packed, blob[6], raw, raw_bytes);
    struct hak_input in = {.at = raw, .end = raw + raw_bytes};
    if (!wrong)
        wrong = get_columns(&in, states, states_in, blob[7]);
    for (uint32_t i = 0; i < states_in && !wrong; i++)
        if (!states[i].process || (i && hak_live_compare(&states[i - 1], &states[i]) >= 0))
            wrong = "its states are not in order";
    if (!wrong)
        *count = states_in;
    return wrong;
}

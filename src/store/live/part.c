/* Codes a part of a run of states: one column after the other, each in the order of the states. The
 * same functions write and read a column. */
#include "store/live/part.h"

#include <stdlib.h>
#include "base/sorted.h"
#include "store/error.h"
#include "store/pack.h"

#define HEADER_BYTES  20
#define COLUMNS       11
#define RAW_BYTES_MAX ((HAK_LIVE_PART_STATES * COLUMNS + 1) * HAK_VARINT_BYTES)

static const struct hak_blob_form form = {"HKLV", HAK_LIVE_PART_FORMAT, HEADER_BYTES,
                                          "it does not begin with HKLV"};

enum { STEP_BITS = 3, FRESH_BIT = 4 };

/* Working memory for coding and decoding, one for each thread that does so: not in the thread-local
 * block, which would have to fit on the smallest stack. */
struct coding_scratch {
    uint8_t raw[RAW_BYTES_MAX];
    struct hak_pair pair[2 * HAK_LIVE_PART_STATES];
    uint32_t stack_of[HAK_LIVE_PART_STATES];
};
static _Thread_local struct coding_scratch *thread_scratch;

static bool have_scratch(void) {
    return thread_scratch || (thread_scratch = malloc(sizeof *thread_scratch));
}

struct coder {
    bool is_reading;
    struct hak_input in; /* reading */
    uint8_t *at;         /* writing */
    uint32_t part_end[COLUMNS], parts;
    unsigned shift; /* all bases are multiples of 2^shift */
};

static void end_column(struct coder *c) {
    if (!c->is_reading)
        c->part_end[c->parts++] = (uint32_t)(c->at - thread_scratch->raw);
}

/* A number as it is: writes `value`, or reads another in its place. */
static uint64_t code_number(struct coder *c, uint64_t value) {
    if (c->is_reading)
        return hak_read_varint(&c->in);
    c->at = hak_write_varint(c->at, value);
    return value;
}

/* The same for its difference to the one before. */
static uint64_t code_difference(struct coder *c, uint64_t value, uint64_t *before) {
    return *before += hak_unzigzag(code_number(c, hak_zigzag(value - *before)));
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

/* A column of differences of `number`, an expression of s, for the states that are `which`; reading
 * puts `made`, an expression of the number read (`value`), into `place`. */
#define CODE_COLUMN(which, number, place, made)                                                    \
    do {                                                                                           \
        uint64_t before = 0;                                                                       \
        for (struct hak_live_state *s = states; s < states + count; s++)                           \
            if (which(s)) {                                                                        \
                uint64_t value = code_difference(c, (number), &before);                            \
                place = made;                                                                      \
            }                                                                                      \
        end_column(c);                                                                             \
    } while (0)

/* Writes or reads how each state's life stands. Returns what is wrong, or NULL. */
static const char *code_steps(struct coder *c, struct hak_live_state *states, uint32_t count) {
    const uint8_t *read = c->is_reading ? hak_read_bytes(&c->in, count) : NULL;
    if (c->is_reading && !read)
        return "it is cut short";
    for (uint32_t i = 0; i < count; i++) {
        if (!c->is_reading) {
            *c->at++ = (uint8_t)(states[i].step | (states[i].is_fresh ? FRESH_BIT : 0));
            continue;
        }
        if ((read[i] & STEP_BITS) > HAK_LIVE_RESIZED)
            return "a state is of a kind that this version does not know";
        states[i] =
            (struct hak_live_state){.step = read[i] & 3u, .is_fresh = (read[i] & FRESH_BIT) != 0};
    }
    end_column(c);
    return NULL;
}

/* Writes or reads the times of births in the order of the events: there they grow, and differ
 * least. NULL, or what is wrong. */
static const char *code_times(struct coder *c, struct hak_live_state *states, uint32_t count) {
    struct hak_pair *pair = thread_scratch->pair;
    uint64_t bits = 0, before = 0;
    uint32_t born = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_born(&states[i]))
            continue;
        bits |= states[i].ns;
        pair[born++] = (struct hak_pair){states[i].birth, i};
    }
    hak_sort_pairs(pair, born, pair + HAK_LIVE_PART_STATES);
    uint64_t shift = code_number(c, bits ? (unsigned)__builtin_ctzll(bits) : 0);
    if (shift > 63)
        return "its times are impossible";
    for (uint32_t i = 0; i < born; i++) {
        uint64_t *ns = &states[pair[i].value].ns;
        *ns = code_difference(c, *ns >> shift, &before) << shift;
    }
    end_column(c);
    return NULL;
}

/* Finds the number of a stack in the order of first use, from 1; 0: it is new, and is added as the
 * next one. False without memory. */
static bool find_number(struct hak_index *numbers, uint32_t stack, uint32_t known,
                        uint64_t *number) {
    uint64_t place = 0;
    *number = hak_index_find(numbers, stack, &place);
    return *number || hak_index_add(numbers, stack, known + 1);
}

/* Writes or reads the stacks of births: distinct ones get numbers in the order of their first use,
 * 0 = the next new one. NULL, or what is wrong. */
static const char *code_stacks(struct coder *c, struct hak_live_state *states, uint32_t count) {
    struct hak_index numbers = {0};
    uint32_t *stack_of = thread_scratch->stack_of, known = 0;
    const char *wrong = NULL;
    for (uint32_t i = 0; i < count && !wrong; i++) {
        uint64_t number = 0, before = known;
        if (!is_born(&states[i]))
            continue;
        if (!c->is_reading && !find_number(&numbers, states[i].stack, known, &number))
            wrong = hak_store_memory_ended;
        number = code_number(c, number);
        if (number > known)
            wrong = "a stack is not among those it lists";
        else if (!number)
            stack_of[known++] = states[i].stack;
        if (c->is_reading)
            states[i].stack = (uint32_t)(number ? number - 1 : before);
    }
    end_column(c);
    uint64_t before = 0; /* their values, in the same order */
    for (uint32_t k = 0; k < known; k++)
        stack_of[k] = (uint32_t)code_difference(c, stack_of[k], &before);
    end_column(c);
    for (uint32_t i = 0; i < count && c->is_reading && !wrong; i++)
        if (is_born(&states[i]))
            states[i].stack = stack_of[states[i].stack];
    hak_index_free(&numbers);
    return wrong;
}

/* Writes the states, or reads others into their place: NULL, or what is wrong. */
static const char *code_columns(struct coder *c, struct hak_live_state *states, uint32_t count) {
    const char *wrong = code_steps(c, states, count);
    if (wrong)
        return wrong;
    CODE_COLUMN(is_any, s->process, s->process, (uint32_t)value & (HAK_LIVE_PROCESSES - 1));
    CODE_COLUMN(is_any, s->base >> c->shift, s->base, value << c->shift);
    CODE_COLUMN(is_open, s->class_index, s->class_index, (uint8_t)value);
    CODE_COLUMN(is_open, s->user - s->base, s->user, s->base + value);
    CODE_COLUMN(is_open, s->size, s->size, value);
    CODE_COLUMN(is_born, s->birth, s->birth, value);
    wrong = code_times(c, states, count);
    if (!wrong)
        wrong = code_stacks(c, states, count);
    CODE_COLUMN(is_born, s->thread, s->thread, (uint32_t)value);
    return wrong;
}

bool hak_live_part_encode(struct hak_live_state *states, uint32_t count, struct hak_buffer *out) {
    if (!have_scratch())
        return false;
    struct coder c = {.at = thread_scratch->raw};
    uint64_t low_bits = 0;
    for (uint32_t i = 0; i < count; i++)
        low_bits |= states[i].base;
    c.shift = low_bits ? (unsigned)__builtin_ctzll(low_bits) : 0;
    size_t start;
    uint8_t packing;
    uint32_t packed;
    if (code_columns(&c, states, count) || !hak_blob_begin(out, &form, &start))
        return false;
    size_t raw_bytes = (size_t)(c.at - thread_scratch->raw);
    if (!hak_buffer_pack(out, thread_scratch->raw, raw_bytes, c.part_end, c.parts, &packing,
                         &packed))
        return false;
    uint8_t *at = out->data + start + 6;
    *at++ = packing;
    *at++ = (uint8_t)c.shift;
    at = hak_write_little(at, count, 4);
    at = hak_write_little(at, raw_bytes, 4);
    hak_write_little(at, packed, 4);
    return hak_blob_end(out, start);
}

const char *hak_live_part_decode(const uint8_t *blob, size_t blob_bytes,
                                 struct hak_live_state *states, uint32_t *count) {
    *count = 0;
    if (!have_scratch())
        return hak_store_memory_ended;
    const char *wrong = hak_blob_check(&form, blob, blob_bytes);
    if (wrong)
        return wrong;
    uint32_t due = (uint32_t)hak_read_little(blob + 8, 4);
    size_t raw_bytes = hak_read_little(blob + 12, 4), packed = hak_read_little(blob + 16, 4);
    if (due > HAK_LIVE_PART_STATES || blob[7] > 63 || raw_bytes > RAW_BYTES_MAX ||
        packed != blob_bytes - HEADER_BYTES - HAK_BLOB_CHECKSUM_BYTES)
        return "its header gives impossible lengths";
    struct coder c = {.is_reading = true,
                      .in = {.at = thread_scratch->raw, .end = thread_scratch->raw + raw_bytes},
                      .shift = blob[7]};
    wrong = hak_unpack(blob + HEADER_BYTES, packed, blob[6], thread_scratch->raw, raw_bytes);
    if (!wrong)
        wrong = code_columns(&c, states, due);
    if (!wrong && c.in.broken)
        wrong = "it is cut short";
    if (!wrong && c.in.at != c.in.end)
        wrong = "bytes are left over after its states";
    for (uint32_t i = 0; i < due && !wrong; i++)
        if (!states[i].process || (i && hak_live_compare(&states[i - 1], &states[i]) >= 0))
            wrong = "its states are not in order";
    if (!wrong)
        *count = due;
    return wrong;
}

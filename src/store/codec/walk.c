/* Codes and decodes shape, actor, base and stack of a chunk in one pass over its events. */
#include "store/codec/walk.h"

#include <stdlib.h>

/* Streams of the four columns, in their order. */
enum { TOKENS };
enum { ACTOR_NUMBERS, ACTOR_NEW };
enum { BLOCK_SHIFT, BLOCK_FINDINGS, BLOCK_LOW, BLOCK_HIGH, BLOCK_NEW };
enum { SITE_LOW, SITE_HIGH, SITE_SHAPES, SITE_STACKS, SITE_NEW_SHAPES };

static const uint8_t streams_of[HAK_COLUMN_COUNT] = {
    [HAK_COLUMN_SHAPE] = 1, [HAK_COLUMN_ACTOR] = 2, [HAK_COLUMN_NS] = 16,
    [HAK_COLUMN_BASE] = 5,  [HAK_COLUMN_DELTA] = 1, [HAK_COLUMN_STACK] = 5,
    [HAK_COLUMN_SIZE] = 1,  [HAK_COLUMN_OLD] = 1,   [HAK_COLUMN_GENERATION] = 2,
};

uint32_t hak_walk_streams(enum hak_column column) {
    return streams_of[column];
}

/* Room for the most that every event can write into a stream, and for a first value. */
#define STREAM_ROOM (HAK_CHUNK_EVENTS_MAX * HAK_VARINT_BYTES + 2 * HAK_VARINT_BYTES)

struct hak_coder *hak_coder_make(void) {
    struct hak_coder *coder =
        calloc(1, sizeof *coder); /* pages that are not touched cost nothing */
    if (!coder)
        return NULL;
    size_t streams = 0;
    for (int i = 0; i < HAK_COLUMN_COUNT; i++)
        streams += streams_of[i];
    bool ok = (coder->room = malloc(streams * STREAM_ROOM)) != NULL;
    for (int i = 0; i < HAK_WALK_COLUMNS; i++)
        ok &= (coder->unpacked[i] = malloc(HAK_RAW_BYTES_MAX)) != NULL;
    if (!ok) {
        hak_coder_free(coder);
        return NULL;
    }
    for (int i = 0; i < HAK_NUMBERINGS; i++)
        coder->numbering[i].bits = HAK_NUMBER_BITS_MIN;
    uint8_t *room = coder->room;
    for (int i = 0; i < HAK_COLUMN_COUNT; i++)
        for (uint32_t k = 0; k < streams_of[i]; k++, room += STREAM_ROOM)
            coder->stream[i][k].start = coder->stream[i][k].at = room;
    return coder;
}

void hak_coder_free(struct hak_coder *coder) {
    if (!coder)
        return;
    for (int i = 0; i < HAK_WALK_COLUMNS; i++)
        free(coder->unpacked[i]);
    free(coder->room);
    free(coder);
}

void hak_coder_empty(struct hak_coder *coder, enum hak_column column) {
    for (uint32_t i = 0; i < streams_of[column]; i++)
        coder->stream[column][i].at = coder->stream[column][i].start;
}

/* Empties all slots of a numbering, by a new serial number. */
static void free_slots(struct hak_coder *coder, enum hak_numbering which) {
    if (++coder->numbering[which].serial == 0) {
        memset(coder->slot[which], 0, sizeof coder->slot[which]);
        coder->numbering[which].serial = 1;
    }
}

void hak_number_begin(struct hak_coder *coder, enum hak_numbering which) {
    uint32_t *bits = &coder->numbering[which].bits;
    *bits -= *bits > HAK_NUMBER_BITS_MIN && 8 * coder->numbering[which].keys < 1u << *bits;
    coder->numbering[which].keys = 0;
    free_slots(coder, which);
}

void hak_number_widen(struct hak_coder *coder, enum hak_numbering which, const uint64_t *keys,
                      uint32_t count) {
    coder->numbering[which].bits++;
    free_slots(coder, which);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = hak_number_place(coder, which, keys[i] * 0x9e3779b97f4a7c15ull);
        while (!hak_number_is_free(coder, which, at))
            at = hak_number_next(coder, which, at);
        hak_number_put(coder, which, at, i);
    }
}

/* Begins a chunk: no blocks, sites or numbers known. */
static void begin(struct hak_columns *c) {
    struct hak_coder *coder = c->coder;
    hak_mirror_reset(&coder->mirror);
    coder->sites = 0;
    coder->site[HAK_NO_SITE].successor = coder->site[HAK_NO_SITE].other_successor = 0;
    coder->site[HAK_NO_SITE].stack = 0;
    for (int i = 0; i < HAK_MIRROR_LANES; i++)
        coder->last_site[i] = HAK_NO_SITE;
    for (int i = 0; i < HAK_NUMBERINGS; i++)
        if (i != HAK_NUMBER_BASE)
            hak_number_begin(coder, (enum hak_numbering)i);
    c->distinct[HAK_COLUMN_SHAPE] = c->distinct[HAK_COLUMN_ACTOR] = 0;
    c->distinct[HAK_COLUMN_STACK] = 0;
}

/* ---- sites -------------------------------------------------------------------------------------
 */

/* Learns that site `site` came after `*before`, the last of its lane. */
static inline void learn_site(struct hak_coder *coder, uint32_t *before, uint32_t site) {
    struct hak_site *last = &coder->site[*before];
    if (last->successor != site + 1) {
        last->other_successor = last->successor;
        last->successor = site + 1;
    }
    *before = site;
}

/* Is the guess, a site + 1 or 0, this one? */
static inline bool is_site(const struct hak_coder *coder, uint32_t guess, uint64_t shape,
                           uint64_t stack) {
    return guess && coder->site[guess - 1].stack == stack && coder->site[guess - 1].shape == shape;
}

/* Fills in a site that was just numbered. */
static void make_site(struct hak_columns *c, uint32_t site, uint32_t shape, uint32_t stack) {
    c->coder->site[site] = (struct hak_site){.shape = c->dictionary[HAK_COLUMN_SHAPE][shape],
                                             .stack = c->dictionary[HAK_COLUMN_STACK][stack],
                                             .shape_number = shape,
                                             .stack_number = stack};
    c->coder->site[site].rule = c->coder->rule[shape];
}

/* Finds the slot where the site's number is kept, or would be. */
static uint32_t find_site(const struct hak_coder *coder, uint64_t shape, uint64_t stack) {
    uint64_t hash = (stack * 0x9e3779b97f4a7c15ull ^ shape) * 0xff51afd7ed558ccdull;
    uint32_t at = hak_number_place(coder, HAK_NUMBER_SITE, hash);
    for (; !hak_number_is_free(coder, HAK_NUMBER_SITE, at);
         at = hak_number_next(coder, HAK_NUMBER_SITE, at)) {
        const struct hak_site *site = &coder->site[coder->slot[HAK_NUMBER_SITE][at].number];
        if (site->stack == stack && site->shape == shape)
            break;
    }
    return at;
}

/* Gives the sites more slots, as hak_number_widen. */
static void widen_sites(struct hak_coder *coder) {
    coder->numbering[HAK_NUMBER_SITE].bits++;
    free_slots(coder, HAK_NUMBER_SITE);
    for (uint32_t i = 0; i < coder->sites; i++)
        hak_number_put(coder, HAK_NUMBER_SITE,
                       find_site(coder, coder->site[i].shape, coder->site[i].stack), i);
}

/* A site that neither guess was: its number, with the token's bits. `before`: the lane's last. */
static uint32_t put_site(struct hak_columns *c, uint32_t before, uint64_t shape, uint64_t stack,
                         uint8_t *token) {
    struct hak_coder *coder = c->coder;
    struct hak_stream *out = coder->stream[HAK_COLUMN_STACK];
    uint32_t slot = find_site(coder, shape, stack);
    if (!hak_number_is_free(coder, HAK_NUMBER_SITE, slot)) {
        uint32_t known = coder->slot[HAK_NUMBER_SITE][slot].number;
        *token |= HAK_SITE_KNOWN;
        hak_stream_byte(&out[SITE_LOW], known);
        hak_stream_byte(&out[SITE_HIGH], known >> 8);
        return known;
    }
    uint32_t site = coder->sites++, shapes = c->distinct[HAK_COLUMN_SHAPE];
    uint64_t *all_shapes = c->dictionary[HAK_COLUMN_SHAPE];
    uint32_t shape_number =
        hak_number(coder, HAK_NUMBER_SHAPE, all_shapes, &c->distinct[HAK_COLUMN_SHAPE], shape);
    uint32_t stack_number = hak_number(coder, HAK_NUMBER_STACK, c->dictionary[HAK_COLUMN_STACK],
                                       &c->distinct[HAK_COLUMN_STACK], stack);
    bool are_few = hak_number_put(coder, HAK_NUMBER_SITE, slot, site);
    *token |= HAK_SITE_NEW;
    hak_stream_varint(&out[SITE_SHAPES], shape_number);
    if (shape_number == shapes) {
        hak_stream_difference(&out[SITE_NEW_SHAPES], shape - (shapes ? all_shapes[shapes - 1] : 0));
        coder->rule[shapes] = hak_shape_rule(shape);
    }
    hak_stream_difference(&out[SITE_STACKS], stack - coder->site[before].stack);
    make_site(c, site, shape_number, stack_number);
    if (are_few)
        widen_sites(coder);
    return site;
}

/* The number of a site, made if it is new; the numbering grows when it is full. */
static uint32_t number_site(struct hak_columns *c, uint64_t shape, uint64_t stack) {
    struct hak_coder *coder = c->coder;
    uint32_t slot = find_site(coder, shape, stack);
    if (!hak_number_is_free(coder, HAK_NUMBER_SITE, slot))
        return coder->slot[HAK_NUMBER_SITE][slot].number;
    uint32_t site = coder->sites++;
    coder->site[site] = (struct hak_site){.shape = shape, .stack = stack};
    if (hak_number_put(coder, HAK_NUMBER_SITE, slot, site))
        widen_sites(coder);
    return site;
}

void hak_walk_sites(struct hak_columns *c) {
    struct hak_coder *coder = c->coder;
    const uint64_t *shape = c->value[HAK_COLUMN_SHAPE], *stack = c->value[HAK_COLUMN_STACK];
    uint32_t before = HAK_NO_SITE;
    begin(c);
    for (uint32_t i = 0; i < c->events; i++) {
        uint32_t guess = coder->site[before].successor;
        uint32_t site = is_site(coder, guess, shape[i], stack[i])
                            ? guess - 1
                            : number_site(c, shape[i], stack[i]);
        learn_site(coder, &before, site);
        coder->site_of[i] = (uint16_t)site;
    }
}

/* Reads the site that follows `before`, known or new, from the streams; HAK_NO_SITE if the bytes
 * make no sense. */
static uint32_t take_site(struct hak_columns *c, uint32_t before, unsigned token,
                          struct hak_input *in) {
    struct hak_coder *coder = c->coder;
    if ((token & HAK_TOKEN_SITE) == HAK_SITE_KNOWN) {
        uint32_t site = hak_read_byte(&in[SITE_LOW]);
        site |= (uint32_t)hak_read_byte(&in[SITE_HIGH]) << 8;
        return site < coder->sites ? site : HAK_NO_SITE;
    }
    uint64_t *all_shapes = c->dictionary[HAK_COLUMN_SHAPE];
    uint32_t shapes = c->distinct[HAK_COLUMN_SHAPE];
    uint64_t shape = hak_read_varint(&in[SITE_SHAPES]);
    if (shape > shapes)
        return HAK_NO_SITE;
    if (shape == shapes) {
        all_shapes[shapes] =
            hak_read_difference(&in[SITE_NEW_SHAPES]) + (shapes ? all_shapes[shapes - 1] : 0);
        coder->rule[shapes] = hak_shape_rule(all_shapes[shapes]);
        c->distinct[HAK_COLUMN_SHAPE]++;
    }
    uint64_t stack = coder->site[before].stack + hak_read_difference(&in[SITE_STACKS]);
    uint32_t stack_number = hak_number(coder, HAK_NUMBER_STACK, c->dictionary[HAK_COLUMN_STACK],
                                       &c->distinct[HAK_COLUMN_STACK], stack);
    make_site(c, coder->sites, (uint32_t)shape, stack_number);
    return coder->sites++;
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

/* The block expected of the two commonest events, a birth from the top of its list and an end in
 * its row; HAK_MIRROR_NONE for others. */
static inline uint32_t expect_usual(const struct hak_mirror *m, const struct hak_site *site,
                                    uint32_t lane) {
    const struct hak_shape_rule *rule = &site->rule;
    const struct hak_expectation *next = &m->cell[lane][rule->role][rule->class_index].next;
    if (rule->role == HAK_ROLE_BIRTH && next->finding <= HAK_FIND_TOP)
        return m->list[lane * (HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES) + rule->from].top - 1;
    if (rule->role != HAK_ROLE_END || rule->stays ||
        (next->finding != HAK_FIND_ROW && next->finding != HAK_FIND_USUAL))
        return HAK_MIRROR_NONE;
    uint32_t row = lane * HAK_MIRROR_CLASSES + rule->class_index, count = m->row[row].count;
    return next->argument < count
               ? m->room[m->row[row].start + count - 1 - (uint32_t)next->argument]
               : HAK_MIRROR_NONE;
}

/* Lets the mirror follow the event that expect_usual gave. */
static inline void follow_usual(struct hak_mirror *m, const struct hak_shape_rule *rule,
                                uint32_t lane, uint32_t number) {
    if (rule->role == HAK_ROLE_BIRTH)
        hak_mirror_follow_birth(m, rule, lane, number);
    else
        hak_mirror_follow_end(m, rule, lane, number);
}

/* The best name of a block that was not expected: its place in the row, top or bottom of the list
 * it comes from, or its number. */
static struct hak_expectation name_block(struct hak_mirror *m, const struct hak_shape_rule *rule,
                                         uint32_t lane, uint32_t number) {
    uint32_t where = m->block[number].where;
    uint32_t row = lane * HAK_MIRROR_CLASSES + rule->class_index;
    uint32_t list = lane * (HAK_MIRROR_PLACES * HAK_MIRROR_CLASSES) + rule->from;
    if (where == 1 + HAK_MIRROR_LISTS + row)
        return (struct hak_expectation){.finding = HAK_FIND_ROW,
                                        .argument = m->row[row].count - 1 - m->block[number].below};
    if (where == 1 + list && m->list[list].top == number + 1)
        return (struct hak_expectation){.finding = HAK_FIND_TOP};
    if (where == 1 + list && m->list[list].bottom == number + 1)
        return (struct hak_expectation){.finding = HAK_FIND_BOTTOM};
    return (struct hak_expectation){.finding = HAK_FIND_KNOWN, .argument = number};
}

struct bases {
    uint64_t *dictionary;
    uint32_t *index;
    uint32_t known; /* blocks so far */
    bool is_numbered;
    unsigned shift;
};

/* The number of event i's base; those that are new get one. */
static inline uint32_t number_base(struct hak_coder *coder, struct bases *b, uint32_t i,
                                   uint64_t base) {
    if (!b->is_numbered)
        return hak_number(coder, HAK_NUMBER_BASE, b->dictionary, &b->known, base);
    if (b->index[i] == b->known)
        b->known++;
    return b->index[i];
}

/* Writes which block an event is about, nothing if it is as expected. Returns the block's number.
 */
static uint32_t put_block(struct hak_coder *coder, struct bases *b, uint32_t lane, uint32_t i,
                          struct hak_site *site, uint64_t base, uint8_t *token) {
    struct hak_mirror *m = &coder->mirror;
    const struct hak_shape_rule *rule = &site->rule;
    struct hak_mirror_cell *cell = &m->cell[lane][rule->role][rule->class_index];
    struct hak_expectation e = hak_mirror_expect(cell->next, rule);
    uint32_t number, known = b->known;
    if (e.finding != HAK_FIND_NEW) {
        number = hak_mirror_find(m, rule, lane, e, known);
        if (number != HAK_MIRROR_NONE && b->dictionary[number] == base)
            goto found;
        number = number_base(coder, b, i, base);
    } else {
        number = number_base(coder, b, i, base);
        if (number == known && base - cell->last_base == e.argument)
            goto found;
    }
    *token |= HAK_TOKEN_BLOCK;
    e = (struct hak_expectation){.finding = HAK_FIND_NEW, .argument = base - cell->last_base};
    if (number < known)
        e = name_block(m, rule, lane, number);
    struct hak_stream *out = coder->stream[HAK_COLUMN_BASE];
    hak_stream_byte(&out[BLOCK_FINDINGS], e.finding);
    if (e.finding == HAK_FIND_ROW || e.finding == HAK_FIND_KNOWN) {
        hak_stream_byte(&out[BLOCK_LOW], e.argument);
        hak_stream_byte(&out[BLOCK_HIGH], e.argument >> 8);
    } else if (e.finding == HAK_FIND_NEW) {
        hak_stream_difference(&out[BLOCK_NEW], (uint64_t)((int64_t)e.argument >> b->shift));
    }
    cell->next = e;
found:
    if (number == known)
        hak_mirror_meet(m, number);
    if (e.finding == HAK_FIND_NEW || e.finding == HAK_FIND_KNOWN)
        cell->last_base = base;

    hak_mirror_follow(m, rule, lane, number);
    return number;
}

/* Reads which block an event is about. HAK_MIRROR_NONE: the bytes are broken. */
static uint32_t take_block(struct hak_coder *coder, struct bases *b, uint32_t lane,
                           struct hak_site *site, unsigned token, struct hak_input *in) {
    struct hak_mirror *m = &coder->mirror;
    const struct hak_shape_rule *rule = &site->rule;
    struct hak_mirror_cell *cell = &m->cell[lane][rule->role][rule->class_index];
    struct hak_expectation e = hak_mirror_expect(cell->next, rule);
    if (token & HAK_TOKEN_BLOCK) {
        e.finding = hak_read_byte(&in[BLOCK_FINDINGS]);
        e.argument = 0;
        if (e.finding == HAK_FIND_ROW || e.finding == HAK_FIND_KNOWN) {
            e.argument = hak_read_byte(&in[BLOCK_LOW]);
            e.argument |= (uint64_t)hak_read_byte(&in[BLOCK_HIGH]) << 8;
        } else if (e.finding == HAK_FIND_NEW) {
            e.argument = hak_read_difference(&in[BLOCK_NEW]) << b->shift;
        }
        cell->next = e;
    }
    uint32_t number;
    if (e.finding == HAK_FIND_NEW) {
        number = b->known++;
        b->dictionary[number] = cell->last_base + e.argument;
        hak_mirror_meet(m, number);
    } else {
        number = hak_mirror_find(m, rule, lane, e, b->known);
        if (number == HAK_MIRROR_NONE)
            return number;
    }
    if (e.finding == HAK_FIND_NEW || e.finding == HAK_FIND_KNOWN)
        cell->last_base = b->dictionary[number];

    hak_mirror_follow(m, rule, lane, number);
    return number;
}

/* ---- the walk ----------------------------------------------------------------------------------
 */

/* How many low bits are 0 in all values; 0 if all are 0. */
static unsigned common_low_zeros(const uint64_t *value, uint32_t count) {
    uint64_t all = 0;
    for (uint32_t i = 0; i < count; i++)
        all |= value[i];
    return all ? (unsigned)__builtin_ctzll(all) : 0;
}

/* Writes which thread an event is of, nothing if it is `current`. Returns its number. */
static uint32_t put_actor(struct hak_columns *c, uint64_t actor, uint32_t current, uint8_t *token) {
    struct hak_stream *out = c->coder->stream[HAK_COLUMN_ACTOR];
    uint64_t *all = c->dictionary[HAK_COLUMN_ACTOR];
    uint32_t actors = c->distinct[HAK_COLUMN_ACTOR];
    uint32_t number =
        hak_number(c->coder, HAK_NUMBER_ACTOR, all, &c->distinct[HAK_COLUMN_ACTOR], actor);
    if (number == current)
        return number;
    *token |= HAK_TOKEN_ACTOR;
    hak_stream_varint(&out[ACTOR_NUMBERS], number);
    if (number == actors)
        hak_stream_difference(&out[ACTOR_NEW], actor - (actors ? all[actors - 1] : 0));
    return number;
}

/* Reads which thread the next events are of. False: a number that cannot be. */
static bool take_actor(struct hak_columns *c, uint32_t *current, struct hak_input *in) {
    uint64_t *all = c->dictionary[HAK_COLUMN_ACTOR];
    uint32_t actors = c->distinct[HAK_COLUMN_ACTOR];
    uint64_t number = hak_read_varint(&in[ACTOR_NUMBERS]);
    if (number > actors)
        return false;
    if (number == actors) {
        all[actors] = hak_read_difference(&in[ACTOR_NEW]) + (actors ? all[actors - 1] : 0);
        c->distinct[HAK_COLUMN_ACTOR]++;
    }
    *current = (uint32_t)number;
    return true;
}

void hak_walk_encode(struct hak_columns *c) {
    struct hak_coder *coder = c->coder;
    const uint64_t *shape = c->value[HAK_COLUMN_SHAPE], *actor = c->value[HAK_COLUMN_ACTOR];
    const uint64_t *base = c->value[HAK_COLUMN_BASE], *stack = c->value[HAK_COLUMN_STACK];
    struct bases b = {.dictionary = c->dictionary[HAK_COLUMN_BASE],
                      .index = c->index[HAK_COLUMN_BASE],
                      .is_numbered = c->is_numbered[HAK_COLUMN_BASE],
                      .shift = common_low_zeros(base, c->events)};
    uint32_t current = HAK_MIRROR_NONE;
    begin(c);
    if (!b.is_numbered)
        hak_number_begin(coder, HAK_NUMBER_BASE);
    hak_coder_empty(coder, HAK_COLUMN_SHAPE);
    hak_coder_empty(coder, HAK_COLUMN_ACTOR);
    hak_coder_empty(coder, HAK_COLUMN_BASE);
    hak_coder_empty(coder, HAK_COLUMN_STACK);
    hak_stream_byte(&coder->stream[HAK_COLUMN_BASE][BLOCK_SHIFT], b.shift);
    uint32_t lane = 0, before = HAK_NO_SITE;
    for (uint32_t i = 0; i < c->events; i++) {
        uint8_t token = 0;
        if (i == 0 || actor[i] != actor[i - 1]) {
            coder->last_site[lane] = before;
            current = put_actor(c, actor[i], current, &token);
            lane = current % HAK_MIRROR_LANES;
            hak_mirror_enter(&coder->mirror, lane);
            before = coder->last_site[lane];
        }
        const struct hak_site *last = &coder->site[before];
        uint32_t s;
        if (is_site(coder, last->successor, shape[i], stack[i])) {
            s = last->successor - 1;
        } else if (is_site(coder, last->other_successor, shape[i], stack[i])) {
            s = last->other_successor - 1;
            token |= HAK_SITE_SECOND;
        } else {
            s = put_site(c, before, shape[i], stack[i], &token);
        }
        learn_site(coder, &before, s);
        coder->site_of[i] = (uint16_t)s;
        c->index[HAK_COLUMN_STACK][i] = coder->site[s].stack_number;
        uint32_t number = expect_usual(&coder->mirror, &coder->site[s], lane);
        if (number != HAK_MIRROR_NONE && b.dictionary[number] == base[i])
            follow_usual(&coder->mirror, &coder->site[s].rule, lane, number);
        else
            number = put_block(coder, &b, lane, i, &coder->site[s], base[i], &token);
        b.index[i] = number;
        coder->token[i] = token;
    }
    c->distinct[HAK_COLUMN_BASE] = b.known;
    c->is_numbered[HAK_COLUMN_BASE] = c->is_numbered[HAK_COLUMN_STACK] = true;
}

const char *hak_walk_decode(struct hak_columns *c, const uint8_t *const bytes[HAK_WALK_COLUMNS],
                            const size_t count[HAK_WALK_COLUMNS]) {
    static const enum hak_column columns[] = {HAK_COLUMN_SHAPE, HAK_COLUMN_ACTOR, HAK_COLUMN_BASE,
                                              HAK_COLUMN_STACK};
    struct hak_coder *coder = c->coder;
    struct hak_input in[HAK_WALK_COLUMNS][HAK_STREAMS_MAX];
    for (int k = 0; k < HAK_WALK_COLUMNS; k++)
        if (!hak_streams_split(bytes[k], count[k], in[k], streams_of[columns[k]]))
            return "its streams are cut short";
    if (in[0][TOKENS].end - in[0][TOKENS].at != c->events)
        return "it has not one token for each event";
    memcpy(coder->token, in[0][TOKENS].at, c->events);
    in[0][TOKENS].at = in[0][TOKENS].end;
    struct bases b = {.dictionary = c->dictionary[HAK_COLUMN_BASE],
                      .index = c->index[HAK_COLUMN_BASE],
                      .shift = hak_read_byte(&in[2][BLOCK_SHIFT])};
    uint32_t current = HAK_MIRROR_NONE;
    if (b.shift > 63)
        return "its bases have an impossible shift";
    if (!(coder->token[0] & HAK_TOKEN_ACTOR))
        return "its first event has no actor";
    begin(c);
    uint32_t lane = 0, before = HAK_NO_SITE;
    for (uint32_t i = 0; i < c->events; i++) {
        unsigned token = coder->token[i];
        if (token & HAK_TOKEN_ACTOR) {
            coder->last_site[lane] = before;
            if (!take_actor(c, &current, in[1]))
                return "a number is past the end of its dictionary";
            lane = current % HAK_MIRROR_LANES;
            hak_mirror_enter(&coder->mirror, lane);
            before = coder->last_site[lane];
        }
        const struct hak_site *last = &coder->site[before];
        unsigned how = token & HAK_TOKEN_SITE;
        uint32_t s = how == HAK_SITE_FIRST    ? last->successor - 1
                     : how == HAK_SITE_SECOND ? last->other_successor - 1
                                              : take_site(c, before, token, in[3]);
        if (s >= coder->sites)
            return "an event has a site that is not there";
        learn_site(coder, &before, s);
        coder->site_of[i] = (uint16_t)s;
        c->index[HAK_COLUMN_SHAPE][i] = coder->site[s].shape_number;
        c->index[HAK_COLUMN_STACK][i] = coder->site[s].stack_number;
        c->index[HAK_COLUMN_ACTOR][i] = current;
        uint32_t number = HAK_MIRROR_NONE;
        if (!(token & HAK_TOKEN_BLOCK))
            number = expect_usual(&coder->mirror, &coder->site[s], lane);
        if (number != HAK_MIRROR_NONE)
            follow_usual(&coder->mirror, &coder->site[s].rule, lane, number);
        else if ((number = take_block(coder, &b, lane, &coder->site[s], token, in[2])) ==
                 HAK_MIRROR_NONE)
            return "an event has a block that is not there";
        b.index[i] = number;
    }
    c->distinct[HAK_COLUMN_BASE] = b.known;
    for (int k = 0; k < HAK_WALK_COLUMNS; k++) {
        if (!hak_streams_used_up(in[k], streams_of[columns[k]]))
            return "its streams are too short or too long";
        c->by_index[columns[k]] = true;
    }
    return NULL;
}

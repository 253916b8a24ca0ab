/* Codes delta, size, old address and generation, each guessed from the event's site or block; a
 * guess that fails is a bit in the event's token and a difference in the column's stream. */
#include "store/codec/by_site.h"

#include "hop.h"

#define SLAB_SHIFT  16 /* 64 KiB: blocks of a slab have similar generations */
#define LOOK_AHEAD  16 /* events behind a REALLOC in which its REALLOC_FROM is looked for */
#define KIND(shape) ((unsigned)(shape) % 256)

static void clear_sites(struct hak_coder *coder, int which) {
    memset(coder->of_site[which], 0, coder->sites * sizeof coder->of_site[which][0]);
}

/* ---- delta -------------------------------------------------------------------------------------
 * The site's last delta, 0 before. */

/* Writes or reads the deltas that differ from the last of their site. */
HAK_IN_PLACE void code_delta(struct hak_columns *c, struct hak_input *in, bool reads) {
    struct hak_coder *coder = c->coder;
    uint64_t *value = c->value[HAK_COLUMN_DELTA], *last = coder->of_site[0];
    clear_sites(coder, 0);
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t *expected = &last[coder->site_of[i]];
        if (reads) {
            if (coder->token[i] & HAK_TOKEN_DELTA)
                *expected += hak_read_difference(in);
            value[i] = *expected;
        } else if (value[i] != *expected) {
            coder->token[i] |= HAK_TOKEN_DELTA;
            hak_stream_difference(coder->stream[HAK_COLUMN_DELTA], value[i] - *expected);
            *expected = value[i];
        }
    }
}

/* ---- size --------------------------------------------------------------------------------------
 * An end has the size of the block's last birth, every other event the last size of its site. A new
 * site has the last size of its class. */

enum size_role { SIZE_OTHER, SIZE_BIRTH, SIZE_END };

struct sizes {
    uint64_t *last, *of_block;
    uint64_t of_class[HAK_MIRROR_CLASSES];
    uint32_t seen; /* sites so far: they are numbered in the order of their first event */
};

/* Begins a chunk: no sizes known. */
static struct sizes sizes_begin(struct hak_columns *c) {
    struct hak_coder *coder = c->coder;
    memset(coder->of_block, 0, c->distinct[HAK_COLUMN_BASE] * sizeof coder->of_block[0]);
    return (struct sizes){.last = coder->of_site[0], .of_block = coder->of_block};
}

/* Whether an event of the site sets a block's size, repeats it, or neither. */
static inline enum size_role size_role_of(const struct hak_site *site) {
    switch (KIND(site->shape)) {
    case HAK_MALLOC:
    case HAK_REALLOC:
        return SIZE_BIRTH;
    case HAK_FREE:
    case HAK_REALLOC_FROM:
        return SIZE_END;
    default:
        return SIZE_OTHER;
    }
}

/* The size expected: at an end the block's, else the last of the site, at first that of its class.
 */
static inline uint64_t expected_size(struct sizes *s, enum size_role role,
                                     const struct hak_site *site, uint32_t number, uint32_t block) {
    if (number == s->seen) {
        s->seen++;
        s->last[number] = role == SIZE_OTHER ? 0 : s->of_class[site->rule.class_index];
    }
    return role == SIZE_END ? s->of_block[block] : s->last[number];
}

/* Notes the size for what is expected next. */
static inline void learn_size(struct sizes *s, enum size_role role, const struct hak_site *site,
                              uint32_t number, uint32_t block, uint64_t size) {
    s->last[number] = size;
    if (role == SIZE_BIRTH)
        s->of_block[block] = s->of_class[site->rule.class_index] = size;
}

/* Writes or reads the sizes that are not as expected. */
HAK_IN_PLACE void code_size(struct hak_columns *c, struct hak_input *in, bool reads) {
    struct hak_coder *coder = c->coder;
    uint64_t *value = c->value[HAK_COLUMN_SIZE];
    const uint32_t *block = c->index[HAK_COLUMN_BASE];
    struct sizes s = sizes_begin(c);
    for (uint32_t i = 0; i < c->events; i++) {
        uint32_t number = coder->site_of[i];
        const struct hak_site *site = &coder->site[number];
        enum size_role role = size_role_of(site);
        uint64_t size = expected_size(&s, role, site, number, block[i]);
        if (reads && coder->token[i] & HAK_TOKEN_SIZE) {
            size = hak_read_varint(in);
        } else if (!reads && value[i] != size) {
            coder->token[i] |= HAK_TOKEN_SIZE;
            hak_stream_varint(coder->stream[HAK_COLUMN_SIZE], size = value[i]);
        }
        learn_size(&s, role, site, number, block[i], size);
        if (reads)
            value[i] = size;
    }
}

/* ---- old address -------------------------------------------------------------------------------
 * A REALLOC that hands out a block has the address of the REALLOC_FROM that comes behind it in the
 * same thread, if one does soon; everything else has 0. */

static inline bool is_moved(const struct hak_site *site) {
    return KIND(site->shape) == HAK_REALLOC && (site->shape >> 16 & 0xff) != HAK_PLACE_LIVE;
}

/* The user address of the same thread's next REALLOC_FROM, within LOOK_AHEAD events; 0: none. */
static uint64_t address_of_next_from(const struct hak_columns *c, uint32_t i) {
    const struct hak_coder *coder = c->coder;
    uint64_t actor = hak_columns_value(c, HAK_COLUMN_ACTOR, i);
    for (uint32_t k = i + 1; k < c->events && k <= i + LOOK_AHEAD; k++)
        if (KIND(coder->site[coder->site_of[k]].shape) == HAK_REALLOC_FROM &&
            hak_columns_value(c, HAK_COLUMN_ACTOR, k) == actor)
            return c->dictionary[HAK_COLUMN_BASE][c->index[HAK_COLUMN_BASE][k]] +
                   hak_columns_value(c, HAK_COLUMN_DELTA, k);
    return 0;
}

/* Writes or reads the old addresses of moved blocks where they are not as expected. */
HAK_IN_PLACE void code_old(struct hak_columns *c, struct hak_input *in, bool reads) {
    struct hak_coder *coder = c->coder;
    uint64_t *value = c->value[HAK_COLUMN_OLD];
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t expected =
            is_moved(&coder->site[coder->site_of[i]]) ? address_of_next_from(c, i) : 0;
        if (reads) {
            value[i] = expected + (coder->token[i] & HAK_TOKEN_OLD ? hak_read_difference(in) : 0);
        } else if (value[i] != expected) {
            coder->token[i] |= HAK_TOKEN_OLD;
            hak_stream_difference(coder->stream[HAK_COLUMN_OLD], value[i] - expected);
        }
    }
}

/* ---- generation --------------------------------------------------------------------------------
 * A block that was seen has its last generation plus one; a new one has the last generation noted
 * of its slab, by a new block or a wrong guess. */

struct generations {
    uint64_t *of_block, *of_slab; /* as they are, epoch << 32 | n */
    uint32_t *slab_of_block;
    uint64_t *slab;
    uint32_t slabs, blocks; /* seen so far */
    const uint64_t *base;
};

/* Begins a chunk: no generations known. */
static struct generations generations_begin(struct hak_columns *c) {
    struct hak_coder *coder = c->coder;
    hak_number_begin(coder, HAK_NUMBER_SLAB);
    return (struct generations){.of_block = coder->of_block,
                                .of_slab = coder->of_site[0],
                                .slab = coder->of_site[1],
                                .slab_of_block = coder->slab_of_block,
                                .base = c->dictionary[HAK_COLUMN_BASE]};
}

/* The generation expected: one record more than the block's last, or that of its slab for a new
 * block. */
static inline uint64_t expected_generation(struct hak_coder *coder, struct generations *g,
                                           uint32_t block) {
    if (block < g->blocks) {
        uint64_t last = g->of_block[block];
        return (last & ~(uint64_t)UINT32_MAX) | (uint32_t)(last + 1);
    }
    uint32_t slabs = g->slabs;
    uint32_t slab =
        hak_number(coder, HAK_NUMBER_SLAB, g->slab, &g->slabs, g->base[block] >> SLAB_SHIFT);
    if (slab == slabs)
        g->of_slab[slab] = 0;
    g->slab_of_block[block] = slab;
    return g->of_slab[slab];
}

/* Notes the generation for what is expected next. */
static inline void learn_generation(struct generations *g, uint32_t block, uint64_t generation,
                                    bool was_expected) {
    if (block == g->blocks || !was_expected) {
        g->of_slab[g->slab_of_block[block]] = generation;
        g->blocks += block == g->blocks;
    }
    g->of_block[block] = generation;
}

/* Writes or reads the generations that are not as expected. */
HAK_IN_PLACE void code_generation(struct hak_columns *c, struct hak_input *in, bool reads) {
    struct hak_coder *coder = c->coder;
    struct hak_stream *out = coder->stream[HAK_COLUMN_GENERATION];
    uint64_t *value = c->value[HAK_COLUMN_GENERATION];
    const uint32_t *block = c->index[HAK_COLUMN_BASE];
    struct generations g = generations_begin(c);
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t expected = expected_generation(coder, &g, block[i]), now = expected;
        if (!reads && (now = value[i]) != expected) {
            coder->token[i] |= HAK_TOKEN_GENERATION;
            hak_stream_difference(&out[0], (uint64_t)(int64_t)(int32_t)(now - expected));
            hak_stream_difference(&out[1], (now >> 32) - (expected >> 32));
        }
        bool is_other = coder->token[i] & HAK_TOKEN_GENERATION;
        if (reads && is_other) {
            uint64_t n = (uint32_t)(expected + hak_read_difference(&in[0]));
            now = ((expected >> 32) + hak_read_difference(&in[1])) << 32 | n;
        }
        learn_generation(&g, block[i], now, !is_other);
        if (reads)
            value[i] = now;
    }
}

/* Codes a column, or, if `reads`, a constant in each caller, decodes it from `in`; false: it is
 * damaged. */
HAK_IN_PLACE bool code_column(struct hak_columns *c, enum hak_column column, struct hak_input *in,
                              bool reads) {
    switch (column) {
    case HAK_COLUMN_NS:
        if (reads)
            return hak_times_decode(c, in);
        hak_times_encode(c);
        return true;
    case HAK_COLUMN_DELTA:
        code_delta(c, in, reads);
        return true;
    case HAK_COLUMN_SIZE:
        code_size(c, in, reads);
        return true;
    case HAK_COLUMN_OLD:
        code_old(c, in, reads);
        return true;
    default:
        code_generation(c, in, reads);
        return true;
    }
}

void hak_guessed_encode(struct hak_columns *c, enum hak_column column) {
    struct hak_input none = {0};
    code_column(c, column, &none, false);
}

bool hak_guessed_decode(struct hak_columns *c, enum hak_column column, struct hak_input *in) {
    return code_column(c, column, in, true);
}

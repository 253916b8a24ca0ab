/* The walk: shape, actor, base and stack of all events, coded together because each is guessed from
 * the others.
 *
 *   token[i]   one byte for each event: which guesses did not hold; 0 = all did
 *   site       a pair of shape and stack; site_of[i] is that of event i
 *
 * The site is guessed from the one before it in the same lane, the block from the mirror
 * (mirror.h) and from how the last event of its lane, role and class found its block. The other
 * columns put their own bits into the tokens and keep what they learn by site (by_site.c,
 * times.c). */
#ifndef HAK_STORE_CODEC_WALK_H
#define HAK_STORE_CODEC_WALK_H

#include "store/codec/column.h"
#include "store/codec/mirror.h"
#include "store/codec/streams.h"

/* Written into stores. */
enum hak_token {
    HAK_TOKEN_SITE = 3, /* 0 first guess, 1 second, 2 another that is known, 3 a new one */
    HAK_TOKEN_BLOCK = 4,
    HAK_TOKEN_DELTA = 8,
    HAK_TOKEN_SIZE = 16,
    HAK_TOKEN_GENERATION = 32,
    HAK_TOKEN_OLD = 64,
    HAK_TOKEN_ACTOR = 128,
};
enum { HAK_SITE_FIRST, HAK_SITE_SECOND, HAK_SITE_KNOWN, HAK_SITE_NEW };

struct hak_site {
    uint64_t shape, stack;
    uint32_t shape_number, stack_number;
    /* The site that came after it last in a lane, and the last other one; + 1, 0 = none. */
    uint32_t successor, other_successor;
    struct hak_shape_rule rule;
};

/* Distinct values get numbers in the order of their first use. */
enum hak_numbering {
    HAK_NUMBER_SHAPE,
    HAK_NUMBER_ACTOR,
    HAK_NUMBER_STACK,
    HAK_NUMBER_SITE,
    HAK_NUMBER_BASE,
    HAK_NUMBER_SLAB,
    HAK_NUMBERINGS
};
#define HAK_NUMBER_BITS_MIN 9  /* of the slots in use: twice as many as keys, in steps of two, */
#define HAK_NUMBER_BITS_MAX 17 /* so that a few keys lie in a few pages */

#define HAK_NO_SITE      HAK_CHUNK_EVENTS_MAX /* before the first of a lane */
#define HAK_WALK_COLUMNS 4

/* State and working memory for coding or decoding one chunk. */
struct hak_coder {
    struct hak_mirror mirror;
    struct hak_site site[HAK_CHUNK_EVENTS_MAX + 1];
    uint32_t sites;
    struct hak_shape_rule rule[HAK_CHUNK_EVENTS_MAX]; /* by number of the shape */
    uint32_t last_site[HAK_MIRROR_LANES];
    uint16_t site_of[HAK_CHUNK_EVENTS_MAX];
    uint8_t token[HAK_CHUNK_EVENTS_MAX];
    struct {
        uint32_t serial, number; /* serial: for which the number holds */
    } slot[HAK_NUMBERINGS][1 << HAK_NUMBER_BITS_MAX];
    struct {
        uint32_t serial, bits, keys;
    } numbering[HAK_NUMBERINGS];
    /* Coding: the streams of each column. */
    struct hak_stream stream[HAK_COLUMN_COUNT][HAK_STREAMS_MAX];
    uint8_t *room;
    /* Decoding: the four columns without zstd. */
    uint8_t *unpacked[HAK_WALK_COLUMNS];
    /* Values that columns learn by site and by block; each begins anew. */
    uint64_t of_site[2][HAK_CHUNK_EVENTS_MAX], of_block[HAK_CHUNK_EVENTS_MAX];
    uint32_t slab_of_block[HAK_CHUNK_EVENTS_MAX];
};

/* Makes a coder with its streams and tables. NULL without memory. */
struct hak_coder *hak_coder_make(void); /* NULL when memory is out */
void hak_coder_free(struct hak_coder *coder);

/* The number of streams of a column. */
uint32_t hak_walk_streams(enum hak_column column);
/* Every stream of the column is empty. */
void hak_coder_empty(struct hak_coder *coder, enum hak_column column);

/* Finds the sites of the events in c->value, and nothing else. */
void hak_walk_sites(struct hak_columns *c);
/* Fills streams of the four columns, token and site_of, and numbers them: dictionary and distinct
 * of all, index of BASE and STACK. */
void hak_walk_encode(struct hak_columns *c);
/* The way back, from the bytes of the four columns in their order. NULL, or what is wrong. */
const char *hak_walk_decode(struct hak_columns *c, const uint8_t *const bytes[HAK_WALK_COLUMNS],
                            const size_t count[HAK_WALK_COLUMNS]);

/* The place of a walk's column among the four, or -1. */
static inline int hak_walk_place(enum hak_column column) {
    switch (column) {
    case HAK_COLUMN_SHAPE:
        return 0;
    case HAK_COLUMN_ACTOR:
        return 1;
    case HAK_COLUMN_BASE:
        return 2;
    case HAK_COLUMN_STACK:
        return 3;
    default:
        return -1;
    }
}

/* ---- numbering ---------------------------------------------------------------------------------
 */

/* Not base/index.h: its memory is fixed, a serial frees all slots at once, and the coder's loops
 * have it inline. */

/* Frees all numbers of one kind for the next chunk. */
void hak_number_begin(struct hak_coder *coder, enum hak_numbering which);
/* Doubles the slots of one kind of numbering, and enters its keys anew. */
void hak_number_widen(struct hak_coder *coder, enum hak_numbering which, const uint64_t *keys,
                      uint32_t count);

/* Where a hash is looked for first, the slot behind another one, and is it free? */
static inline uint32_t hak_number_place(const struct hak_coder *coder, enum hak_numbering which,
                                        uint64_t hash) {
    return (uint32_t)(hash >> (64 - coder->numbering[which].bits));
}
static inline uint32_t hak_number_next(const struct hak_coder *coder, enum hak_numbering which,
                                       uint32_t slot) {
    return (slot + 1) & ((1u << coder->numbering[which].bits) - 1);
}
static inline bool hak_number_is_free(const struct hak_coder *coder, enum hak_numbering which,
                                      uint32_t slot) {
    return coder->slot[which][slot].serial != coder->numbering[which].serial;
}

/* Gives the free slot a number; true: there should be more slots now. */
static inline bool hak_number_put(struct hak_coder *coder, enum hak_numbering which, uint32_t slot,
                                  uint32_t number) {
    coder->slot[which][slot].serial = coder->numbering[which].serial;
    coder->slot[which][slot].number = number;
    coder->numbering[which].keys = number + 1;
    return 2 * (number + 1) > 1u << coder->numbering[which].bits &&
           coder->numbering[which].bits < HAK_NUMBER_BITS_MAX;
}

/* The number of `key` among keys[0..*count); a new one is added, and is the old *count. */
static inline uint32_t hak_number(struct hak_coder *coder, enum hak_numbering which, uint64_t *keys,
                                  uint32_t *count, uint64_t key) {
    uint32_t at = hak_number_place(coder, which, key * 0x9e3779b97f4a7c15ull);
    for (; !hak_number_is_free(coder, which, at); at = hak_number_next(coder, which, at))
        if (keys[coder->slot[which][at].number] == key)
            return coder->slot[which][at].number;
    keys[*count] = key;
    if (hak_number_put(coder, which, at, (*count)++))
        hak_number_widen(coder, which, keys, *count);
    return *count - 1;
}

#endif

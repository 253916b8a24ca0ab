/* The columns of a chunk and their codecs: events become arrays of numbers, each array becomes
 * bytes.
 *
 *   struct hak_event[] -> nine columns of uint64_t -> one codec each -> bytes -> (chunk.h) zstd
 *
 * A codec is a number written beside the column, so a better one can be added under a new number
 * while old stores stay readable. Streams hold what a guess of the events of a chunk did not hit:
 * walk.h, mirror.h, by_site.h. docs/specs/event-log.md has the bytes of each. */
#ifndef HAK_STORE_CODEC_COLUMN_H
#define HAK_STORE_CODEC_COLUMN_H

#include "base/bytes.h"
#include "store/event.h"

#define HAK_CHUNK_EVENTS_MAX 65536
#define HAK_PARTS_MAX        32

/* Numbers are written into stores. Columns are coded and decoded in this order, because some are
 * predicted from those before. */
enum hak_column {
    HAK_COLUMN_SHAPE = 0,      /* kind | class << 8 | place << 16 | subkind << 24 | flags << 32 */
    HAK_COLUMN_ACTOR = 1,      /* process << 32 | thread */
    HAK_COLUMN_NS = 2,         /* ns */
    HAK_COLUMN_BASE = 3,       /* base */
    HAK_COLUMN_DELTA = 4,      /* address - base, modulo 2^64 */
    HAK_COLUMN_STACK = 5,      /* stack */
    HAK_COLUMN_SIZE = 6,       /* size */
    HAK_COLUMN_OLD = 7,        /* old_address */
    HAK_COLUMN_GENERATION = 8, /* generation */
    HAK_COLUMN_COUNT
};
extern const char *const hak_column_names[HAK_COLUMN_COUNT];

/* How a column of a chunk is written. */
enum hak_codec {
    HAK_CODEC_CONSTANT = 1, /* one value, the same throughout */
    /* Its own streams: shape, actor, base and stack together, by a mirror (walk.h); ns, delta,
     * size, old address and generation each guessed from what the walk found (by_site.h). */
    HAK_CODEC_STREAMS = 2,
};
struct hak_coder;

/* Arrays of one chunk; reused from chunk to chunk. Columns made from events lie in `value`. A
 * decoded walk or constant column stays what it is (`by_index`): its distinct values in the
 * order of first use, and the number of each event's value among them. */
struct hak_columns {
    uint32_t events;
    bool by_index[HAK_COLUMN_COUNT];
    bool is_numbered[HAK_COLUMN_COUNT]; /* by hak_columns_number */
    uint64_t *value[HAK_COLUMN_COUNT];
    uint64_t *dictionary[HAK_COLUMN_COUNT];
    uint32_t *index[HAK_COLUMN_COUNT]; /* of BASE and STACK also after encoding */
    uint32_t distinct[HAK_COLUMN_COUNT];
    uint64_t *scratch;       /* HAK_CHUNK_EVENTS_MAX values */
    struct hak_coder *coder; /* what the codecs learn of one chunk */
    uint8_t *raw;            /* HAK_RAW_BYTES_MAX: one column before zstd */
    /* Where parts of `raw` end that have nothing in common: each is compressed by itself. */
    uint32_t part_end[HAK_PARTS_MAX];
    uint32_t parts;
};

/* The value of event number i; the column must be there. */
static inline uint64_t hak_columns_value(const struct hak_columns *c, enum hak_column column,
                                         uint32_t i) {
    return c->by_index[column] ? c->dictionary[column][c->index[column][i]] : c->value[column][i];
}

/* No column of a whole chunk is longer before zstd: two long numbers and two short ones for each
 * event, and the lengths of its streams. */
#define HAK_RAW_BYTES_MAX                                                                          \
    (HAK_CHUNK_EVENTS_MAX * (2 * HAK_VARINT_BYTES + 5) + 32 * HAK_VARINT_BYTES)

/* Allocates the arrays of all columns. False without memory, with nothing left to free. */
bool hak_columns_init(struct hak_columns *c); /* false when memory is out */
void hak_columns_free(struct hak_columns *c);

/* Begins with `count` events that lie in c->value from now on, put there by any caller; nothing
 * else is known. */
static inline void hak_columns_begin(struct hak_columns *c, uint32_t count) {
    c->events = count;
    for (int i = 0; i < HAK_COLUMN_COUNT; i++)
        c->by_index[i] = c->is_numbered[i] = false;
}
/* Puts event number i into c->value. */
static inline void hak_columns_put(struct hak_columns *c, uint32_t i, const struct hak_event *e) {
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
/* Numbers the distinct values of a column of c->value in the order of their first use: index,
 * dictionary and distinct are filled in, and hold until hak_columns_begin. Encoding does it for
 * BASE and STACK where it was not done before. */
void hak_columns_number(struct hak_columns *c, enum hak_column column);

/* Fills the columns from an array of events. */
void hak_columns_from_events(struct hak_columns *c, const struct hak_event *events, uint32_t count);
/* Fills c->value of the columns that are by index, after decoding, as it was before encoding. */
void hak_columns_spread(struct hak_columns *c);
/* Fills in event number i (its id is set to `id`); all columns must be decoded. */
void hak_columns_get(const struct hak_columns *c, uint32_t i, uint64_t id, struct hak_event *out);

/* Distinct pairs of shape and stack in the order of their first use: there after encoding, and once
 * one of the columns that are coded together is decoded. */
struct hak_column_sites {
    const uint16_t *of_event; /* the number of each event's pair */
    uint32_t count;
};
struct hak_column_sites hak_columns_sites(const struct hak_columns *c);
uint64_t hak_columns_site_shape(const struct hak_columns *c, uint32_t site);
uint32_t hak_columns_site_stack(const struct hak_columns *c, uint32_t site);

/* Numbers ACTOR and BASE and finds the sites, as encoding does, and codes nothing. */
void hak_columns_find_sites(struct hak_columns *c);

/* Codes all columns; codec[] gets the codec of each. Afterwards index, dictionary and distinct of
 * SHAPE, ACTOR, BASE and STACK are there. */
void hak_columns_encode(struct hak_columns *c, uint8_t codec[HAK_COLUMN_COUNT]);
/* Brings the bytes of a column that was coded into c->raw (parts: c->part_end); their length. */
size_t hak_column_bytes(struct hak_columns *c, enum hak_column column, uint8_t codec);
/* Decodes one column that is not of the walk; those of hak_column_needs(column) must be there.
 * NULL, or what is wrong. */
const char *hak_column_decode(struct hak_columns *c, enum hak_column column, uint8_t codec,
                              const uint8_t *bytes, size_t count);
/* The mask of columns that must be decoded before this one (bit n = column n). */
unsigned hak_column_needs(enum hak_column column);

#endif

/* The columns of a chunk and their codecs: events become arrays of numbers, each array becomes
 * bytes.
 *
 *   struct hak_event[] -> nine columns of uint64_t -> one codec each -> bytes -> (chunk.h) zstd
 *
 * A codec is a number written beside the column, so a better one (a mirror of the allocator that
 * predicts addresses) can be added under a new number while old stores stay readable. What each
 * writes, byte by byte, is in docs/specs/event-log.md. */
#ifndef HAK_STORE_COLUMN_H
#define HAK_STORE_COLUMN_H

#include "store/bytes.h"
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

enum hak_codec {
    HAK_CODEC_CONSTANT = 1,   /* the same value throughout */
    HAK_CODEC_STEPS = 2,      /* differences to the value before, in byte planes */
    HAK_CODEC_DICTIONARY = 3, /* distinct values in the order of their first use, then indexes */
    HAK_CODEC_NEXT = 4,       /* generations, expected from the base's and the slab's last */
    HAK_CODEC_ASKED = 5,      /* difference to what the same stack, or the same base, had last */
    HAK_CODEC_RECENT = 6,     /* a dictionary, then how many events ago each value was last used */
};

/* Arrays of one chunk; reused from chunk to chunk. Columns made from events lie in `value`. A
 * decoded dictionary or constant column stays what it is (`by_index`): its distinct values in the
 * order of first use, and the number of each event's value among them. */
struct hak_columns {
    uint32_t events;
    bool by_index[HAK_COLUMN_COUNT];
    uint64_t *value[HAK_COLUMN_COUNT];
    uint64_t *dictionary[HAK_COLUMN_COUNT];
    uint32_t *index[HAK_COLUMN_COUNT]; /* of BASE and STACK also after encoding */
    uint32_t distinct[HAK_COLUMN_COUNT];
    uint64_t *scratch; /* HAK_CHUNK_EVENTS_MAX values */
    uint64_t *scratch2;
    uint64_t *table_key; /* a hash table of twice that size */
    uint32_t *table_index;
    uint8_t *raw; /* HAK_RAW_BYTES_MAX: one column before zstd */
    /* Where parts of `raw` end that have nothing in common: each is compressed by itself. */
    uint32_t part_end[HAK_PARTS_MAX];
    uint32_t parts;
};

/* The value of event number i; the column must be there. */
static inline uint64_t hak_columns_value(const struct hak_columns *c, enum hak_column column,
                                         uint32_t i) {
    return c->by_index[column] ? c->dictionary[column][c->index[column][i]] : c->value[column][i];
}

/* No column of a whole chunk is longer before zstd: a dictionary of as many entries as events. */
#define HAK_RAW_BYTES_MAX (HAK_CHUNK_EVENTS_MAX * (HAK_VARINT_BYTES + 2) + 2 * HAK_VARINT_BYTES)

bool hak_columns_init(struct hak_columns *c); /* false when memory is out */
void hak_columns_free(struct hak_columns *c);

void hak_columns_from_events(struct hak_columns *c, const struct hak_event *events, uint32_t count);
/* Event number i (its id is set to `id`); all columns must be decoded. */
void hak_columns_get(const struct hak_columns *c, uint32_t i, uint64_t id, struct hak_event *out);

/* Codes one column into c->raw (parts: c->part_end); returns its length and the codec taken. Call
 * in column order. */
size_t hak_column_encode(struct hak_columns *c, enum hak_column column, uint8_t *codec);
/* Decodes one column; those of hak_column_needs(column) must be there. NULL, or what is wrong. */
const char *hak_column_decode(struct hak_columns *c, enum hak_column column, uint8_t codec,
                              const uint8_t *bytes, size_t count);
/* Mask of columns that must be decoded before this one (bit n = column n). */
unsigned hak_column_needs(enum hak_column column);

#endif

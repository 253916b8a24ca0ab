/* Runs of postings: the keys of many chunks together, and for each key the chunks that have it. A
 * lookup reads one row of a run where it would read a posting of every chunk.
 *
 *   run (level, chunks first..last)
 *     = rows, each for a range of keys; together they leave no key out
 *     = sorted keys, and for each the numbers of its chunks
 *
 * Chunks are counted from 0 as they are stored (table chunk_order); the numbers stay when old
 * chunks are dropped. docs/specs/event-log.md has the bytes. Rows come from a file that anybody may
 * have written: nothing in them is used before it is checked. */
#ifndef HAK_STORE_POSTINGS_RUN_H
#define HAK_STORE_POSTINGS_RUN_H

#include "base/bytes.h"

#define HAK_POSTING_FORMAT        2
#define HAK_POSTING_HEADER_BYTES  48
#define HAK_POSTING_DISTANCES_MAX 32 /* more than these: "many", any distance may occur */
#define HAK_POSTING_ROW_BYTES_MAX ((size_t)256 << 10)
#define HAK_POSTING_FAN_OUT       16
#define HAK_POSTING_LEVEL_MAX     4
#define HAK_POSTING_CHUNKS_MAX                                                                     \
    65536u /* HAK_POSTING_FAN_OUT to the power of HAK_POSTING_LEVEL_MAX */
#define HAK_POSTING_SPANS_MAX (HAK_POSTING_CHUNKS_MAX / 2)
#define HAK_POSTING_KEY_LAST  ((uint64_t)INT64_MAX) /* the last row's range ends here, or above */

/* How many chunks a run of the level spans; the number of the first is a multiple of it. A level
 * that cannot be counts as the highest. */
static inline uint64_t hak_posting_level_chunks(unsigned level) {
    uint64_t chunks = 1;
    for (unsigned i = 0; i < level && i < HAK_POSTING_LEVEL_MAX; i++)
        chunks *= HAK_POSTING_FAN_OUT;
    return chunks;
}

/* A row ends when its keys and sets have come to row_bytes before packing. A join of a higher level
 * goes on with every chunk by keys_for_a_key keys for each of the chunk's own, and keys_at_least:
 * more than come in at two levels, so that it always ends before the next one is due. Tests make
 * them small. */
struct hak_posting_sizes {
    size_t row_bytes;
    uint64_t keys_for_a_key, keys_at_least;
};
extern struct hak_posting_sizes hak_posting_sizes;

enum hak_posting_kind {
    HAK_POSTING_BASE = 0, /* bases of all events with an address; and address - base, where not 0 */
    HAK_POSTING_STACK = 1, /* stacks */
    HAK_POSTING_LARGE = 2, /* bases of large blocks, each with its longest extent */
    HAK_POSTING_OWNER = 3, /* owners and classes of the blocks in a slab: hak_posting_owner() */
    HAK_POSTING_KINDS
};

/* The key of kind OWNER: sorted by slab, then process, then class. */
static inline uint64_t hak_posting_owner(uint64_t address, uint32_t process, uint8_t class_index) {
    return (address >> 16 & 0x7fffffff) << 32 | (process & 0xffffffu) << 8 | class_index;
}

/* Chunks from..to of a run, counted from its first one. */
struct hak_span {
    uint32_t from, to;
};

struct hak_distances {
    uint32_t count;
    bool many;
    uint64_t distance[HAK_POSTING_DISTANCES_MAX]; /* address - base, modulo 2^64 */
};

/* Adds a distance, if it is new; beyond HAK_POSTING_DISTANCES_MAX only `many` is set. */
void hak_distances_add(struct hak_distances *all, uint64_t distance);
void hak_distances_join(struct hak_distances *all, const struct hak_distances *more);

/* ---- writing a row ---- */

struct hak_posting_row {
    enum hak_posting_kind kind;
    uint64_t first, last; /* numbers of its chunks */
    uint32_t count;       /* keys */
    uint64_t last_key, low_bits;
    uint64_t reach; /* LARGE: the greatest key + extent */
    struct hak_distances distances;
    struct hak_buffer keys;    /* 8 bytes each */
    struct hak_buffer sets;    /* coded */
    struct hak_buffer extents; /* 8 bytes each */
    struct hak_buffer raw;
    uint8_t *set[2]; /* the coded set of this key and of the one before */
    uint32_t set_bytes[2];
    unsigned at;
    size_t key_bytes; /* about as many as they will take */
};

/* Makes a row with room for sets. False without memory, with nothing left to free. */
bool hak_posting_row_init(struct hak_posting_row *row); /* false when memory is out */
void hak_posting_row_free(struct hak_posting_row *row);
/* Begins an empty row for the chunks first..last. */
void hak_posting_row_begin(struct hak_posting_row *row, enum hak_posting_kind kind, uint64_t first,
                           uint64_t last);
/* Adds a key greater than those before. `span` (in order, apart from each other) counts from
 * row->first. False when memory is out. */
bool hak_posting_row_add(struct hak_posting_row *row, uint64_t key, const struct hak_span *span,
                         uint32_t spans, uint64_t extent);
/* Adds a key with the same chunks as the one before; not the first one, nor of kind LARGE, nor
 * where the run is of one chunk. False without memory. */
bool hak_posting_row_add_same(struct hak_posting_row *row, uint64_t key);
/* Bytes before packing so far. */
static inline size_t hak_posting_row_bytes(const struct hak_posting_row *row) {
    return row->key_bytes + row->sets.size;
}
/* Appends the row's blob to `out`, through zstd when `is_packed` and smaller. False without
 * memory. */
bool hak_posting_row_encode(struct hak_posting_row *row, bool is_packed, struct hak_buffer *out);

/* ---- reading a row, key by key ---- */

struct hak_posting_cursor {
    enum hak_posting_kind kind;
    uint64_t first, last;
    uint32_t keys, left; /* in the row, behind this one */
    unsigned shift;
    uint64_t key, extent;
    struct hak_span *span; /* of this key; HAK_POSTING_SPANS_MAX of room */
    uint32_t spans;
    bool is_same; /* the set is that of the key before */
    struct hak_distances distances;
    struct hak_input key_in, set_in, extent_in;
    struct hak_buffer raw;
};
bool hak_posting_cursor_init(struct hak_posting_cursor *c); /* false when memory is out */
void hak_posting_cursor_free(struct hak_posting_cursor *c);
/* Opens a row; the cursor stands before its first key. NULL, or what is wrong. The blob is not
 * needed afterwards. */
const char *hak_posting_cursor_open(struct hak_posting_cursor *c, const void *blob,
                                    size_t blob_bytes);
/* Goes to the next key: 1, 0 behind the last one, -1 when the row is broken (`wrong` is set). */
int hak_posting_cursor_next(struct hak_posting_cursor *c, const char **wrong);

#endif

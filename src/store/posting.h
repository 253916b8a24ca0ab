/* Postings: which blocks and which stacks a chunk speaks of, so that a lookup opens few chunks.
 *
 * A posting is a sorted list of distinct keys with a small header and a CRC-32C. There are three:
 *
 *   BASE   bases of all events with an address, and the distances address - base that occur
 *   STACK  stack nodes
 *   LARGE  bases of large blocks, each with its longest extent (for pointers into their middle)
 *
 * A row of table `posting` covers the chunks first_chunk..last_chunk. Today each covers one; merged
 * runs over many chunks can be added as rows of a higher `level`. */
#ifndef HAK_STORE_POSTING_H
#define HAK_STORE_POSTING_H

#include "store/column.h"

#define HAK_POSTING_MAGIC         0x4f504b48u /* "HKPO" */
#define HAK_POSTING_FORMAT        1
#define HAK_POSTING_HEADER_BYTES  24
#define HAK_POSTING_DISTANCES_MAX 32 /* more than these: "many", any distance may occur */

enum hak_posting_kind { HAK_POSTING_BASE = 0, HAK_POSTING_STACK = 1, HAK_POSTING_LARGE = 2 };
#define HAK_POSTING_KINDS 3

/* One posting, decoded or about to be written. */
struct hak_posting {
    enum hak_posting_kind kind;
    uint32_t count;
    uint64_t *key;    /* sorted, distinct; HAK_CHUNK_EVENTS_MAX of room */
    uint64_t *extent; /* LARGE: bytes from key that a block had at most */
    uint32_t distance_count;
    bool many_distances;
    uint64_t distance[HAK_POSTING_DISTANCES_MAX]; /* BASE: address - base, modulo 2^64 */
    uint8_t *raw;
};

bool hak_posting_init(struct hak_posting *p); /* false when memory is out */
void hak_posting_free(struct hak_posting *p);

/* Sorts `count` numbers and drops those that are there twice; returns how many are left. */
uint32_t hak_sort_distinct(uint64_t *numbers, uint32_t count);
/* Index of the first of `count` sorted numbers that is >= `number` (count if there is none). */
uint32_t hak_find_sorted(const uint64_t *numbers, uint32_t count, uint64_t number);

/* Makes the posting of `kind` for the events in `c`, which were encoded or decoded, all columns.
 * count may become 0. */
void hak_posting_collect(struct hak_posting *p, enum hak_posting_kind kind,
                         const struct hak_columns *c);
bool hak_posting_encode(struct hak_posting *p, struct hak_buffer *out);
/* NULL, or what is wrong. */
const char *hak_posting_decode(struct hak_posting *p, const uint8_t *blob, size_t blob_bytes);

/* Index of the first key >= `key` (count if there is none). */
uint32_t hak_posting_find(const struct hak_posting *p, uint64_t key);
bool hak_posting_has(const struct hak_posting *p, uint64_t key);
/* True if an event with this address or base may be in the chunk. BASE only. */
bool hak_posting_may_have_address(const struct hak_posting *p, uint64_t address);

#endif

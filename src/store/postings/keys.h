/* The keys of one chunk, for its runs of postings: gathered in one pass over its events, sorted. */
#ifndef HAK_STORE_POSTINGS_KEYS_H
#define HAK_STORE_POSTINGS_KEYS_H

#include "base/sorted.h"
#include "store/codec/codec.h"
#include "store/postings/run.h"

struct hak_posting_keys {
    uint64_t *key[HAK_POSTING_KINDS]; /* sorted, distinct; room for HAK_CHUNK_EVENTS_MAX + 1 */
    uint32_t count[HAK_POSTING_KINDS];
    uint64_t *extent; /* of the keys of LARGE */
    struct hak_distances distances;
    struct hak_pair *pair; /* to sort in */
    uint64_t *large_of;    /* by number of the base */
    uint32_t *owner_of;    /* what was noted last of a base: class and process */
};

/* Allocates the arrays of keys. False without memory, with nothing left to free. */
bool hak_posting_keys_init(struct hak_posting_keys *k); /* false when memory is out */
void hak_posting_keys_free(struct hak_posting_keys *k);
/* Collects the keys of a chunk (bases, stacks, owners, large blocks, distances); `c` was encoded or
 * decoded, all columns. */
void hak_posting_keys_collect(struct hak_posting_keys *k, const struct hak_columns *c);

#endif

/* The chunks that a walk reads next: several in one question to a server, as each question costs a
 * way there and back. */
#ifndef HAK_STORE_READER_AHEAD_H
#define HAK_STORE_READER_AHEAD_H

#include "store/reader/chunks.h"

enum { HAK_AHEAD_MAX = 16 };

struct hak_ahead_chunk {
    uint64_t id;
    uint32_t events;
    uint8_t *data; /* its blob, from malloc; NULL = not asked for yet, or not there */
    size_t bytes;
};

struct hak_ahead {
    struct hak_ahead_chunk chunk[HAK_AHEAD_MAX];
    unsigned first, count; /* those that are here */
    unsigned wish;         /* how many were asked for last: the first one alone, then more */
    bool has_all;          /* no chunk behind these */
};

/* The next chunk, whose data then is the caller's: 1, 0 there is none, or an error. `several`: more
 * than one may be asked for, a committed chunk does not change. One thread. */
int hak_ahead_next(struct hak_ahead *ahead, struct hak_chunk_choice *choice,
                   const struct hak_database *db, bool several, struct hak_ahead_chunk *out);
/* Forgets what is here; a walk begins with it, and ends. */
void hak_ahead_clear(struct hak_ahead *ahead);

#endif

/* The lives of the pieces of the program's own pools (hakmem.h) that held one address.
 *
 *   PIECE_ALLOC, PIECE_MOVE, PIECE_FREE, POOL_RESET, POOL_DESTROY --> lives, oldest first
 *   POOL_CREATE, POOL_PLACE                                       --> names
 *
 * All notes of pools up to the moment are read: chunks say whether they have any. */
#ifndef HAK_STORE_HISTORY_PIECE_H
#define HAK_STORE_HISTORY_PIECE_H

#include "store/history/lives.h"

enum { HAK_PIECE_LIVES = 8, HAK_PIECE_MOVES = 6 };

struct hak_piece_life {
    struct hak_event birth; /* PIECE_ALLOC, or PIECE_MOVE to "out" */
    struct hak_event end;   /* any of the others; id 0 = it lives */
    uint64_t bytes;         /* 0 for a PIECE_MOVE of a piece that no PIECE_ALLOC told of */
    uint32_t pool;          /* number of the pool in its process */
    /* Between the pool's places, after the end: the newest ones, oldest first. */
    struct hak_event move[HAK_PIECE_MOVES];
    uint64_t moves_total;
};

struct hak_piece_story {
    struct hak_piece_life life[HAK_PIECE_LIVES]; /* the newest ones, oldest first */
    uint64_t lives_total;
    struct hak_event pool; /* POOL_CREATE of the last life's pool; id 0 = not known */
    char pool_name[32];
};

static inline uint32_t hak_event_pool(const struct hak_event *e) {
    return (uint32_t)e->generation;
}
/* Whether the piece comes to the program by a move. */
bool hak_is_move_out(const struct hak_event *e);
/* Passes the kinds of notes of pools from `first` to `last`, up to the event `to` (0 = the end). */
struct hak_filter hak_filter_of_pools(unsigned first, unsigned last, uint64_t to);
static inline int hak_piece_lives_kept(const struct hak_piece_story *story) {
    return story->lives_total < HAK_PIECE_LIVES ? (int)story->lives_total : HAK_PIECE_LIVES;
}

static inline int hak_piece_moves_kept(const struct hak_piece_life *life) {
    return life->moves_total < HAK_PIECE_MOVES ? (int)life->moves_total : HAK_PIECE_MOVES;
}

/* Fills `out` for `address` in `process` and its ancestors (row id, 0 = any) up to the event `to`
 * (0 = the end). 1, 0 where no piece held it, or an error. */
int hak_piece_story_read(struct hak_store_reader *r, uint64_t address, uint32_t process,
                         uint64_t to, struct hak_piece_story *out);

#endif

/* The table of a program's own pools and of the pieces that they hand out, as hakmem.h's hak_pool_*
 * tell it.
 *
 *   address of the pool  --hash--> 32 places of 4,096      pool:  number, resets, stacks, name
 *   address of the piece --hash--> 32 places of 1,048,576  piece: size, pool, stacks, is it free
 *
 * Both lie in one mapping, made at the first pool. A place is never emptied, so a search ends at an
 * empty one. A new entry takes the place of its own address, an empty place, or the place of an
 * entry whose life is over. Where all 32 are live the entry is not kept, and counted; a bit of its
 * address is kept, so that nobody calls it no piece. A piece of one pool may be the memory of
 * another one, whose first piece has the same address: each pool has an entry of its own.
 *
 * One lock, the last of all ranks but for those of the tracer's rings: the record of a call is
 * written under it, so that records have the order of the calls. In the child of a fork whose lock
 * another thread held, all is forgotten, and no address is called no piece there.
 *
 * A reset or a destroy touches the pool alone: a piece is live while its pool has the number and
 * the count of resets that the piece was made with. Where the pool leaves room around its pieces
 * (redzone.h), its live pieces are a list, which a reset goes through. */
#ifndef HAK_GUARD_POOLS_PIECES_H
#define HAK_GUARD_POOLS_PIECES_H

#include "trace/session.h"
#include "platform/platform.h"

enum { HAK_POOL_PLACES = 16 }; /* with those that each pool has (places.h) */

/* Where the pieces of a pool may begin: at multiples of the lowest bit of `bits`. */
struct hak_pool_reach {
    uintptr_t lowest, highest, bits; /* all 0 = it has none */
    uint64_t largest_bytes;
};

struct hak_pool {
    uintptr_t address; /* HAK_POOL_MOVED: another entry, its alias, has the pool's address */
    uint32_t number;   /* from 1, in the order of hak_pool_create */
    uint32_t resets;
    uint32_t create_stack, end_stack; /* the last reset or the destroy; 0 = none */
    uint32_t first;                   /* of its listed pieces: place + 1, 0 = none */
    uint16_t before, behind;          /* redzone bytes around each piece */
    uint32_t alias_of;                /* the place of the pool of this number, plus 1; 0 = itself */
    struct hak_pool_reach reach;      /* of its pieces since a reset, but for guarded ones */
    struct hak_large *guarded;        /* the first of its guarded pieces (blocks.h); NULL = none */
    /* Pools that were here before, each destroyed: the numbers `first` to `last`, which ended at
     * `end_stack`; all 0: none. */
    struct {
        uint32_t first, last, end_stack;
        char name[HAK_POOL_NAME];
    } former;
    uint8_t is_destroyed;
    uint8_t takes_back;   /* a piece was given back by itself: it is no arena */
    uint8_t is_inherited; /* the process is forked, and the pool is the parent's */
    uint8_t has_moves;    /* hak_pool_allow was called: other moves are faults */
    uint8_t is_auto_free; /* a free of a piece is that of the malloc-like pieces in it */
    uint8_t places;       /* how many names it has */
    char name[HAK_POOL_NAME];
    uint16_t allowed[HAK_POOL_PLACES]; /* of each place, from which ones a piece may come */
    char place[HAK_POOL_PLACES][HAK_POOL_PLACE_NAME];
};

/* The generation of a live block of malloc; 0, 0 = there is none. */
struct hak_block_life {
    uint32_t epoch, n;
};

#define HAK_POOL_MOVED UINTPTR_MAX

struct hak_piece {
    uintptr_t address;
    uint64_t bytes;
    uint32_t pool_place, pool_number, pool_resets;
    uint32_t alloc_stack, free_stack;
    uint32_t next, previous;     /* in the pool's list: place + 1, 0 = none */
    struct hak_block_life block; /* of malloc around it, when it was handed out */
    uint16_t more; /* live pieces at the address beside this one, where one has no bytes */
    uint8_t is_free;
    uint8_t has_room;    /* its redzones were filled in this life */
    uint8_t is_listed;   /* it is in the pool's list, as those with redzones are */
    uint8_t is_told;     /* their damage was reported */
    uint8_t place;       /* number of the pool's place (places.h) */
    uint8_t is_unmapped; /* the program unmapped memory of it: what lies there now is not known */
    uint8_t is_left_out; /* its life began while recording was stopped */
    uint8_t is_guarded;  /* it is a block of its own, between closed pages (blocks.h) */
};

/* Whether the program has made a pool: without one no call has anything to look at. */
HAK_HIDDEN extern _Atomic bool hak_pieces_are_kept;

/* Takes the table's lock; false: the call is missed. The thread holds it in a call that a signal
 * interrupted, or another one has held it for 15 seconds: its handler left the call by longjmp.
 */
HAK_HIDDEN bool hak_pieces_lock(void);
/* Whether a call was missed: what is kept is not to be trusted from then on, and a line on stderr
 * has said so. Without the lock. */
HAK_HIDDEN bool hak_pieces_missed(void);
/* Whether a pool, a piece or a call was missed, or the parent's were forgotten. With all threads
 * stopped. */
HAK_HIDDEN bool hak_pieces_have_gaps(void);
HAK_HIDDEN void hak_pieces_unlock(void);
/* Whether nobody holds the lock: with all threads stopped, the table may be read then. */
HAK_HIDDEN bool hak_pieces_are_still(void);

/* The rest is called with the lock held. */

/* Makes the table where it is not there yet, and a pool at this address, whatever was there before;
 * NULL: no room, which is counted. */
HAK_HIDDEN struct hak_pool *hak_pieces_new_pool(uintptr_t address);
/* The pool at the address, destroyed or not; NULL: none is known. */
HAK_HIDDEN struct hak_pool *hak_pieces_pool(uintptr_t address);
/* The pool of the piece, as it is now; NULL: another one lies at its place. */
HAK_HIDDEN const struct hak_pool *hak_pieces_pool_of(const struct hak_piece *piece);
/* Gives the pool at `from` the address `to`; false: no room, and the pool is forgotten. */
HAK_HIDDEN bool hak_pieces_move_pool(uintptr_t from, uintptr_t to);
/* Whether the piece is of a pool that had this one's address before, and was destroyed. */
HAK_HIDDEN bool hak_pieces_is_of_former(const struct hak_piece *piece, const struct hak_pool *pool);
/* Makes a live piece of the pool at this address. NULL: there is no room, which is counted. */
HAK_HIDDEN struct hak_piece *hak_pieces_add(struct hak_pool *pool, uintptr_t address,
                                            uint64_t bytes, uint32_t stack);
/* Makes a free piece of the pool at this address, of a size that is not known, with no stack. NULL:
 * there is no room, which is counted where it was not for this address. */
HAK_HIDDEN struct hak_piece *hak_pieces_add_free(struct hak_pool *pool, uintptr_t address);
/* As hak_pieces_add, of a guarded piece. NULL: there is no room, and the pool takes a piece of its
 * own. */
HAK_HIDDEN struct hak_piece *hak_pieces_add_guarded(struct hak_pool *pool, uintptr_t address,
                                                    uint64_t bytes, uint32_t stack);
/* The piece that begins at the address, in whichever state: of the pool with this number, else a
 * live one of another pool, else any; NULL: none is known. */
HAK_HIDDEN struct hak_piece *hak_pieces_find(uintptr_t address, uint32_t number);
/* The pool's own piece that begins at the address, in whichever state; NULL: none is known. */
HAK_HIDDEN struct hak_piece *hak_pieces_find_own(uintptr_t address, const struct hak_pool *pool);
/* Whether the pool is, and has not been reset since the piece was made. */
HAK_HIDDEN bool hak_pieces_is_current(const struct hak_piece *piece);
/* Whether the piece is the program's: neither free nor of a pool that was reset since. */
HAK_HIDDEN bool hak_pieces_lives(const struct hak_piece *piece);
/* Puts a piece into its pool's list, and takes it out; nothing where it is not in one. */
HAK_HIDDEN void hak_pieces_list(struct hak_pool *pool, struct hak_piece *piece);
HAK_HIDDEN void hak_pieces_unlist(struct hak_piece *piece);
/* The piece at place + 1 `link`; NULL: 0. */
HAK_HIDDEN struct hak_piece *hak_pieces_linked(uint32_t link);
/* Calls `visit` for all live pieces. */
HAK_HIDDEN void hak_pieces_each(void (*visit)(struct hak_piece *, void *), void *context);
/* The live block of malloc that holds the address. No lock is needed. */
HAK_HIDDEN struct hak_block_life hak_block_life_at(uintptr_t address);
/* Notes that the piece lies in this block of malloc, or in memory outside of all (0, 0). */
HAK_HIDDEN void hak_pieces_set_block(struct hak_piece *piece, struct hak_block_life block);
/* Whether the piece still lies in the block that it was handed out of, or in none, as then, and its
 * memory is mapped: a pool may give its memory back, or change its size, without a word. */
HAK_HIDDEN bool hak_pieces_has_its_block(const struct hak_piece *piece);
/* After a reset: the pieces that have a byte in the range, which may be empty, live on. */
HAK_HIDDEN void hak_pieces_keep(struct hak_pool *pool, uintptr_t from, uint64_t bytes);
/* Calls `visit` for the pool's live pieces that lie wholly in the range. */
HAK_HIDDEN void hak_pieces_each_inside(struct hak_pool *pool, uintptr_t from, uint64_t bytes,
                                       void (*visit)(struct hak_piece *, void *), void *context);
/* How many pools and pieces were not kept; the counters POOL_MISSED and PIECE_MISSED (hops.def)
 * have them for the record. */
HAK_HIDDEN uint64_t hak_pieces_lost(void);
/* Whether a call for a pool that is not known is missed: it is the malloc-like one, which had no
 * room, or may be one that this fork's child forgot. */
HAK_HIDDEN bool hak_pieces_misses_pool(uintptr_t address);
/* Whether a piece at the address may have been one of them, or one that the parent of a fork had.
 */
HAK_HIDDEN bool hak_pieces_may_be_lost(uintptr_t address);

/* Before a system call that takes the memory of the range away, without the lock: the pieces in it
 * are judged no more, also where the kernel refuses. */
HAK_HIDDEN void hak_pieces_unmap(uintptr_t from, uint64_t bytes);

/* In a forked child. */
HAK_HIDDEN void hak_pieces_fork_child(void);

#endif

/* A call of hakmem.h's hak_pool_*: what it tells, the facts of a fault in it, and its record. */
#ifndef HAK_GUARD_POOLS_CALL_H
#define HAK_GUARD_POOLS_CALL_H

#include "fault_codes.h"
#include "guard/pools/pieces.h"
#include "light.h"
#include "memory_tags.h"
#include "trace/trace.h"

/* A call of hakmem.h: on whom, and by whom. */
struct hak_pool_call {
    const char *name;
    uintptr_t pool, piece; /* 0 = none */
    enum hak_record_kind kind;
    uint32_t stack;
    uint8_t flags; /* enum hak_record_flags of the stack */
};

/* Whether a call on this pool has anything to look at. */
static inline bool hak_pool_is_told(const void *pool) {
    return pool && atomic_load_explicit(&hak_pieces_are_kept, memory_order_relaxed) &&
           !hak_light_serves();
}

/* A call whose stack is that of the caller of the function that this stands in. */
#define HAK_POOL_CALL(call_name, of, what, call_kind)                                              \
    ({                                                                                             \
        struct hak_pool_call made_ = {.name = (call_name),                                         \
                                      .pool = (uintptr_t)hak_untagged(of),                         \
                                      .piece = (uintptr_t)hak_untagged(what),                      \
                                      .kind = (call_kind)};                                        \
        made_.stack = hak_take_call_stack(HAK_CALL, &made_.flags);                                 \
        made_;                                                                                     \
    })

/* Takes the lock of the pieces for the call; false: the call is missed, and counted
 * (POOL_CALL_MISSED). */
HAK_HIDDEN bool hak_pool_begin(void);

/* The rest but for hak_pool_tell_fault is called with the lock of the pieces held. */

/* The pool of the call, destroyed or not. NULL: none is known; where it may be one that a forked
 * child forgot, the call is counted as missed. */
HAK_HIDDEN struct hak_pool *hak_pool_of_call(const struct hak_pool_call *call);
/* Copies a name, cut to fit and filled up with NUL; NULL is a name of no bytes. */
HAK_HIDDEN void hak_pool_copy_name(char *to, size_t bytes, const char *name);
/* Adds the pool that the fault is about, and, where it is not NULL, what is known of the piece. */
HAK_HIDDEN void hak_pool_add_facts(struct hak_fault_facts *facts, const struct hak_pool *pool,
                                   const struct hak_piece *piece);
/* Facts of a fault of the call, on the piece where it is not NULL. */
HAK_HIDDEN struct hak_fault_facts hak_pool_facts_of(enum hak_fault_code code,
                                                    const struct hak_pool_call *call,
                                                    const struct hak_pool *pool,
                                                    const struct hak_piece *piece);
/* Facts of a call for a pool that is destroyed, or on a piece of before the last reset: so, and
 * where it ended. */
HAK_HIDDEN struct hak_fault_facts hak_pool_facts_of_end(const struct hak_pool_call *call,
                                                        const struct hak_pool *pool,
                                                        const struct hak_piece *piece);
/* The piece that holds the address and begins not far before it, the pool's own rather than another
 * one's; `is_live`: not one that is free. NULL: none does. */
HAK_HIDDEN const struct hak_piece *hak_pool_piece_around(uintptr_t address, uint32_t number,
                                                         bool is_live);

/* Reports the fault, if there is one (code 0 = none). Without the lock. */
HAK_HIDDEN void hak_pool_tell_fault(const struct hak_fault_facts *facts);
/* Whether the record of what befell a piece is left out. While recording is stopped, lives that
 * begin are, and what becomes of these; the end of a recorded life is not (trace.h). `ended`: the
 * life that ends; NULL: none does. */
HAK_HIDDEN bool hak_pool_leaves_out(const struct hak_piece *ended);
/* Records what the call did to the pool with this number (0: nothing is recorded): a note of `kind`
 * about `address`. With the lock, so that records have the order of the calls. */
HAK_HIDDEN void hak_pool_note(enum hak_record_kind kind, const struct hak_pool_call *call,
                              uint32_t number, uintptr_t address, uint64_t value, const char *name);

#endif

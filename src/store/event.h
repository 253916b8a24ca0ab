/* An event as the store knows it: the collector makes it of a ring's record, and every reader gets
 * it back. Plain data, shared by collector and viewer. */
#ifndef HAK_STORE_EVENT_H
#define HAK_STORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

struct hak_event {
    uint64_t id;          /* from 1, in commit order; given by the writer */
    uint64_t ns;          /* since the capture's start (of its first session) */
    uint64_t address;     /* what the program held, or the pointer that was moved */
    uint64_t base;        /* first byte of the slot; address - delta */
    uint64_t size;        /* bytes asked; for notes the kind's own value */
    uint64_t old_address; /* REALLOC that moved: the old block's user pointer; else 0 */
    uint64_t generation;  /* epoch << 32 | n; n goes on from 0 after 2^32 records of a slot */
    uint32_t process;     /* row id in `process`, from 1 */
    uint32_t thread;      /* row id in `thread`, from 1, unique in the store */
    uint32_t stack;       /* row id in `node`, unique in the store; 0 = none */
    uint8_t kind;         /* hops.def number */
    uint8_t class_index;  /* line of classes.def, 255 = none */
    uint8_t place;        /* hops.def PLACE number */
    uint8_t subkind;      /* check.h enum hak_subkind */
    uint8_t flags;        /* record.h enum hak_record_flags, without WIDE */
};

/* True when a record of generation `a` comes before one of `b` of the same block. In one epoch n
 * wraps at 2^32, so the two must lie less than 2^31 records of the block apart. */
static inline bool hak_generation_is_before(uint64_t a, uint64_t b) {
    return a >> 32 != b >> 32 ? a < b : (int32_t)((uint32_t)a - (uint32_t)b) < 0;
}
/* The records of a block from `a` to `b`, of the same epoch. */
static inline uint32_t hak_generation_distance(uint64_t a, uint64_t b) {
    return (uint32_t)b - (uint32_t)a;
}
/* Kinds whose address is a user pointer: MALLOC, FREE, REALLOC, REALLOC_FROM. */
static inline int hak_event_is_call(const struct hak_event *e) {
    return e->kind >= 1 && e->kind <= 4;
}
/* Kinds that move a block: hops.def HOP lines. */
static inline int hak_event_is_move(const struct hak_event *e) {
    return e->kind >= 1 && e->kind < 64;
}

/* The reason of a row in `loss` that says when recording was stopped, and its to_ns while it is.
 * Its count says nothing. */
#define HAK_LOSS_STOPPED "stopped"
#define HAK_LOSS_OPEN    ((uint64_t)INT64_MAX)

/* With the id of a FAULT event behind it, a key of `meta`: a suppression kept its report back. */
#define HAK_SUPPRESSED_FAULT "suppressed_fault."

#endif

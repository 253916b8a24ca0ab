/* The checks as the layers know them: how a block's bytes are laid out, and the moves that are
 * verified. In the plain build every function here is the identity or nothing. The calls that entry
 * makes around a block's life stand in border.h.
 *
 * Thread and signal safety: all of these may be called on any thread and between fork and exec;
 * they allocate nothing, take no lock that fork or dlopen may hold, and keep errno. */
#ifndef HAK_CHECK_H
#define HAK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "hop.h"

/* The call of the malloc family that made a block (hops.def). Written into records; numbers never
 * change. */
enum hak_subkind {
#define TAKEN(name, number, words) HAK_BY_##name = number,
#include "hops.def"
};

/* The call that gave a block back (hops.def). */
enum hak_given {
#define GIVEN(name, number, words) HAK_GIVEN_BY_##name = number,
#include "hops.def"
};

/* FREE with the call that gave the block back, as entry hands it through route to check_freed; the
 * layers between pass it on as it is. */
static inline enum hak_record_kind hak_free_by(enum hak_given by) {
    return (enum hak_record_kind)((unsigned)HAK_FREE | (unsigned)by << 8);
}
static inline enum hak_record_kind hak_kind_of(enum hak_record_kind kind) {
    return (enum hak_record_kind)((unsigned)kind & 0xff);
}
static inline enum hak_given hak_given_of(enum hak_record_kind kind) {
    return (enum hak_given)((unsigned)kind >> 8);
}

/* Tells how many bytes of slot a request needs, with header, alignment and canary (SIZE_MAX: too
 * many), and does what a signal or ctl asked for. It and those below are guard/'s, for the debug
 * build; only the inlines below call them. */
HAK_HIDDEN size_t hak_check_slot_bytes(size_t asked_bytes, size_t alignment);
HAK_HIDDEN bool hak_check_freed(base_t base, enum hak_record_kind kind, enum hak_place to);
HAK_HIDDEN base_t hak_check_base_of(user_t user);
HAK_HIDDEN user_t hak_check_user_of(base_t base);
HAK_HIDDEN void **hak_check_link_of(base_t base);
HAK_HIDDEN bool hak_check_inject_push(base_t *block, unsigned *class_index);
HAK_HIDDEN bool hak_check_pop(enum hak_record_kind kind, enum hak_place place, base_t block,
                              unsigned class_index);

/* The base of a live block from the program's pointer, and back: the only place where the two meet.
 * In layout header they differ by at least 16 bytes. */
static inline base_t base_of(user_t user) {
    return hak_is_debug_build ? hak_check_base_of(user) : base_from(user.p);
}
static inline user_t user_of(base_t base) {
    return hak_is_debug_build ? hak_check_user_of(base) : user_from(base.p);
}

/* Bytes that the slot must hold so that `asked_bytes` at `alignment` (0: none) fit with header,
 * padding and canary; SIZE_MAX if that overflows. The plain build aligns by choosing the class. */
static inline size_t check_slot_bytes(size_t asked_bytes, size_t alignment) {
    return hak_is_debug_build ? hak_check_slot_bytes(asked_bytes, alignment) : asked_bytes;
}

/* The calling thread's place in the malloc family (guard/nested.c): its stack pointer there, 0 when
 * it is not there; and whether its call is a nested one, that of a signal handler which interrupted
 * another. */
struct hak_inside {
    volatile uintptr_t stack_pointer;
    volatile bool is_nested;
};
HAK_HIDDEN extern _Thread_local struct hak_inside hak_inside
    __attribute__((tls_model("initial-exec")));
static inline bool check_is_nested(void) {
    return hak_is_debug_build ? HAK_UNLIKELY(hak_inside.is_nested) : false;
}

/* Notes for the record, at the start, that the malloc of another module, of this file name, serves
 * the program. */
HAK_HIDDEN void hak_check_note_malloc(const char *name);

/* The block leaves the program, or the quarantine, for layer `to`; kind is FREE, by hak_free_by,
 * REALLOC_FROM or QUARANTINE_LEAVE. Recorded before the block can be handed out again. False:
 * leave the block alone, since another thread freed it in the meantime (reported), or since it is a
 * guarded one and closed now. */
static inline bool check_freed(base_t base, enum hak_record_kind kind, enum hak_place to) {
    return hak_is_debug_build ? hak_check_freed(base, kind, to) : true;
}

/* The place of the link in a free block of a linked list: its first word, behind the header. */
static inline void **check_link_of(base_t base) {
    return hak_is_debug_build ? hak_check_link_of(base) : (void **)(void *)base.p;
}

/* The place where HAKMEM_INJECT puts a fault of our own into a push on the TLS SLL
 * (guard/inject.c): may change the pointer or the class; true asks for a second push of the same
 * block. */
static inline bool check_inject_push(base_t *block, unsigned *class_index) {
    return hak_is_debug_build ? hak_check_inject_push(block, class_index) : false;
}

/* Called with the head of a list whose links lie in its blocks (place SLL, SFC, MID_LIFO) before
 * the link is read: is it a slot of this class, is its state at this place, does its header stand?
 * `kind` is the reason for the pop (SLL_POP, PROMOTE, MALLOC). False: reported, and the caller
 * drops the whole list (the program goes on). */
static inline bool check_list_pop(enum hak_record_kind kind, enum hak_place place, base_t block,
                                  unsigned class_index) {
    return hak_is_debug_build ? hak_check_pop(kind, place, block, class_index) : true;
}

/* The same for a TLS SLL, for a pop and for a spill alike. */
static inline bool check_pop(base_t block, unsigned class_index) {
    return check_list_pop(HAK_SLL_POP, HAK_PLACE_SLL, block, class_index);
}

#endif

/* The two kinds of block pointer, as types that cannot be mixed up.
 *
 *   base_t                      user_t
 *   |<- header (0 or 16 bytes) ->|<- bytes asked ->|<- slack or canary ->|
 *   ^ first byte of the slot     ^ what malloc returned
 *
 * A base_t is the first byte of a slot and all that the layers pass to each other; a user_t is what
 * the program holds. Both are one-member structs, so they cost nothing, and handing one where the
 * other belongs does not compile (tests/unit/must_not_compile_test.sh shows it). The only ways from
 * one to the other are base_of() and user_of() in check.h. */
#ifndef HAK_BLOCK_H
#define HAK_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include "arch.h"
#include "attributes.h"

typedef struct {
    char *p;
} base_t;

typedef struct {
    char *p;
} user_t;

static inline base_t base_from(void *p) {
    return (base_t){(char *)p};
}
static inline user_t user_from(void *p) {
    return (user_t){(char *)p};
}
static inline uintptr_t base_address(base_t base) {
    return (uintptr_t)base.p;
}
static inline uintptr_t user_address(user_t user) {
    return (uintptr_t)user.p;
}

/* A call of the program, by where its return address lies: the program goes on at *call, and its
 * stack pointer is call + 1 then, where the processor put the address there itself (x86-64).
 * HAK_CALL is the call of the function that it stands in, as machine code, which is one that the
 * program calls: forced in place or not, what it stands in is not called by another function of
 * hakmem. */
typedef const void *const *hak_call_t;
#define HAK_CALL ((hak_call_t)HAK_RETURN_PLACE)

#define HAK_NO_BASE ((base_t){NULL})
#define HAK_NO_USER ((user_t){NULL})

#endif

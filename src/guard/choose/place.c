/* Says how many pages a guarded block gets, and where in them it begins.
 *
 *   HAKMEM_GUARD_ALIGN=fit    bytes asked    0 to 3   4 to 7   8 to 15   16 and more
 *                             multiple of         2        4         8            16
 *
 * C promises no more (C23, 7.24.3): the alignment of any object that has so many bytes at the most.
 * A smaller one for larger blocks would be seen: programs load vectors from 20 bytes, keep
 * something in the low bits of the address of an object that ends in a text, and wait for a word in
 * it.
 *
 *   HAKMEM_GUARD_ALIGN=size   | bytes asked | closed |   at a multiple of the greatest power of two
 *                                                        that divides its size, from 2 to 16
 *
 * The compiler knows that malloc gives a multiple of 16, and may take an instruction for part of a
 * block that wants one. The handler of crashes carries that out (trace/crash/aligned.h), and the
 * stack's next blocks lie at multiples of 16. So do those of a thread whose SIGSEGV would not come
 * to that handler, since the kernel ends it then. */
#include "guard/choose/choose.h"

#include <stdatomic.h>
#include "guard/locate/locate.h"
#include "guarded/guarded.h"

enum {
    PROMISED = HAK_HEADER_BYTES, /* the alignment of malloc's memory */
    LEAST = 2,                   /* programs keep something in the lowest bit of a pointer */
    STACKS = 1 << 16,            /* that are told apart, by their lowest bits */
    WORD_BITS = 64,
};

static _Atomic uint64_t aligned_stacks[STACKS / WORD_BITS]; /* a bit for each */

static bool is_aligned_stack(uint32_t stack) {
    const _Atomic uint64_t *word = &aligned_stacks[stack % STACKS / WORD_BITS];
    return (atomic_load_explicit(word, memory_order_relaxed) >> stack % WORD_BITS & 1) != 0;
}

static void align_stack(uint32_t stack) {
    atomic_fetch_or(&aligned_stacks[stack % STACKS / WORD_BITS], (uint64_t)1 << stack % WORD_BITS);
}

/* Rounds the bytes asked for up, so that they end at the end of the pages. */
static size_t rounded_up(size_t asked_bytes, size_t alignment) {
    return ((asked_bytes ? asked_bytes : 1) + alignment - 1) & ~(alignment - 1);
}

static size_t alignment_of_size(size_t asked_bytes) {
    size_t of_size = asked_bytes & -asked_bytes;
    return of_size < LEAST ? LEAST : of_size < PROMISED ? of_size : PROMISED;
}

/* The greatest power of two that is no more than the size, from LEAST to PROMISED. */
static size_t alignment_that_fits(size_t asked_bytes) {
    size_t alignment = PROMISED;
    while (alignment > asked_bytes && alignment > LEAST)
        alignment /= 2;
    return alignment;
}

/* The least alignment of a block for which the call asks for none. */
static size_t least_alignment(size_t asked_bytes, uint32_t stack) {
    if (hak_options.guard_align == HAK_GUARD_ALIGN_1)
        return 1;
    if (hak_options.guard_align == HAK_GUARD_ALIGN_FIT)
        return alignment_that_fits(asked_bytes);
    size_t of_size = alignment_of_size(asked_bytes);
    bool is_less = hak_options.guard_align == HAK_GUARD_ALIGN_SIZE && of_size < PROMISED &&
                   !is_aligned_stack(stack) && hak_trace_hears_accesses();
    return is_less ? of_size : PROMISED;
}

/* As many for each alignment up to that of the header. */
size_t hak_guarded_bytes(enum hak_guarded_side side, size_t asked_bytes, size_t alignment) {
    size_t header_bytes = hak_guarded_have_border() ? HAK_HEADER_BYTES : 0;
    if (side == HAK_GUARDED_BEFORE)
        return HAK_PAGES_OF(asked_bytes ? asked_bytes : 1);
    if (alignment < PROMISED)
        alignment = PROMISED;
    return HAK_PAGES_OF(rounded_up(asked_bytes, alignment) + header_bytes);
}

char *hak_place_guarded(const struct hak_large *large, size_t asked_bytes, size_t alignment) {
    if (large->guarded_side == HAK_GUARDED_BEFORE)
        return large->base.p;
    if (alignment < PROMISED) {
        size_t least = least_alignment(asked_bytes, large->slot.alloc_stack);
        alignment = alignment < least ? least : alignment;
    }
    return large->base.p + large->mapped_bytes - rounded_up(asked_bytes, alignment);
}

bool hak_place_is_less_aligned(uintptr_t address) {
    if (!hak_guarded_covers((const void *)address))
        return false;
    const struct hak_large *large = hak_large_containing((const void *)address);
    if (!large)
        return true;
    uintptr_t user = base_address(large->base) + large->user_delta;
    if (user % PROMISED == 0 || (address - user) % PROMISED != 0)
        return false;
    align_stack(large->slot.alloc_stack);
    return true;
}

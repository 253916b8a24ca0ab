/* Lays out the compact unwind rules of aarch64 (unwind/rules.h).
 *
 *   rule   kind:3 | cfa:15 | from:1 | slot:8 | what:2
 *
 *   cfa    bytes / 16 from sp or x29 up to the CFA
 *   slot   words from that register up to what was saved; with `from`: from there up to the CFA
 *   what   PAIR     the caller's x29 was saved there, and the return address behind it
 *          RETURN   the return address alone: x29 is unchanged
 *          NOTHING  the return address is in x30: as in functions that call none
 *
 * The stack pointer is a multiple of 16, and instructions lie at multiples of 4. gcc saves the pair
 * below a function's variables, clang above them. */
#ifndef HAK_PLATFORM_AARCH64_RULE_H
#define HAK_PLATFORM_AARCH64_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum hak_rule_what { HAK_RULE_PAIR = 0, HAK_RULE_RETURN, HAK_RULE_NOTHING };

enum {
    HAK_RULE_BITS = 29,
    HAK_RULE_SLOT_SHIFT = 2,
    HAK_RULE_FROM_SHIFT = 10,
    HAK_RULE_CFA_SHIFT = 11,
    HAK_RULE_KIND_SHIFT = 26,
    HAK_RULE_CFA_MAX = 0x7fff,
    HAK_RULE_SLOT_MAX = 0xff,
    HAK_RULE_KEY_BITS = 46, /* of a pc as a key: its instruction */
    HAK_RULE_TAG_BITS = 35,
    HAK_RULE_TABLE_BITS = 12 /* of the first table */
};

/* The last byte of a call stands for the call. */
static inline uint64_t hak_rule_key(uintptr_t pc) {
    return pc >> 2;
}

static inline uintptr_t hak_rule_cfa_of(uint32_t rule) {
    return (uintptr_t)(rule >> HAK_RULE_CFA_SHIFT & HAK_RULE_CFA_MAX) * 16;
}
static inline enum hak_rule_what hak_rule_what_of(uint32_t rule) {
    return (enum hak_rule_what)(rule & 3);
}

/* Where a frame with this CFA saved x29 and x30, or x30; `base` is the register that the CFA is
 * counted from. */
static inline uintptr_t hak_rule_slot_at(uint32_t rule, uintptr_t base, uintptr_t cfa) {
    uintptr_t bytes = (uintptr_t)(rule >> HAK_RULE_SLOT_SHIFT & HAK_RULE_SLOT_MAX) * 8;
    return rule >> HAK_RULE_FROM_SHIFT & 1 ? cfa - bytes : base + bytes;
}
static inline uintptr_t hak_rule_return_at(uint32_t rule, uintptr_t base, uintptr_t cfa) {
    return hak_rule_slot_at(rule, base, cfa) + (hak_rule_what_of(rule) == HAK_RULE_PAIR ? 8 : 0);
}
static inline bool hak_rule_saves_fp(uint32_t rule) {
    return hak_rule_what_of(rule) == HAK_RULE_PAIR;
}
static inline uintptr_t hak_rule_fp_at(uint32_t rule, uintptr_t base, uintptr_t cfa, uintptr_t fp) {
    (void)fp;
    return hak_rule_slot_at(rule, base, cfa);
}

/* A call leaves the return address in x30. A frame record (x29 points to it) does not tell where
 * its frame ends. */
enum { HAK_RETURN_IS_IN_REGISTER = 1, HAK_FP_TELLS_CFA = 0, HAK_STACK_ALIGNMENT = 16 };

/* Where a signal's ucontext lies above the stack pointer when its handler has returned: behind the
 * siginfo_t. */
enum { HAK_SIGNAL_CONTEXT_AT = 128 };

static inline bool hak_rule_keeps_return(uint32_t rule) {
    return hak_rule_what_of(rule) == HAK_RULE_NOTHING;
}

/* The stack pointer in a function that saved the pair where x29 now points to, by its rule BY_SP.
 * False: it saved none. */
static inline bool hak_rule_stack_pointer(uint32_t rule, uintptr_t fp, uintptr_t *sp) {
    if (hak_rule_what_of(rule) != HAK_RULE_PAIR)
        return false;
    *sp = fp - (hak_rule_slot_at(rule, 0, hak_rule_cfa_of(rule)));
    return true;
}

/* The address in a word that may be signed: the signature (PAC) takes the bits that no user address
 * has. */
static inline uintptr_t hak_return_address(uintptr_t word) {
    return word & (((uintptr_t)1 << 48) - 1);
}

#endif

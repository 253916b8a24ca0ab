/* Lays out the compact unwind rules of x86-64 (unwind/rules.h).
 *
 *   rule   kind:3 | cfa:16 | bp:8      the return address lies at CFA - 8
 *
 *   cfa    words from rsp or rbp up to the CFA; BY_SAVED: from its word up to rbp
 *   bp     0: the caller's rbp is unchanged; else saved at CFA - 8 * bp; 255: saved at rbp */
#ifndef HAK_PLATFORM_X86_64_RULE_H
#define HAK_PLATFORM_X86_64_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HAK_RULE_BITS = 27,
    HAK_RULE_CFA_SHIFT = 8,
    HAK_RULE_KIND_SHIFT = 24,
    HAK_RULE_CFA_MAX = 0xffff, /* words */
    HAK_RULE_BP_MAX = 250,
    HAK_RULE_BP_AT_RBP = 255,
    HAK_RULE_KEY_BITS = 47, /* of a pc as a key: all of it */
    HAK_RULE_TAG_BITS = 37,
    HAK_RULE_TABLE_BITS = 11 /* of the first table */
};

static inline uint64_t hak_rule_key(uintptr_t pc) {
    return pc;
}

static inline uintptr_t hak_rule_cfa_of(uint32_t rule) {
    return (uintptr_t)(rule >> HAK_RULE_CFA_SHIFT & 0xffff) * 8;
}
static inline uintptr_t hak_rule_bp_of(uint32_t rule) {
    return rule & 0xff;
}

/* Where the return address was saved in a frame with this CFA; `base` is the register that the CFA
 * is counted from. */
static inline uintptr_t hak_rule_return_at(uint32_t rule, uintptr_t base, uintptr_t cfa) {
    (void)rule;
    (void)base;
    return cfa - 8;
}

/* The same of the caller's rbp, where it was saved. */
static inline bool hak_rule_saves_fp(uint32_t rule) {
    return hak_rule_bp_of(rule) != 0;
}
static inline uintptr_t hak_rule_fp_at(uint32_t rule, uintptr_t base, uintptr_t cfa, uintptr_t bp) {
    uintptr_t words = hak_rule_bp_of(rule);
    (void)base;
    return words == HAK_RULE_BP_AT_RBP ? bp : cfa - 8 * words;
}

/* A call pushes the return address: no register keeps it, and the frame pointer tells the CFA. */
enum { HAK_RETURN_IS_IN_REGISTER = 0, HAK_FP_TELLS_CFA = 1, HAK_STACK_ALIGNMENT = 8 };

/* Where a signal's ucontext lies above the stack pointer when its handler has returned. */
enum { HAK_SIGNAL_CONTEXT_AT = 0 };

static inline bool hak_rule_keeps_return(uint32_t rule) {
    (void)rule;
    return false;
}
static inline bool hak_rule_stack_pointer(uint32_t rule, uintptr_t bp, uintptr_t *sp) {
    (void)rule;
    (void)bp;
    (void)sp;
    return true;
}

/* The address in a word that a call wrote. */
static inline uintptr_t hak_return_address(uintptr_t word) {
    return word;
}

#endif

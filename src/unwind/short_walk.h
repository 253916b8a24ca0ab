/* The first few callers of a function by rules that are there already: for stacks that have to be
 * cheap and may be cut. Nothing is compiled, compared or kept. */
#ifndef HAK_UNWIND_SHORT_WALK_H
#define HAK_UNWIND_SHORT_WALK_H

#include <stddef.h>
#include "unwind/rules.h"
#include "unwind/stack_memory.h"

/* A frame on the way outwards. */
struct hak_short_step {
    uintptr_t ip, sp, bp;
};

/* Steps to the caller. False: at the end, or the rule is not there or not of the simple kinds.
 * Async-signal-safe; reads the thread's own stack only, as far as it is known readable. */
static inline bool hak_short_step(struct hak_short_step *at) {
    const struct hak_stack_bounds *bounds = &hak_stack_bounds;
    uint32_t rule = hak_rule_lookup(at->ip - 1);
    uintptr_t cfa;
    if (hak_rule_kind_of(rule) == HAK_RULE_BY_RSP)
        cfa = at->sp + hak_rule_cfa_of(rule);
    else if (hak_rule_kind_of(rule) == HAK_RULE_BY_RBP)
        cfa = at->bp + hak_rule_cfa_of(rule);
    else
        return false;
    uintptr_t bp_words = hak_rule_bp_of(rule);
    uintptr_t bp_at = bp_words == HAK_RULE_BP_AT_RBP ? at->bp : cfa - 8 * bp_words;
    if (cfa <= at->sp || (cfa & 7) != 0 || at->sp < bounds->low || cfa > bounds->high ||
        bp_at < bounds->low || bp_at >= bounds->high || (bp_at & 7) != 0)
        return false;
    at->ip = *(const volatile uintptr_t *)(cfa - 8);
    if (bp_words != 0)
        at->bp = *(const volatile uintptr_t *)bp_at;
    at->sp = cfa;
    return at->ip != 0 && at->ip >> HAK_RULE_PC_BITS == 0;
}

#endif

/* The first few callers of a function by rules that are there already: for stacks that have to be
 * cheap and may be cut. Nothing is compiled, compared or kept. */
#ifndef HAK_UNWIND_SHORT_WALK_H
#define HAK_UNWIND_SHORT_WALK_H

#include <stddef.h>
#include "unwind/rules.h"
#include "unwind/stack_memory.h"

/* A frame on the way outwards. `sp` may be 0 where bp points to what the frame saved and tells it.
 */
struct hak_short_step {
    uintptr_t ip, sp, bp;
};

/* Steps to the caller. False: at the end, or the rule is not there or not of the simple kinds.
 * Async-signal-safe; reads the thread's own stack only, as far as it is known readable. */
static inline bool hak_short_step(struct hak_short_step *at) {
    const struct hak_stack_bounds *bounds = &hak_stack_bounds;
    uint32_t rule = hak_rule_lookup(at->ip - 1);
    uintptr_t base;
    if (hak_rule_kind_of(rule) == HAK_RULE_BY_FP)
        base = at->bp;
    else if (hak_rule_kind_of(rule) != HAK_RULE_BY_SP)
        return false;
    else if (at->sp == 0 && !hak_rule_stack_pointer(rule, at->bp, &at->sp))
        return false;
    else
        base = at->sp;
    if (hak_rule_keeps_return(rule))
        return false;
    uintptr_t cfa = base + hak_rule_cfa_of(rule);
    uintptr_t return_at = hak_rule_return_at(rule, base, cfa);
    uintptr_t bp_at = hak_rule_fp_at(rule, base, cfa, at->bp);
    if (cfa <= at->sp || (cfa & 7) != 0 || base < bounds->low || return_at < bounds->low ||
        cfa > bounds->high || bp_at < bounds->low || bp_at >= bounds->high || (bp_at & 7) != 0 ||
        (!HAK_FP_TELLS_CFA && return_at >= bounds->high))
        return false;
    at->ip = hak_return_address(*(const volatile uintptr_t *)return_at);
    if (hak_rule_saves_fp(rule))
        at->bp = *(const volatile uintptr_t *)bp_at;
    at->sp = cfa;
    return at->ip != 0 && at->ip >> HAK_ADDRESS_BITS == 0;
}

#endif

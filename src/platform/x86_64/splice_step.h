/* Packs the steps that a thread remembers, and takes them, on x86-64 (unwind/splice.h).
 *
 *   step   kind:8 | own:8 | below:16 | cfa:32
 *
 *   cfa    bytes to the CFA, below which the return address lies
 *   below  bytes below the CFA where the caller's rbp lies, 0 = unchanged, BP_AT_RBP = at rbp
 *
 * In a caller the stack pointer is 8 above where the address lies to which the call returns. */
#ifndef HAK_PLATFORM_X86_64_SPLICE_STEP_H
#define HAK_PLATFORM_X86_64_SPLICE_STEP_H

#include <stdbool.h>
#include <stdint.h>
#include "attributes.h"

enum { HAK_STEP_BP_SHIFT = 32, HAK_STEP_BP_AT_RBP = 0xffff };

/* Where a walk stands: the registers in a caller. */
struct hak_walk_place {
    uintptr_t ip, sp, bp;
};
HAK_IN_PLACE uintptr_t hak_place_at(const struct hak_walk_place *place) {
    return place->sp - 8;
}
/* The stack pointer where the return address lies `at`; `sp` is what was noted of it. */
HAK_IN_PLACE uintptr_t hak_sp_above(uintptr_t at, uintptr_t sp) {
    (void)sp;
    return at + 8;
}
HAK_IN_PLACE void hak_place_set(struct hak_walk_place *place, uintptr_t cfa, uintptr_t at) {
    (void)at;
    place->sp = cfa;
}
#define HAK_PLACE(ip, at, sp, bp) ((struct hak_walk_place){ip, hak_sp_above(at, sp), bp})

/* Where the function went on that called the one whose saved rbp lies at `frame`. */
HAK_IN_PLACE struct hak_walk_place hak_place_above(const uintptr_t *frame) {
    return (struct hak_walk_place){.ip = frame[1], .sp = (uintptr_t)(frame + 2), .bp = frame[0]};
}

/* The same of a call whose return address lies at `call`; nothing is known of its rbp. */
#define HAK_PLACE_OF_CALL(call)                                                                    \
    ((struct hak_walk_place){.ip = (uintptr_t)(call)[0], .sp = (uintptr_t)((call) + 1)})

/* Nothing is noted of a frame's stack pointer. */
#define HAK_NOTED_SP
#define HAK_NOTE_SP(frame, value)   ((void)0)
#define HAK_SP_IS(frame, value)     true
#define HAK_FRAME_SP(found, frame)  ((found)->address + 8)
#define HAK_FRAME_KEY(found, frame) ((found)->address)

HAK_IN_PLACE uint64_t hak_pack_step(unsigned kind, uintptr_t cfa, uintptr_t below, bool is_own) {
    return (uint64_t)cfa | (uint64_t)below << HAK_STEP_BP_SHIFT |
           (uint64_t)is_own << HAK_STEP_OWN_SHIFT | (uint64_t)kind << HAK_STEP_KIND_SHIFT;
}

/* Packs a rule into a step; one whose words lie between rsp and the CFA becomes HAK_STEP_PLAIN, as
 * these need no look at the stack's lower end. */
static inline uint64_t hak_step_of_rule(uint32_t rule, bool is_own) {
    unsigned kind = hak_rule_kind_of(rule);
    uintptr_t cfa = hak_rule_cfa_of(rule), bp = 8 * hak_rule_bp_of(rule);
    if (hak_rule_bp_of(rule) == HAK_RULE_BP_AT_RBP)
        return hak_pack_step(kind, cfa, HAK_STEP_BP_AT_RBP, is_own);
    /* words between rsp and the CFA can be read without a look at the stack's lower end */
    if (kind == HAK_RULE_BY_SP && cfa >= 8 && bp <= cfa)
        kind = HAK_STEP_PLAIN;
    return hak_pack_step(kind, cfa, bp, is_own);
}

/* Of a step that is not plain: bytes to the CFA, and where the return address and, if it was saved,
 * the caller's rbp lie. */
HAK_IN_PLACE uintptr_t hak_step_cfa(uint64_t step) {
    return (uint32_t)step;
}
HAK_IN_PLACE uintptr_t hak_step_return_at(uint64_t step, uintptr_t base, uintptr_t cfa) {
    (void)step;
    (void)base;
    return cfa - 8;
}
HAK_IN_PLACE bool hak_step_saves_fp(uint64_t step) {
    return (uint16_t)(step >> HAK_STEP_BP_SHIFT) != 0;
}
HAK_IN_PLACE bool hak_step_needs_fp(uint64_t step) {
    return (uint16_t)(step >> HAK_STEP_BP_SHIFT) == HAK_STEP_BP_AT_RBP;
}
HAK_IN_PLACE uintptr_t hak_step_fp_at(uint64_t step, uintptr_t base, uintptr_t cfa, uintptr_t bp) {
    uintptr_t below = (uint16_t)(step >> HAK_STEP_BP_SHIFT);
    (void)base;
    return below == HAK_STEP_BP_AT_RBP ? bp : cfa - below;
}

/* Where a plain step to `cfa` found the caller's rbp; 0 = unchanged. */
HAK_IN_PLACE uintptr_t hak_plain_fp_at(uint64_t step, uintptr_t sp, uintptr_t cfa) {
    uintptr_t below = (uint16_t)(step >> HAK_STEP_BP_SHIFT);
    (void)sp;
    return below ? cfa - below : 0;
}

/* Takes a plain step from the frame whose return address lies `at`. False: the stack ends at
 * `high`, before. */
HAK_IN_PLACE bool hak_take_plain_step(uint64_t step, uintptr_t high, uintptr_t *at, uintptr_t *sp,
                                      uintptr_t *ip, uintptr_t *bp) {
    uint16_t below = (uint16_t)(step >> HAK_STEP_BP_SHIFT);
    (void)sp;
    *at += (uint32_t)step;
    if (HAK_UNLIKELY(*at + 8 > high))
        return false;
    if (below != 0)
        *bp = hak_word_at(*at + 8 - below);
    *ip = hak_word_at(*at);
    return true;
}

/* The stack pointer is known. */
HAK_IN_PLACE void hak_place_find_sp(uint64_t step, struct hak_walk_place *place) {
    (void)step;
    (void)place;
}

/* Takes the plain step from `place`, which lies on the stack [low, high) in a frame of hakmem's
 * own. False: the stack ends before. */
HAK_IN_PLACE bool hak_take_own_step(uintptr_t low, uintptr_t high, uint64_t step,
                                    struct hak_walk_place *place) {
    uintptr_t cfa = place->sp + (uint32_t)step;
    uint16_t below = (uint16_t)(step >> HAK_STEP_BP_SHIFT);
    (void)low;
    if (HAK_UNLIKELY(cfa > high))
        return false;
    if (below != 0)
        place->bp = hak_word_at(cfa - below);
    place->ip = hak_word_at(cfa - 8);
    place->sp = cfa;
    return true;
}

#endif

/* Packs the steps that a thread remembers, and takes them, on aarch64 (unwind/splice.h).
 *
 *   plain step   kind:8 | own:8 | fp:16 | return:16 | cfa:16      any other   kind:8 | own:8 | rule
 *
 *   cfa          bytes / 16 from sp to the CFA
 *   return, fp   words from sp to the return address, to the caller's x29 and 1; fp 0 = unchanged
 *
 * Where the return address lies says nothing of the stack pointer in the caller: both are noted of
 * each frame. */
#ifndef HAK_PLATFORM_AARCH64_SPLICE_STEP_H
#define HAK_PLATFORM_AARCH64_SPLICE_STEP_H

#include <stdbool.h>
#include <stdint.h>
#include "attributes.h"

enum { HAK_STEP_RETURN_SHIFT = 16, HAK_STEP_FP_SHIFT = 32 };

/* Where a walk stands: the registers in a caller, and where the address lies to which the call
 * returns. */
struct hak_walk_place {
    uintptr_t ip, sp, bp, at;
};
HAK_IN_PLACE uintptr_t hak_place_at(const struct hak_walk_place *place) {
    return place->at;
}
/* The stack pointer where the return address lies `at`; `sp` is what was noted of it. */
HAK_IN_PLACE uintptr_t hak_sp_above(uintptr_t at, uintptr_t sp) {
    (void)at;
    return sp;
}
HAK_IN_PLACE void hak_place_set(struct hak_walk_place *place, uintptr_t cfa, uintptr_t at) {
    place->sp = cfa;
    place->at = at;
}
#define HAK_PLACE(ip, at, sp, bp) ((struct hak_walk_place){ip, sp, bp, at})

/* Where the function went on that called the one whose frame record is `frame`. The stack pointer
 * is not known but for its lower end: frames of hakmem's own are stepped over by their records. */
HAK_IN_PLACE struct hak_walk_place hak_place_above(const uintptr_t *frame) {
    return (struct hak_walk_place){.ip = hak_return_address(frame[1]),
                                   .sp = (uintptr_t)(frame + 2),
                                   .bp = frame[0],
                                   .at = (uintptr_t)(frame + 1)};
}

/* Where a call's return address lies tells nothing of the stack pointer: nobody asks by that. */
#define HAK_PLACE_OF_CALL(call)                                                                    \
    ((struct hak_walk_place){.ip = hak_return_address((uintptr_t)(call)[0]),                       \
                             .at = (uintptr_t)(call)})

#define HAK_NOTED_SP                uintptr_t sp;
#define HAK_NOTE_SP(frame, value)   ((frame)->sp = (value))
#define HAK_SP_IS(frame, value)     ((frame)->sp == (value))
#define HAK_FRAME_SP(found, frame)  ((frame)->sp)
#define HAK_FRAME_KEY(found, frame) ((found)->address ^ (frame)->sp << 8)

HAK_IN_PLACE uint64_t hak_pack_step(unsigned kind, uintptr_t low, uintptr_t fp, bool is_own) {
    return (uint64_t)low | (uint64_t)fp << HAK_STEP_FP_SHIFT |
           (uint64_t)is_own << HAK_STEP_OWN_SHIFT | (uint64_t)kind << HAK_STEP_KIND_SHIFT;
}

/* Packs a rule into a step; one whose words lie between sp and the CFA becomes HAK_STEP_PLAIN, as
 * these need no look at the stack's lower end. One whose return address is in a register cannot be
 * a caller's. */
static inline uint64_t hak_step_of_rule(uint32_t rule, bool is_own) {
    unsigned kind = hak_rule_kind_of(rule);
    uintptr_t cfa = hak_rule_cfa_of(rule), at = hak_rule_return_at(rule, 0, cfa);
    uintptr_t fp_at = hak_rule_saves_fp(rule) ? at - 8 : at;
    bool is_frame = kind == HAK_RULE_BY_SP || kind == HAK_RULE_BY_FP;
    if (is_frame && hak_rule_keeps_return(rule))
        return hak_pack_step(HAK_RULE_FULL, 0, 0, is_own);
    if (kind != HAK_RULE_BY_SP || fp_at >= cfa || at >= cfa || cfa / 16 > UINT16_MAX ||
        at / 8 > UINT16_MAX - 2)
        return hak_pack_step(kind, rule, 0, is_own);
    return hak_pack_step(HAK_STEP_PLAIN, cfa / 16 | at / 8 << HAK_STEP_RETURN_SHIFT,
                         hak_rule_saves_fp(rule) ? fp_at / 8 + 1 : 0, is_own);
}

/* Of a step that is not plain: bytes to the CFA, and where the return address and, if it was saved,
 * the caller's x29 lie. */
HAK_IN_PLACE uintptr_t hak_step_cfa(uint64_t step) {
    return hak_rule_cfa_of((uint32_t)step);
}
HAK_IN_PLACE uintptr_t hak_step_return_at(uint64_t step, uintptr_t base, uintptr_t cfa) {
    return hak_rule_return_at((uint32_t)step, base, cfa);
}
HAK_IN_PLACE bool hak_step_saves_fp(uint64_t step) {
    return hak_rule_saves_fp((uint32_t)step);
}
HAK_IN_PLACE bool hak_step_needs_fp(uint64_t step) {
    (void)step;
    return false;
}
HAK_IN_PLACE uintptr_t hak_step_fp_at(uint64_t step, uintptr_t base, uintptr_t cfa, uintptr_t fp) {
    return hak_rule_fp_at((uint32_t)step, base, cfa, fp);
}

/* Where a plain step from `sp` found the caller's x29; 0 = unchanged. */
HAK_IN_PLACE uintptr_t hak_plain_fp_at(uint64_t step, uintptr_t sp, uintptr_t cfa) {
    uintptr_t words = (uint16_t)(step >> HAK_STEP_FP_SHIFT);
    (void)cfa;
    return words ? sp + 8 * (words - 1) : 0;
}

/* Takes a plain step from a frame with the stack pointer `sp`. False: the stack ends at `high`,
 * before. */
HAK_IN_PLACE bool hak_take_plain_step(uint64_t step, uintptr_t high, uintptr_t *at, uintptr_t *sp,
                                      uintptr_t *ip, uintptr_t *bp) {
    uintptr_t cfa = *sp + 16 * (uintptr_t)(uint16_t)step, fp_at = hak_plain_fp_at(step, *sp, cfa);
    if (HAK_UNLIKELY(cfa > high))
        return false;
    *at = *sp + 8 * (uintptr_t)(uint16_t)(step >> HAK_STEP_RETURN_SHIFT);
    if (fp_at != 0)
        *bp = hak_word_at(fp_at);
    *ip = hak_return_address(hak_word_at(*at));
    *sp = cfa;
    return true;
}

/* Finds the stack pointer at `place`, in a frame of hakmem's own with a plain step. These keep x29:
 * where it points to they saved the pair. */
HAK_IN_PLACE void hak_place_find_sp(uint64_t step, struct hak_walk_place *place) {
    if ((uint16_t)(step >> HAK_STEP_FP_SHIFT))
        place->sp = place->bp - hak_plain_fp_at(step, 0, 0);
}

/* Takes the plain step from `place`, which lies on the stack [low, high) in a frame of hakmem's
 * own. False: the stack ends before. */
HAK_IN_PLACE bool hak_take_own_step(uintptr_t low, uintptr_t high, uint64_t step,
                                    struct hak_walk_place *place) {
    hak_place_find_sp(step, place);
    if (HAK_UNLIKELY(place->sp - low >= high - low || (place->sp & 15) != 0))
        return false;
    return hak_take_plain_step(step, high, &place->at, &place->sp, &place->ip, &place->bp);
}

#endif

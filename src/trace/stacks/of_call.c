/* Finds the stack of a call of the program: mostly without a walk, by the part of the last stack
 * that stands and a tail that once lay above it. splice.h has the picture. */
#include "trace/stacks/walk.h"
#include "trace/trace.h"
#include "unwind/region.h"
#include "unwind/short_walk.h"
#include "unwind/unwind.h"

enum { OWN_FRAMES_OF_CALL = 8, FRAMES_OF_SHORT = 3 };

/* The id of the innermost frames of the program alone, found without a walk. */
static HAK_COLD uint32_t intern_shortly(const uintptr_t *frame) {
    uintptr_t ips[FRAMES_OF_SHORT] = {0};
    struct hak_short_step at = {hak_return_address(frame[1]),
                                HAK_FP_TELLS_CFA ? (uintptr_t)(frame + 2) : 0, frame[0]};
    size_t count = 0;
    for (unsigned steps = 0; steps < OWN_FRAMES_OF_CALL && count < FRAMES_OF_SHORT; steps++) {
        if (!hak_is_own_text(at.ip))
            ips[count++] = at.ip;
        if (count == FRAMES_OF_SHORT || !hak_short_step(&at))
            break;
    }
    return hak_stacks_intern(ips, count);
}

uintptr_t hak_stack_caller(const void *frame, hak_call_t call) {
    const uintptr_t *words = frame;
    struct hak_short_step at = {hak_return_address(words[1]),
                                HAK_FP_TELLS_CFA ? (uintptr_t)(words + 2) : 0, words[0]};
    uintptr_t there = (uintptr_t)(call + 1);
    for (unsigned steps = 0; HAK_FP_TELLS_CFA ? at.sp != there : hak_is_own_text(at.ip); steps++)
        if (steps == OWN_FRAMES_OF_CALL || !hak_short_step(&at))
            return 0;
    return hak_short_step(&at) ? at.ip : 0;
}

/* A call whose frames found no node. */
static HAK_COLD uint32_t take_shortly(const uintptr_t *frame, uint8_t *flags) {
    *flags = HAK_RECORD_PARTIAL;
    if (hak_stacks_now.is_private)
        return intern_shortly(frame);
    *flags = 0;
    atomic_fetch_add(hak_stacks_now.no_stack, 1);
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------
 */

/* A call on its way: where the program called, and what of the last stack stands. */
struct call {
    struct hak_walk_place place;
    uint32_t stands;
    uint64_t differing; /* the word where the first frame lay that does not; 0 = none */
};

HAK_IN_PLACE uint64_t differing_word(const struct hak_last_stack *last, uint32_t stands,
                                     uintptr_t at) {
    uintptr_t address = last->found[stands].address;
    return address > at ? hak_word_at(address) : 0;
}

/* The first of the two places where the tail of this call may be remembered. */
HAK_IN_PLACE struct hak_tail *tail_place(struct hak_thread_stacks *all, const struct call *call) {
    uint64_t base = call->stands ? all->last.frame[call->stands - 1].id : 0;
    uint64_t inner = (call->place.ip ^ call->place.sp << 20) * HAK_SPREAD;
    uint64_t outer = (call->differing ^ base << 40) * 0xd6e8feb86659fd93u;
    return &all->tail[2 * ((inner ^ outer) >> (65 - all->tail_bits))];
}

/* The beginning of a tail's hash: the frame that it stands on. */
HAK_IN_PLACE uint64_t hash_of_base(const struct hak_last_stack *last, uint32_t base) {
    return HAK_FRAME_KEY(&last->found[base], &last->frame[base]) ^ (uint64_t)last->frame[base].id
                                                                       << 32;
}
/* The part of rbp in the hash: of the base and of the tail, where their frames need it. */
HAK_IN_PLACE uint64_t hash_of_bp(const struct hak_frame *base, bool needs_bp, uintptr_t bp) {
    return (base->needs_bp ? base->bp * 29 : 0) + (needs_bp ? bp * 31 : 0);
}

/* Whether the call's stack is `tail` above what stands, about which rbp decides only where it
 * `has_bp`. */
HAK_IN_PLACE bool tail_stands(const struct hak_thread_stacks *all, const struct hak_tail *tail,
                              const struct call *call, bool has_bp) {
    uintptr_t sp = call->place.sp;
    uint32_t base = call->stands - 1;
    if (tail->key != call->place.ip + all->salt || tail->sp != sp)
        return false;
    uint64_t hash = hash_of_base(&all->last, base);
    if (has_bp)
        hash += hash_of_bp(&all->last.frame[base], tail->needs_bp, call->place.bp);
    const uint16_t *distance = tail->distance, *end = distance + tail->words;
    for (; distance != end; distance++)
        hash = hash * HAK_SPREAD + hak_return_at(sp + 8 * (uintptr_t)*distance);
    return hash == tail->hash && (has_bp || !tail->needs_bp);
}

/* Adds a word of the stack that must stand for the tail to hold. False: it is too far, or there are
 * too many. */
static bool add_word(struct hak_tail *tail, const struct hak_found_word *word) {
    uintptr_t bytes = word->address - tail->sp;
    if (tail->words == HAK_TAIL_WORDS || bytes / 8 > UINT16_MAX || bytes % 8 != 0)
        return false;
    tail->distance[tail->words++] = (uint16_t)(bytes / 8);
    tail->hash = tail->hash * HAK_SPREAD + hak_return_address(word->value);
    return true;
}

/* Keeps the frames that were new in the last stack, which is whole. */
static void keep_tail(struct hak_thread_stacks *all, const struct call *call,
                      struct hak_tail *place) {
    const struct hak_last_stack *last = &all->last;
    uint32_t kept = last->kept, innermost = last->count - 1;
    const struct hak_frame *base = &last->frame[kept - 1], *frame = &last->frame[innermost];
    struct hak_tail tail = {.key = call->place.ip + all->salt,
                            .sp = call->place.sp,
                            .id = frame->id,
                            .needs_bp = frame->needs_bp};
    tail.hash = hash_of_base(last, kept - 1) + hash_of_bp(base, tail.needs_bp, call->place.bp);
    bool fits = true;
    for (uint32_t i = kept; fits && i < innermost; i++)
        fits = add_word(&tail, &last->found[i]);
    for (uint32_t i = base->extra; fits && i < frame->extra; i++)
        fits = add_word(&tail, &last->extra[i]);
    if (!fits)
        return;
    if (HAK_UNLIKELY(++all->tails_kept == HAK_TAILS_TILL_MORE)) {
        hak_splice_make_more_tails(all);
        return;
    }
    place[1] = place[0];
    place->sp = 0; /* a handler that leaves by longjmp leaves nothing half written */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *place = tail;
}

/* Is `place` on the thread's own stack? A place in a region is not. */
HAK_IN_PLACE bool is_on_own_stack(struct hak_thread_stacks *all,
                                  const struct hak_walk_place *place) {
    return HAK_LIKELY(hak_is_in_stack_bounds(&hak_stack_bounds, place->sp)) ||
           (!hak_region_find(all, place->sp) && hak_stack_is_own(place));
}

/* The id of a call's stack on another stack of the thread, from `from`: by its region, else walked
 * whole, or cut short where the region has no room. */
static HAK_UNWINDER_ENTRY HAK_COLD uint32_t walk_elsewhere(struct hak_thread_stacks *all,
                                                           const uintptr_t *frame,
                                                           const struct hak_walk_place *from,
                                                           struct hak_taken_stack *taken) {
    uint32_t id = 0;
    switch (hak_stack_walk_region(all, from, taken, &id)) {
    case HAK_REGION_CANNOT:
        id = hak_stack_walk_whole(taken);
        break;
    case HAK_REGION_NO_ROOM:
        id = take_shortly(frame, &taken->flags);
        break;
    case HAK_REGION_WALKED:
        break;
    }
    return id;
}

/* The frames of a call that is not known are walked, and become the last stack. `known` is what was
 * found out of it, NULL where nothing was looked for yet. */
static HAK_UNWINDER_ENTRY uint32_t walk_call(struct hak_thread_stacks *all, const uintptr_t *frame,
                                             const struct call *known, uint8_t *flags) {
    struct hak_taken_stack taken = {false, 0, 0};
    const struct hak_walk_place from = hak_place_above(frame);
    struct call here = {.place = from};
    uint32_t id = 0, compared = 0;
    bool is_walked = false, is_own = is_on_own_stack(all, &from);
    if (is_own && hak_splice_leave_own(all, &hak_stack_bounds, &here.place)) {
        if (known) {
            here.stands = known->stands;
            here.differing = known->differing;
        } else {
            uintptr_t at = hak_place_at(&here.place);
            compared = hak_stack_not_compared(&all->last);
            here.stands = hak_splice_compare(&all->last, compared, at);
            here.differing = differing_word(&all->last, here.stands, at);
        }
        struct hak_tail *tail = tail_place(all, &here);
        taken.caller = here.place.ip;
        is_walked = hak_stack_walk(all, &here.place, compared, here.stands, &taken.flags);
        uint32_t count = all->last.count;
        if (is_walked)
            id = hak_stack_id(&all->last);
        if (is_walked && id == 0)
            id = take_shortly(frame, &taken.flags);
        else if (all->last.is_whole && all->last.kept == here.stands && here.stands != 0 &&
                 count > here.stands)
            keep_tail(all, &here, tail);
    }
    if (HAK_UNLIKELY(!is_walked))
        id = is_own ? hak_stack_walk_whole(&taken) : walk_elsewhere(all, frame, &from, &taken);
    hak_unwind_leave();
    *flags = taken.flags;
    if (HAK_UNLIKELY(hak_called_by_loader(taken.caller)))
        hak_modules_check();
    return id;
}

/* The first call of a thread, and after an unload; one that interrupts a walk; where no stacks are
 * taken. */
static HAK_UNWINDER_ENTRY HAK_COLD uint32_t begin_call(const uintptr_t *frame, uint8_t *flags) {
    *flags = 0;
    if (hak_stacks_now.depth == 0)
        return 0;
    if (hak_unwind_under_way != 0 && hak_stack_is_interrupting(2)) {
        *flags = HAK_RECORD_PARTIAL;
        return 0;
    }
    hak_unwind_enter_at((uintptr_t)__builtin_frame_address(0));
    struct hak_thread_stacks *all = hak_stack_thread();
    if (all)
        return walk_call(all, frame, NULL, flags);
    struct hak_taken_stack taken = {false, 0, 0};
    uint32_t id = hak_stack_walk_whole(&taken);
    hak_unwind_leave();
    *flags = taken.flags;
    if (hak_called_by_loader(taken.caller))
        hak_modules_check();
    return id;
}

HAK_IN_PLACE void compare_call(const struct hak_thread_stacks *all, struct call *call) {
    call->stands = hak_splice_compare(&all->last, 0, hak_place_at(&call->place));
}

/* Finds the stack of a call of which frames stand, without a walk. 0: it has to be walked, or where
 * not `has_bp` the program's rbp may decide. */
HAK_IN_PLACE uint32_t find_call(struct hak_thread_stacks *all, struct call *call, bool has_bp) {
    const struct hak_last_stack *last = &all->last;
    uintptr_t at = hak_place_at(&call->place);
    uint32_t base = call->stands - 1;
    if (HAK_UNLIKELY(!has_bp && last->frame[base].needs_bp))
        return 0;
    bool extras_stand = hak_splice_extras_stand(last, base);
    if (last->found[base].address == at && HAK_SP_IS(&last->frame[base], call->place.sp) &&
        extras_stand &&
        (!has_bp || !last->frame[base].needs_bp || last->frame[base].bp == call->place.bp))
        return last->frame[base].id;
    call->differing = differing_word(last, call->stands, at);
    if (HAK_UNLIKELY(!extras_stand))
        return 0;
    const struct hak_tail *tail = tail_place(all, call);
    if (HAK_LIKELY(tail_stands(all, tail, call, has_bp)))
        return tail->id;
    tail++;
    return tail_stands(all, tail, call, has_bp) ? tail->id : 0;
}

/* Finds the stack of a call whose place is not known: steps over hakmem's frames for the program's
 * rbp. 0: not remembered. */
static HAK_UNWINDER_ENTRY uint32_t find_any_call(struct hak_thread_stacks *all,
                                                 const uintptr_t *frame, struct call *call) {
    call->place = hak_place_above(frame);
    if (!is_on_own_stack(all, &call->place) ||
        !hak_splice_leave_own(all, &hak_stack_bounds, &call->place))
        return call->stands = 0;
    if (call->stands == 0)
        compare_call(all, call);
    return call->stands != 0 ? find_call(all, call, true) : 0;
}

/* The stack of a call of a thread that has stacks of now, and is in no walk: remembered, or by a
 * walk. */
HAK_IN_PLACE uint32_t go_on_with_call(struct hak_thread_stacks *all, const void *frame,
                                      hak_call_t at, uint8_t *flags) {
    struct call call = {.stands = 0};
    uint32_t id = 0;
    hak_unwind_enter_at((uintptr_t)frame);
    all->calls++;
    if (HAK_UNLIKELY(!all->last.is_whole))
        return walk_call(all, frame, NULL, flags);
    if (HAK_LIKELY(HAK_FP_TELLS_CFA && at != NULL)) {
        call.place = HAK_PLACE_OF_CALL(at);
        compare_call(all, &call);
        if (HAK_LIKELY(call.stands != 0))
            id = find_call(all, &call, false);
    }
    if (HAK_UNLIKELY(id == 0)) {
        struct call missed = call; /* a copy, so that `call` itself stays in registers */
        if (!HAK_FP_TELLS_CFA || !at || !all->last.is_plain)
            id = find_any_call(all, frame, &missed);
        if (id == 0)
            return walk_call(all, frame, missed.stands ? &missed : NULL, flags);
        call.place.ip = missed.place.ip;
    }
    hak_unwind_leave();
    *flags = 0;
    if (HAK_UNLIKELY(hak_called_by_loader(call.place.ip)))
        hak_modules_check();
    return id;
}

uint32_t (*hak_stacks_add_frames)(uint32_t native);

/* A call whose stack gets frames of an interpreter, too. */
static HAK_UNWINDER_ENTRY uint32_t known_call(struct hak_thread_stacks *all, const void *frame,
                                              hak_call_t at, uint8_t *flags) {
    return go_on_with_call(all, frame, at, flags);
}

HAK_UNWINDER_ENTRY uint32_t hak_stack_of_call(const void *frame, hak_call_t at, uint8_t *flags) {
    struct hak_thread_stacks *all = hak_thread_stacks;
    if (HAK_RETURN_IS_IN_REGISTER)
        at = NULL; /* the stack pointer is not to be told by it */
    /* Its record leads to a frame of hakmem's, never to the program's, whose stack pointer it does
     * not tell. */
    if (!HAK_FP_TELLS_CFA)
        frame = __builtin_frame_address(0);
    if (HAK_LIKELY(all && hak_unwind_under_way == 0 && all->call_version == hak_stacks_version()))
        return go_on_with_call(all, frame, at, flags);
    bool is_known = all && hak_unwind_under_way == 0 && all->version == hak_stacks_version();
    uint32_t id = is_known ? known_call(all, frame, at, flags) : begin_call(frame, flags);
    __asm__ volatile("" : "+r"(id)); /* no tail call: begin_call counts this frame */
    return hak_stacks_add_frames ? hak_stacks_add_frames(id) : id;
}

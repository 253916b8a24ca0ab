/* Finds the stack of a call of the program: mostly without a walk, by the part of the last stack
 * that stands and a tail that once lay above it. splice.h has the picture. */
#include "trace/stack_walk.h"
#include "trace/trace.h"
#include "unwind/region.h"
#include "unwind/short_walk.h"
#include "unwind/unwind.h"

enum { OWN_FRAMES_OF_CALL = 8, FRAMES_OF_SHORT = 3 };

/* The id of the innermost frames of the program alone, found without a walk. */
static HAK_COLD uint32_t intern_shortly(const uintptr_t *frame) {
    uintptr_t ips[FRAMES_OF_SHORT] = {0};
    struct hak_short_step at = {frame[1], (uintptr_t)(frame + 2), frame[0]};
    size_t count = 0;
    for (unsigned steps = 0; steps < OWN_FRAMES_OF_CALL && count < FRAMES_OF_SHORT; steps++) {
        if (!hak_is_own_text(at.ip))
            ips[count++] = at.ip;
        if (count == FRAMES_OF_SHORT || !hak_short_step(&at))
            break;
    }
    return hak_stacks_intern(ips, count);
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

HAK_IN_WALK uint64_t differing_word(const struct hak_last_stack *last, uint32_t stands,
                                    uintptr_t at) {
    uintptr_t address = last->found[stands].address;
    return address > at ? hak_word_at(address) : 0;
}

/* Where a tail may lie: there, or in the place behind it. */
HAK_IN_WALK struct hak_tail *tail_place(struct hak_thread_stacks *all, const struct call *call) {
    uint64_t base = call->stands ? all->last.frame[call->stands - 1].id : 0;
    uint64_t inner = (call->place.ip ^ call->place.sp << 20) * HAK_SPREAD;
    uint64_t outer = (call->differing ^ base << 40) * 0xd6e8feb86659fd93u;
    return &all->tail[2 * ((inner ^ outer) >> (65 - all->tail_bits))];
}

/* What a tail's hash begins with: the frame that it stands on. */
HAK_IN_WALK uint64_t hash_of_base(const struct hak_last_stack *last, uint32_t base) {
    return last->found[base].address ^ (uint64_t)last->frame[base].id << 32;
}
/* And rbp where it decides. */
HAK_IN_WALK uint64_t hash_of_bp(const struct hak_frame *base, bool needs_bp, uintptr_t bp) {
    return (base->needs_bp ? base->bp * 29 : 0) + (needs_bp ? bp * 31 : 0);
}

/* Is the call's stack `tail` above what stands? `is_plain`: rbp decides about nothing. */
HAK_IN_WALK bool tail_stands(const struct hak_thread_stacks *all, const struct hak_tail *tail,
                             const struct call *call, bool is_plain) {
    uintptr_t sp = call->place.sp;
    uint32_t base = call->stands - 1;
    if (tail->key != call->place.ip + all->salt || tail->sp != sp)
        return false;
    uint64_t hash = hash_of_base(&all->last, base);
    if (!is_plain)
        hash += hash_of_bp(&all->last.frame[base], tail->needs_bp, call->place.bp);
    const uint16_t *distance = tail->distance, *end = distance + tail->words;
    for (; distance != end; distance++)
        hash = hash * HAK_SPREAD + hak_word_at(sp + 8 * (uintptr_t)*distance);
    return hash == tail->hash && !(is_plain && tail->needs_bp);
}

static bool add_word(struct hak_tail *tail, const struct hak_found_word *word) {
    uintptr_t bytes = word->address - tail->sp;
    if (tail->words == HAK_TAIL_WORDS || bytes / 8 > UINT16_MAX || bytes % 8 != 0)
        return false;
    tail->distance[tail->words++] = (uint16_t)(bytes / 8);
    tail->hash = tail->hash * HAK_SPREAD + word->value;
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

/* Where an own path may lie: there, or in the place behind it. */
HAK_IN_WALK uint64_t own_path_place(const struct hak_thread_stacks *all, uint64_t key) {
    return 2 * (key * all->own_spread >> (65 - HAK_OWN_PATH_BITS));
}

/* A thread has a few paths, which nearly always find room beside each other. Where three want one
 * place, which is a matter of where the code lies, they would push each other out for ever: all are
 * spread anew. */
static HAK_COLD void spread_own_paths(struct hak_thread_stacks *all) {
    all->own_kept = 0;
    all->own_spread = all->own_spread * HAK_SPREAD; /* odd, too */
    __builtin_memset(all->own, 0, sizeof all->own);
}

/* Notes how one comes over hakmem's frames from `place`. */
static void keep_own_path(struct hak_thread_stacks *all, const struct hak_walk_place *place) {
    struct hak_own_path path = {
        .key = place->ip + all->salt, .second = place->ip, .second_at = -8, .bp_at = -16};
    struct hak_walk_place at = *place;
    for (int frames = 0; hak_is_own_text(at.ip); frames++) {
        hak_step step = hak_step_of(all, at.ip);
        uint16_t below = (uint16_t)(step >> HAK_STEP_BP_SHIFT);
        if (frames == 2 || hak_step_kind_of(step) != HAK_STEP_PLAIN ||
            !hak_step_plainly(&hak_stack_bounds, step, &at))
            return;
        path.bytes = (uint32_t)(at.sp - place->sp);
        if (below != 0)
            path.bp_at = (int32_t)path.bytes - below;
        if (frames == 0 && hak_is_own_text(at.ip)) {
            path.second = at.ip;
            path.second_at = (int32_t)path.bytes - 8;
        }
    }
    if (path.bytes == 0)
        return;
    if (HAK_UNLIKELY(++all->own_kept == HAK_OWN_PATHS_TILL_SPREAD))
        spread_own_paths(all);
    struct hak_own_path *place_of_path = &all->own[own_path_place(all, path.key)];
    place_of_path[1] = place_of_path[0];
    place_of_path[0] = path;
}

HAK_IN_WALK bool is_own_path(const struct hak_own_path *path, uint64_t key, uintptr_t sp) {
    return path->key == key &&
           hak_word_at(sp + (uintptr_t)(intptr_t)path->second_at) == path->second;
}

/* Leaves hakmem's frames, by the path that was noted. */
HAK_IN_WALK bool leave_own(const struct hak_thread_stacks *all, struct hak_walk_place *place) {
    uint64_t key = place->ip + all->salt;
    const struct hak_own_path *path = &all->own[own_path_place(all, key)];
    if (HAK_UNLIKELY(!is_own_path(path, key, place->sp)) && !is_own_path(++path, key, place->sp))
        return false;
    place->bp = hak_word_at(place->sp + (uintptr_t)(intptr_t)path->bp_at);
    place->sp += path->bytes;
    place->ip = hak_word_at(place->sp - 8);
    return true;
}

/* Is `place` on the thread's own stack? What lies in a region is not. */
HAK_IN_WALK bool is_on_own_stack(struct hak_thread_stacks *all,
                                 const struct hak_walk_place *place) {
    return HAK_LIKELY(hak_is_on_stack(&hak_stack_bounds, place->sp)) ||
           (!hak_region_find(all, place->sp) && hak_stack_is_own(place));
}

/* A call on another stack, from `from`. */
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

/* The frames of a call that is not known are walked, and become the last stack. `call` is NULL
 * where nothing was looked for yet. */
static HAK_UNWINDER_ENTRY uint32_t walk_call(struct hak_thread_stacks *all, const uintptr_t *frame,
                                             struct call *call, uint8_t *flags) {
    struct hak_taken_stack taken = {false, 0, 0};
    struct call fresh = {.place = hak_place_above(frame)};
    uint32_t id = 0, compared = 0;
    bool is_walked = false;
    const struct hak_walk_place from = call ? call->place : fresh.place;
    bool is_own = is_on_own_stack(all, &from);
    if (!call && is_own) {
        struct hak_walk_place own = fresh.place;
        if (hak_splice_leave_own(all, &hak_stack_bounds, &fresh.place)) {
            keep_own_path(all, &own);
            uintptr_t at = fresh.place.sp - 8;
            compared = hak_stack_not_compared(&all->last);
            fresh.stands = hak_splice_compare(&all->last, compared, at);
            fresh.differing = differing_word(&all->last, fresh.stands, at);
            call = &fresh;
        }
    }
    if (HAK_LIKELY(call != NULL && is_own)) {
        struct hak_tail *tail = tail_place(all, call);
        taken.caller = call->place.ip;
        is_walked = hak_stack_walk(all, &call->place, compared, call->stands, &taken.flags);
        uint32_t count = all->last.count;
        if (is_walked && count != 0)
            id = all->last.frame[count - 1].id;
        if (is_walked && id == 0)
            id = take_shortly(frame, &taken.flags);
        else if (all->last.is_whole && all->last.kept == call->stands && call->stands != 0 &&
                 count > call->stands)
            keep_tail(all, call, tail);
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

/* Finds the stack of a call without a walk; 0: it has to be walked, and `call` says from where. */
HAK_IN_WALK uint32_t find_call(struct hak_thread_stacks *all, struct call *call, bool is_plain) {
    const struct hak_last_stack *last = &all->last;
    uintptr_t at = call->place.sp - 8;
    uint32_t stands = hak_splice_compare(last, 0, at);
    call->stands = stands;
    if (HAK_UNLIKELY(stands == 0))
        return 0;
    if (is_plain ? last->found[stands - 1].address == at
                 : hak_splice_meets(last, stands - 1, &call->place))
        return last->frame[stands - 1].id;
    call->differing = differing_word(last, stands, at);
    if (!is_plain && !hak_splice_extras_stand(last, stands - 1))
        return 0;
    const struct hak_tail *tail = tail_place(all, call);
    if (HAK_LIKELY(tail_stands(all, tail, call, is_plain)))
        return tail->id;
    tail++;
    return tail_stands(all, tail, call, is_plain) ? tail->id : 0;
}

/* The same for stacks about which rbp decides: of programs compiled with frame pointers. */
static HAK_UNWINDER_ENTRY uint32_t find_call_by_bp(struct hak_thread_stacks *all,
                                                   struct call *call) {
    return find_call(all, call, false);
}

HAK_UNWINDER_ENTRY uint32_t hak_stack_of_call(const void *frame, uint8_t *flags) {
    struct hak_thread_stacks *all = hak_thread_stacks;
    if (HAK_UNLIKELY(!all || hak_unwind_under_way != 0 || all->version != hak_stacks_version())) {
        uint32_t begun = begin_call(frame, flags);
        __asm__ volatile("" : "+r"(begun)); /* no tail call: begin_call counts this frame */
        return begun;
    }
    struct call call = {.place = hak_place_above(frame), .stands = 0, .differing = 0};
    uint32_t id = 0;
    hak_unwind_enter_at((uintptr_t)frame);
    all->calls++;
    if (HAK_UNLIKELY(!all->last.is_whole || !leave_own(all, &call.place)))
        return walk_call(all, frame, NULL, flags);
    if (HAK_LIKELY(all->last.is_plain)) {
        id = find_call(all, &call, true);
    } else {
        struct call by_bp = call; /* a copy, so that `call` itself stays in registers */
        id = find_call_by_bp(all, &by_bp);
        call = by_bp;
    }
    if (HAK_UNLIKELY(id == 0)) {
        struct call missed = call;
        return walk_call(all, frame, &missed, flags);
    }
    hak_unwind_leave();
    *flags = 0;
    if (HAK_UNLIKELY(hak_called_by_loader(call.place.ip)))
        hak_modules_check();
    return id;
}

/* The seldom halves of the splice: memory, steps that are not known, frames that need rbp. */
#include <stdatomic.h>
#include "unwind/splice.h"
#include "platform/raw_call.h"
#include "unwind/frame_pointer.h"
#include "unwind/region.h"
#include "unwind/rules.h"

enum { SPARE_FRAMES = 256, SALT_SHIFT = 48 };

static _Thread_local bool is_over __attribute__((tls_model("initial-exec")));

struct hak_own_text hak_own_text;

/* ---- memory ------------------------------------------------------------------------------------
 */

/* The stacks that threads have now, for a forked child, in which most threads are not there. A
 * thread that finds no place is not in it: a child keeps what that one had. A pointer is taken out
 * before its memory is given back, and put in when it is whole, since a fork may come at any
 * moment. */
enum { HELD_MAX = 1024 };
static _Atomic(struct hak_thread_stacks *) held[HELD_MAX];
static _Atomic uint32_t held_next; /* where to look for a free place first */

/* Enters the stacks in the list of those held, from a place that rotates; HELD_MAX as place when
 * the list is full. */
static void hold(struct hak_thread_stacks *all) {
    uint32_t first = atomic_fetch_add_explicit(&held_next, 1, memory_order_relaxed);
    for (uint32_t i = 0; i < HELD_MAX; i++) {
        struct hak_thread_stacks *none = NULL;
        if (atomic_compare_exchange_strong(&held[(first + i) % HELD_MAX], &none, all)) {
            all->held_at = (first + i) % HELD_MAX;
            return;
        }
    }
    all->held_at = HELD_MAX;
}

void hak_last_stack_place(struct hak_last_stack *last, void *memory, uint32_t capacity) {
    last->found = memory;
    last->extra = last->found + capacity + 1;
    last->frame = (struct hak_frame *)(last->extra + 2 * (size_t)(capacity + 1));
}

static size_t bytes_for(uint32_t limit, uint32_t capacity) {
    return sizeof(struct hak_thread_stacks) + limit * sizeof(struct hak_fresh_frame) +
           (capacity + 1) * HAK_LAST_STACK_BYTES;
}

/* Maps the thread's stacks for walks of `limit` frames and enters them in the list. False: no
 * memory, or the process is about to end. */
static bool map_stacks(uint32_t limit) {
    uint32_t capacity = limit + SPARE_FRAMES;
    struct hak_thread_stacks *all = is_over ? NULL : hak_raw_map_joined(bytes_for(limit, capacity));
    if (!all)
        return false;
    all->limit = all->depth = limit;
    all->capacity = capacity;
    all->tail = all->first_tail;
    all->tail_bits = HAK_TAIL_BITS;
    all->fresh = (struct hak_fresh_frame *)(all + 1);
    hak_last_stack_place(&all->last, all->fresh + limit, capacity);
    hold(all);
    hak_thread_stacks = all;
    return true;
}

/* Takes the stacks off the list and unmaps them with tail and regions. */
static void unmap(struct hak_thread_stacks *all) {
    if (all->held_at < HELD_MAX)
        atomic_store(&held[all->held_at], NULL);
    if (all->tail != all->first_tail)
        hak_raw_unmap(all->tail, sizeof *all->tail << all->tail_bits);
    hak_regions_unmap(all);
    hak_raw_unmap(all, bytes_for(all->limit, all->capacity));
}

static void unmap_all(void) {
    struct hak_thread_stacks *all = hak_thread_stacks;
    hak_thread_stacks = NULL;
    if (all)
        unmap(all);
}

void hak_splice_fork_child(void) {
    for (uint32_t i = 0; i < HELD_MAX; i++) {
        struct hak_thread_stacks *all = atomic_load_explicit(&held[i], memory_order_relaxed);
        if (all && all != hak_thread_stacks)
            unmap(all);
    }
}

HAK_COLD void hak_splice_make_more_tails(struct hak_thread_stacks *all) {
    struct hak_tail *more = hak_raw_map_spread(sizeof *more << HAK_TAIL_BITS_MAX);
    if (!more)
        return;
    /* A signal handler looks for nothing here while a walk is under way; a child that is forked in
     * between gives too little back. */
    all->tail = more;
    all->tail_bits = HAK_TAIL_BITS_MAX;
}

/* A key that no ip at `place` has. */
static uint64_t empty_key(uint64_t place) {
    return place == 0;
}

struct hak_thread_stacks *hak_splice_begin(uint64_t version, uint32_t limit) {
    if (hak_thread_stacks && hak_thread_stacks->limit != limit)
        unmap_all();
    if (!hak_thread_stacks && !map_stacks(limit))
        return NULL;
    struct hak_thread_stacks *all = hak_thread_stacks;
    all->last.count = 0;
    all->last.is_whole = false;
    all->searches = 0;
    hak_regions_forget(all);
    if ((all->version ^ version) >> (64 - SALT_SHIFT) != 0) { /* the salt may have been there */
        __builtin_memset(all->step, 0, sizeof all->step);
        __builtin_memset(all->node, 0, sizeof all->node);
        __builtin_memset(all->call, 0, sizeof all->call);
        __builtin_memset(all->tail, 0, sizeof *all->tail << all->tail_bits);
    }
    all->step[0].key = empty_key(0);
    all->version = all->call_version = version;
    all->salt = version << SALT_SHIFT;
    return all;
}

void hak_splice_thread_end(void) {
    is_over = true;
    unmap_all();
}

/* ---- steps -------------------------------------------------------------------------------------
 */

/* The step of a return address, from the rules or compiled anew. One that is compiled here is not
 * remembered but the next time, when it is in the table: that of a pc in no module never is. */
HAK_COLD hak_step hak_splice_find_step(struct hak_thread_stacks *all, uintptr_t ip) {
    uintptr_t pc = ip - 1;
    if (ip == 0) /* where a hand-made stack ends: compared, but no frame of the program */
        return hak_pack_step(HAK_RULE_OUTERMOST, 0, 0, true);
    if (pc >> HAK_ADDRESS_BITS != 0)
        return hak_pack_step(HAK_STEP_UNKNOWN, 0, 0, false);
    bool is_own = hak_is_own_text(ip);
    uint32_t rule = hak_rule_lookup(pc);
    if (rule == 0)
        return hak_step_of_rule(hak_rule_compile(pc), is_own);
    uint64_t key = ip + all->salt;
    uint64_t place = key * HAK_SPREAD >> (64 - HAK_STEP_BITS);
    struct hak_known_step *known = &all->step[place];
    known->key =
        empty_key(place); /* a handler that leaves by longjmp leaves nothing half written */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    known->step = hak_step_of_rule(rule, is_own);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    known->key = key;
    return known->step;
}

/* Reads the word at `address` of the stack. Returns false when it lies elsewhere. */
static bool read_within(const struct hak_stack_bounds *bounds, uintptr_t address,
                        uintptr_t *value) {
    if ((address & 7) != 0 || !hak_is_in_stack_bounds(bounds, address))
        return false;
    *value = hak_word_at(address);
    return true;
}

/* The search for the caller of `frame`: one of the last stack, which stands, or a new one; NULL =
 * neither can be. */
static const struct hak_known_search *find_search(struct hak_thread_stacks *all,
                                                  const struct hak_bare_frame *frame) {
    for (uint32_t i = 0; i < all->searches; i++)
        if (hak_search_is_of(&all->search[i], frame))
            return &all->search[i];
    if (all->searches == HAK_SEARCHES || !hak_bare_frame_search(frame, &all->search[all->searches]))
        return NULL;
    return &all->search[all->searches++];
}

/* Steps from a frame, the last of all->fresh up to `fresh`, whose caller is not found by rbp, to
 * the one that a search of the stack's words finds. Beyond the frames that are asked for nothing is
 * searched: the stack is cut there anyway. */
static enum hak_step_result search_bare(struct hak_last_stack *last,
                                        const struct hak_bare_frame *frame,
                                        struct hak_walk_place *place,
                                        struct hak_fresh_frame *fresh) {
    struct hak_thread_stacks *all = hak_thread_stacks;
    uint32_t frames = 0;
    if (!all || last != &all->last)
        return HAK_STEP_CANNOT;
    for (const struct hak_fresh_frame *at = all->fresh; at <= fresh && frames < all->depth; at++)
        frames += !hak_step_is_own(at->step);
    if (frames >= all->depth) {
        last->end = HAK_UNWIND_DEPTH;
        return HAK_STEP_AT_END;
    }
    const struct hak_known_search *known = find_search(all, frame);
    if (!known)
        return HAK_STEP_CANNOT;
    if (!known->is_found) {
        last->end = HAK_UNWIND_NO_CFI;
        return HAK_STEP_AT_END;
    }
    place->ip = known->word[known->words - 1];
    place->sp = known->sp + 8 * (uintptr_t)known->words;
    last->any_bare = true;
    return HAK_STEP_TO_CALLER;
}

/* Steps over a frame without CFI, by its rbp, or by a search whose inputs are noted: a search with
 * more inputs cannot be compared the next time. */
static enum hak_step_result step_fresh_bare(struct hak_last_stack *last,
                                            const struct hak_stack_bounds *bounds,
                                            struct hak_walk_place *place,
                                            struct hak_fresh_frame *fresh) {
    struct hak_stack_memory reads;
    struct hak_bare_caller caller;
    uintptr_t bp = place->bp;
    const struct hak_bare_frame frame = {place->ip - 1, place->sp, bp, false, 0};
    hak_stack_memory_begin(&reads, place->sp);
    if (!hak_bare_frame_step_by_rbp(&reads, &frame, &caller))
        return search_bare(last, &frame, place, fresh);
    if (bp + 16 <= place->sp || !read_within(bounds, bp + 8, &place->ip) ||
        !read_within(bounds, bp, &place->bp))
        return HAK_STEP_CANNOT;
    fresh->bp_at = bp;
    place->sp = bp + 16;
    last->any_bare = true;
    return HAK_STEP_TO_CALLER;
}

enum hak_step_result hak_splice_step_slowly(struct hak_last_stack *last,
                                            const struct hak_stack_bounds *bounds,
                                            struct hak_walk_place *place,
                                            struct hak_fresh_frame *fresh) {
    hak_step step = fresh->step;
    uintptr_t bytes = hak_step_cfa(step), base = place->bp, cfa, at;
    fresh->bp_at = fresh->cfa_at = 0;
    switch (hak_step_kind_of(step)) {
    case HAK_RULE_BY_SP:
        base = place->sp;
        cfa = base + bytes;
        break;
    case HAK_RULE_BY_FP:
        cfa = base + bytes;
        break;
    case HAK_RULE_BY_SAVED:
        fresh->cfa_at = base - bytes;
        if (bytes == 0 || !read_within(bounds, fresh->cfa_at, &cfa))
            return HAK_STEP_CANNOT;
        break;
    case HAK_RULE_OUTERMOST:
        last->end = HAK_UNWIND_COMPLETE;
        return HAK_STEP_AT_END;
    case HAK_RULE_NONE:
        return HAK_FP_TELLS_CFA ? step_fresh_bare(last, bounds, place, fresh) : HAK_STEP_CANNOT;
    case HAK_STEP_UNKNOWN:
        last->end = HAK_UNWIND_NO_CFI;
        return HAK_STEP_AT_END;
    default:
        return HAK_STEP_CANNOT;
    }
    at = hak_step_return_at(step, base, cfa);
    if (cfa <= place->sp || !read_within(bounds, at, &place->ip))
        return HAK_STEP_CANNOT;
    place->ip = hak_return_address(place->ip);
    hak_place_set(place, cfa, at);
    if (hak_step_saves_fp(step)) {
        fresh->bp_at = hak_step_fp_at(step, base, cfa, place->bp);
        if (!read_within(bounds, fresh->bp_at, &place->bp))
            return HAK_STEP_CANNOT;
    }
    return HAK_STEP_TO_CALLER;
}

static void add_word(struct hak_last_stack *last, struct hak_frame *frame, uintptr_t address,
                     uintptr_t value) {
    last->extra[frame->extra++] = (struct hak_found_word){address, value};
}

void hak_splice_put_slowly(struct hak_last_stack *last, uint32_t at,
                           const struct hak_fresh_frame *fresh, uintptr_t cfa) {
    struct hak_frame *frame = &last->frame[at];
    const struct hak_frame *caller = frame - 1;
    hak_step step = fresh->step;
    unsigned kind = hak_step_kind_of(step);
    uintptr_t bp_at = kind != HAK_STEP_PLAIN
                          ? fresh->bp_at
                          : hak_plain_fp_at(step, HAK_FRAME_SP(&fresh->found, fresh), cfa);
    frame->is_bare = caller->is_bare || kind == HAK_RULE_NONE;
    frame->needs_bp = kind == HAK_RULE_BY_FP || kind == HAK_RULE_BY_SAVED ||
                      kind == HAK_RULE_NONE || hak_step_needs_fp(step);
    if (kind == HAK_RULE_BY_SAVED)
        add_word(last, frame, fresh->cfa_at, cfa);
    if (caller->needs_bp && bp_at != 0)
        add_word(last, frame, bp_at, caller->bp);
    else if (caller->needs_bp)
        frame->needs_bp = true;
}

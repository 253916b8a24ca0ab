/* Walks a stack by comparing it with the last one of the thread; splice.h has the picture. */
#include "unwind/splice.h"
#include "platform/raw_call.h"
#include "unwind/frame_pointer.h"
#include "unwind/rules.h"
#include "unwind/stack_memory.h"

enum { ADDRESS_BITS = 47 };

static _Thread_local struct hak_last_stack last __attribute__((tls_model("initial-exec")));

/* Where a walk stands. */
struct place {
    uintptr_t ip, sp, bp;
    bool called; /* ip is a return address */
};

/* Reads the word at `address` of the thread's own stack. Returns false when it lies elsewhere. */
static inline bool read_own(const struct hak_stack_memory *memory, uintptr_t address,
                            uintptr_t *value) {
    if (address - memory->low >= memory->span || (address & 7) != 0)
        return false;
    *value = *(const volatile uintptr_t *)address;
    return true;
}

static inline uintptr_t word_at(uintptr_t address) {
    return *(const volatile uintptr_t *)address;
}

/* Where `frame`, in which rbp is `bp`, saved its caller's rbp. */
static inline uintptr_t saved_at(const struct hak_frame *frame, uintptr_t bp) {
    return frame->bp_words == HAK_RULE_BP_AT_RBP ? bp : frame->cfa - 8 * (uintptr_t)frame->bp_words;
}

/* How far the last stack still stands from frame `from` outwards: the first frame whose caller is
 * not the next one any more; 0 when all stands. */
static inline size_t compare_outwards(const struct hak_frame *frame, size_t from) {
    const struct hak_read_word *word = last.read_word + frame[from].words_end;
    while (word != last.read_word && word_at(word[-1].address) == word[-1].value)
        word--;
    size_t at = from, same = (size_t)(word - last.read_word); /* words [0, same) may differ */
    if (same == 0)
        return 0;
    while (frame[at - 1].words_end >= same)
        at--;
    return at;
}

enum step { STEP_CALLER, STEP_END, STEP_CANNOT };

/* Fills `frame` from `place` and steps to its caller. */
static inline enum step step_by_rule(const struct hak_stack_memory *memory, struct place *place,
                                     struct hak_frame *frame, enum hak_unwind_end *end) {
    uintptr_t pc = place->called ? place->ip - 1 : place->ip;
    frame->ip = place->ip;
    frame->sp = place->sp;
    frame->bp = place->bp;
    frame->cfa = 0;
    frame->bp_words = frame->cfa_words = frame->id = 0;
    frame->uses_bp = frame->is_bare = false;
    *end = HAK_UNWIND_NO_CFI;
    if (HAK_UNLIKELY(pc >> ADDRESS_BITS != 0))
        return STEP_END;
    uint32_t rule = hak_rule_lookup(pc);
    if (HAK_UNLIKELY(rule == 0))
        rule = hak_rule_compile(pc);
    switch (hak_rule_kind_of(rule)) {
    case HAK_RULE_BY_RSP:
        frame->cfa = place->sp + hak_rule_cfa_of(rule);
        break;
    case HAK_RULE_BY_RBP:
        frame->cfa = place->bp + hak_rule_cfa_of(rule);
        frame->uses_bp = true;
        break;
    case HAK_RULE_BY_SAVED:
        if (!read_own(memory, place->bp - hak_rule_cfa_of(rule), &frame->cfa) ||
            hak_rule_cfa_of(rule) == 0)
            return STEP_CANNOT;
        frame->cfa_words = (uint32_t)(hak_rule_cfa_of(rule) / 8);
        frame->uses_bp = true;
        break;
    case HAK_RULE_OUTERMOST:
        *end = HAK_UNWIND_COMPLETE;
        return STEP_END;
    case HAK_RULE_NONE: {
        struct hak_stack_memory reads = *memory;
        struct hak_bare_caller caller;
        /* What depends on more than two words at rbp cannot be compared the next time. */
        if (!hak_bare_frame_step(&reads, &(struct hak_bare_frame){pc, place->sp, place->bp, false},
                                 &caller) ||
            !caller.is_by_rbp)
            return STEP_CANNOT;
        frame->cfa = place->bp + 16;
        frame->bp_words = 2;
        frame->uses_bp = frame->is_bare = last.any_bare = true;
        if (frame->cfa <= place->sp || !read_own(memory, frame->cfa - 8, &place->ip) ||
            !read_own(memory, place->bp, &place->bp))
            return STEP_CANNOT;
        place->sp = frame->cfa;
        place->called = true;
        return STEP_CALLER;
    }
    default:
        return STEP_CANNOT;
    }
    if (frame->cfa <= place->sp || !read_own(memory, frame->cfa - 8, &place->ip))
        return STEP_CANNOT;
    frame->bp_words = (uint32_t)hak_rule_bp_of(rule);
    if (frame->bp_words != 0) {
        frame->uses_bp |= frame->bp_words == HAK_RULE_BP_AT_RBP;
        if (!read_own(memory, saved_at(frame, place->bp), &place->bp))
            return STEP_CANNOT;
    }
    if (place->ip == 0) /* an end that depends on memory: not worth remembering */
        return STEP_CANNOT;
    place->sp = frame->cfa;
    place->called = true;
    return STEP_CALLER;
}

/* Is frame [at] of the last stack where `place` stands, and will its caller be found the same way?
 */
static inline bool is_there(const struct hak_frame *frame, const struct place *place) {
    return frame->sp == place->sp && frame->ip == place->ip &&
           (!frame->needs_bp || frame->bp == place->bp);
}

/* Takes the frames of the last stack from `from` outwards down to `to`, which are known to stand,
 * into `fresh`, with the rbp that they have now, and goes to the caller of the last of them. */
static size_t take_over(const struct hak_frame *frame, size_t from, size_t to, struct place *place,
                        struct hak_frame *fresh, size_t count) {
    for (size_t at = from;; at--) {
        const struct hak_frame *f = &frame[at];
        fresh[count] = *f;
        fresh[count++].bp = place->bp;
        if (at == to)
            return count;
        if (f->bp_words != 0)
            place->bp =
                word_at(f->bp_words == HAK_RULE_BP_AT_RBP ? place->bp
                                                          : f->cfa - 8 * (uintptr_t)f->bp_words);
        place->sp = f->cfa;
        place->ip = frame[at - 1].ip;
        place->called = true;
    }
}

static inline void add_word(struct hak_frame *frame, uintptr_t address, uintptr_t value) {
    last.read_word[frame->words_end++] = (struct hak_read_word){address, value};
}

/* Puts the `count` fresh frames, innermost first, on the `kept` ones. */
static void put_on(size_t kept, const struct hak_frame *fresh, size_t count) {
    for (size_t i = kept; i < kept + count; i++) {
        struct hak_frame *f = &last.frame[i];
        *f = fresh[kept + count - 1 - i];
        f->id = 0;
        f->words_end = 0;
        f->needs_bp = f->uses_bp;
        if (i == 0)
            continue;
        const struct hak_frame *caller = &last.frame[i - 1];
        f->words_end = caller->words_end;
        add_word(f, f->cfa - 8, caller->ip);
        if (f->cfa_words != 0)
            add_word(f, f->bp - 8 * (uintptr_t)f->cfa_words, f->cfa);
        if (caller->needs_bp && f->bp_words == 0)
            f->needs_bp = true;
        else if (caller->needs_bp)
            add_word(f, saved_at(f, f->bp), caller->bp);
    }
    for (size_t i = kept ? kept : 1; HAK_UNLIKELY(last.any_bare) && i < kept + count; i++)
        last.frame[i].is_bare |= last.frame[i - 1].is_bare;
    last.count = kept + count;
    last.kept = kept;
}

/* The walk. Returns false when it cannot be done this way. */
static bool walk_by_last(const struct hak_registers *start, uint64_t version) {
    struct hak_stack_memory memory;
    struct place place = {start->value[HAK_RIP], start->value[HAK_RSP], start->value[HAK_RBP],
                          false};
    struct hak_frame *frame = last.frame, *fresh = frame + last.capacity;
    size_t candidates = last.count, count = 0; /* frames [0, candidates) may still come */
    enum hak_unwind_end last_end = last.end;
    hak_stack_memory_begin(&memory, place.sp);
    last.count = 0; /* whoever leaves this function by longjmp leaves no stack behind */
    if (memory.span == 0)
        return false;
    if (version != last.version)
        candidates = 0;
    last.version = version;
    for (;;) {
        while (candidates > 0 && frame[candidates - 1].sp < place.sp)
            candidates--;
        if (candidates > 0 && is_there(&frame[candidates - 1], &place)) {
            size_t at = candidates - 1, stands = compare_outwards(frame, at);
            /* A cut stack holds as many frames as fit; it can only take its place again whole. */
            bool fits = last_end == HAK_UNWIND_COMPLETE
                            ? count + candidates <= last.capacity
                            : last_end == HAK_UNWIND_DEPTH && count + candidates == last.capacity;
            if (stands == 0 && fits) {
                put_on(candidates, fresh, count);
                last.end = last_end;
                return true;
            }
            if (at > stands) { /* the frames up to `stands` are right; go on from there by rules */
                if (count + (at - stands) > last.capacity)
                    stands = at - (last.capacity - count);
                count = take_over(frame, at, stands, &place, fresh, count) - 1;
            }
            candidates = stands;
        }
        if (count == last.capacity) {
            last.end = HAK_UNWIND_DEPTH;
            break;
        }
        enum step step = step_by_rule(&memory, &place, &fresh[count], &last.end);
        if (step == STEP_CANNOT)
            return false;
        count++;
        if (step == STEP_END)
            break;
    }
    put_on(0, fresh, count);
    return true;
}

/* Frames, as many and one more as scratch, and three words for each. */
static size_t bytes_for(size_t frames) {
    return (2 * frames + 1) * sizeof(struct hak_frame) + 3 * frames * sizeof(struct hak_read_word);
}

static bool map_frames(size_t frames_max) {
    hak_splice_thread_end();
    if (frames_max == last.capacity) /* mapped and given back: the thread is ending */
        return false;
    last.frame = hak_raw_map(bytes_for(frames_max));
    last.capacity = frames_max;
    if (last.frame)
        last.read_word = (struct hak_read_word *)(last.frame + 2 * frames_max + 1);
    return last.frame != NULL;
}

struct hak_last_stack *hak_splice_walk(const struct hak_registers *start, size_t frames_max,
                                       uint64_t version) {
    if (HAK_UNLIKELY(!last.frame || last.capacity != frames_max) && !map_frames(frames_max))
        return NULL;
    return walk_by_last(start, version) ? &last : NULL;
}

void hak_splice_thread_end(void) {
    struct hak_frame *frame = last.frame;
    size_t bytes = bytes_for(last.capacity);
    last.count = 0;
    last.frame = NULL;
    if (frame)
        hak_raw_unmap(frame, bytes);
}

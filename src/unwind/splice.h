/* The splice: a new stack is the last one of its thread with some frames at its inner end replaced.
 *
 *       last stack of this thread      this one
 *
 *   [0] _start                         _start         kept: the words that the last walk read
 *   [1] main                           main           are read again, from the outermost inwards,
 *   [2] parse                          parse          and hold what they held
 *   [3] take_number                    take_name      walked anew from the innermost outwards,
 *   [4] malloc                         free           until a return address lies where that of
 *                                                     a kept frame does
 *
 * A kept frame is met when the walk comes to the word that holds its return address, and, where
 * anything further out depends on it, to its rbp. That is exact: the walk would from there on read
 * the same words and come to the same frames, so also their node ids hold. Comparing costs one word
 * a frame, without the table of rules and the table of nodes.
 *
 * A deep stack is kept from some frame on only (`end` is HAK_UNWIND_DEPTH), and only the frames
 * that the caller asks about are compared: frames further out are compared when they are asked
 * about.
 *
 * Owned by the thread: all lies in private memory mapped at its first stack and given back by
 * hak_splice_thread_end. A signal handler that interrupts gets no stack (unwind.h). Forked children
 * go on with their copy. After an unload (modules.h) nothing of the last stack is used. */
#ifndef HAK_UNWIND_SPLICE_H
#define HAK_UNWIND_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "platform/credit.h"
#include "unwind/frame_pointer.h"
#include "unwind/rules.h"
#include "unwind/stack_memory.h"
#include "unwind/unwind.h"

/* An odd number that moves every bit to the top (Knuth's multiplicative hashing). */
#define HAK_SPREAD 0x9e3779b97f4a7c15u

/* How one steps from a frame to its caller, by the ip of the frame: enum hak_step_kind:8 |
 * 1 = a frame of hakmem:8 | how (platform/ARCH/splice_step.h). */
typedef uint64_t hak_step;
enum hak_step_kind {
    HAK_STEP_PLAIN = 0, /* all that is read lies between the stack pointer and the CFA */
    HAK_STEP_UNKNOWN = 255,
    /* else enum hak_rule_kind */
};
enum { HAK_STEP_OWN_SHIFT = 48, HAK_STEP_KIND_SHIFT = 56 };

HAK_IN_PLACE uintptr_t hak_word_at(uintptr_t address) {
    typedef uintptr_t __attribute__((may_alias)) word;
    return *(const word *)address;
}
/* The return address that lies there. */
HAK_IN_PLACE uintptr_t hak_return_at(uintptr_t address) {
    return hak_return_address(hak_word_at(address));
}

#include HAK_ARCH_FILE(splice_step.h)

/* A word that must hold what it held. Of a frame: its ip, the return address into it, lies at
 * `address`. */
struct hak_found_word {
    uintptr_t address, value;
};

/* More facts of a frame. */
struct hak_frame {
    HAK_NOTED_SP      /* the stack pointer in it, where `found` does not tell it */
        uintptr_t bp; /* the frame pointer in it */
    uint32_t id;      /* node of this frame and all further out; 0 outside of the part with ids */
    uint16_t rank;    /* frames of the program from [0] up to this one */
    uint16_t extra;   /* words beside return addresses that lead from here outwards */
    bool needs_bp;    /* rbp in it decides about a frame further out */
    bool is_bare;     /* it, or a frame further out, has no CFI: its caller was found by rbp */
};

/* A frame on its way into the last stack. */
struct hak_fresh_frame {
    struct hak_found_word found;
    HAK_NOTED_SP
    uintptr_t bp;
    hak_step step;
    uintptr_t bp_at;  /* where its caller's rbp was saved, 0 = unchanged; of no plain step only */
    uintptr_t cfa_at; /* where its CFA was read, 0 = computed; likewise */
};

struct hak_last_stack {
    struct hak_found_word *found; /* [0] is the outermost frame that is kept; [count] is {0, 0} */
    struct hak_frame *frame;
    struct hak_found_word *extra; /* saved rbp and CFA, outermost first */
    uint32_t count;
    uint32_t kept; /* frames [0, kept) are the last stack's, with their ids */
    uint32_t root; /* frames [root, count) have ids: below `root` the id is 0 */
    bool any_bare; /* some frame of this or an earlier stack is_bare */
    bool is_whole; /* from the outermost frame to the innermost, all with ids and CFI */
    bool is_plain; /* and rbp decides about none of them */
    bool is_cut;   /* frames further in found no node, and are not kept */
    enum hak_unwind_end end;
};

enum {
    HAK_STEP_BITS = 10,
    HAK_NODE_BITS = 12,
    HAK_TAIL_BITS = 12,
    HAK_TAIL_BITS_MAX = 15,      /* of a thread whose stacks are too many for the first ones */
    HAK_TAILS_TILL_MORE = 32768, /* kept in these before they are made more */
    HAK_TAIL_WORDS = 17
};

struct hak_known_step {
    uint64_t key; /* ip + salt */
    hak_step step;
};
/* Users of ids may remember them here: (parent, ip) -> id. */
struct hak_known_node {
    uint64_t key; /* ip + salt */
    uint32_t parent, id;
};

/* Frames that were walked once, above a frame of the last stack that stood then. They are known
 * again where the same frame stands and the words that the walk read hold what they held, by a
 * hash of 64 bits: the last stack itself stays as it is. One cache line. */
struct hak_tail {
    uint64_t key;  /* ip of the innermost frame, + salt */
    uintptr_t sp;  /* in it; 0 = none */
    uint64_t hash; /* of the words, and of the frame that they stand on */
    uint32_t id;
    uint8_t words;
    bool needs_bp;                     /* rbp in the innermost frame decides */
    uint16_t distance[HAK_TAIL_WORDS]; /* from sp, in words */
};

_Static_assert(sizeof(struct hak_tail) == 64, "one cache line");

enum { HAK_REGIONS = 8, HAK_SEARCHES = 4 };
struct hak_region;

/* All that a thread keeps. */
struct hak_thread_stacks {
    struct hak_last_stack last;
    uint64_t version;      /* of rules and ids; when it moves nothing holds any more */
    uint64_t call_version; /* the same; another where calls have to be told of (stacks.h) */
    uint64_t salt;         /* low bits of it, where an ip has none */
    uint32_t limit;        /* frames that one walk goes, at most */
    uint32_t depth;        /* frames of the program that are asked for; `limit` until it is set */
    uint32_t capacity;
    uint32_t calls; /* since nodes were last earned by them */
    bool has_node_credit;
    struct hak_credit node_credit; /* for the maker of nodes */
    uint32_t held_at;              /* its place among those of all threads */
    struct hak_fresh_frame *fresh;
    struct hak_region *region; /* HAK_REGIONS of them, or NULL (region.h) */
    uint32_t region_clock;
    struct hak_tail *tail; /* of 1 << tail_bits, two places for each, the later one first */
    uint32_t tail_bits;
    uint32_t tails_kept;
    _Alignas(64) struct hak_tail first_tail[1 << HAK_TAIL_BITS];
    struct hak_known_step step[1 << HAK_STEP_BITS];
    struct hak_known_node node[1 << HAK_NODE_BITS];
    struct hak_known_call call[1 << HAK_KNOWN_CALL_BITS];
    /* Searches from frames of the last stack without CFI to their callers. Some may be of
     * frames that are gone: a frame that does not stand is only walked once more. */
    uint32_t searches;
    struct hak_known_search search[HAK_SEARCHES];
};

HAK_HIDDEN extern _Thread_local struct hak_thread_stacks *hak_thread_stacks
    __attribute__((tls_model("initial-exec")));

/* Text whose frames are hakmem's own: [start, start + bytes), twice. */
struct hak_own_text {
    uintptr_t start[2], bytes[2];
};
HAK_HIDDEN extern struct hak_own_text hak_own_text;

HAK_IN_PLACE bool hak_is_own_text(uintptr_t ip) {
    return ip - hak_own_text.start[0] < hak_own_text.bytes[0] ||
           ip - hak_own_text.start[1] < hak_own_text.bytes[1];
}

/* The calling thread's memory made ready for stacks of `version` with at most `limit` frames: NULL
 * without memory, and when the thread is ending. */
HAK_HIDDEN struct hak_thread_stacks *hak_splice_begin(uint64_t version, uint32_t limit);

/* The calling thread ends: gives its memory back. Later stacks of it are walked whole. */
HAK_HIDDEN void hak_splice_thread_end(void);

/* In a forked child: gives back what the threads had that are not here. */
HAK_HIDDEN void hak_splice_fork_child(void);

/* The step of `ip`, and remembers it. HAK_STEP_UNKNOWN: there is none that fits. */
HAK_HIDDEN hak_step hak_splice_find_step(struct hak_thread_stacks *all, uintptr_t ip);

/* Makes room for more tails, once; those that are there are forgotten. Without memory nothing
 * changes. */
HAK_HIDDEN void hak_splice_make_more_tails(struct hak_thread_stacks *all);

/* Bytes of memory for each frame that a last stack can hold, one more than its capacity; and the
 * arrays of `last` laid into them. Two words beside the return address at most lead from a frame to
 * its caller. */
#define HAK_LAST_STACK_BYTES (3 * sizeof(struct hak_found_word) + sizeof(struct hak_frame))
/* Lays out the arrays of a last stack (found words, extra words, frames) for `capacity` frames in
 * `memory`. */
HAK_HIDDEN void hak_last_stack_place(struct hak_last_stack *last, void *memory, uint32_t capacity);

enum hak_step_result { HAK_STEP_TO_CALLER, HAK_STEP_AT_END, HAK_STEP_CANNOT };

/* Steps where hak_step_kind is not plain. Where a frame without CFI has no caller, or would have
 * to be searched for one beyond the frames that are asked for, the walk is AT_END. */
HAK_HIDDEN enum hak_step_result hak_splice_step_slowly(struct hak_last_stack *last,
                                                       const struct hak_stack_bounds *bounds,
                                                       struct hak_walk_place *place,
                                                       struct hak_fresh_frame *fresh);

/* Puts frame [at], of which `found` and all further out are in place, on its caller, where one of
 * both needs rbp or has no plain step; rank and id are left to the caller. `cfa` is its own. */
HAK_HIDDEN void hak_splice_put_slowly(struct hak_last_stack *last, uint32_t at,
                                      const struct hak_fresh_frame *fresh, uintptr_t cfa);

/* The stack pointer in frame [at] of a last stack. */
HAK_IN_PLACE uintptr_t hak_frame_sp(const struct hak_last_stack *last, uint32_t at) {
    return HAK_FRAME_SP(&last->found[at], &last->frame[at]);
}

/* The step of a return address: the one that the thread remembers, else found and then
 * remembered. */
HAK_IN_PLACE hak_step hak_step_of(struct hak_thread_stacks *all, uintptr_t ip) {
    uint64_t key = ip + all->salt;
    const struct hak_known_step *known = &all->step[key * HAK_SPREAD >> (64 - HAK_STEP_BITS)];
    return HAK_LIKELY(known->key == key) ? known->step : hak_splice_find_step(all, ip);
}

HAK_IN_PLACE unsigned hak_step_kind_of(hak_step step) {
    return (unsigned)(step >> HAK_STEP_KIND_SHIFT);
}
HAK_IN_PLACE bool hak_step_is_own(hak_step step) {
    return (step >> HAK_STEP_OWN_SHIFT & 1) != 0;
}

/* Is `address` a word of the thread's own stack, as far as that is known to be readable? */
HAK_IN_PLACE bool hak_is_in_stack_bounds(const struct hak_stack_bounds *bounds, uintptr_t address) {
    return address - bounds->low < bounds->high - bounds->low;
}

/* Steps over hakmem's own frames at `place`, whose ip is a return address. False: a walk that looks
 * at them one by one has to find out. */
HAK_IN_PLACE bool hak_splice_leave_own(struct hak_thread_stacks *all,
                                       const struct hak_stack_bounds *bounds,
                                       struct hak_walk_place *place) {
    for (;;) {
        hak_step step = hak_step_of(all, place->ip);
        if (!hak_step_is_own(step))
            return true;
        struct hak_fresh_frame own = {.step = step};
        if (HAK_LIKELY(hak_step_kind_of(step) == HAK_STEP_PLAIN)
                ? !hak_take_own_step(bounds->low, bounds->high, step, place)
                : hak_step_kind_of(step) != HAK_RULE_BY_FP ||
                      hak_splice_step_slowly(&all->last, bounds, place, &own) != HAK_STEP_TO_CALLER)
            return false;
    }
}

/* How many frames of the last stack stand, from the outermost on: their words hold what they held.
 * Those before [from] are taken to. Frames that would lie below `at`, where the innermost frame's
 * ip lies, are none. `at` lies on the stack. */
HAK_IN_PLACE uint32_t hak_splice_compare(const struct hak_last_stack *last, uint32_t from,
                                         uintptr_t at) {
    const struct hak_found_word *first = last->found, *word = first + from;
    const struct hak_found_word *end = first + last->count;
    for (const struct hak_found_word *last_four = end - 4; word <= last_four; word += 4) {
        if (hak_return_at(word[0].address) != word[0].value)
            goto differs;
        if (hak_return_at(word[1].address) != word[1].value) {
            word += 1;
            goto differs;
        }
        if (hak_return_at(word[2].address) != word[2].value) {
            word += 2;
            goto differs;
        }
        if (hak_return_at(word[3].address) != word[3].value) {
            word += 3;
            goto differs;
        }
    }
    while (word != end && hak_return_at(word->address) == word->value)
        word++;
differs:
    while (word != first && word[-1].address < at)
        word--;
    return (uint32_t)(word - first);
}

/* Does what leads from frame [at] outwards stand, its return addresses being compared? */
HAK_IN_PLACE bool hak_splice_extras_stand(const struct hak_last_stack *last, uint32_t at) {
    uint32_t count = last->frame[at].extra, i = 0;
    while (HAK_UNLIKELY(i < count) && hak_word_at(last->extra[i].address) == last->extra[i].value)
        i++;
    return i == count;
}

/* Is `place` where frame [at] of the last stack is, and does what leads on from there stand? */
HAK_IN_PLACE bool hak_splice_meets(const struct hak_last_stack *last, uint32_t at,
                                   const struct hak_walk_place *place) {
    const struct hak_frame *frame = &last->frame[at];
    return last->found[at].address == hak_place_at(place) && HAK_SP_IS(frame, place->sp) &&
           HAK_LIKELY(!frame->needs_bp || frame->bp == place->bp) &&
           hak_splice_extras_stand(last, at);
}

/* Do the searches of the thread's last stack stand? */
HAK_IN_PLACE bool hak_splice_searches_stand(struct hak_thread_stacks *all) {
    uint32_t i = 0;
    while (HAK_UNLIKELY(i < all->searches) && hak_search_stands(&all->search[i]))
        i++;
    return i == all->searches;
}

/* Walks from `place`, a caller on the stack of `last`, which lies in `bounds`, and leaves in `last`
 * which frames of it are kept (`kept`), and in all->fresh those that are new, innermost first; they
 * are put on them by hak_splice_put. The first `stands` frames of the last stack stand
 * (hak_splice_compare). Returns the number of new frames; -1 when it cannot be done: over a signal
 * frame or a rule that needs all registers, or out of the bounds. `last` is empty until `count` is
 * set. Call between hak_unwind_enter and hak_unwind_leave, which must also cover the use of the
 * result. Async-signal-safe, keeps errno. */
HAK_IN_PLACE int hak_splice_walk(struct hak_thread_stacks *all, struct hak_last_stack *last,
                                 const struct hak_stack_bounds *bounds, struct hak_walk_place place,
                                 uint32_t stands) {
    const struct hak_found_word *first = last->found, *top = first + stands;
    struct hak_fresh_frame *const begin = all->fresh, *fresh = begin, *end = begin + all->limit;
    const struct hak_known_step *steps = all->step;
    uintptr_t salt = all->salt, high = bounds->high, at = hak_place_at(&place), bp = place.bp;
    uintptr_t ip = place.ip, sp = place.sp;
    last->count = 0; /* a longjmp out of this function leaves no stack behind */
    last->is_whole = last->is_plain = false;
    for (;; fresh++) {
        while (top != first && top[-1].address < at)
            top--;
        if (top != first && top[-1].address == at) {
            place = HAK_PLACE(ip, at, sp, bp);
            if (HAK_LIKELY(hak_splice_meets(last, (uint32_t)(top - first) - 1, &place))) {
                last->kept = (uint32_t)(top - first);
                return (int)(fresh - begin);
            }
        }
        if (HAK_UNLIKELY(fresh == end)) {
            last->kept = 0;
            last->end = HAK_UNWIND_DEPTH;
            return (int)(fresh - begin);
        }
        const struct hak_known_step *known =
            &steps[(ip + salt) * HAK_SPREAD >> (64 - HAK_STEP_BITS)];
        hak_step step = known->step;
        if (HAK_UNLIKELY(known->key != ip + salt))
            step = hak_splice_find_step(all, ip);
        fresh->found = (struct hak_found_word){at, ip};
        HAK_NOTE_SP(fresh, sp);
        fresh->bp = bp;
        fresh->step = step;
        if (HAK_UNLIKELY(hak_step_kind_of(step) != HAK_STEP_PLAIN)) {
            place = HAK_PLACE(ip, at, sp, bp);
            enum hak_step_result result = hak_splice_step_slowly(last, bounds, &place, fresh);
            if (result == HAK_STEP_CANNOT)
                return -1;
            if (result == HAK_STEP_AT_END) {
                last->kept = 0;
                return (int)(fresh - begin) + 1;
            }
            ip = place.ip;
            at = hak_place_at(&place);
            sp = place.sp;
            bp = place.bp;
            continue;
        }
        if (HAK_UNLIKELY(!hak_take_plain_step(step, high, &at, &sp, &ip, &bp)))
            return -1;
    }
}

/* Puts the new frame `fresh` on frame [at - 1]: all but its rank and id. `cfa` is its own: the
 * stack pointer in its caller. */
HAK_IN_PLACE void hak_splice_put(struct hak_last_stack *last, uint32_t at,
                                 const struct hak_fresh_frame *fresh, uintptr_t cfa) {
    struct hak_frame *frame = &last->frame[at];
    last->found[at] = fresh->found;
    HAK_NOTE_SP(frame, fresh->sp);
    frame->bp = fresh->bp;
    frame->needs_bp = frame->is_bare = false;
    frame->extra = 0;
    if (at == 0) {
        frame->needs_bp = last->end == HAK_UNWIND_NO_CFI; /* it was looked at in vain */
        return;
    }
    frame->extra = frame[-1].extra;
    if (HAK_UNLIKELY(frame[-1].needs_bp || frame[-1].is_bare ||
                     hak_step_kind_of(fresh->step) != HAK_STEP_PLAIN))
        hak_splice_put_slowly(last, at, fresh, cfa);
}

#endif

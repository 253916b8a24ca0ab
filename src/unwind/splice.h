/* The splice: a new stack is the last one of its thread with some frames at its inner end replaced.
 *
 *       last stack of this thread      this one
 *
 *   [0] _start                         _start         kept: each word that the last walk read
 *   [1] main                           main           (return address, saved rbp) was read again
 *   [2] parse                          parse          and is what it was
 *   [3] take_number                    take_name      walked anew, by rules
 *   [4] malloc                         free
 *
 * A frame is kept when its pc, stack pointer and, where anything further out depends on it, rbp are
 * those of the last walk, and all words that the walk read from there outwards are unchanged. That
 * is exact: the walk would read the same words and come to the same frames, so also their node ids
 * hold. Comparing costs about two loads a frame, without the table of rules and the table of nodes.
 *
 * Owned by the thread: the frames lie in private memory mapped at its first stack and given back by
 * hak_splice_thread_end. A signal handler that interrupts gets no stack (unwind.h). Forked children
 * go on with their copy. After an unload (modules.h) nothing of the last stack is used. */
#ifndef HAK_UNWIND_SPLICE_H
#define HAK_UNWIND_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "unwind/unwind.h"

/* A word that the last walk read, and must find again. */
struct hak_read_word {
    uintptr_t address, value;
};

/* One frame of the last stack. */
struct hak_frame {
    uintptr_t ip;       /* return address into it; or the pc itself, in the innermost */
    uintptr_t sp;       /* its callee's CFA */
    uintptr_t bp;       /* rbp in it */
    uintptr_t cfa;      /* its own CFA: the return address lies at cfa - 8 */
    uint32_t bp_words;  /* its caller's rbp was saved at cfa - 8 * this; 0 = rbp is unchanged */
    uint32_t cfa_words; /* the CFA was read at bp - 8 * this; 0 = computed */
    uint32_t id;        /* node of this frame and all further out; 0 not interned yet */
    uint32_t
        words_end; /* words that led from here to the outermost frame: read_word[0..words_end) */
    uint16_t rank; /* frames of the program from the outermost up to this one */
    bool needs_bp; /* rbp in it decides about a frame further out */
    bool uses_bp;  /* its own CFA depends on rbp */
    bool is_bare;  /* it, or a frame further out, has no CFI: its caller was found by rbp */
};

/* The stack that hak_splice_here leaves. */
struct hak_last_stack {
    struct hak_frame *frame; /* [0] is the outermost; capacity many, and as many again as scratch */
    struct hak_read_word *read_word;
    size_t count, capacity;
    size_t kept;       /* frames [0, kept) are the last stack's, with their ids */
    uint64_t version;  /* what it was walked with */
    bool any_bare;     /* some frame of this or an earlier stack is_bare */
    uint16_t left_out; /* program frames at the outer end that were beyond the depth */
    enum hak_unwind_end end;
};

/* Walks the stack of `start`, registers of the calling thread, by the last one. Call between
 * hak_unwind_enter and hak_unwind_leave, which must also cover the use of the result. Returns NULL
 * when this cannot be done: on a coroutine's stack, over a signal frame or a rule that needs all
 * registers, without memory; hak_unwind_entered can then. frame[count - 1] is the one `start` lies
 * in. At most `frames_max` frames are walked, the same number in every call. Async-signal-safe,
 * keeps errno. */
HAK_HIDDEN struct hak_last_stack *hak_splice_walk(const struct hak_registers *start,
                                                  size_t frames_max, uint64_t version);

/* The calling thread ends: gives its memory back. Later stacks of it are walked whole. */
HAK_HIDDEN void hak_splice_thread_end(void);

#endif

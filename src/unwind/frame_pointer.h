/* The way over a frame whose code has no call frame information: by rbp, or by the call that leads
 * there, and only where the return address proves itself.
 *
 *     pc: no CFI            what is on the stack              what must hold
 *
 *     by frame pointer      rbp -> | caller's rbp |           rbp at or above rsp, at most 64 KiB
 *     (JIT code, much              | return ip    |           a call ends at ip, in executable
 *      hand-written code)          |              |           memory, and leads to no other code
 *
 *     by the call           rsp -> | what was pushed |        a direct call that leads to at most
 *     (hand-written code           | return ip       |        64 KiB before pc, not into code with
 *      without frame pointer)                                 CFI, within 64 words
 *
 *     interrupted at the first or last instruction            push rbp, mov rsp to rbp, ret
 *
 * What is found so is marked (HAK_UNWIND_BY_FRAMES): it is evidence, not knowledge. Thread and
 * signal safety as unwind.h. */
#ifndef HAK_UNWIND_FRAME_POINTER_H
#define HAK_UNWIND_FRAME_POINTER_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"
#include "unwind/stack_memory.h"

/* A frame whose caller is looked for. */
struct hak_bare_frame {
    uintptr_t pc, sp, bp;
    bool was_interrupted; /* pc is the next instruction, not behind a call */
};

/* Its caller. */
struct hak_bare_caller {
    uintptr_t ip, cfa, bp;
    bool is_by_rbp; /* cfa = rbp + 16, the caller's rbp at rbp, and nothing else was looked at */
};

/* A thread's note of a word that lay on a stack: where the call leads behind which it
 * points. The stack of code without CFI is searched in each walk anew, and mostly holds the same
 * words: without this the kernel is asked about the page of each of them. What is remembered is
 * never read again, so a stale entry costs a frame and cannot fault; it is forgotten after
 * `uses_left` searches, and with the rules. */
struct hak_known_call {
    uint64_t key;     /* the word + salt; 0 = nothing */
    uintptr_t target; /* of a direct call to code without CFI; 0 = the word proves nothing */
    uint32_t uses_left;
};
enum { HAK_KNOWN_CALL_BITS = 10 };

HAK_HIDDEN bool hak_bare_frame_step(struct hak_stack_memory *memory,
                                    const struct hak_bare_frame *frame,
                                    struct hak_bare_caller *caller);

#endif

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
    uintptr_t link;       /* the register that a call leaves the return address in; 0 = not known */
};

/* Its caller. */
struct hak_bare_caller {
    uintptr_t ip, cfa, bp;
    bool tells_cfa; /* else `cfa` is where the frame ends at least */
};

/* A thread's note of a word that lay on a stack: the target of the call that it points behind. The
 * stack of code without CFI is searched in each walk anew, and mostly holds the same words: without
 * this the kernel is asked about the page of each of them. Remembered code is never read again, so
 * a stale entry costs a frame and cannot fault; it is forgotten after `uses_left` searches, and
 * with the rules. */
struct hak_known_call {
    uint64_t key;     /* the word + salt; 0 = nothing */
    uintptr_t target; /* of a direct call to code without CFI; 0 = the word proves nothing */
    uint32_t uses_left;
};
enum { HAK_KNOWN_CALL_BITS = 10 };

/* A thread's note of a whole search on its own stack: of runtime.asmcgocall of Go, which was called
 * on another stack, and of what lies further out. The outcome depends on pc and rsp of the frame,
 * on the words from rsp to where the search ended, and on where the calls behind these words lead.
 * Each word is compared, and one that has changed is asked about again; where calls lead is looked
 * at again after HAK_SEARCH_USES, which is how long a word outside of modules is remembered anyway,
 * and after an unload. So a search would come to the same caller, or to none. Only where rbp lies
 * too far away for a frame pointer: then it is the caller's, and nothing that it points to decides.
 */
enum { HAK_SEARCH_WORDS = 64, HAK_SEARCH_USES = 256 };
struct hak_known_search {
    uintptr_t pc, sp;
    bool is_found; /* the last word is the return address */
    uint32_t words;
    uint32_t uses_left;
    uintptr_t word[HAK_SEARCH_WORDS];
};

/* Searches the calling thread's own stack for the caller of `frame`, which is not found by rbp, and
 * notes in `known` what came of it. False: nobody knows without more than the words. */
HAK_HIDDEN bool hak_bare_frame_search(const struct hak_bare_frame *frame,
                                      struct hak_known_search *known);

/* Is it that for the caller of `frame`? */
HAK_HIDDEN bool hak_search_is_of(const struct hak_known_search *known,
                                 const struct hak_bare_frame *frame);

/* Would a search of the same frame come to the same again? */
HAK_HIDDEN bool hak_search_stands(struct hak_known_search *known);

/* The step by rbp alone: cfa = rbp + 16, the caller's rbp at rbp, and nothing else is looked at. */
HAK_HIDDEN bool hak_bare_frame_step_by_rbp(struct hak_stack_memory *memory,
                                           const struct hak_bare_frame *frame,
                                           struct hak_bare_caller *caller);

/* Finds the caller of a frame without unwinding tables: at a function's edge if it was interrupted,
 * by rbp, by a call in the words above. False: `pc` is no code, or no caller is found. */
HAK_HIDDEN bool hak_bare_frame_step(struct hak_stack_memory *memory,
                                    const struct hak_bare_frame *frame,
                                    struct hak_bare_caller *caller);

#endif

/* hakmem's own unwinder: the return addresses of the calling thread, fast and without ever failing
 * badly.
 *
 *   registers -> rule of the pc (rules.h) -> CFA, return address, rbp of the caller -> again
 *
 * It is called inside malloc, so it allocates nothing, takes no lock, asks ld.so for nothing that
 * takes one, keeps errno and may be called in a signal handler. It never faults, whatever the stack
 * holds: every word is read through stack_memory.h; the CFA must grow with each frame and be a
 * multiple of 8, so a walk ends. docs/specs/unwind.md tells how and why. */
#ifndef HAK_UNWIND_H
#define HAK_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "unwind/registers.h"

/* Why a walk ended. Numbers are part of the session memory's layout. */
enum hak_unwind_end {
    HAK_UNWIND_COMPLETE = 0,    /* reached the outermost frame */
    HAK_UNWIND_DEPTH = 1,       /* `max` frames were found and there are more */
    HAK_UNWIND_NO_CFI = 2,      /* the last frame's code has no CFI, nor evidence of its caller */
    HAK_UNWIND_BAD_CFA = 3,     /* the stack or the CFI is wrong: the last frames may be too */
    HAK_UNWIND_INTERRUPTED = 4, /* a signal handler that interrupted the unwinder: no frames */
    HAK_UNWIND_BY_FRAMES = 5,   /* complete, but over frames without CFI, by frame_pointer.h */
};

/* For tests and benches; the program's way is hak_unwind_entered, by trace. Finds the calling
 * function's callers. `ips` gets up to `max` return addresses, innermost first:
 * ips[0] lies in the function that called hak_unwind_here. `end` says why it ended. Returns their
 * number. Thread safe, async-signal-safe, keeps errno. */
HAK_HIDDEN size_t hak_unwind_here(uintptr_t *ips, size_t max, enum hak_unwind_end *end);

/* As hak_unwind_here, from registers taken elsewhere on the calling thread, for example those of a
 * signal's context. ips[0] is their rip. When that lies in no module and a return address is on top
 * of the stack, a wild pointer was called: the caller is ips[1] and the walk goes on from there. */
HAK_HIDDEN size_t hak_unwind_from(const struct hak_registers *registers, uintptr_t *ips, size_t max,
                                  enum hak_unwind_end *end);

/* For functions that walk and then use what other walks of the same thread would change: no signal
 * handler gets a stack between enter and leave. Such a function is marked HAK_UNWINDER_ENTRY, by
 * which it is found on the stack when a handler left it by longjmp, and takes the registers itself.
 * hak_unwind_enter returns false when this is such a handler: end is HAK_UNWIND_INTERRUPTED then.
 * `own` is the number of frames on `start`'s stack that are of the caller itself and marked. */
#define HAK_UNWINDER_ENTRY __attribute__((noinline, section("hak_unwinder_text")))
HAK_HIDDEN extern _Thread_local volatile uintptr_t hak_unwind_under_way
    __attribute__((tls_model("initial-exec")));
HAK_HIDDEN bool hak_unwind_is_interrupting(const struct hak_registers *start, size_t own);

/* The second half of it: `stack_pointer`, or any address in the frame of the function. */
static inline void hak_unwind_enter_at(uintptr_t stack_pointer) {
    hak_unwind_under_way = stack_pointer;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Marks that the thread walks its stack from here. False, nothing marked: it was interrupted in a
 * walk. */
static inline bool hak_unwind_enter(const struct hak_registers *start, size_t own) {
    if (HAK_UNLIKELY(hak_unwind_under_way != 0) && hak_unwind_is_interrupting(start, own))
        return false;
    hak_unwind_enter_at(start->value[HAK_REGISTER_SP]);
    return true;
}

static inline void hak_unwind_leave(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    hak_unwind_under_way = 0;
}

/* The ips of a walk that are not return addresses but the next instruction itself: frames that a
 * signal interrupted, and the trampoline that its handler returns to. A bit for each. */
enum { HAK_UNWIND_MARKED = 320 };
struct hak_unwind_marks {
    uint64_t exact[HAK_UNWIND_MARKED / 64];
};

/* The walk between enter and leave; the innermost `skip` frames are not counted in. `marks` may be
 * NULL. */
HAK_HIDDEN size_t hak_unwind_entered(const struct hak_registers *start, size_t skip, uintptr_t *ips,
                                     size_t max, enum hak_unwind_end *end,
                                     struct hak_unwind_marks *marks);

/* The registers in `context`, the third argument of an SA_SIGINFO handler (a ucontext_t). */
HAK_HIDDEN void hak_registers_from_context(struct hak_registers *registers, const void *context);

#endif

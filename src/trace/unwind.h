/* hakmem's own unwinder: the return addresses of the calling thread, fast and without ever failing
 * badly.
 *
 *   registers -> rule of the pc (rules.h) -> CFA, return address, rbp of the caller -> again
 *
 * It is called inside malloc, so it allocates nothing, takes no lock, asks ld.so for nothing that
 * takes one, keeps errno and may be called in a signal handler. It never faults, whatever the stack
 * holds: every word is read through stack_memory.h; the CFA must grow with each frame and be a
 * multiple of 8, so a walk ends. docs/specs/unwind.md tells how and why. */
#ifndef HAK_TRACE_UNWIND_H
#define HAK_TRACE_UNWIND_H

#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "trace/registers.h"

/* Why a walk ended. Numbers are part of the session memory's layout. */
enum hak_unwind_end {
    HAK_UNWIND_COMPLETE = 0,    /* reached the outermost frame */
    HAK_UNWIND_DEPTH = 1,       /* `max` frames were found and there are more */
    HAK_UNWIND_NO_CFI = 2,      /* the last frame's code has no call frame information */
    HAK_UNWIND_BAD_CFA = 3,     /* the stack or the CFI is wrong: the last frames may be too */
    HAK_UNWIND_INTERRUPTED = 4, /* a signal handler that interrupted the unwinder: no frames */
};

/* Finds the calling function's callers. `ips` gets up to `max` return addresses, innermost first:
 * ips[0] lies in the function that called hak_unwind_here. `end` says why it ended. Returns their
 * number. Thread safe, async-signal-safe, keeps errno. */
HAK_HIDDEN size_t hak_unwind_here(uintptr_t *ips, size_t max, enum hak_unwind_end *end);

/* As hak_unwind_here, from registers taken elsewhere on the calling thread, for example those of a
 * signal's context. ips[0] is their rip. */
HAK_HIDDEN size_t hak_unwind_from(const struct hak_registers *registers, uintptr_t *ips, size_t max,
                                  enum hak_unwind_end *end);

/* The registers in `context`, the third argument of an SA_SIGINFO handler (a ucontext_t). */
HAK_HIDDEN void hak_registers_from_context(struct hak_registers *registers, const void *context);

#endif

/* Reads any stack without ever faulting, whatever it holds.
 *
 *   high  thread pointer, or __libc_stack_end of the first thread
 *    |    readable pages: the kernel was asked (hak_raw_readable) once for each page, as the
 *   low   stack grew past the lowest page seen
 *
 * About any other stack (coroutine, alternate, unknown) nothing is known: the kernel is asked when
 * a walk first touches a page, in each walk anew, since such a stack may have been unmapped.
 *
 * The bounds lie in the thread's own TLS; no other thread reads or writes them, a signal handler
 * that interrupts an update sees either the old or the new lower bound. No lock. */
#ifndef HAK_UNWIND_STACK_MEMORY_H
#define HAK_UNWIND_STACK_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* The memory that one walk may read without asking. */
struct hak_stack_memory {
    uintptr_t low;  /* first readable byte, 0 with span 0 when nothing is known */
    uintptr_t span; /* bytes that can be read from low on */
    uintptr_t page; /* the last page that the kernel said is readable, or 1 */
};

/* Bounds of the calling thread's stack as far as they were looked at. */
struct hak_stack_bounds {
    uintptr_t low, high;                 /* known readable; high 0 = not looked at yet */
    uintptr_t foreign_low, foreign_high; /* known not to be part of the thread's stack */
    uint32_t kind;                       /* 0 not known yet, 1 first thread, 2 another */
};

HAK_HIDDEN extern _Thread_local struct hak_stack_bounds hak_stack_bounds
    __attribute__((tls_model("initial-exec")));

HAK_HIDDEN void hak_stack_memory_find(struct hak_stack_memory *memory, uintptr_t stack_pointer);
HAK_HIDDEN bool hak_stack_memory_ask(struct hak_stack_memory *memory, uintptr_t address);

/* Sets up `memory` for a walk that begins at `stack_pointer` of the calling thread. */
static inline void hak_stack_memory_begin(struct hak_stack_memory *memory,
                                          uintptr_t stack_pointer) {
    const struct hak_stack_bounds *bounds = &hak_stack_bounds;
    memory->low = bounds->low;
    memory->span = bounds->high - bounds->low;
    memory->page = 1;
    if (stack_pointer - memory->low >= memory->span)
        hak_stack_memory_find(memory, stack_pointer);
}

/* Reads the word at `address` into `value`. Returns false, without reading, when it is not aligned
 * or cannot be read. */
static inline bool hak_stack_read(struct hak_stack_memory *memory, uintptr_t address,
                                  uintptr_t *value) {
    if ((address & 7) != 0)
        return false;
    if (address - memory->low >= memory->span && !hak_stack_memory_ask(memory, address))
        return false;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): nothing readable lies at 0 */
    *value = *(const volatile uintptr_t *)address;
    return true;
}

#endif

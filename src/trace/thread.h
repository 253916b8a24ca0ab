/* What a thread gets beside its ring: an alternate signal stack, so that a stack overflow can be
 * told of too. Stacks come from a pool and go back when the thread ends; a stack that the program
 * set up itself is left alone. */
#ifndef HAK_TRACE_THREAD_H
#define HAK_TRACE_THREAD_H

#include "block.h"

/* Gives the calling thread an alternate signal stack unless it has one, or nothing is recorded.
 * Thread and signal safe. */
HAK_HIDDEN void hak_thread_take_stack(void);

/* Takes it away again, at the end of the thread; nothing when the thread runs on it or has set up
 * another since. */
HAK_HIDDEN void hak_thread_give_stack_back(void);

/* Visits the arguments of threads that were created and have not begun: often nobody else has a
 * pointer to these. Other threads may create some meanwhile. */
HAK_HIDDEN void hak_thread_each_argument(void (*visit)(void *context, const void *argument),
                                         void *context);

/* The alternate stack that the program has set for the calling thread, NULL = none: a pointer that
 * often the kernel alone holds. Lies at the same distance from every thread's thread pointer. */
HAK_HIDDEN extern _Thread_local const void *hak_thread_program_stack
    __attribute__((tls_model("initial-exec")));

#endif

/* Gives each thread, beside its ring, the place where it was created, for its first record, and an
 * alternate signal stack, so that a stack overflow can be reported, too. Signal stacks come from a
 * pool and go back when the thread ends; a stack that the program set up itself is left alone.
 *
 *   creator: pthread_create          new thread: run_thread          its first record
 *     stack, number --> struct start ------> hak_thread_origin ------> THREAD_START
 *                                                                      {stack, creator} */
#ifndef HAK_TRACE_THREAD_H
#define HAK_TRACE_THREAD_H

#include <stdint.h>
#include "block.h"

/* Where a thread was created. */
struct hak_thread_origin {
    uint32_t creator; /* number of the thread that did it, 0 = not known */
    uint32_t stack;   /* id of its stack then, 0 = not known */
    uint8_t flags;    /* of that stack: enum hak_record_flags */
};

/* Of the calling thread, and of the thread that created it: all 0 where that is not known, as for
 * the main thread and for threads made by clone. */
enum { HAK_ORIGIN_OF_SELF, HAK_ORIGIN_OF_CREATOR, HAK_ORIGINS };
HAK_HIDDEN extern _Thread_local struct hak_thread_origin hak_thread_origin[HAK_ORIGINS]
    __attribute__((tls_model("initial-exec")));

/* The calling thread's number in its process, 0 = not drawn yet (hak_trace_thread draws it). */
HAK_HIDDEN extern _Thread_local uint32_t hak_thread_number
    __attribute__((tls_model("initial-exec")));

/* Makes a forked child's thread the first one, whoever created it in the parent; threads are
 * counted from 1 again. */
HAK_HIDDEN void hak_thread_enter_child(void);

/* From now on threads get signal stacks, the calling one at once: deaths are reported. */
HAK_HIDDEN void hak_thread_begin_stacks(void);
/* Threads get none: a program that runs already has its own, or none (process/attach.c). */
HAK_HIDDEN void hak_thread_bar_stacks(void);

/* Gives the calling thread an alternate signal stack unless it has one, or deaths are not reported.
 * Thread and signal safe. */
HAK_HIDDEN void hak_thread_take_stack(void);

/* Takes the lent signal stack away from a thread at its end; nothing when the thread runs on it or
 * has set up another since. */
HAK_HIDDEN void hak_thread_give_stack_back(void);

/* Called when the program has set an alternate stack for the calling thread; NULL = nobody asks. */
HAK_HIDDEN extern void (*hak_thread_stack_is_set)(const void *stack);

/* Takes the alternate stack that the program has set away from the calling thread if it begins in
 * this memory, which is given back: a program may leave that to its end, when no signal comes any
 * more, but those of debug registers do. Not while the thread runs on it. errno is kept. */
HAK_HIDDEN void hak_thread_leave_stack(const char *start, size_t bytes);

/* Visits the arguments of threads that were created and have not begun: often nobody else has a
 * pointer to these. Other threads may create some meanwhile. */
HAK_HIDDEN void hak_thread_each_argument(void (*visit)(void *context, const void *argument),
                                         void *context);

/* The alternate stack that the calling thread got from here, with its guard page below, NULL =
 * none. Lies at the same distance from every thread's thread pointer. */
HAK_HIDDEN extern _Thread_local char *hak_thread_lent_stack
    __attribute__((tls_model("initial-exec")));
#define HAK_LENT_STACK_BYTES (((size_t)64 << 10) + HAK_PAGE_BYTES) /* the first page is closed */

/* The alternate stack that the program has set for the calling thread, NULL = none: a pointer that
 * often the kernel alone holds. Lies at the same distance from every thread's thread pointer. */
HAK_HIDDEN extern _Thread_local const void *hak_thread_program_stack
    __attribute__((tls_model("initial-exec")));

#endif

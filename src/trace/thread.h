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

#endif

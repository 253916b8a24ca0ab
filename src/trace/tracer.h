/* A process of our own that shares the program's memory and may trace its threads.
 *
 *   calling thread                        tracer: clone, memory shared, files and handlers its own
 *     hak_tracer_run ------------------->   run(argument): hak_tracer_seize, _stop, ..., _release
 *     waits until it has ended  <--------   ends; the kernel lets go what it still traces
 *
 * A process, because threads of one's own process cannot be traced; with the same memory, because
 * a copy would not hold the other threads as they stand. Nobody sees the files that it opens, and a
 * fault ends it alone. It runs on the calling thread's TLS, as the child of a vfork does, and
 * writes nothing there.
 *
 * A stopped thread goes on as if nothing had been: a signal that came meanwhile is handed to it,
 * and system calls that Linux ends with EINTR at any stop (epoll_wait among them) are made again,
 * as it does itself with all others.
 *
 * Thread and signal safety: any; nothing is allocated, errno is kept. */
#ifndef HAK_TRACE_TRACER_H
#define HAK_TRACE_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>
#include "block.h"

enum hak_tracer_end {
    HAK_TRACER_DONE,
    HAK_TRACER_DIED,     /* `run` did not come to its end */
    HAK_TRACER_NOT_MADE, /* there is no such process: a sandbox, no process or memory left */
};

/* Calls `run(argument)` in such a process, on the stack of `bytes` at `stack`, and waits for its
 * end with all signals blocked. */
HAK_HIDDEN enum hak_tracer_end hak_tracer_run(char *stack, size_t bytes, void (*run)(void *),
                                              void *argument);

/* In `run`: the thread is traced from now on, and still runs. 0, or a negative errno. */
HAK_HIDDEN long hak_tracer_seize(int thread);
/* Stops a thread of the program; `*signal` is the one that is to be handed to it, 0 = none. False:
 * it has ended, or does not come before `deadline_ns` of hak_monotonic_ns. */
HAK_HIDDEN bool hak_tracer_stop(int thread, uint64_t deadline_ns, int *signal);
/* Reads the registers of a thread that stands; the system call that the stop has ended is made
 * again. False: they cannot be read. */
HAK_HIDDEN bool hak_tracer_read(int thread, struct user_regs_struct *registers);
/* It goes on. */
HAK_HIDDEN void hak_tracer_release(int thread, int signal);

#endif

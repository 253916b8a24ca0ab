/* hakmem-attach.so: the recorder for a program that runs already (`record -p PID`,
 * docs/specs/attach.md). hakmem-trace, which loads it, calls its three functions from outside;
 * loading alone does nothing.
 *
 *   hakmem-trace --writes session--> hak_attach_shared
 *                --has a thread call--> hak_attach_begin: session, then the imports of all modules
 *                                       hak_attach_scan: those that were loaded meanwhile
 *                                       hak_attach_end: the imports as before, and no session
 *                <--reads state, why--- hak_attach_shared
 *
 *   program --import--> calls.c --> the function it was before
 *                         |  record.c (entry/keep) --> trace: MALLOC, FREE, ...
 *                       imports.c changes the words of imports
 *
 * The library stays for good, since nobody knows who kept the address of a function of it; between
 * recordings these pass calls on. Blocks that the program allocated before are not known: their
 * frees are counted.
 *
 * A recording may end, and another begin, while a thread is in the middle of a call. So each thread
 * has a word that says whether it is at a record; the next recording begins when none is, and what
 * a thread knows of the last one it forgets at its first record of the new one.
 *
 * Threads: begin, scan and end are called by one at a time, which is not in the allocator, in ld.so
 * or in this library, with its signals blocked. */
#ifndef HAK_ENTRY_ATTACH_H
#define HAK_ENTRY_ATTACH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "entry/attach/shared.h"
#include "entry/attach/imports.h"

/* The recording that is on, counted from 1; 0 = none is. */
HAK_HIDDEN extern _Atomic uint32_t hak_attach_recording;

/* The library's state of a thread; in memory of its own, for a thread's may be gone. */
struct hak_attach_thread {
    _Alignas(64) volatile uint32_t inside; /* records in the making; handlers may add theirs */
    _Atomic uint32_t is_taken;
    uint32_t seen; /* the recording that it recorded in last */
};
HAK_HIDDEN extern _Thread_local struct hak_attach_thread *hak_attach_thread
    __attribute__((tls_model("initial-exec")));

/* threads.c: takes a word for the calling thread; NULL: it has none any more, or there is none left
 * (counted). */
HAK_HIDDEN struct hak_attach_thread *hak_attach_take_thread(void);
/* Its first record in a recording. */
HAK_HIDDEN void hak_attach_join(struct hak_attach_thread *thread, uint32_t recording);
/* Once, before the first recording; false: pthreads has no key left. */
HAK_HIDDEN bool hak_attach_start_threads(void);
/* Waits, at most some seconds, until no thread is at a record; false where one still is. */
HAK_HIDDEN bool hak_attach_wait_outside(void);
/* Frees, in a forked child, the places of the threads that are not here, and marks that none is
 * inside. */
HAK_HIDDEN void hak_attach_forget_threads(void);

/* Begins a recorded call of this thread, which hak_attach_leave ends; false where nothing is
 * recorded now. */
static inline bool hak_attach_enter(void) {
    if (HAK_LIKELY(!atomic_load_explicit(&hak_attach_recording, memory_order_relaxed)))
        return false;
    struct hak_attach_thread *thread = hak_attach_thread;
    if (HAK_UNLIKELY(!thread) && !(thread = hak_attach_take_thread()))
        return false;
    /* One instruction, for handlers; who waits for it makes the barrier. */
    hak_own_enter(&thread->inside);
    uint32_t now = atomic_load_explicit(&hak_attach_recording, memory_order_acquire);
    if (HAK_UNLIKELY(now != thread->seen) && now)
        hak_attach_join(thread, now);
    if (HAK_LIKELY(now != 0))
        return true;
    hak_own_leave(&thread->inside);
    return false;
}
static inline void hak_attach_leave(void) {
    hak_own_leave(&hak_attach_thread->inside);
}

/* calls.c: what stands in for what; `next` is filled in by hak_attach_find_next. */
enum { HAK_ATTACH_IMPORTS = 10 };
HAK_HIDDEN extern struct hak_import hak_attach_imports[HAK_ATTACH_IMPORTS];
/* Finds the program's own malloc, free, ..., to which calls are passed on, settles which imports
 * are sole, and whether its blocks' sizes can be asked. False: it has no family that could be
 * found. */
HAK_HIDDEN bool hak_attach_find_next(void);

#endif

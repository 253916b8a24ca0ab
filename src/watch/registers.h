/* The ways to the debug registers, for registers.c alone. watch.h describes each function, under
 * the same name behind hak_watch_. */
#ifndef HAK_WATCH_REGISTERS_H
#define HAK_WATCH_REGISTERS_H

#include "watch/perf_attributes.h"
#include "watch/watch.h"

/* perf.c */
struct hak_perf_event {
    int file;
    uint64_t id; /* the kernel's, never that of another event; 0: it is not open */
};
/* The attributes of a register that stops writers of these bytes, in threads made later as well. */
HAK_HIDDEN struct hak_perf_attributes hak_perf_stop(uintptr_t address, unsigned bytes,
                                                    uint64_t tag);
/* The attributes of an event that sends a signal each time that the thread has run for `ns`. */
HAK_HIDDEN struct hak_perf_attributes hak_perf_clock(uint64_t ns, uint64_t tag);
/* Opens an event of the thread and reads its id. 0, or the errno. */
HAK_HIDDEN int hak_perf_open_event(long thread, struct hak_perf_attributes *attributes,
                                   struct hak_perf_event *event);
/* The same for a moment: its number is above those of most programs, and needs no larger table of
 * descriptors. */
HAK_HIDDEN int hak_perf_open_brief_event(long thread, struct hak_perf_attributes *attributes,
                                         struct hak_perf_event *event);
/* Closes an event, if its file is still the one that was opened. */
HAK_HIDDEN void hak_perf_close_event(struct hak_perf_event *event);
/* Reads its count; false: it is not open. */
HAK_HIDDEN bool hak_perf_read_event(const struct hak_perf_event *event, uint64_t *count);
/* It was not closed, nor is its number another file's. */
HAK_HIDDEN bool hak_perf_is_ours(const struct hak_perf_event *event);
HAK_HIDDEN bool hak_perf_is_passing(int error); /* it may be otherwise later */
HAK_HIDDEN bool hak_perf_is_old_kernel(void);
/* Whether a register can be had by perf_event_open: opens one and closes it. */
HAK_HIDDEN bool hak_perf_is_there(void); /* perf_event_open gives one */
/* Whether a write of our own under a register of our own is not seen: no register of this machine
 * stops anybody, whoever sets it. Asked once by each process image, and again while none can be
 * had. Not on an old kernel, nor where a filter of system calls may forbid it. */
HAK_HIDDEN bool hak_perf_is_deaf(void);

/* perf.c: opens up to `wanted` registers in all threads, which watch nothing yet, unless this
 * process has them; returns how many there are. None on an old kernel, where registers stop nobody,
 * and after OPENINGS openings. */
HAK_HIDDEN unsigned hak_perf_open(unsigned wanted);
HAK_HIDDEN int hak_perf_refusal(void);

/* Points register `index` of all threads to these bytes. False: that failed, and all are closed;
 * the next hak_watch_open tries again. */
HAK_HIDDEN bool hak_perf_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag);

/* Lets register `index` watch nothing, in all threads. */
HAK_HIDDEN void hak_perf_clear(unsigned index);
/* Closes all registers; no more are opened by this way, for the reason `why`. */
HAK_HIDDEN void hak_perf_end(enum hak_unwatched why);

/* Closes, in a forked child, the registers that are the parent's; they can be opened anew. */
HAK_HIDDEN void hak_perf_fork_child(void);

/* Whether the signal is of a register of ours, or of the clock that ends its moment; fills in
 * `hit`. */
HAK_HIDDEN bool hak_perf_hit_of(const void *siginfo, struct hak_watch_hit *hit);

/* traced.c: sets up to `wanted_count` registers of the calling thread for a trial, once in a
 * process; returns how many there are. This way is over if none can be set or none stops the
 * thread. */
HAK_HIDDEN unsigned hak_traced_open(unsigned wanted);
HAK_HIDDEN int hak_traced_refusal(void);

/* Lets register `index` of all threads watch these bytes, by a tracer. False: it does not; unless a
 * thread only did not stop in time, this way is over then. */
HAK_HIDDEN bool hak_traced_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag);
HAK_HIDDEN void hak_traced_clear(unsigned index);
/* Clears the registers of all threads by a last tracer; no more are set by this way, for the reason
 * `why`. */
HAK_HIDDEN void hak_traced_end(enum hak_unwatched why);

/* Whether the signal is a stop at a debug register; fills in `hit`, but not its tag, and notes a
 * stop of the trial. */
HAK_HIDDEN bool hak_traced_hit_of(const void *siginfo, struct hak_watch_hit *hit);
HAK_HIDDEN uint64_t hak_traced_tracer_ns(void);
HAK_HIDDEN uint64_t hak_traced_tag(unsigned index);
/* Runs a tracer that reads which registers stopped the calling thread, as bits. */
HAK_HIDDEN unsigned hak_traced_ask(void);
/* Runs a tracer that sets the registers of all threads as wanted. */
HAK_HIDDEN void hak_traced_settle(void);
/* Runs a tracer that sets the registers of the calling thread, which is new. */
HAK_HIDDEN void hak_traced_join(void);
/* Whether a debugger traces the calling thread. */
HAK_HIDDEN bool hak_traced_is_debugged(void);

/* brief.c: tells how many registers can be set for moments: `wanted`, or 0 in a sandbox, on an old
 * kernel, where registers stop nobody, or once this way is over. hak_brief_set opens them. */
HAK_HIDDEN unsigned hak_brief_open(unsigned wanted);
HAK_HIDDEN int hak_brief_refusal(void);

/* Lets register `index` watch these bytes for the calling thread, while that runs for
 * HAK_WATCH_MOMENT_NS. False: the kernel refuses, a debugger traces the thread, or this way is
 * over. */
HAK_HIDDEN bool hak_brief_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag);
HAK_HIDDEN void hak_brief_clear(unsigned index);
HAK_HIDDEN bool hak_brief_stood(unsigned index, uint64_t *ns);
/* Closes the registers; no more are opened by this way, for the reason `why`. */
HAK_HIDDEN void hak_brief_end(int why); /* an errno or an enum hak_unwatched */
HAK_HIDDEN void hak_brief_fork_child(void);

/* newest.c */
HAK_HIDDEN unsigned hak_newest_open(unsigned wanted);
HAK_HIDDEN int hak_newest_refusal(void);
HAK_HIDDEN bool hak_newest_move(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag);
HAK_HIDDEN void hak_newest_clear(unsigned index);
HAK_HIDDEN void hak_newest_resume(unsigned index);
/* Closes the registers of the thread that has them. */
HAK_HIDDEN void hak_newest_close(void);
HAK_HIDDEN bool hak_newest_is_callers(void);
HAK_HIDDEN bool hak_newest_stood(uint64_t *ns);
/* Closes the registers; no more are opened by this way, for the reason `why`. */
HAK_HIDDEN void hak_newest_end(int why); /* an errno or an enum hak_unwatched */
HAK_HIDDEN void hak_newest_fork_child(void);

#endif

/* Faults and crashes: the dying program's facts for the report, and its own steps.
 *
 *   hak_trace_fault --+                 claim   fill          READY        DONE
 *   crash signal -----+-> report area:  IDLE -> FILLING ----> READY -----> DONE -> IDLE
 *                         (one at a time)                     collector writes the report
 *   no collector, or it does not answer: a raw report on stderr, written here; the area is LEFT for
 *   the collector, which stores the report when it comes. A report that it cannot get is counted as
 *   lost. Then SIGABRT (fault), the signal's own end (crash), or on it goes
 *   (HAKMEM_ON_FAULT=continue).
 *
 *   crash.c          the steps of a report, on a stack of its own; who may report; how it ends
 *   places.c         where faults were reported before, and how many were not
 *   area.c           the way through the report area to the collector and back
 *   handler.c        the handler of crash signals, and finds the fault that a death is due to
 *   address.c        describes the address of a crash
 *   aligned.c        carries out what the processor refused for its alignment; frame.c has the
 *                    vector registers for it
 *   words.c          finds the blocks that poisoned registers name
 *   loaded.c         finds the pointer through which such a register was loaded
 *   code.c           the instruction's bytes; into which blocks the registers point
 *   asked.c          level light: the same at any moment, for `hakmem-trace ctl`
 *   lives.c          level light: the known lives of guarded blocks, for the store
 *   output.c         writes out the streams of a program that ends by what its exit found
 *   raw_report.c     the report without a collector */
#ifndef HAK_TRACE_CRASH_H
#define HAK_TRACE_CRASH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "platform/tags.h"
#include "trace/session.h"
#include "trace/threads/threads.h"
#include "unwind/registers.h"
#include "unwind/unwind.h"

struct hak_guarded_life;
struct hak_trace_checks;
enum hak_trapped;
struct hak_stopped;

/* One fault or crash, where it happened. */
struct hak_incident {
    struct hak_fault_facts facts;
    uint32_t thread;                               /* number, 0 = the calling thread's */
    struct hak_thread_origin created[HAK_ORIGINS]; /* of `thread`, if that is not 0 */
    uint32_t signal;                               /* 0 = none */
    int32_t code;                                  /* si_code */
    int32_t sender; /* pid of the signal's sender, 0 = the kernel raised it */
    bool is_own_sender;
    uint64_t address;        /* si_addr when the kernel raised it */
    uint32_t handler_signal; /* a handler of the program ran at it; the process dies by this one */
    int32_t handler_code;
    uint64_t handler_frames[HAK_REPORT_HANDLER_FRAMES]; /* where that came, then 0 */
    uint64_t full_stack_bytes;
    uint32_t trap, trap_error; /* the processor's exception and what it tells with it, 0 = none */
    uint64_t flags;            /* rflags, 0 = not known */
    bool is_in_last_byte; /* the pc is the last byte of the instruction behind which it stands */
    struct hak_report_region region;
    struct hak_report_candidate candidates[HAK_REPORT_CANDIDATES];
    uint32_t candidate_count;
    bool is_reported;           /* a report of it was made before: nothing is to be said */
    bool is_repeated;           /* ... at this place, at which the program was to stop */
    uint64_t unreported_before; /* faults at this place since it was last reported */
    bool is_known;              /* the collector knows it as no news: the program goes on */
    int end_signal;             /* by which the process ends after the report, 0 = it goes on */
    struct hak_registers registers;
    uintptr_t frames[HAK_REPORT_FRAMES];
    size_t frame_count;
    enum hak_unwind_end end;
    /* Takes the stack and whatever else is to be found out; may be cut short by a fault of its own.
     */
    void (*look)(struct hak_incident *);
};

/* Puts the handlers of crash signals in place, where the process is recorded, or HAKMEM_TRACE=off
 * has it checked. Once, at start. */
HAK_HIDDEN void hak_crash_start(void);

/* In a forked child: forgets the unfinished work of the parent's other threads. */
HAK_HIDDEN void hak_crash_forget(void);

/* In the parent, when its vfork child is gone: its unfinished work ended with it. */
HAK_HIDDEN void hak_crash_vfork_child_is_gone(void);

/* True when the calling thread is in the middle of a report. */
HAK_HIDDEN bool hak_crash_is_reporting(void);

/* Claims the right to report; a second thread has itself named in the report (`mine`: its signal,
 * fault, address and ip) and waits until the first is through, or for ever, when the process ends.
 * Returns what is to be filled in; NULL when the calling thread was at it already, and failed in
 * the middle. */
HAK_HIDDEN struct hak_incident *hak_crash_enter(const struct hak_report_other *mine);
HAK_HIDDEN void hak_crash_leave(void);

/* For a caller without a fault, but with the same session: claims that right without waiting for
 * it. False: somebody has it. `is_stored`: the caller's records in the session are in the store. */
HAK_HIDDEN bool hak_crash_enter_alone(void);
HAK_HIDDEN void hak_crash_leave_stored(bool is_stored);

/* Looks, and has the report written, by the collector or raw. Between enter and leave. */
HAK_HIDDEN void hak_crash_report(void);

/* The calling thread failed in the middle of its report: goes on with what comes after the step
 * that failed, then ends the process. */
HAK_HIDDEN _Noreturn void hak_crash_go_on(void);

/* Has a fault reported that happened where the registers tell, with `flags` (0 = not known), or,
 * `is_behind`, by the instruction in front of there; ends the process, or returns, as
 * hak_trace_fault does. */
HAK_HIDDEN void hak_crash_report_fault(const struct hak_fault_facts *facts,
                                       const struct hak_registers *registers, uint64_t flags,
                                       bool is_behind);
/* The checks' answer to a SIGTRAP. */
HAK_HIDDEN enum hak_trapped hak_crash_trapped(const void *siginfo,
                                              const struct hak_stopped *stopped,
                                              struct hak_fault_facts *facts);

/* Unwinds from the incident's registers; a `look` of its own. */
HAK_HIDDEN void hak_crash_unwind(struct hak_incident *incident);

/* The process ends by signal `number` next: for those whom the kernel will not tell. Its stacks go
 * into its core. */
HAK_HIDDEN void hak_crash_note_end(int number);

/* Before the process is stopped by a fault: writes out the program's streams where the exit found
 * it, which would have done so next. All of them if no other thread is there, else stdout and
 * stderr as far as no thread holds them. (output.c) */
HAK_HIDDEN void hak_crash_flush_output(uint32_t found_by);

/* Ends the process by `number` with its default action, whatever handler there is. */
HAK_HIDDEN _Noreturn void hak_crash_die_by(int number);

/* The SIGABRT that the calling thread sends itself next stands for a fault that is reported. False:
 * so does the one before, which has not come to our handler (nothing is recorded, or the program
 * has gone round it). */
HAK_HIDDEN bool hak_crash_stop_begins(void);

/* True when the incident's frames go through the program's handler of such a SIGABRT. */
HAK_HIDDEN bool hak_crash_is_in_stop(const struct hak_incident *incident);

/* Was a fault at the place of the incident, whose frames are there, reported or made known before?
 */
HAK_HIDDEN bool hak_crash_is_known_place(void);
/* The program stops at its faults: false when it did at this place before, and goes on all the same
 * by a handler of its own, or on another thread. */
HAK_HIDDEN bool hak_crash_is_first_stop(void);
/* It is from now on, and never to be reported. */
HAK_HIDDEN void hak_crash_make_place_known(void);
/* The program goes on after its faults: true when this one is to be reported (places.h). Sets
 * `unreported_before`. */
HAK_HIDDEN bool hak_crash_may_report(struct hak_incident *incident);

/* Fills in facts, access and region by the address of the incident (address.c). Where a fault
 * of the heap is seen the facts name it. */
HAK_HIDDEN void hak_crash_look_at_address(struct hak_incident *incident);
/* Fills in the region of an address that was given back and that no allocator has. */
HAK_HIDDEN void hak_crash_look_at_mapping(struct hak_incident *incident);
/* Finds what the registers prove of words that memory is filled with: facts, or candidates
 * (words.c). */
HAK_HIDDEN void hak_crash_look_at_words(struct hak_incident *incident,
                                        const struct hak_trace_checks *checks);
/* The pointer with which the word was read that `reg` holds and that lay at `address`, by the
 * instructions in front of the one that failed: how many may be it, at most two (loaded.c).
 */
HAK_HIDDEN unsigned hak_crash_loaded_by(const struct hak_registers *registers, unsigned reg,
                                        uint64_t address, uint64_t pointers[2]);
/* Looks whether a block is damaged, when nothing else is known to be wrong. */
HAK_HIDDEN void hak_crash_look_at_heap(struct hak_incident *incident);
/* The same question as the first, answered in brief, for the program's own stack may be small: does
 * the address lie in a block that was given back? */
HAK_HIDDEN bool hak_crash_is_heap_fault(int signal, int code, uint64_t address);
/* Notes the tag of an access by a wrong memory tag, and takes it off the address, of whatever
 * SIGSEGV the calling thread gets; first. */
HAK_HIDDEN void hak_crash_take_tag(siginfo_t *info);
/* Whether that was such an access; and whether it may go on (trace.h), and would be made now. */
HAK_HIDDEN bool hak_crash_is_by_tag(void);
HAK_HIDDEN bool hak_crash_allows_tag(uint64_t address, const struct hak_registers *registers);
HAK_HIDDEN bool hak_crash_tag_fits(uint64_t address);
/* Whether the signal tells of an access by a wrong memory tag that was found later: it has no
 * address, and its place is not the access's. */
static inline bool hak_crash_is_late_tag(uint32_t signal, int code) {
    return signal == SIGSEGV && code == HAK_TAGS_FAULT_ASYNC;
}
/* Such a signal came while the calling thread reports: the access was the program's, before. It is
 * sent again when the report is made and the program goes on. */
HAK_HIDDEN void hak_crash_put_off_late_tag(void);
/* How many calls allocated in level light, and how many of their blocks were guarded; else 0. */
HAK_HIDDEN void hak_crash_count_guarded(uint64_t *calls, uint64_t *blocks);
/* Visits the lives of guarded blocks in level light (trace.h). */
HAK_HIDDEN void hak_crash_each_life(bool again,
                                    void (*visit)(void *, const struct hak_guarded_life *),
                                    void *context);
/* Writes what they tell into the session; `again`: also what it told before. (lives.c) */
HAK_HIDDEN void hak_crash_bring_lives(bool again);
/* Of 16 bytes that the processor refused (trace.h). */
HAK_HIDDEN bool hak_crash_is_less_aligned(uint64_t address);
/* Has the page of such an address opened, so that the program can go on. */
HAK_HIDDEN bool hak_crash_reopen(uint64_t address);
/* The same of a page of the heap that the malloc family of the calling thread could not touch, with
 * this stack pointer. */
HAK_HIDDEN bool hak_crash_open_closed(uint64_t address, uint64_t stack_pointer);

/* Has the collector write the report of `incident`, and sets its `is_known`. Returns NULL, or in
 * words why it did not (area.c). */
HAK_HIDDEN const char *hak_crash_hand_over(struct hak_incident *incident);
/* Has a thread that waits to report named in the report that is under way. Returns false when there
 * is none that is told to the collector (yet). */
HAK_HIDDEN bool hak_crash_name_other(const struct hak_report_other *other);
/* After a failure in hak_crash_hand_over: leaves the area to the collector if it is filled. False:
 * it was not, and is nobody's, or the memory is replaced and the collector will not get it. */
HAK_HIDDEN bool hak_crash_let_area_go(void);
/* Counts a fault whose report the collector will not get, where there is a session. (area.c) */
HAK_HIDDEN void hak_crash_count_lost(const struct hak_incident *incident);
/* In a forked child: no area is claimed. */
HAK_HIDDEN void hak_crash_area_forget(void);

/* Where raw reports go: HAKMEM_LOG as it is now, with the working directory of now. At start. */
HAK_HIDDEN void hak_raw_report_start(void);
/* Writes the list of leaks into an open file, in the place of a fault's stack; set by leaks. */
HAK_HIDDEN extern void (*hak_raw_leaks)(const char *why, long file);
/* Says at the end of the process how many faults were met and not reported, if any. */
HAK_HIDDEN void hak_raw_say_unreported(void);
/* Writes what can be said without a collector. Allocates nothing. */
HAK_HIDDEN void hak_raw_report(const struct hak_incident *incident, const char *why);

/* Copies the bytes around the fault's address into the area, as far as they can be read.
 * (bytes.c) */
HAK_HIDDEN void hak_crash_copy_bytes(struct hak_report_request *area);

/* Copies the code of the instruction at which the processor stopped the program, by a fault of the
 * heap or another; count 0 where it did not, or the code cannot be read. (code.c) */
HAK_HIDDEN void hak_crash_copy_code(const struct hak_incident *incident,
                                    struct hak_report_code *code);
/* Decodes the instruction at `at`; false: it cannot be read, or is not known. (code.c) */
struct hak_decoded;
HAK_HIDDEN bool hak_crash_decode(uint64_t at, struct hak_decoded *decoded);
/* For processors that have one exception for all addresses: sets `*trap` to that of x86-64 for a
 * SIGSEGV at `address`, and `*trap_error`, where `*trap` was 0, by the instruction. (code.c) */
HAK_HIDDEN void hak_crash_find_trap(const struct hak_registers *registers, uint64_t address,
                                    uint32_t *trap, uint32_t *trap_error);
/* True when a debug register, which saw `written` written, stopped the thread in the midst of a
 * repeated string instruction: its pc is that instruction's, not the next one's. */
HAK_HIDDEN bool hak_crash_is_in_repeat(const struct hak_registers *registers, uint64_t flags,
                                       uint64_t written);
/* struct hak_stopped has it. (code.c) */
HAK_HIDDEN bool hak_crash_is_in_memmove(const struct hak_registers *registers);
/* True in code of hakmem's own, or in libc's memmove that it called. */
HAK_HIDDEN bool hak_crash_is_of_own(const struct hak_registers *registers);
/* The blocks that the first `count` registers point into, where the processor stopped a fault of
 * the heap. */
HAK_HIDDEN void hak_crash_look_at_registers(const struct hak_incident *incident,
                                            struct hak_report_pointed *pointed, unsigned count);
/* The block that `address` lies in or right beside; user 0 = none. (address.c) */
HAK_HIDDEN void hak_crash_find_block(uint64_t address, struct hak_report_pointed *found);

#endif

/* The tracer's services for guard, leaks and tree: record an event, take a stack, hand over a
 * fault.
 *
 * Everything here is safe on any thread, in a signal handler and in a forked child; it allocates
 * nothing, takes no lock that fork or dlopen may hold, and keeps errno. Before the session stands
 * (very early calls) and with HAKMEM_TRACE=off events are dropped without a count. */
#ifndef HAK_TRACE_TRACE_H
#define HAK_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hop.h"
#include "options.h"
#include "trace/control.h"
#include "trace/session.h"

/* Starts the recording; called once by entry's start-up after the options are read, before the
 * first record. */
HAK_HIDDEN void hak_trace_start(void);

/* Writes one record into the calling thread's ring; time is filled in here. May wait (bounded) when
 * the ring is full. */
HAK_HIDDEN void hak_trace_record(struct hak_event_fields *fields);

/* The same for a legal call of the program on a block of a class whose record is narrow, by its
 * words, the first without the time (hak_record_head, hak_record_tail); `metric` is what it counts
 * for (hak_metric_of_call). Always HAK_RECORDED, so that it can be the last that a check does. */
enum { HAK_RECORDED = 1 };

/* Records a call as its four words, with the time filled in, and counts it by `metric`.
 * HAK_RECORDED, or the answer of the slow way. */
HAK_HIDDEN unsigned hak_trace_record_call(uint64_t head, uint64_t address_word, uint64_t size_word,
                                          uint64_t tail, unsigned metric);

/* Records a legal move of a block of a class from layer to layer, without a stack, by its words. */
HAK_HIDDEN void hak_trace_record_move(uint64_t head, uint64_t address_word, uint64_t tail);

/* Records the same legal move of `count` blocks of one slab, at most HAK_MOVES_BATCH_MAX: each has
 * its word (hak_batch_word), the first also its address and count in `fields`, whose values fit a
 * narrow record. */
HAK_HIDDEN void hak_trace_record_batch(struct hak_event_fields *fields, const uint64_t *words,
                                       unsigned count);

/* Puts a function into the section by which tracer frames are told from those of the layers: when
 * hak_stack_here keeps hakmem's own frames, those up to the outermost of these are left out. Mark
 * the functions through which layers enter the tracer. */
#define HAK_TRACER_TEXT __attribute__((noinline, section("hak_tracer_text")))

/* The stack of the calling thread as a node id; 0 when it cannot be had. `keep_own_frames`: with
 * the allocator's frames (moves between layers), else from the program's call on. `flags` gets 0,
 * HAK_RECORD_PARTIAL when the walk ended early and HAK_RECORD_GUESSED when it went over frames
 * without call frame information. (trace/stacks/walk.c) */
HAK_HIDDEN uint32_t hak_stack_here(bool keep_own_frames, uint8_t *flags);

/* The stack of a call of the program, without hakmem's own frames: by the last stack of the thread,
 * as the other is too, but without looking at hakmem's frames one by one (unwind/splice.h). `frame`
 * is __builtin_frame_address(0) of a function of hakmem that this is called in; `call` is NULL
 * where it is not known. */
HAK_HIDDEN uint32_t hak_stack_of_call(const void *frame, hak_call_t call, uint8_t *flags);

/* The stack of the calling thread; what is to be said about it is added to `flags`. */
static inline uint32_t hak_take_stack(bool keep_own_frames, uint8_t *flags) {
    uint8_t said = 0;
    uint32_t stack = hak_stack_here(keep_own_frames, &said);
    *flags |= said;
    return stack;
}

/* Records the stack of a call of the program, in the frame of the function that this stands in;
 * `call` is NULL where it is not known. */
HAK_IN_PLACE uint32_t hak_take_call_stack(hak_call_t call, uint8_t *flags) {
    uint8_t said = 0;
    uint32_t stack = hak_stack_of_call(__builtin_frame_address(0), call, &said);
    *flags |= said;
    return stack;
}

/* The return address of the function that called: a few steps from `frame`, as above, without a
 * walk. 0: a rule on the way was not needed by a walk yet, or there is no such function. */
HAK_HIDDEN uintptr_t hak_stack_caller(const void *frame, hak_call_t call);

/* Where in its module a frame of a stack lies, which is the same in each run of a program. */
struct hak_code_place {
    uint64_t offset;  /* from where the module is loaded; the address itself where there is none */
    const char *path; /* as ld.so has it; NULL = no module */
    const uint8_t *build_id; /* of build_id_bytes; 0 = it has none */
    size_t build_id_bytes;
};
enum { HAK_CODE_PLACES_MAX = 64 };
/* The frames of stack `stack`, innermost first, at most `max` and HAK_CODE_PLACES_MAX; their number
 * is returned. For a stack that was just taken. (trace/stacks/places.c) */
HAK_HIDDEN size_t hak_stack_places(uint32_t stack, struct hak_code_place *places, size_t max);

/* False when nobody hears of events: HAKMEM_TRACE=off, and the counters are not asked for either.
 */
static inline bool hak_trace_is_wanted(void) {
    return (hak_options.trace | hak_options.front_dump) != 0;
}

/* Recording is stopped (docs/specs/ctl.md): a block that is handed out now is not recorded, nor
 * what becomes of it; the end of one that is recorded still is. Ask once for each life: it may
 * change at any moment. */
static inline bool hak_trace_is_stopped(void) {
    return HAK_UNLIKELY(atomic_load_explicit(&hak_control.is_stopped, memory_order_acquire) != 0);
}
/* trace/ring/pause.c: stops recording or lets it go on, and records that; false: it was so. */
HAK_HIDDEN bool hak_trace_stop(bool is_stopped);

/* Whether this is the process that records here, and not one that only borrows its memory, the
 * child of a vfork or of clone(CLONE_VM). */
HAK_HIDDEN bool hak_is_own_process(void);

/* The calling thread's number in its process, from 1, drawn at the first call. */
HAK_HIDDEN uint32_t hak_trace_thread(void);

/* The next generation epoch of the session (drawn when memory is mapped or a slab changes class).
 */
HAK_HIDDEN uint32_t hak_trace_epoch(void);

/* Calls that give no record. */
enum hak_trace_count { HAK_COUNT_FREE_OF_NULL, HAK_COUNT_FAILED_CALL, HAK_COUNT_FOREIGN_FREE };

/* Counts one call without a record in the process's entry; nothing where nothing is recorded. */
HAK_HIDDEN void hak_trace_count(enum hak_trace_count which);

/* Hands a fault to the collector and waits (bounded) for its report; writes a raw report itself
 * when there is no collector. Frames, registers, stack and the FAULT record are added here. Does
 * not return under HAKMEM_ON_FAULT=stop (SIGABRT); under continue it returns, and reports the same
 * place once. */
HAK_HIDDEN void hak_trace_fault(const struct hak_fault_facts *facts);

/* The calling thread is in exit, outside of any call of the malloc family: a fault with
 * HAK_FOUND_BY_EXIT that stops the program has its streams written out first. Not so in quick_exit,
 * which leaves them as they are. */
HAK_HIDDEN void hak_trace_exit_flushes(bool flushes);

/* A block that a word of a pattern names (pattern.h). */
struct hak_named {
    enum hak_named_as as;
    struct hak_fault_facts facts; /* facts of the block; no fault */
};

/* The last life of a guarded block of level light, as far as it is still known. */
struct hak_guarded_life {
    uint64_t user, delta_bytes, asked_bytes;
    uint64_t born_ticks, freed_ticks;   /* TSC */
    uint32_t born_thread, freed_thread; /* numbers; 0: not to be told (again), or it lives */
    int32_t born_tid, freed_tid;        /* kernel's ids of these, 0 = not known */
    uint32_t alloc_stack, free_stack;
    uint32_t record_count, epoch; /* its generation at its birth */
    uint8_t taken_by;             /* enum hak_subkind */
};

/* The meaning of a SIGTRAP. */
enum hak_trapped {
    HAK_TRAPPED_NOT,     /* no debug register of hakmem's: the program's */
    HAK_TRAPPED_NOTHING, /* one of them, and nothing is wrong */
    HAK_TRAPPED_FAULT,   /* the instruction before wrote, or read, where nobody may */
    HAK_TRAPPED_LATE,    /* this thread did, while it had the signal blocked */
};

struct hak_registers;

/* A thread that a signal has stopped. */
struct hak_stopped {
    struct hak_registers *registers; /* all known; reports tell of these */
    uint64_t flags;                  /* rflags */
    bool is_own;                     /* in hakmem's own code */
    /* Are they in the code of libc's memmove, which is memcpy's and mempcpy's, and called by the
     * program, not by hakmem? False where that is not known. */
    bool (*is_in_memmove)(const struct hak_registers *registers);
};

/* Functions of the checks that a crash calls. */
struct hak_trace_checks {
    /* Finds the block that covers facts->found_address, or lies next to it: fills in its facts, and
     * facts->fault when the access that failed is a fault of the heap. `is_barred`: nothing is
     * mapped there, or a page that nobody may touch. Called in the handler of a crash. */
    void (*describe)(struct hak_fault_facts *facts, bool is_barred);
    /* Lets the program go on after such an access (HAKMEM_ON_FAULT=continue): true when the page
     * can be touched now. NULL = never. */
    bool (*reopen)(uintptr_t address);
    /* An access of the program at `address`, with these registers, was by a wrong memory tag,
     * `tag`. True: it may go on, since the program took the tag off, or put something in its place,
     * or had the kernel drop the page: accesses are compared no more, or the memory has its tag
     * again, or has 0 still, where it cannot be written. */
    bool (*allows_tag)(uintptr_t address, unsigned tag, const uint64_t *registers, unsigned count);
    /* The same of a page of the heap that the malloc family itself could not touch, on the calling
     * thread with this stack pointer: the program may have closed or unmapped it. NULL = never. */
    bool (*open_closed)(uintptr_t address, uintptr_t stack_pointer);
    /* The processor refused 16 bytes at `address`, which is no multiple of 16. True: a guarded
     * block, live or freed, lies there less aligned than malloc promises, and the bytes would be
     * aligned if it were not; or the closed page beside one. The next blocks of its stack are
     * aligned. */
    bool (*is_less_aligned)(uintptr_t address);
    /* Looks at all blocks for one that is damaged, which a crash may be the consequence of; fills
     * `facts` in and returns how many there are. Waits for nobody. */
    size_t (*look_at_all)(struct hak_fault_facts *facts);
    /* Finds the blocks that `value` names; returns how many. */
    unsigned (*find_named)(uint64_t value, struct hak_named *named, unsigned most);
    /* The live block right in front of one from whose header such a value was read. */
    bool (*find_before)(const struct hak_named *named, struct hak_named *before);
    /* The word that the freed block at `address` is filled with; 0: no block, or not freed. */
    uint64_t (*word_in)(uint64_t address);
    /* Tells the meaning of a SIGTRAP by its siginfo_t; `facts` are those of a fault. NULL = the
     * program's. */
    enum hak_trapped (*trapped)(const void *siginfo, const struct hak_stopped *stopped,
                                struct hak_fault_facts *facts);
    /* Level light: how many calls allocated, and how many of their blocks were guarded. */
    void (*count_guarded)(uint64_t *calls, uint64_t *blocks);
    /* Level light: visits the guarded blocks of which something was not visited before, or `again`
     * all. Beside other threads that take and give some. */
    void (*each_life)(bool again, void (*visit)(void *, const struct hak_guarded_life *),
                      void *context);
};

/* trace/collector/dump.c: heap profiles in files, each made by a process of its own. */
enum hak_dump_result {
    HAK_DUMP_BEGUN,  /* it is copied, and the file will be written */
    HAK_DUMP_BUSY,   /* the last one is not yet, or another thread is at it: try again */
    HAK_DUMP_FAILED, /* counted; the first time it was said on stderr */
};

/* At start: the folder, by the first `bytes` of a pattern of a path. False: it is too long. One
 * that cannot be written now is said on stderr. */
HAK_HIDDEN bool hak_dump_start(const char *pattern, size_t bytes);

/* Copies the table, and starts the process that writes it. A thread, or a signal handler, that
 * holds no lock. It takes some milliseconds. */
HAK_HIDDEN enum hak_dump_result hak_dump_write(const struct hak_heap_profile *table);

/* In a forked child: the parent's files are not its own. */
HAK_HIDDEN void hak_dump_forget(void);

/* Whether `hakmem-trace ctl` asks for something (control.h). */
static inline bool hak_trace_is_asked(void) {
    uint32_t request = atomic_load_explicit(&hak_control.request, memory_order_relaxed);
    return HAK_UNLIKELY(request != 0 &&
                        request != atomic_load_explicit(&hak_control.done, memory_order_relaxed));
}
/* Does it, on a thread that is in no call of the layers; nothing where another thread is at it. In
 * level light, at a look of the sampler, it starts a collector and may take a tenth of a second.
 * (trace/crash/asked.c) */
HAK_HIDDEN void hak_trace_serve_asked(void);
/* In a forked child: the parent was asked. */
HAK_HIDDEN void hak_trace_forget_asked(void);
/* Before hak_trace_start. `checks` stays where it is. */
HAK_HIDDEN void hak_trace_set_checks(const struct hak_trace_checks *checks);

/* True when a SIGSEGV of the calling thread comes to hakmem first: it is neither blocked nor
 * ignored, and the program did not go past libc. Two system calls. (trace/crash/handler.c) */
HAK_HIDDEN bool hak_trace_hears_accesses(void);
/* True when a SIGTRAP comes to hakmem first. A system call. (trace/crash/handler.c) */
HAK_HIDDEN bool hak_trace_hears_traps(void);
/* Keeps SIGTRAP unblocked from now on, whatever the program asks for (trace/signals/mask.c);
 * `at_release`, which may be NULL, is called before the program begins to ignore it. At start,
 * before there are threads. */
HAK_HIDDEN void hak_trace_keep_traps(void (*at_release)(void));
/* Lets SIGTRAP be blocked again, as no debug register may raise it any more. The calling thread has
 * its mask as it asked for it. */
HAK_HIDDEN void hak_trace_leave_traps(void);
/* `call` is called by each thread that begins, before its own function. (trace/threads/create.c) */
HAK_HIDDEN void hak_trace_at_thread_start(void (*call)(void));
/* Notes for the store why HAKMEM_WATCH, or (`is_asked` false) the watching of the newest guarded
 * blocks in level normal, watches nothing in this process: an errno, or an enum hak_unwatched. Also
 * before there is a session. For the holder of hak_watch_try, or before there are threads. */
HAK_HIDDEN void hak_trace_note_unwatched(unsigned why, bool is_asked);

/* Notes in the process's entry, at the start, that the malloc of another module, of this file name,
 * serves the program. */
HAK_HIDDEN void hak_trace_note_malloc(const char *name);

/* Leaks were found, and their LEAK records are written: has the collector make the report of them,
 * and waits (bounded). The program goes on in any case. (trace/crash/leak_report.c) */
HAK_HIDDEN void hak_trace_leaks(void);

/* Makes sure that there is a session for a report: in level light, and with HAKMEM_TRACE=off, one
 * is made here (collector/for_report.c), and the stacks that the process keeps are brought into it.
 * False: nothing can be handed to a collector. One thread at a time; signal safe. */
HAK_HIDDEN bool hak_trace_open_for_report(void);
/* Writes a record that belongs to such a report, also where the program's calls are not recorded.
 */
HAK_HIDDEN void hak_trace_record_for_report(struct hak_event_fields *fields);

/* A mark of the program, by its first 200 bytes; and a note that carries a name in the same way. */
HAK_HIDDEN void hak_trace_mark(const char *name);

/* Records an event with a name, of which 200 bytes at most are kept. */
HAK_HIDDEN void hak_trace_name(const struct hak_event_fields *head, const char *name);

/* Records the fork, before it, and replaces a dead collector. It and the next two are called by
 * entry's fork handlers around fork(2): in the child before the layers, whose locks may be held by
 * threads that are gone. They take none of these. */
HAK_HIDDEN void hak_trace_fork_prepare(void);
HAK_HIDDEN void hak_trace_fork_parent(void);
HAK_HIDDEN void hak_trace_fork_child(void);

/* Begins and ends recording in a program that runs, which is recorded into the keeper that
 * hak_options names (trace/process/attach.c). False: `why` says why, and the program goes on as it
 * was. Between both no forked child is recorded: hak_trace_attach_child lets go of the session
 * there. A thread calls hak_trace_attach_thread before its first record of a session. One thread at
 * a time. */
HAK_HIDDEN bool hak_trace_attach(char *why, size_t why_bytes);

/* Ends the process's part of the session: closes its rings and its entry, which says that the
 * process went on. Nothing without a session. */
HAK_HIDDEN void hak_trace_detach(void);

/* Lets the calling thread begin in a new session: without ring, number, origin and counters of an
 * earlier one. */
HAK_HIDDEN void hak_trace_attach_thread(void);
HAK_HIDDEN void hak_trace_attach_child(void);

/* The calling thread ends, and is not recorded any more: gives back what it had of an earlier
 * session. */
HAK_HIDDEN void hak_trace_thread_leave(void);

/* Ends the calling thread's recording (from its TLS destructor): records the end and closes its
 * ring. */
HAK_HIDDEN void hak_trace_thread_end(void);

#endif

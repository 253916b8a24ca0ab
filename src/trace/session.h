/* The session memory: one memfd for an exec image and its forked children, written by the program,
 * read by the collector. This file is its layout; docs/specs/ring.md says the same in prose.
 *
 *   | header | process table | ring table | stack nodes ... | report area | counters ... |
 *   | extents (256 KiB) ... |
 *
 * Writers: the program's processes write everything but the words marked "collector". A ring has
 * one writer (its thread, or one after the other the threads that share it) and one reader (the
 * worker). Nothing here is ever trusted by the collector: every index, offset and size is checked
 * before use, because a dying or hostile program may have written anything. The program trusts it
 * as little as it can: the collector's words are only compared, never followed. */
#ifndef HAK_TRACE_SESSION_H
#define HAK_TRACE_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch.h"
#include "trace/record.h"
#include HAK_ARCH_FILE(here.h)

#define HAK_SESSION_MAGIC   0x31305345534b4148ull /* "HAKSES01" */
#define HAK_SESSION_VERSION 17

#define HAK_SESSION_BYTES_MIN ((uint64_t)4 << 20)

#define HAK_PROCESSES        1024
#define HAK_RINGS            4096
#define HAK_EXTENT_BYTES     ((uint64_t)256 << 10)
#define HAK_EXTENTS_MAX      4096
#define HAK_METRICS_MAX      4096 /* blocks of counters */
#define HAK_RING_MAX_BYTES   ((uint64_t)4 << 20)
#define HAK_RING_RECORDS_MAX (HAK_RING_MAX_BYTES / HAK_RECORD_BYTES)
#define HAK_RING_FILE_BYTES  ((uint64_t)16 << 20) /* in a file, where nobody empties it */
#define HAK_REPORT_FRAMES    256
#define HAK_REPORT_STACK     ((size_t)256 << 10)
#define HAK_PATH_BYTES       4096
#define HAK_NODE_PLACES_MAX  ((uint64_t)1 << 21) /* in the ring of nodes; a power of two */
#define HAK_NODE_PLACES_MIN  ((uint64_t)1 << 12)
#define HAK_NODE_IDS_MAX     0xf0000000u /* ids are below it; above is room for takeovers */
#define HAK_EXEC_PATH        272
#define HAK_MALLOC_BY        64

/* A stack is a path to the root in the ring of nodes: {ip, parent}. Ids only grow; the node of id i
 * lies at place i mod node_capacity until another lap's is written over it (node.h). 0 is "no
 * stack" (as an event's stack) and the root (as a parent). A node is complete before its id is used
 * anywhere. */
struct hak_node {
    /* Low 48 bits: return address as found; of an interrupted frame its pc + 1: look up ip - 1. The
     * others: the lap, id / node_capacity. */
    _Alignas(16) uint64_t ip;
    uint32_t parent; /* node of the caller; 0 = this is the outermost frame */
    uint32_t owner;  /* process index << 22 | generation of unloads (low 22 bits) at that time */
};

enum hak_process_state {
    HAK_PROCESS_FREE = 0,
    HAK_PROCESS_CLAIMED = 1, /* being filled in */
    HAK_PROCESS_LIVE = 2,
    HAK_PROCESS_ENDED = 3, /* said goodbye (exit); few records may follow until it is gone */
};
/* The collector sets an entry back to FREE once its process is gone and all its rings are FREE. */

struct hak_process_entry {
    _Atomic uint32_t state; /* enum hak_process_state */
    int32_t pid;            /* as the process itself sees it */
    int32_t parent_pid;
    uint32_t parent;      /* index of the parent's entry, or UINT32_MAX */
    uint64_t fork_number; /* the FORK record that made it (its size field); 0 = unknown */
    uint64_t start_time;  /* field 22 of /proc/PID/stat, 0 = not read yet (collector may read it) */
    uint64_t pid_space;   /* inode of the pid namespace that these pids are of, 0 = not known */
    uint64_t tsc_start;   /* ticks since the session's start */
    _Atomic uint64_t tsc_end;
    _Atomic uint64_t free_of_null; /* calls that give no record, counted */
    _Atomic uint64_t failed_calls;
    _Atomic uint64_t foreign_frees; /* pointers of other allocators, passed on or leaked */
    _Atomic uint64_t no_stack;      /* events whose stack could not be kept: nodes ran out */
    _Atomic uint64_t lost_unringed; /* events lost because no ring could be had */
    _Atomic uint32_t next_thread;   /* numbers for this process's threads, from 1 */
    _Atomic uint32_t end_status;    /* its wait status | HAK_END_KNOWN as far as it knew, 0 = not */
    _Atomic uint32_t exec_state;    /* enum hak_exec_state: it is executing another program */
    _Atomic uint32_t flags;         /* enum hak_process_flag */
    uint64_t tsc_exec;              /* when; ticks since the session's start */
    char exec_path[HAK_EXEC_PATH];  /* and which, cut to fit, ended by NUL; then why hakmem was
                                     * taken out of LD_PRELOAD, or is not loaded by the program,
                                     * "" = neither, ended by NUL */
    char malloc_by[HAK_MALLOC_BY];  /* file name of the module whose malloc serves it before ours,
                                     * ended by NUL; "" = hakmem serves it */
};

#define HAK_END_KNOWN 0x80000000u

enum hak_process_flag {
    HAK_PROCESS_STRICT = 1,    /* entered strict seccomp: its events then are counted as lost */
    HAK_PROCESS_UNWATCHED = 2, /* HAKMEM_WATCH has no debug registers; bits 8 to 15: why */
    HAK_PROCESS_WENT_ON = 4,  /* level light, attach: it let go of the session, and has not ended */
    HAK_PROCESS_ATTACHED = 8, /* recorded since it ran: what it executes does not say so itself */
    HAK_PROCESS_NEWEST_UNWATCHED = 16, /* likewise level normal, which has them unasked at its
                                        * newest guarded blocks */
};
#define HAK_PROCESS_WHY_SHIFT 8

/* Why it has none, where that is no errno. */
enum hak_unwatched {
    HAK_UNWATCHED_OLD_KERNEL = 201, /* a SIGTRAP that is blocked would kill, before Linux 5.18 */
    HAK_UNWATCHED_CLOSED = 202,     /* the program closed the descriptors again and again */
    HAK_UNWATCHED_SANDBOX = 203,    /* it entered a seccomp sandbox */
    HAK_UNWATCHED_LEVEL = 204,      /* nothing lies around its blocks that nobody may write */
    HAK_UNWATCHED_NO_HANDLER = 205, /* SIGTRAP does not come to hakmem */
    HAK_UNWATCHED_TRACED = 206,     /* perf_event_open is barred, and a debugger traces it */
    HAK_UNWATCHED_BARRED = 207,     /* perf_event_open and ptrace are barred */
    HAK_UNWATCHED_DEAF = 208,       /* registers can be had, and never fire (virtual machines) */
    HAK_UNWATCHED_PROCESSOR = 209,  /* those of this processor are not used */
};

/* A successful exec leaves no trace in the memory but this; one that fails sets it back. */
enum hak_exec_state {
    HAK_EXEC_NONE = 0,
    HAK_EXEC_PRELOADED = 1, /* LD_PRELOAD goes with it: if it can be recorded, it is */
    HAK_EXEC_DROPPED = 2,   /* LD_PRELOAD is not in its environment */
    HAK_EXEC_BARRED = 3,    /* its seccomp sandbox allows no hello */
};

enum hak_ring_state {
    HAK_RING_FREE = 0,
    HAK_RING_CLAIMED = 1, /* a thread writes it */
    HAK_RING_CLOSED = 2, /* its thread ended or moved to a bigger ring; the rest is to be drained */
};

/* Positions count records and only grow, also over reuse of the entry by another thread, so that
 * (session, ring index, position) names a record for good. Record i lies at
 * offset + (i mod capacity) * 32. capacity is a power of two. */
struct hak_ring_entry {
    /* enum hak_ring_state; program: FREE -> CLAIMED -> CLOSED, collector: -> FREE */
    _Atomic uint32_t state;
    uint32_t process;      /* index of its process */
    uint32_t thread;       /* number of its thread in the process, from 1 */
    uint32_t next;         /* CLOSED by growth: index of the ring that goes on, + 1; else 0 */
    uint64_t offset;       /* of its extents from the start of the session memory */
    uint64_t capacity;     /* in records */
    int32_t tid;           /* kernel's id of the thread */
    uint32_t first_extent; /* and count, for giving them back */
    uint32_t extents;
    uint32_t is_kept; /* program, in a file: 1 = not taken for others while its process lives */
    _Alignas(64) _Atomic uint64_t head; /* program: records before it are complete */
    _Atomic uint64_t lost; /* program: records dropped; a LOSS record tells of each stretch */
    uint64_t start; /* program, in a file: records before it are others', which are given up */
    _Alignas(64) _Atomic uint64_t tail; /* collector: records before it are committed */
};

enum hak_report_state {
    HAK_REPORT_IDLE = 0,
    HAK_REPORT_FILLING = 1,  /* a thread has claimed it (compare and swap) */
    HAK_REPORT_READY = 2,    /* filled: the collector is to write the report */
    HAK_REPORT_WRITING = 3,  /* collector: it is at it */
    HAK_REPORT_DONE = 4,     /* collector: report is written; the thread sets IDLE or ends */
    HAK_REPORT_PRINTING = 5, /* collector: it prints it, DONE follows at once; before, the
                              * program may give up and set LEFT */
    HAK_REPORT_LEFT = 6,     /* the program has said it itself: the collector is to store it */
    HAK_REPORT_KEEPING = 7,  /* collector: it is at that; it sets IDLE */
};

/* Registers at the fault, in DWARF's order, the instruction pointer last: rax rdx rcx rbx rsi rdi
 * rbp rsp r8..r15 rip; x0..x30 sp pc. As many as any machine has: those behind are 0. */
#define HAK_REPORT_REGISTERS 33
_Static_assert(HAK_REGISTERS <= HAK_REPORT_REGISTERS, "the machine's registers have room");

/* The meaning of a register that holds a word of a pattern (pattern.h). */
enum hak_named_as {
    HAK_NAMED_NOT = 0,
    HAK_NAMED_FREED = 1,     /* it was read from this block after the free */
    HAK_NAMED_BEHIND = 2,    /* it was read behind the end of this block */
    HAK_NAMED_UNWRITTEN = 3, /* it was read from this block, where nothing was written */
    HAK_NAMED_EARLIER = 4,   /* it was read from where this block lies, in whichever life */
    HAK_NAMED_NEARBY = 5,    /* a register or the stack leads to this freed block; it may hold it */
    HAK_NAMED_IN_FRONT = 6,  /* it was read in front of this block */
};

/* A block from which the value may have been read that the program used as an address or index. */
struct hak_report_candidate {
    uint64_t value, user, asked_bytes;
    uint32_t named_as; /* enum hak_named_as */
    uint32_t reg;      /* that holds the value, DWARF's number */
};
#define HAK_REPORT_CANDIDATES 4

/* The memory at a pointer that was given back and is not a live block's (facts.memory). */
enum hak_memory {
    HAK_MEMORY_UNKNOWN = 0,       /* not asked: the fault is not about this */
    HAK_MEMORY_SLOT_START = 1,    /* where a block of this slot would start, but none lives there */
    HAK_MEMORY_INSIDE_LIVE = 2,   /* inside a live block's slot, not its first byte */
    HAK_MEMORY_INSIDE_FREE = 3,   /* inside a slot that is not live, not a block's first byte */
    HAK_MEMORY_HEAP_INTERNAL = 4, /* in a SuperSlab, in no slot */
    HAK_MEMORY_STACK = 5,         /* the stack of the calling thread */
    HAK_MEMORY_STATIC = 6,        /* data of a loaded module */
    HAK_MEMORY_CODE = 7,          /* code of a loaded module */
    HAK_MEMORY_UNMAPPED = 8,      /* nothing is mapped there */
    HAK_MEMORY_OTHER = 9,         /* mapped, and not by us: another allocator's, or mmap */
    HAK_MEMORY_MAPPED = 10,       /* mapped, and no allocator's */
};

/* The finder of bytes that are not as they should be (facts.found_by). */
enum hak_found_by {
    HAK_FOUND_BY_CALL = 0,        /* the call or move that `kind` names */
    HAK_FOUND_BY_EXIT = 1,        /* the sweep at exit */
    HAK_FOUND_BY_SIGNAL = 2,      /* the sweep that HAKMEM_SWEEP_SIGNAL asked for */
    HAK_FOUND_BY_VERIFY = 3,      /* hak_verify() */
    HAK_FOUND_BY_COUNT = 4,       /* the sweep every HAKMEM_SWEEP_EVERY calls */
    HAK_FOUND_BY_ACCESS = 5,      /* the processor: the page there may not be touched */
    HAK_FOUND_BY_NEIGHBOUR = 6,   /* the call that `kind` names, of the block in front or behind */
    HAK_FOUND_BY_CRASH = 7,       /* all blocks were looked at because the process crashed */
    HAK_FOUND_BY_OPENING = 8,     /* clean_by alone: the block's page was closed until then */
    HAK_FOUND_BY_FUNCTION = 9,    /* the call that facts.call names, by its arguments */
    HAK_FOUND_BY_WATCH = 10,      /* a debug register, at the write (HAKMEM_WATCH) */
    HAK_FOUND_BY_LATE_WATCH = 11, /* the same, whose signal the thread had blocked */
    HAK_FOUND_BY_CONTROL = 12,    /* the sweep that `hakmem-trace ctl` asked for */
    HAK_FOUND_BY_LOOK = 13,       /* a look around the blocks of the call that facts.call names */
};

/* How memory was touched (facts.access). */
enum hak_access {
    HAK_ACCESS_UNKNOWN = 0,
    HAK_ACCESS_READ = 1,
    HAK_ACCESS_WRITE = 2,
    HAK_ACCESS_EXECUTE = 3,
};

/* Of facts.call_bytes. */
enum {
    HAK_TOUCH_AT_LEAST = 1, /* there may be more of them */
    HAK_TOUCH_DONE = 2,     /* the call had touched them when this was found */
    HAK_TOUCH_ASKS = 4,     /* it touches none: it was asked about the block */
    HAK_TOUCH_REFUSED = 8,  /* the kernel could not touch them for the call (EFAULT) */
};

#define HAK_POOL_NAME       32
#define HAK_POOL_PLACE_NAME 16

/* The end of a pool, or of a piece's life in it. */
enum hak_pool_end { HAK_POOL_NOT_ENDED = 0, HAK_POOL_WAS_RESET = 1, HAK_POOL_WAS_DESTROYED = 2 };

/* The program's own pools in a fault of them (hakmem.h); all 0 elsewhere. */
struct hak_pool_facts {
    uint32_t number;       /* the pool that the call named, from 1 */
    uint32_t other_number; /* the pool that the piece is of, where it is another one; else 0 */
    uint32_t end;          /* enum hak_pool_end, before the call; then `free_stack` is where */
    uint32_t spare;
    char name[HAK_POOL_NAME]; /* cut to fit, ended by NUL; "" = none */
    union {
        char other_name[HAK_POOL_NAME]; /* likewise */
        struct {
            char from[HAK_POOL_PLACE_NAME], to[HAK_POOL_PLACE_NAME]; /* 507: the places */
        };
    };
};

/* Facts of a fault where it is found. Numbers only: the words are made outside. */
struct hak_fault_facts {
    uint32_t fault; /* number in faults.def; 0 = a crash by `signal` that is no heap fault */
    uint32_t kind;  /* enum hak_record_kind of the move or call at which it was found */
    uint64_t found_address; /* the pointer in question */
    uint64_t base;          /* slot start that was due, 0 = none */
    uint64_t user;          /* user pointer of the block, 0 = none */
    uint64_t asked_bytes;
    uint64_t slot_bytes;
    uint64_t superslab;    /* 0 = none */
    int64_t offset;        /* found - due, bytes; for overflows: first damaged byte - user */
    uint32_t slab;         /* index in the SuperSlab */
    uint32_t slot;         /* index in the slab */
    uint32_t class_found;  /* class of the list or header found; HAK_CLASS_NONE */
    uint32_t class_due;    /* class of the slot's slab; HAK_CLASS_NONE */
    uint32_t place;        /* where the slot's state says it is */
    uint32_t subkind;      /* how it was allocated, enum hak_subkind; from bit 8: given back */
    uint32_t record_count; /* generation of the slot at the fault */
    uint32_t epoch;
    uint32_t memory;        /* enum hak_memory at found_address, for bad-free */
    uint32_t damaged_bytes; /* how many canary or header bytes differ */
    uint8_t damage[32];     /* the memory from the first damaged byte on */
    uint32_t damaged_span;  /* bytes from the first that differs to the last, both counted */
    uint32_t more_damaged;  /* a sweep: further blocks that are damaged */
    uint32_t found_by;      /* enum hak_found_by */
    uint32_t access;        /* enum hak_access */
    uint64_t given_bytes;   /* 204: the size that the call named; 0 = none */
    uint32_t given_alignment, asked_alignment; /* 204: 0 = none was named */
    uint64_t link;                             /* 105: the free block's link */
    uint32_t alloc_stack; /* ids of the slot's last allocation and free; 0 = none */
    uint32_t free_stack;
    uint16_t damage_is_open; /* 1 = the damage reaches the end of what can be compared */
    uint8_t pointer_tag;    /* an access by a wrong memory tag: HAK_FACTS_TAG and the tag; else 0 */
    uint8_t memory_tag;     /* the tag of what it touched, and HAK_TAGS times how many frees ago the
                             * pointer's was the block's, 0: that is not known,
                             * HAK_FACTS_NO_LIFE: never */
    uint32_t access_bytes;  /* of a vector access that begins at a multiple of them; else 0 */
    uint64_t clean_ticks;   /* when a sweep last found nothing wrong with this block, 0 = none */
    uint32_t clean_by;      /* enum hak_found_by of that sweep */
    uint32_t clean_stack;   /* id of the stack at which it looked, 0 = none */
    uint64_t call_bytes;    /* found by a function: how many it touches from found_address on */
    uint16_t call_flags;    /* HAK_TOUCH_* */
    uint16_t closed_blocks; /* a sweep: left out, since the program has closed pages of them;
                               UINT16_MAX = at least so many */
    char call[28];          /* its name, then 0; "" = not found by a function */
    struct hak_pool_facts pool;
};

/* In `pointer_tag`, where there is one; and in the top byte of `found_address` while the checks are
 * asked what an access was. */
enum { HAK_FACTS_TAG = 0x10, HAK_FACTS_NO_LIFE = 15 };

/* Bytes were found changed, at some time after that. */
static inline bool hak_fault_is_damage(uint32_t fault) {
    return (fault >= 301 && fault <= 303) || fault == 505;
}

/* The address that a fault is about: of the first damaged byte, or of the pointer in question. */
static inline uint64_t hak_facts_focus(const struct hak_fault_facts *facts) {
    return hak_fault_is_damage(facts->fault) ? facts->user + (uint64_t)facts->offset
                                             : facts->found_address;
}

/* The innermost frame is where the processor stopped the thread, not where a call returns to. */
static inline bool hak_facts_are_of_stop(const struct hak_fault_facts *facts, uint32_t signal) {
    return signal != 0 || facts->found_by == HAK_FOUND_BY_WATCH;
}

/* A thread that met a fault or a crash while the report of another one was made. */
struct hak_report_other {
    _Atomic uint32_t thread; /* number; written last, 0 = nothing here */
    uint32_t signal;         /* 0 = none */
    uint32_t fault;          /* number in faults.def, 0 = none */
    uint32_t spare;
    uint64_t address; /* si_addr when the kernel raised the signal, or found_address */
    uint64_t ip;      /* where it was, 0 = not known */
};
#define HAK_REPORT_OTHERS         4
#define HAK_REPORT_HANDLER_FRAMES 8
#define HAK_REPORT_LIFE_FRAMES    64
#define HAK_REPORT_BYTES          64
#define HAK_REGION_PATH           232

/* Where a thread was created, as far as the program itself knows. */
struct hak_report_creation {
    uint32_t thread;  /* number, 0 = nothing here */
    uint32_t creator; /* number of the thread that created it, 0 = not known */
    uint64_t frames[HAK_REPORT_LIFE_FRAMES]; /* return addresses, innermost first, then 0 */
};
#define HAK_REPORT_CREATIONS 2 /* of the thread that reports, and of the one that created it */

/* The program's code around the instruction at which the processor stopped it, by a fault of the
 * heap or another. */
#define HAK_REPORT_CODE 256
struct hak_report_code {
    uint64_t address; /* of `bytes`, 0 = it could not be read */
    uint32_t count;   /* of them */
    uint32_t before;  /* of those, in front of where the thread stands: 0 = the instruction that was
                         stopped begins at `address`, else it ends behind so many bytes */
    uint8_t bytes[HAK_REPORT_CODE];
};

/* The block that a register points into, or right beside. */
struct hak_report_pointed {
    uint64_t user, asked_bytes; /* user 0 = none */
    uint32_t is_live;
    uint32_t spare;
};

/* The kernel's mappings around the address of a crash. */
struct hak_report_region {
    uint64_t start, end;        /* the mapping that holds it; 0, 0 = none does */
    uint64_t below_end;         /* where the next mapping below ends, above begins; 0 = none */
    uint64_t above_start;       /* known for an address that is not mapped only */
    uint32_t protection;        /* PROT_*; 16 = shared */
    uint32_t is_known;          /* 1 = the kernel could be asked */
    char path[HAK_REGION_PATH]; /* as in /proc/PID/maps; of the mapping, or else of the one below */
};

/* The answer of the collector: is a fault new to the user? */
enum hak_answer {
    HAK_ANSWER_NEW = 0,        /* told and counted; HAKMEM_ON_FAULT says how it goes on */
    HAK_ANSWER_SUPPRESSED = 1, /* HAKMEM_SUPPRESSIONS: neither told nor stored; on it goes */
    HAK_ANSWER_BASELINE = 2,   /* HAKMEM_BASELINE: stored and not told; on it goes */
};

/* The fault as handed to the collector, in the session's report area. */
struct hak_report_request {
    _Atomic uint32_t state;  /* enum hak_report_state; futex word for both sides */
    uint32_t process;        /* index */
    uint32_t thread;         /* number */
    uint32_t ring;           /* where its FAULT record lies */
    uint64_t fault_position; /* position of the FAULT record in that ring */
    uint32_t signal;         /* 0 = none */
    int32_t signal_code;
    uint64_t signal_address;
    struct hak_fault_facts facts;
    uint64_t registers[HAK_REPORT_REGISTERS];
    uint32_t frame_count;
    uint32_t unwind_end;                /* enum hak_unwind_end (unwind.h): why the walk stopped */
    uint64_t frames[HAK_REPORT_FRAMES]; /* ips from the fault outwards, hakmem's own included */
    uint64_t stack_address;             /* where `stack` was copied from */
    uint64_t stack_bytes;
    uint8_t stack[HAK_REPORT_STACK];
    int32_t sender;          /* of the signal: pid as the program sees it; 0 = the kernel */
    uint32_t is_own_sender;  /* 1 = the process itself sent it (raise, abort) */
    uint32_t handler_signal; /* a handler of the program ran at this fault; then the process died by
                                this signal. 0 = there was no handler */
    int32_t handler_code;    /* its si_code */
    uint64_t full_stack_bytes; /* the thread's stack, when it is full; else 0 */
    /* Where that signal came, innermost first: the handler's own frames, then 0. */
    uint64_t handler_frames[HAK_REPORT_HANDLER_FRAMES];
    struct hak_report_other others[HAK_REPORT_OTHERS];
    struct hak_report_region region;
    uint32_t trap; /* the processor's number of the exception, 0 = not known: 13 general protection,
                    * 14 page fault */
    uint32_t is_unrecorded; /* 1 = the session has nothing but this report (HAKMEM_TRACE=off) */
    /* Where the block was allocated and freed, as far as the program itself knows; return
     * addresses, innermost first, then 0. */
    uint64_t alloc_frames[HAK_REPORT_LIFE_FRAMES];
    uint64_t free_frames[HAK_REPORT_LIFE_FRAMES];
    uint32_t answer; /* collector, before DONE: enum hak_answer */
    uint32_t candidate_count;
    uint64_t clean_frames[HAK_REPORT_LIFE_FRAMES]; /* of facts.clean_stack, as above */
    struct hak_report_candidate candidates[HAK_REPORT_CANDIDATES]; /* facts.fault is 0 then */
    uint64_t bytes_address; /* of `bytes`, 0 = none were asked for */
    uint32_t bytes_known;   /* bit i: row i of `bytes` could be read */
    uint32_t sweep_every;   /* calls of a thread between two sweeps, cut to 32 bits; 0 = none */
    uint8_t bytes[HAK_REPORT_BYTES]; /* around the fault's address, in rows of 16 */
    struct hak_report_creation creations[HAK_REPORT_CREATIONS];
    uint64_t flags; /* rflags with `registers`, 0 = not known */
    struct hak_report_code code;
    struct hak_report_pointed pointed[HAK_REPORT_REGISTERS]; /* of faults the processor stopped */
    /* Level light: calls that allocated, as far as they were counted, and how many of their blocks
     * were guarded; 0 elsewhere. */
    uint64_t calls, guarded_blocks;
    uint64_t unreported_before; /* faults at this place since it was last reported */
};

enum hak_resume {
    HAK_RESUME_NOT = 0,      /* never write into a file that is there */
    HAK_RESUME = 1,          /* store_path is this recording's store */
    HAK_RESUME_TREE = 2,     /* it, or one beside it, is, if the keepers of this tree made it */
    HAK_RESUME_NO_STORE = 3, /* a session for a report: no store, but one that `run` asked for */
    HAK_RESUME_ANEW = 4,     /* as 1, with rings and nodes that do not go on from previous_id's */
};

struct hak_session {
    uint64_t magic; /* written last by the program (release) */
    uint32_t version;
    uint32_t header_bytes; /* sizeof(struct hak_session) */
    uint64_t total_bytes;
    uint64_t tsc_start, monotonic_start_ns, realtime_start_ns; /* read together */
    uint64_t tsc_end, monotonic_end_ns; /* at exit; 0 until then. In a file: of the last look */
    uint64_t process_offset, ring_offset, node_offset, report_offset, extent_offset;
    uint64_t node_capacity; /* places in the ring of nodes, a power of two */
    uint64_t extent_count;
    uint64_t ring_bytes;      /* HAKMEM_TRACE_RING */
    uint64_t trace_max_bytes; /* HAKMEM_TRACE_MAX */
    uint64_t session_id; /* random, never 0: with ring and position it names a record for good */
    /* The keeper died and a process of the session went on with a copy of it: the session_id
     * before, else 0. Rings of the copy keep their index and positions, so what the store says of
     * ring r of the session before holds for r until this one has a cursor of its own; store_path
     * is then an existing store, to be resumed. */
    uint64_t previous_id;
    _Atomic uint32_t orphans_taken; /* program: index + 1 of who copies the rings of the dead */
    uint32_t resume_store;          /* enum hak_resume: is store_path to be gone on with? */
    uint32_t wait_on_full;          /* HAKMEM_TRACE_FULL=wait */
    uint32_t stop_on_fault;
    uint32_t layout, level;
    uint32_t slab_bytes, superslab_bytes;     /* geometry, for the viewer */
    uint32_t machine;                         /* of ELF: EM_X86_64, EM_AARCH64 */
    uint32_t page_bytes;                      /* of the system */
    _Alignas(64) _Atomic uint32_t node_count; /* ids below it are taken */
    _Atomic uint32_t epoch;                   /* one counter for the process and its children */
    _Atomic uint32_t nodes_mapped; /* collector: nodes below it are stored, and written over */
    _Alignas(64) _Atomic uint32_t doorbell; /* futex: program adds 1 and wakes the collector */
    _Alignas(64) _Atomic uint32_t commits;  /* futex, collector: adds 1 after each COMMIT */
    _Atomic uint32_t collector_waits;       /* collector: 1 while it sleeps on doorbell */
    _Atomic uint64_t worker_heartbeat_ns;   /* collector: CLOCK_MONOTONIC */
    _Atomic uint64_t keeper_heartbeat_ns;
    _Atomic uint32_t closing; /* program: 1 when its last process ends in good order */
    /* Program: entries from this index on were never claimed; raised before a claim's state is
     * set, so that the collector need not look at whole tables each time. */
    _Atomic uint32_t rings_high, processes_high;
    /* Absolute, %e and %p expanded. Collector: overwritten, before it first beats its heart, with
     * the path that it really writes (the store of the tree, or a fallback). */
    char store_path[HAK_PATH_BYTES];
    char log_path[HAK_PATH_BYTES];     /* where reports go; "" = stderr */
    char program[HAK_PATH_BYTES];      /* /proc/self/exe */
    char command_line[HAK_PATH_BYTES]; /* arguments, NUL between them */
    uint32_t command_line_bytes;
    /* Program: forked children that found no entry in the process table, and what they did not
     * record; when the last one gave up waiting (CLOCK_MONOTONIC), so that others need not wait. */
    _Atomic uint32_t unentered;
    _Atomic uint64_t unentered_events, unentered_ns;
    _Alignas(64) _Atomic uint8_t extent_taken[HAK_EXTENTS_MAX]; /* 1 = part of a ring */
    /* Counters (metrics/block.h): the owners' words, and then, from the next page on, the blocks.
     */
    uint64_t metrics_offset;
    uint64_t metrics_blocks;       /* how many */
    uint32_t metrics_ms;           /* between two snapshots of them; 0 = none are taken */
    _Atomic uint32_t metrics_high; /* blocks from this index on were never taken */
    uint32_t overwrites; /* 1 = this is a file that nobody reads yet: full rings write over their
                            oldest records (ring.md) */
    /* Files of findings that are no news; absolute, "" = none is named. */
    char suppressions_path[HAK_PATH_BYTES];
    char baseline_path[HAK_PATH_BYTES];
    uint32_t leak_growth;   /* HAKMEM_LEAK_GROWTH + 1; 0 = a program of before it, see baseline.h */
    _Atomic uint64_t forks; /* program: FORK records so far, each has its number */
    uint32_t profile_only;  /* HAKMEM_TRACE_PROFILE_ONLY */
    /* Collector: 1 = the recording was ended while processes still live. Nobody reads what comes
     * then, and no other collector is to be looked for. */
    _Atomic uint32_t is_over;
};

#endif

/* A thread's own ring: the way of a record from hak_trace_record into shared memory.
 *
 *   tail (collector)      head          reserved (private)          tail + capacity
 *    |  committed-to-be    |  in the making |  room                  |
 *    v                     v                v                        v
 *    [ r r r r r r r r r r | w w            |                        ]
 *
 * One thread writes a ring, without locks. A signal handler that comes in the middle of a record
 * cannot publish what it writes behind it, and may hand its blocks to other threads: so it records
 * beside, in a shared ring of the process (share.c), and every record is published before its
 * call returns. Positions are reserved by one compare-and-exchange instruction (without the lock
 * prefix: only the thread itself can be in the way). Records lie in the order of their time, and
 * the reader never sees a position that is not written.
 *
 * Full: first the ring grows (a new one, up to 4 MiB, linked by `next`), then the writer waits,
 * bounded, then it drops and counts until the tail moves; a LOSS record then tells how many, from
 * when to when and why.
 *
 * A thread that gets no ring of its own writes into one of its process's shared rings, under a lock
 * (share.c). */
#ifndef HAK_TRACE_RING_H
#define HAK_TRACE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "trace/memory/memory.h"
#include "unwind/modules.h"

enum {
    HAK_RING_WAIT_SLICE_MS = 50,   /* between two looks at a full ring or a taken lock */
    HAK_RING_RETRY_MS = 50,        /* between two looks for a free ring */
    HAK_RING_DEAD_AFTER_MS = 1000, /* without a heartbeat it is asked whether the keeper is there */
};

/* Why events were dropped: the subkind of a LOSS record. */
enum hak_loss_reason {
    HAK_LOSS_RING_FULL = 0,
    HAK_LOSS_UNFINISHED = 1, /* a signal handler left the middle of a record by longjmp */
    HAK_LOSS_IN_HANDLER = 2, /* in a signal handler while the thread got its ring */
    HAK_LOSS_REPORT = 3,     /* a fault whose report the collector will not get */
};

/* Events that a writer has dropped and not told of yet. */
struct hak_loss {
    uint64_t count, from, to; /* ticks */
    uint64_t full_tail;       /* the tail at which waiting was given up */
    uint8_t reason;           /* enum hak_loss_reason */
    bool is_dropping;         /* waiting was given up until the tail moves */
};

struct hak_writer {
    struct hak_record *records;
    uint64_t mask;               /* capacity - 1 */
    uint64_t reserved;           /* next position */
    uint64_t room;               /* positions below it may be taken without a look at the tail */
    _Atomic uint64_t *head;      /* the ring's */
    struct hak_ring_entry *ring; /* NULL = none yet */
    uint32_t depth;              /* records in the making: 1 + handlers that interrupted them */
    uint32_t beside_count;       /* records of handlers since `beside_head` was published */
    uint64_t beside_head;
    uint64_t claimed_ticks; /* when the ring was claimed: older records in it are of others */
    struct hak_loss loss;
    uint64_t fork_number;            /* of the fork that this thread is making, 0 = none */
    uint64_t retry_ns;               /* no ring could be had: not before then again */
    uint8_t ended;                   /* hak_trace_thread_end was called */
    uint8_t setting_up;              /* a ring is being claimed, closed or told about */
    uint32_t thread_id;              /* kernel's, of a thread that shares a ring */
    struct hak_shared_ring *shared;  /* it has no ring of its own and shares this one, or NULL */
    struct hak_shared_ring *held;    /* its lock is held: between reserve and finish, or NULL */
    uint64_t held_end, held_signals; /* the head to come, the signal mask to restore */
    struct hak_record *own_records;  /* `records` and `mask` of its own ring, while held */
    uint64_t own_mask;
};

HAK_HIDDEN extern _Thread_local struct hak_writer hak_writer
    __attribute__((tls_model("initial-exec")));

/* Where a thread without a ring would write: nowhere. */
HAK_HIDDEN extern struct hak_record hak_ring_nowhere;
HAK_HIDDEN extern _Atomic uint64_t hak_ring_nowhere_head;

/* Reserves `count` records and fills in the time that they must carry. False: dropped (counted).
 * hak_ring_finish must follow a true. */
HAK_HIDDEN bool hak_ring_reserve(unsigned count, uint64_t *position, uint64_t *ticks);
HAK_HIDDEN void hak_ring_finish(void);

/* The record at `position` of the calling thread's ring, between reserve and finish. */
static inline struct hak_record *hak_ring_slot(uint64_t position) {
    return &hak_writer.records[position & hak_writer.mask];
}

/* Writes a record also where the program's calls are not recorded. Returns the ring in which it
 * lies, and its position there; NULL: dropped. */
HAK_HIDDEN struct hak_ring_entry *hak_ring_write(struct hak_event_fields *fields,
                                                 uint64_t *position);

/* Writes a record that carries a byte string: `head`'s size becomes `byte_count` (at most
 * HAK_PAYLOAD_MAX). */
#define HAK_PAYLOAD_MAX 4800
struct hak_payload_part {
    const void *bytes;
    uint32_t byte_count;
};
HAK_HIDDEN void hak_ring_write_bytes(struct hak_event_fields *head,
                                     const struct hak_payload_part *parts, unsigned part_count);

/* kept.c: lets, in a file, this thread's records until end go into a ring of the process that no
 * events write over: modules, without which stacks have no names. False: not now, and end must not
 * follow. */
HAK_HIDDEN bool hak_ring_begin_kept(void);

/* Gives the kept ring back after hak_ring_begin_kept: the thread's own ring is in use again, and
 * its signals. */
HAK_HIDDEN void hak_ring_end_kept(void);
/* In a forked child: the kept ring is the parent's. */
HAK_HIDDEN void hak_ring_forget_kept(void);
/* Forgets, in a forked child, the rings of all threads, which are the parent's. */
HAK_HIDDEN void hak_ring_enter_child(void);

/* room.c: makes room for `count` records, the slow half of reserve, by looking at the tail,
 * claiming, growing or waiting. False: dropped (counted). */
HAK_HIDDEN bool hak_ring_make_room(unsigned count);

/* Gives up the record in the making, which the thread will never finish; a LOSS of one stands for
 * it. For a thread that dies, or whose signal handler left by longjmp. */
HAK_HIDDEN void hak_ring_give_up_unfinished(void);

/* Whether, in a handler that interrupted a record, so many records came since that a handler must
 * have left by longjmp; then the record is given up, and the thread's ring goes on. */
HAK_HIDDEN bool hak_ring_has_left_record(void);

/* Counts one event that is not recorded, for a LOSS record to come. */
HAK_HIDDEN void hak_ring_count_loss(enum hak_loss_reason reason);
/* Writes a LOSS record of one fault whose report the collector will not get. */
HAK_HIDDEN void hak_ring_record_lost_report(void);
/* Takes the record of the lost records, but for its time; nothing is lost from then on. Its size is
 * 0 where a handler has told of it just before. */
HAK_HIDDEN struct hak_event_fields hak_ring_take_loss(void);

/* Claims a ring of at least `bytes` (claim.c) for the calling thread, or with `shared` for
 * several, which have a reserve of entries and extents; NULL when none is left. Signals must be
 * blocked. */
HAK_HIDDEN struct hak_ring_entry *hak_ring_claim(uint64_t bytes, bool shared);
/* Whether all rings together have less than 16 MiB, so that a ring may grow before it is full. One
 * that is half full wakes the collector, which then cuts a chunk: a small one if the ring is small;
 * where there are many, they make a large chunk together. */
HAK_HIDDEN bool hak_ring_may_grow_early(void);
/* Takes, in a file, the closed ring that was written longest ago, and counts what it holds as lost;
 * NULL elsewhere, and when there is none. Signals must be blocked. */
HAK_HIDDEN struct hak_ring_entry *hak_ring_take_oldest(void);
/* Closes, in a file, at the end of the process, its rings: they may be taken for others. */
HAK_HIDDEN void hak_ring_close_all(void);
/* Notes, in a file, clock and TSC together, for times when the program does not come to its end. */
HAK_HIDDEN void hak_ring_note_now(void);
/* Makes `ring` the calling thread's. Signals must be blocked, no record in the making. */
HAK_HIDDEN void hak_ring_use(struct hak_ring_entry *ring);
/* Gives the calling thread's ring to the collector. Signals must be blocked. */
HAK_HIDDEN void hak_ring_close(void);
/* Takes the calling thread's ring away: it has none any more. */
HAK_HIDDEN void hak_ring_forget(void);
/* Whether another thread of this process has a record in the making. */
HAK_HIDDEN bool hak_ring_others_write(void);
/* Forgets, in a forked child, the parent's writers: nobody writes. */
HAK_HIDDEN void hak_ring_forget_writers(void);

/* Waits a little for the collector, for room in a ring; `commits` is the session's word from before
 * the last look, `begin_ns` when waiting began. False: it has been long enough. */
HAK_HIDDEN bool hak_ring_wait_a_slice(uint32_t commits, uint64_t begin_ns);

/* Makes the calling thread, whose number is drawn, write into a shared ring (share.c). False:
 * none can be had. Inside a claim, signals blocked. */
HAK_HIDDEN bool hak_ring_share_begin(void);
/* Whether the calling thread may look for a ring of its own again: one of all threads, now and
 * then. */
HAK_HIDDEN bool hak_ring_share_may_end(uint64_t now_ns);
/* Ends the sharing of a ring: the calling thread has ended or has a ring of its own. */
HAK_HIDDEN void hak_ring_share_end(void);
/* Reserve and finish of a thread that shares. Signals are blocked and the lock is held between
 * them. */
enum hak_shared_place {
    HAK_SHARED_DROPPED,  /* and counted */
    HAK_SHARED_RESERVED, /* finish must follow */
    HAK_SHARED_FORKED,   /* a fork came under our feet: the child begins anew */
};

/* Reserves `count` records in a shared ring, with signals blocked until they are written; waits for
 * room as the options say. Dropped: there is no room, or a fault came in the middle of an event
 * (counted); forked: the process is new. */
HAK_HIDDEN enum hak_shared_place hak_ring_share_reserve(unsigned count, uint64_t *position,
                                                        uint64_t *ticks);
/* Publishes the records in a shared ring, lets go of its lock and wakes the collector where it
 * fills. */
HAK_HIDDEN void hak_ring_share_finish(void);
/* The same for a handler that interrupted a record in the ring of its own thread. */
HAK_HIDDEN enum hak_shared_place hak_ring_reserve_beside(unsigned count, uint64_t *position,
                                                         uint64_t *ticks);
/* Lets go of what a killed vfork child, as the calling thread, left in the middle. */
HAK_HIDDEN void hak_ring_share_abandon(void);
/* Forgets, in a forked child, the shared rings, which are the parent's. */
HAK_HIDDEN void hak_ring_share_forget(void);
/* The entry of the ring that the calling thread shares, or NULL. */
HAK_HIDDEN struct hak_ring_entry *hak_ring_shared_entry(void);

/* Writes the THREAD_START or THREAD_END record of the calling thread. */
HAK_HIDDEN void hak_ring_record_thread(uint8_t kind);
/* Writes the PROCESS_START record of the calling process. Thread and signal safe. */
HAK_HIDDEN void hak_ring_record_process(void);

/* In a forked child, and where recording begins stopped: says so. (pause.c) */
HAK_HIDDEN void hak_ring_note_stopped(void);

/* Hears of modules for the stacks and the record: for hak_modules_start. */
HAK_HIDDEN extern const struct hak_modules_listener hak_modules_to_record;

/* The two functions of hak_stacks_setup that concern the collector: rings its bell; waits for a
 * commit, at most 50 ms, as HAKMEM_TRACE_FULL says, and replaces a collector that is dead. */
HAK_HIDDEN void hak_ring_ask_for_nodes(void);

/* Waits a slice for the collector to make room for nodes; `*begin_ns` is when waiting began, set
 * the first time. False: it waits no longer, or records that do not fit are dropped. */
HAK_HIDDEN bool hak_ring_wait_for_nodes(uint64_t *begin_ns);

#endif

/* Facts of the session that this process records into, in private memory.
 *
 *   alive word (one page that a fork wipes)      hak_current
 *     0  a fork made this process: claim first     session -> the shared mapping, NULL = none
 *     1  go on                                     process -> this process's entry in it
 *     2  look closer: a takeover is going on
 *     3  the session was let go of (level light), and private memory lies in its place
 *
 * Whoever writes into the session memory asks hak_current_ready() directly before. A forked child
 * inherits hak_current and the mapping, but its alive word reads 0 (MADV_WIPEONFORK), also after a
 * raw clone that no handler saw: it then claims a process entry of its own and never touches a ring
 * that it inherited. A vfork child shares everything with its parent and records as its parent's
 * thread.
 *
 * Written at start, in a forked child and at a takeover only, each with all signals blocked. */
#ifndef HAK_TRACE_CURRENT_H
#define HAK_TRACE_CURRENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "block.h"
#include "metrics/count.h"
#include "trace/session.h"

enum hak_alive {
    HAK_ALIVE_WIPED = 0,
    HAK_ALIVE_GO = 1,
    HAK_ALIVE_PAUSED = 2,
    HAK_ALIVE_LEFT = 3,
};

struct hak_current {
    _Atomic uint32_t *alive;     /* never NULL */
    struct hak_session *session; /* NULL = nothing is recorded */
    struct hak_process_entry *processes;
    struct hak_ring_entry *rings;
    struct hak_node *nodes;
    struct hak_report_request *report;
    struct hak_counters_place counters;
    struct hak_process_entry *process; /* this process's entry */
    uint64_t tsc_start;                /* as in the header, which is not trusted */
    uint64_t tsc_process; /* TSC when this process began, where its session came later; else 0 */
    uint64_t total_bytes;
    uint64_t extent_offset;
    uint32_t extent_count;
    uint32_t node_capacity;
    uint32_t process_index;
    int32_t pid;             /* as this process sees it; another one's in the child of a vfork */
    bool overwrites;         /* nobody reads: full rings write over their oldest records */
    _Atomic uint8_t is_left; /* 1: nothing is recorded: the session was let go of */
    bool is_secure; /* it has rights that its user has not (AT_SECURE): nothing is started */
    /* Left here by the rooms above: the function for a fork that no handler saw, and the way to a
     * new collector when the old one has been silent for so long (NULL = there is none). */
    void (*enter_child)(void);
    uint32_t flags; /* enum hak_process_flag, of the entry when it is claimed */
    void (*replace_silent)(uint64_t ms);
    char malloc_by[HAK_MALLOC_BY]; /* as in the entry */
    char keeper_name[108];         /* abstract name of the keeper's socket, "" = none */
};

HAK_HIDDEN extern struct hak_current hak_current;

/* The slow half of hak_current_ready: enters the session in a forked child, or waits until the
 * memory is exchanged. False: the thread may not write. */
HAK_HIDDEN bool hak_current_ready_slowly(void);

/* Whether the calling thread may write into the session memory now; where not, it may wait or enter
 * the session first. Thread and signal safe. */
static inline bool hak_current_ready(void) {
    return HAK_LIKELY(atomic_load_explicit(hak_current.alive, memory_order_acquire) ==
                      HAK_ALIVE_GO) ||
           hak_current_ready_slowly();
}

/* Counts an event of a process that found no entry in the process table, or is in a strict sandbox.
 */
HAK_HIDDEN void hak_current_count_unentered(void);

/* Makes `word` at least `value`. */
static inline void hak_raise_to(_Atomic uint32_t *word, uint32_t value) {
    uint32_t seen = atomic_load_explicit(word, memory_order_relaxed);
    while (seen < value && !atomic_compare_exchange_weak(word, &seen, value))
        continue;
}

/* TSC ticks since the session's start. */
static inline uint64_t hak_session_ticks(void) {
    return hak_ticks_now() - hak_current.tsc_start;
}

/* Makes `session`, a mapping of `total_bytes` whose header is filled, the one that is recorded
 * into, with an entry of its own for the calling process. False when no memory is left, or no
 * entry. Other threads may run: they find no session, or all of it. */
HAK_HIDDEN bool hak_current_begin(struct hak_session *session, uint64_t total_bytes);

/* Claims and fills a process entry for the calling process; `parent` as in the entry. False when
 * all are taken. */
HAK_HIDDEN bool hak_current_claim_process(uint32_t parent, uint64_t fork_number);

struct hak_session_memory;
/* Lets go of the session, so that its end is seen; one that begins later may take its place. Others
 * who write into it just then do no harm. Signals must be blocked. */
HAK_HIDDEN void hak_current_let_go(void);
/* Moves `memory` to the addresses of a session that was let go of. False: there are none, or they
 * are more or less. */
HAK_HIDDEN bool hak_current_take_place(struct hak_session_memory *memory);

/* Lets go of the session, in a child that found no entry in it. */
HAK_HIDDEN void hak_current_leave(void);

/* True when the heart of the keeper or of its worker (each starts the other when it is gone) beat
 * within the last `ms`. */
HAK_HIDDEN bool hak_current_collector_beats(uint64_t ms);

/* True when the recording was ended while this process lives: it goes on checked and unrecorded. */
static inline bool hak_current_is_over(void) {
    return atomic_load_explicit(&hak_current.session->is_over, memory_order_relaxed) != 0;
}

/* Goes on with a new collector if the old one has been silent for `ms` and is dead. Costs little
 * while its heart beats. Not for use between enter_claim and leave_claim. */
static inline void hak_current_replace_collector(uint64_t ms) {
    if (hak_current.replace_silent)
        hak_current.replace_silent(ms);
}

/* Rings the bell and waits for a commit, at most `ms`; `commits` is the session's word from before
 * the last look at what is waited for. */
HAK_HIDDEN void hak_current_await_commit(uint32_t commits, uint64_t ms);

/* Begins a change of entries, rings or extents: waits while the memory is being exchanged
 * (takeover.c), and is waited for. Not nested. */
HAK_HIDDEN void hak_current_enter_claim(void);
HAK_HIDDEN void hak_current_leave_claim(void);

/* Stops all writers of this process but the calling thread until thaw: they wait in
 * hak_current_ready_slowly or finish first, as `others_write` says. Signals must be blocked. */
HAK_HIDDEN void hak_current_freeze(bool (*others_write)(void));
HAK_HIDDEN void hak_current_thaw(void);
/* The same after hak_current_let_go: nobody writes from now on. */
HAK_HIDDEN void hak_current_thaw_left(void);

/* In a forked child: nobody of the parent's threads is here. */
HAK_HIDDEN void hak_current_forget_others(void);

/* True when no other process of the session lives. */
HAK_HIDDEN bool hak_is_last_process(void);

/* Children that run in this thread's memory while it waits (vfork), one inside the other. */
HAK_HIDDEN extern _Thread_local uint8_t hak_vfork_children
    __attribute__((tls_model("initial-exec")));

#endif

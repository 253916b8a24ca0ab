/* Debug registers, which stop the thread that writes into a few bytes, at the instruction.
 *
 *   guard/watched     which bytes, and what a stop means
 *      |  turns.c       which register moves now, so that moves cost 1 % of the time
 *      |  sites.c       blocks of sites that were seldom watched come first
 *      |  registers.c   the registers themselves: set, clear; by one of these ways
 *      |
 *      |  perf.c     perf_event_open: one event for each register and thread that there is when
 *      |             they are opened; threads made later inherit it. A move is one ioctl for all
 *      |  traced.c   where that is barred: a process that shares the memory stops each thread for
 *      |             a moment and writes them by ptrace. A new thread gets them when it begins
 *      |  brief.c    level light: perf_event_open for the calling thread alone, for a moment
 *      v  newest.c   level normal, without HAKMEM_WATCH: the same at the newest guarded blocks,
 *                    also for reads there; behind.c: the reads of an instruction
 *
 *   a write into the bytes --> SIGTRAP to the writing thread, before its next instruction
 *                              (hak_watch_hit_of: which register it was, if the signal says so)
 *
 * A write by the kernel in a system call of the program stops nobody. A forked child has no
 * watchpoint, and no executed program has. The descriptors of perf_event_open stay open; a program
 * that closes what it does not know takes the registers away, which is noticed at the next move.
 *
 * Ownership: registers, turns and sites belong to the holder of hak_watch_try; nobody waits for it.
 * Thread and signal safety: nothing is allocated, errno is kept. */
#ifndef HAK_WATCH_WATCH_H
#define HAK_WATCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"
#include "platform/credit.h"
#include "platform/run_time.h"
#include "trace/session.h"
#include "unwind/registers.h"

enum {
    HAK_WATCH_REGISTERS = 4,
    HAK_WATCH_WORD_BYTES = 8, /* at most; 1, 2, 4 or 8, aligned to as many */
    HAK_WATCH_MOMENT_NS = 300000,
    HAK_WATCH_BEAT_NS = 1000000,
};

/* ---- registers.c ------------------------------------------------------------------------------
 */

/* False: those of this processor are not used (platform/ARCH/traced.h), and nothing else here is
 * called. */
HAK_HIDDEN bool hak_watch_is_possible(void);

/* Chooses the way, once; true when it is the tracer's, in which SIGTRAP must not be blocked. Before
 * there are threads. */
HAK_HIDDEN bool hak_watch_start(void);

/* Instead of it, for level light: a register is set for the calling thread alone and for a moment,
 * and nothing is open in between: HAK_WATCH_MOMENT_NS in which that thread runs. */
HAK_HIDDEN void hak_watch_start_briefly(void);

/* Instead of it, for the newest guarded blocks of level normal: registers stand in the calling
 * thread alone, stop readers there, too, and are open until hak_watch_close; each HAK_WATCH_BEAT_NS
 * for which that thread has run a signal comes that `is_over`. */
HAK_HIDDEN void hak_watch_start_newest(void);

/* Ticks of the time stamp counter in so many ns, as credits are charged: at 2.6 GHz, whatever the
 * machine has. */
static inline uint64_t hak_watch_ticks(uint64_t ns) {
    return ns * 26 / 10;
}

/* Opens up to `wanted` registers for all threads of the process, where they are not open; returns
 * how many there are. */
HAK_HIDDEN unsigned hak_watch_open(unsigned wanted);

/* Why there are no registers: an errno or an enum hak_unwatched. */
HAK_HIDDEN int hak_watch_refusal(void);

/* Lets register `index` watch [address, address + bytes) from now on, whatever it watched before;
 * hits carry 40 bits of `tag`. False: it does not, and the registers may be gone. */
HAK_HIDDEN bool hak_watch_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag);
/* Lets a register watch nothing; a thread may still be stopped by it once. */
HAK_HIDDEN void hak_watch_clear(unsigned index);

/* Of the newest blocks: what hak_watch_clear has cleared last stands again; all are closed until
 * the next hak_watch_open. */
HAK_HIDDEN void hak_watch_resume(unsigned index);
HAK_HIDDEN void hak_watch_close(void);
HAK_HIDDEN bool hak_watch_is_callers(void); /* they are open, for the calling thread */

/* If registers are set for a moment: `ns` for which the thread has run since it set register
 * `index`. False: that was another thread than the calling one, or the register is gone. Of the
 * newest blocks: for which the thread that has them has run since they were opened. */
HAK_HIDDEN bool hak_watch_stood(unsigned index, uint64_t *ns);

/* Gives all registers back, for good and for this reason. */
HAK_HIDDEN void hak_watch_end(enum hak_unwatched why);
/* Closes, in a forked child, the registers that it inherited. The next hak_watch_open gets
 * registers anew. */
HAK_HIDDEN void hak_watch_fork_child(void);

/* A SIGTRAP of a register. */
struct hak_watch_hit {
    uint64_t tag;
    bool is_late;        /* SIGTRAP was blocked at the write: the thread is elsewhere by now */
    bool is_tag_unknown; /* `tag` is nothing: hak_watch_ask */
    bool is_over;        /* no write: the register of `tag` was set for a moment, which is over */
    bool is_trial;       /* a write of hakmem's own, by which it finds out whether registers fire */
};
/* False: `siginfo` is of another SIGTRAP. */
HAK_HIDDEN bool hak_watch_hit_of(const void *siginfo, struct hak_watch_hit *hit);

/* CPU time that tracers have used so far, in ns; 0 where there are none. Likewise. */
HAK_HIDDEN uint64_t hak_watch_tracer_ns(void);

/* Where the signal does not say it, and only between hak_watch_try and hak_watch_done: the tag of
 * register `index`; a bit for each register that stopped the calling thread, in the handler; and
 * brings all threads' registers to what they are to be, since this one met what it was. */
HAK_HIDDEN uint64_t hak_watch_tag(unsigned index);
HAK_HIDDEN unsigned hak_watch_ask(void);
HAK_HIDDEN void hak_watch_settle(void);
/* The calling thread is new: it gets the registers, if it did not inherit them. Likewise. */
HAK_HIDDEN void hak_watch_join(void);

/* True when the calling thread may move registers, until hak_watch_done. */
HAK_HIDDEN bool hak_watch_try(void);
HAK_HIDDEN void hak_watch_done(void);

/* ---- behind.c ---------------------------------------------------------------------------------
 */

/* An access that may have stopped the thread. */
struct hak_watch_read {
    uintptr_t address; /* is_placed: from there on, */
    unsigned bytes;    /* so many at most */
    bool is_placed;
    bool is_scalar; /* a read of exactly so many bytes, 8 at most */
    bool is_vector; /* a load of a vector of exactly so many, which need not be aligned */
    int restored;   /* DWARF's number of a register of the address that the read has overwritten; */
    uint64_t restored_value; /* it held this; -1: of none */
};

/* A register that stops readers, too, at [watched, watched + watched_bytes), has stopped the thread
 * whose registers these are, with `flags`. Fills in what its last instruction may have been, as far
 * as it touched that; returns how many that are, or more than `most`. None: it is not known. In the
 * handler; reads what is watched. */
HAK_HIDDEN unsigned hak_watch_reads(const struct hak_registers *registers, uint64_t flags,
                                    uintptr_t watched, unsigned watched_bytes,
                                    struct hak_watch_read *found, unsigned most);

/* ---- turns.c ----------------------------------------------------------------------------------
 */

/* Of a process; all zero at its start. */
struct hak_watch_turns {
    uint64_t earned_at;   /* in ticks; 0 = nothing was moved yet */
    bool is_slow;         /* a move stops threads: it is charged as long as it takes */
    bool is_brief;        /* registers are set for a moment: who asks for one has paid for it */
    bool is_for_suspects; /* all blocks that are watched are suspects': moves may take much time */
    struct hak_credit first;            /* of ticks in which slow moves ran, until it is spent */
    struct hak_credit credit;           /* of ticks, for moves and what they cause */
    uint64_t set[HAK_WATCH_REGISTERS];  /* when each was set, 0 = it watches nothing */
    uint64_t free[HAK_WATCH_REGISTERS]; /* from when on another block may have it */
    bool is_first[HAK_WATCH_REGISTERS]; /* its block is a suspect's: none that is urgent takes it */
    uint8_t oddness[HAK_WATCH_REGISTERS]; /* of the newest blocks: how odd a size it stands behind,
                                           * 1 to HAK_WATCH_ODDEST; 0: behind none */
};

/* Earns the credit of the time since the last look; true when there is enough for a move at `now`.
 */
HAK_HIDDEN bool hak_watch_may_move(struct hak_watch_turns *turns, uint64_t now);
/* The same for a thread that begins, which is watched not at all otherwise: as much again. */
HAK_HIDDEN bool hak_watch_may_join(struct hak_watch_turns *turns, uint64_t now);

/* A move, or what one causes, between hak_watch_begin and hak_watch_charge by one thread. */
struct hak_watch_move {
    struct hak_run_time ran;
    uint64_t from, tracer_ns;
};

/* Notes the clocks at the begin of a move, for hak_watch_charge. */
HAK_HIDDEN void hak_watch_begin(const struct hak_watch_turns *turns, struct hak_watch_move *move);

/* Charges a move that hak_watch_begin began with the time and the CPU time of thread and tracer
 * since then; nothing where registers are set for moments. */
HAK_HIDDEN void hak_watch_charge(struct hak_watch_turns *turns, struct hak_watch_move *move);
/* Charges a move that took `ticks`; in `ran` of these a thread or a tracer ran for it. */
HAK_HIDDEN void hak_watch_spend(struct hak_watch_turns *turns, uint64_t ticks, uint64_t ran);
/* Chooses the register, of `count`, for the next block: one that watches nothing, or has watched
 * for long enough; `is_urgent`: else the one that was set first, but for a suspect's. -1 = none. */
HAK_HIDDEN int hak_watch_choose(const struct hak_watch_turns *turns, unsigned count, uint64_t now,
                                bool is_urgent);
/* How odd the size of a block is behind whose end lies slack, in which no closed page stops an
 * overflow: 1 of a multiple of 8, HAK_WATCH_ODDEST of an odd one. */
enum { HAK_WATCH_ODDEST = 4 };
static inline unsigned hak_watch_oddness(size_t asked_bytes) {
    return HAK_WATCH_ODDEST - (unsigned)__builtin_ctzl(asked_bytes | 1u << (HAK_WATCH_ODDEST - 1));
}
/* Chooses the register, of `count`, of a newest block: for the slack of one that is `oddness` odd,
 * or, with 0, for its front. Registers behind blocks are left to blocks that are as odd; one of
 * several stays for fronts. Of those that are left the one that was set first. -1 = none. */
HAK_HIDDEN int hak_watch_choose_newest(const struct hak_watch_turns *turns, unsigned count,
                                       unsigned oddness);
/* Notes that register `index`, of `count`, was set, and until when it is to stay there. */
HAK_HIDDEN void hak_watch_note_set(struct hak_watch_turns *turns, unsigned index, unsigned count,
                                   uint64_t now);
/* Notes that the register watches nothing any more. */
HAK_HIDDEN void hak_watch_note_clear(struct hak_watch_turns *turns, unsigned index);

/* ---- sites.c ----------------------------------------------------------------------------------
 */

enum { HAK_WATCH_SITES = 4096, HAK_WATCH_SUSPECTS = 8 };

/* A site with a block at which damage was found. */
struct hak_watch_suspect {
    uint32_t stack;
    uint8_t side; /* where it was, the caller's number */
    bool is_there;
};

/* How often blocks of a site, which is a stack by its hash, were watched; all zero at the start. */
struct hak_watch_sites {
    uint8_t times[HAK_WATCH_SITES]; /* at most 255 */
    uint8_t level;                  /* sites that were watched more often are passed over */
    uint8_t passed;                 /* over, one after the other */
    uint8_t suspect_count;          /* so far, of which the latest are kept */
    struct hak_watch_suspect suspects[HAK_WATCH_SUSPECTS];
};

static inline unsigned hak_watch_site(uint32_t stack) {
    return (stack * 0x9e3779b1u) >> 20;
}
static inline bool hak_watch_is_new(const struct hak_watch_sites *sites, uint32_t stack) {
    return sites->times[hak_watch_site(stack)] == 0;
}
/* Whether the site may be watched now: it had no more turns than the level. After enough others
 * were passed over, one of any site is taken and the level rises. */
HAK_HIDDEN bool hak_watch_is_turn(struct hak_watch_sites *sites, uint32_t stack);
/* Counts that a block of the site is watched, unless it is a suspect's. Returns how many were
 * before, as far as that is known: counts are halved when one is at its most. */
HAK_HIDDEN unsigned hak_watch_count_site(struct hak_watch_sites *sites, uint32_t stack);
/* Damage was found at a block of the site: it stays new, and its blocks come first. */
HAK_HIDDEN void hak_watch_suspect(struct hak_watch_sites *sites, uint32_t stack, uint8_t side);
/* Finds the suspect of an allocation stack; NULL: it is none. */
HAK_HIDDEN const struct hak_watch_suspect *hak_watch_suspect_of(const struct hak_watch_sites *sites,
                                                                uint32_t stack);

#endif

/* Blocks beside or in which a debug register stands (HAKMEM_WATCH, watch/watch.h), in layout
 * header:
 *
 *   live block     | header | bytes asked | canary |     in front: the last word of the header
 *                        ^^               ^^             behind: from the first byte of the canary
 *   in quarantine  | header | poison ............ |
 *                           ^^                           freed: a word of the first 32 bytes
 *
 * A block that was ever watched in this life has HAK_SLOT_WATCHED in its slot's state, so that it
 * does not take the short path (path.h) back: hakmem itself writes these bytes when the block is
 * freed, resized or handed out again, and the register is taken off first. Blocks without the mark
 * cost nothing.
 *
 * With HAKMEM_GUARD=sites:N two registers stand at the first block of each site that comes, and
 * stop readers there, too (read.c says which reads are faults):
 *
 *   guarded block  | header | bytes asked | canary, to 16 | closed page
 *                        ^^               ^^^^             up to a multiple of 8
 *
 * A stop is a fault when the register still stands at this block, the block is still what it was,
 * and the bytes differ from what they held: a vector store whose mask spares them stops the thread,
 * too. Everything else is passed over (guard/watched_stop.c).
 *
 * May call: choose, locate, and watch, trace, platform. */
#ifndef HAK_GUARD_WATCHED_H
#define HAK_GUARD_WATCHED_H

#include "guard/locate/locate.h"
#include "trace/trace.h"
#include "watch/watch.h"

enum hak_watched_side { HAK_WATCHED_BEHIND, HAK_WATCHED_IN_FRONT, HAK_WATCHED_FREED };

/* The bytes at which a register stands, and their state when it was put there. */
struct hak_watched {
    struct hak_slot *slot;
    char *base;
    uintptr_t address;
    uint64_t held; /* what the bytes held */
    enum hak_watched_side side;
    unsigned bytes;
    uint32_t record_count, epoch;
    uint8_t lives;
};

/* The value that the bytes hold now. */
static inline uint64_t hak_watched_value(const struct hak_watched *watched) {
    uint64_t value = 0;
    __builtin_memcpy(&value, (const void *)watched->address, watched->bytes);
    return value;
}

/* Starts HAKMEM_WATCH, after hak_trace_start, or notes why nothing is watched. */
HAK_HIDDEN void hak_watched_start(void);
HAK_HIDDEN void hak_watched_fork_child(void);

/* Starts, instead of it, the watching of the newest guarded blocks, with HAKMEM_GUARD=sites:N and
 * HAKMEM_GUARD_WATCH: registers stop readers there, too. */
HAK_HIDDEN void hak_watched_start_newest(void);
HAK_HIDDEN bool hak_watched_sees_reads(void);

/* Either is on, and there may be registers. */
HAK_HIDDEN extern bool hak_watched_is_on;

/* Written by the thread that moves registers, read by all. */
HAK_HIDDEN extern struct hak_watch_sites hak_watched_sites;
/* Allocations of known sites that this thread lets go by, and one more; 0 at its start. */
HAK_HIDDEN extern _Thread_local uint32_t hak_watched_to_skip
    __attribute__((tls_model("initial-exec")));

/* Whether a block of this allocation stack, which was just handed out, need not be offered to be
 * watched; counts it. */
HAK_IN_PLACE bool hak_watched_skips(uint32_t alloc_stack) {
    if (HAK_UNLIKELY(hak_watch_is_new(&hak_watched_sites, alloc_stack)) ||
        HAK_UNLIKELY(hak_watched_to_skip <= 1))
        return false;
    hak_watched_to_skip--;
    return true;
}
/* A block was handed out, and the program does not have it yet: it may be watched now. */
HAK_HIDDEN HAK_COLD void hak_watched_offer(const struct hak_located *at);
/* Offers a guarded block of level light to a register for a moment: the bytes up to the closed
 * page, or in front. */
HAK_HIDDEN HAK_COLD void hak_watched_offer_briefly(const struct hak_located *at);
/* Ends what the calling thread set for a moment, at its end. */
HAK_HIDDEN HAK_COLD void hak_watched_thread_end(void);
/* Ends the moment for which the register whose signal carries `tag` was set. In the handler. */
HAK_HIDDEN HAK_COLD void hak_watched_end_moment(uint64_t tag);
/* A block with the mark has another size. */
HAK_HIDDEN HAK_COLD void hak_watched_offer_resized(const struct hak_located *at);
/* A block with the mark is in quarantine and filled with poison. */
HAK_HIDDEN HAK_COLD void hak_watched_offer_freed(const struct hak_located *at);
/* Takes the slot's block off the watched ones before hakmem itself writes its bytes. */
HAK_HIDDEN HAK_COLD void hak_watched_take_off(const struct hak_slot *slot);
static inline void hak_watched_leave(const struct hak_slot *slot) {
    if (HAK_UNLIKELY((slot->subkind & HAK_SLOT_WATCHED) != 0))
        hak_watched_take_off(slot);
}

/* Stops the register whose signal carries `tag` until hak_watched_go_on, so that the bytes where it
 * stands can be read. False: it was moved, or somebody moves it. `is_fault`: it does not come back.
 * In the handler. */
HAK_HIDDEN HAK_COLD bool hak_watched_hold(uint64_t tag);
HAK_HIDDEN HAK_COLD void hak_watched_go_on(uint64_t tag, bool is_fault);

/* Damage was found at a block of this allocation stack, on this side: its blocks are watched there,
 * before all others. */
HAK_HIDDEN HAK_COLD void hak_watched_suspect(uint32_t alloc_stack, enum hak_watched_side side);

/* Finds the bytes of the register whose signal carries `tag`; false: it was moved, or taken off. */
HAK_HIDDEN bool hak_watched_find(uint64_t tag, struct hak_watched *found);

/* Finds the watched place whose register stopped the calling thread, for a signal that does not say
 * which: one of those at which there is a fault. In the handler. */
HAK_HIDDEN bool hak_watched_which(struct hak_watched *found,
                                  bool (*is_fault)(const struct hak_watched *));

/* read.c: finds the address at which the thread, whose register stands at `was`, has read outside
 * of the block; 0: that is not certain. A register that the read has overwritten gets back what it
 * held. In the handler; reads what is watched. */
HAK_HIDDEN uintptr_t hak_watched_read(const struct hak_watched *was, const struct hak_located *at,
                                      const struct hak_stopped *stopped);

#endif

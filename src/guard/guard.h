/* The checks of the debug build: where each block is, whether its move is allowed, whether its
 * bytes are whole. This header is for this folder only; the layers know hop.h and check.h,
 * entry border.h too.
 *
 *   hop()        --> state.c    slot state, legality by hops.def, one record for each move
 *   hop_all()    --> batch.c    the same for several at once
 *   check_*()    --> path.h     calls where all is well
 *                    border.c   all others: the block's way to the program and back
 *                    layout.c   the bytes around it: header and canary
 *                    quarantine.c  freed blocks that wait; give_back.h the free itself
 *                    poison.c   the bytes of freed blocks; pages.h their pages
 *                    list.c     the head of a TLS SLL before it is popped
 *                    damage.c   whose write it was that ran over a border
 *                    kinds.c    which call may give back what which call made
 *                    light.c    the same for level light's program; lives.c their lives
 *                    sweep.c    all live blocks, at exit and when asked for
 *                    asked.c    what is done at the next call because a signal asked for it
 *                    inject.c   our own faults on purpose (HAKMEM_INJECT)
 *                    watched_stop.c  a stop by a debug register: a fault, or nothing
 *                    watched_path.c  the short way to the program while registers watch
 *                    moments.c  start, end of a thread, fork
 *                    pieces.c   guarded blocks that the program's own pools hand out
 *                    fault.c    --> trace: the facts of a fault
 *                    near.c     <-- trace: which block lies at, or next to, the address of a crash
 *                    touch.h    <-- strings: how many bytes of its block a call may touch
 *
 * Below it, each by its door:
 *
 *   locate/   pointer -> slot or large block, also one that was freed lately
 *   tags/     memory tags of blocks, where the processor has them
 *   choose/   which blocks lie alone between closed pages, and where in them
 *   pools/    the program's own pools (hakmem.h) and their pieces
 *   watched/  --> watch: blocks at which a debug register stands
 *
 * Ownership: the state of a slot (struct hak_slot) belongs to the thread that has the block: the
 * one whose cache holds it, or the one that gives it back, once its compare-and-swap of `place`
 * from LIVE won. There is no lock here. A pointer of the program is looked up in the registry
 * before anything behind it is read. */
#ifndef HAK_GUARD_GUARD_H
#define HAK_GUARD_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "border.h"
#include "fault_codes.h"
#include "guard/asked.h"
#include "guard/locate/locate.h"
#include "options.h"
#include "trace/record.h"
#include "trace/session.h"
#include "trace/trace.h"

/* The rest of the block's life is not recorded now: recording is stopped, and was when its life
 * began. */
static inline bool hak_is_left_out(const struct hak_slot *slot) {
    return hak_trace_is_stopped() && slot->is_left_out;
}

/* The call that took the block, enum hak_subkind. */
static inline unsigned hak_taken_by(const struct hak_located *at) {
    if (HAK_UNLIKELY(at->large != NULL) && at->large->is_of_pool)
        return HAK_BY_POOL;
    return at->slot->subkind & HAK_SLOT_TAKEN;
}

/* A slot's state is a lock that is only looked at (seqlock): another thread that reads state, bytes
 * and state again takes the bytes for what the state says. So a change of `place` or `is_changing`
 * is seen before any byte that is written behind it, and the end of one after them (release). */
HAK_IN_PLACE void hak_slot_before_bytes(void) {
    atomic_thread_fence(memory_order_release);
}
/* Likewise, and no signal handler of this thread closes a page of the slot from here on. */
HAK_IN_PLACE void hak_slot_begin_change(struct hak_slot *slot) {
    slot->is_changing = 1;
    atomic_signal_fence(memory_order_seq_cst);
    hak_slot_before_bytes();
}
HAK_IN_PLACE void hak_slot_end_change(struct hak_slot *slot) {
    atomic_thread_fence(memory_order_release);
    slot->is_changing = 0;
}

/* libc's __libc_single_threaded (glibc 2.32); before, and until the start, as with other threads.
 */
HAK_HIDDEN extern const char *hak_is_single_threaded;

/* Takes a live block out of the program's hands, for the place `to`; false: another thread of the
 * process gave the same block back at the same time, or a signal handler did. */
static inline bool hak_take_live(struct hak_slot *slot, enum hak_place to) {
    uint8_t live = HAK_PLACE_LIVE;
    if (*hak_is_single_threaded)
        return hak_own_exchange_byte(slot->place, live, to);
    bool is_taken = __atomic_compare_exchange_n(&slot->place, &live, (uint8_t)to, false,
                                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    hak_slot_before_bytes();
    return is_taken;
}

/* state.c: hops.def as sets of places, one bit for each. Moves have numbers below 64. */
#define HAK_MOVE_KINDS 64
struct hak_move {
    uint32_t from, to;
};
HAK_HIDDEN extern const struct hak_move hak_moves[HAK_MOVE_KINDS];

/* Places of large blocks; nothing of a slab is ever there. */
#define HAK_PLACES_OF_LARGE (1u << HAK_PLACE_LARGE | 1u << HAK_PLACE_L25 | 1u << HAK_PLACE_BIGCACHE)

/* True when hops.def lets a block that is at `place` move as `kind` says. */
static inline bool hak_move_is_allowed(enum hak_record_kind kind, unsigned place) {
    return (hak_moves[kind & (HAK_MOVE_KINDS - 1)].from >> (place & 31) & 1) != 0;
}
/* layout.c: the bytes of a live block of layout header. All of them take what the slot's state says
 * as truth and compare memory with it. */
struct hak_damage {
    const uint8_t *first; /* first byte that differs */
    const uint8_t *last;  /* last one */
    const uint8_t *end;   /* end of the region that was compared */
    uint32_t bytes;       /* how many differ, 0 = whole */
    bool is_open;         /* up to an end beyond which nothing can be compared */
};
struct hak_damage hak_header_damage(const struct hak_located *at) HAK_HIDDEN;
struct hak_damage hak_canary_damage(const struct hak_located *at) HAK_HIDDEN;
/* Compares the canary behind a block whose bytes were copied: `base` is where the copy of its first
 * would be. */
struct hak_damage hak_canary_damage_in(const struct hak_located *at, const char *base) HAK_HIDDEN;
/* Compares a header of the block `at` that was copied to `header` with the due one. */
struct hak_damage hak_header_damage_in(const struct hak_located *at, const char *header) HAK_HIDDEN;
void hak_write_header(const struct hak_located *at) HAK_HIDDEN;
void hak_write_canary(const struct hak_located *at) HAK_HIDDEN;
/* The bytes around the user's: from the first that is written in front, and from the canary on. */
struct hak_border_bytes {
    const char *front, *user, *behind, *end;
};
struct hak_border_bytes hak_border_bytes_of(const struct hak_located *at) HAK_HIDDEN;
/* pages.c: opens pages of the border of a large block that the program has closed, before it is
 * compared, or written anew. */
void hak_open_border(const struct hak_located *at, bool writes) HAK_HIDDEN;
/* False: the program has closed pages of it. For who changes nothing. */
bool hak_can_read_border(const struct hak_located *at) HAK_HIDDEN;
/* Fills [start, end) with the word of a pattern (trace/pattern.h). */
void hak_fill_with(char *start, const char *end, uint64_t word) HAK_HIDDEN;
/* The bytes from..to of the user's, which malloc or realloc has just added to the block. */
void hak_fill_unwritten(const struct hak_located *at, size_t from, size_t to) HAK_HIDDEN;
/* Writes what of the two lies in the page at `page`. */
void hak_write_around_in(const struct hak_located *at, char *page) HAK_HIDDEN;
/* The header that a free block carries at its slot's start while it is in a linked list. */
void hak_write_list_header(const struct hak_located *at) HAK_HIDDEN;
bool hak_list_header_stands(const struct hak_located *at) HAK_HIDDEN;
/* A block that lies in a list carries a header at its slot's start, whatever its last life was:
 * none yet, or an aligned one with its header further in. For a block that has just come to its
 * place. */
#define HAK_PLACES_OF_LISTS (1u << HAK_PLACE_SLL | 1u << HAK_PLACE_SFC | 1u << HAK_PLACE_MID_LIFO)
bool hak_enter_list_slowly(const struct hak_located *at) HAK_HIDDEN;
/* False: the block's page cannot be written into, and it must not be linked. */
static inline bool hak_enter_list(const struct hak_located *at) {
    return HAK_LIKELY(!(HAK_PLACES_OF_LISTS >> at->slot->place & 1)) || hak_enter_list_slowly(at);
}
/* First byte of a block in the slot at `base`, by layout and alignment (0: none asked). */
char *hak_place_user(char *base, size_t alignment) HAK_HIDDEN;

/* lives.c: level light's lives of guarded blocks, for the tracer (trace.h). The calling
 * thread has just got the block, or is about to give it back: */
void hak_life_begins(struct hak_large *large) HAK_HIDDEN;
void hak_life_ends(struct hak_large *large) HAK_HIDDEN;
void hak_light_each_life(bool again, void (*call)(void *, const struct hak_guarded_life *),
                         void *context) HAK_HIDDEN;
/* In a forked child; `forking` is the number that its thread had in the parent. */
void hak_light_fork_child(uint32_t forking) HAK_HIDDEN;

/* quarantine.c: a block that hak_check_leaving gave moves on to `to`. False: it was not in
 * quarantine (reported). */
bool hak_leave_quarantine(base_t base, enum hak_place to) HAK_HIDDEN;
/* Gives the calling thread's ring, which is empty by then, to the next thread. */
void hak_quarantine_thread_end(void) HAK_HIDDEN;
/* Marks, in a child, the rings of threads that are not there as left, so that others take out what
 * they hold. */
void hak_quarantine_fork_child(void) HAK_HIDDEN;

/* poison.c: fills a block that has just left the program, in level normal. */
void hak_poison(const struct hak_located *at) HAK_HIDDEN;
/* Compares a slot that is filled, if it is; damage is reported as found at `kind`, and repaired.
 * Only for the thread to whose heap it belongs, or while no page can be closed. */
void hak_check_poison(const struct hak_located *at, enum hak_record_kind kind) HAK_HIDDEN;
/* Checks the freed bytes of all slots of a slab that no block of the program has: its states are
 * forgotten soon, and its pages may go. */
void hak_check_slab_poison(struct hak_superslab *superslab, unsigned slab_index) HAK_HIDDEN;
/* The same of one without a report. */
struct hak_damage hak_poison_damage(const struct hak_located *at) HAK_HIDDEN;
/* Fills a guarded block whose pages are open after its free. Later writes into it are found where
 * hak_filled_of_opened (slot_bytes.h) says, in `bytes` bytes from `real` on; `copy` may be a copy
 * of them. */
void hak_poison_opened(struct hak_large *large) HAK_HIDDEN;
struct hak_damage hak_opened_damage(const struct hak_located *at, const char *real,
                                    const char *copy, size_t bytes) HAK_HIDDEN;

/* pages.c (pages.h): from hold to release no page is closed by any thread, so that bytes of live
 * blocks of others may be read; for a sweep. */
void hak_pages_hold(void) HAK_HIDDEN;
void hak_pages_release(void) HAK_HIDDEN;
/* Opens the closed page of a SuperSlab that holds `address`; false: none is closed there. */
bool hak_pages_open_at(uintptr_t address) HAK_HIDDEN;
/* Opens a page of a SuperSlab or a large block again, whoever closed it; where the program has
 * unmapped it, a fresh one is put there. False if it is none of them or the calling thread, with
 * this stack pointer, is not in the malloc family; level light does not note that. */
bool hak_pages_open_closed(uintptr_t address, uintptr_t stack_pointer) HAK_HIDDEN;
void hak_pages_start(void) HAK_HIDDEN;
void hak_pages_fork_child(void) HAK_HIDDEN;

/* inject.c: reads HAKMEM_INJECT. */
void hak_inject_start(void) HAK_HIDDEN;

/* fault.c: reports a fault to the tracer; returns under HAKMEM_ON_FAULT=continue only. */
struct hak_finding {
    enum hak_fault_code code;
    enum hak_record_kind kind; /* move or call at which it was found; FREE by hak_free_by */
    const void *pointer;       /* the pointer in question */
    int64_t offset_bytes;      /* found - due */
    unsigned class_found;      /* of the list or the caller; HAK_CLASS_NONE = not about classes */
    enum hak_memory memory;
    enum hak_found_by found_by;
    const char *call;                /* of libc, at which it was found; NULL = at none */
    const struct hak_damage *damage; /* NULL = not about bytes */
    uint32_t more_damaged;           /* further blocks that a sweep found damaged */
    size_t closed_blocks;            /* those of which the program has closed pages */
    size_t given_bytes;              /* 204: what the call named; 0 = nothing */
    uint32_t given_alignment, asked_alignment;
    uintptr_t link; /* 105: what the free block's link holds */
};
void hak_report_fault(const struct hak_located *at, const struct hak_finding *finding) HAK_HIDDEN;
/* Fills in the facts of a finding; nothing is reported. */
void hak_make_facts(struct hak_fault_facts *facts, const struct hak_located *at,
                    const struct hak_finding *finding) HAK_HIDDEN;
/* Copies the damaged bytes and where they lie into the facts. */
void hak_copy_damage(struct hak_fault_facts *facts, const struct hak_damage *damage) HAK_HIDDEN;
void hak_copy_call(struct hak_fault_facts *facts, const char *call) HAK_HIDDEN;
/* Adds the facts of the block `at` to `facts` whose found_address is set. */
void hak_describe_located(const struct hak_located *at, struct hak_fault_facts *facts) HAK_HIDDEN;
/* near.c: the facts of an access by a wrong memory tag, which stands above `found_address`, with
 * HAK_FACTS_TAG. No fault: the block is not known. */
void hak_describe_tagged(struct hak_fault_facts *facts) HAK_HIDDEN;

/* damage.c: reports damage around the live block `at`, found by `kind`, and repairs it. */
void hak_tell_damage(const struct hak_located *at, enum hak_record_kind kind) HAK_HIDDEN;
/* Adds to the damage of the canary, or of the header, of the live block `at` what lies beyond it of
 * the same write. Only while the pages of the blocks beside it stay open. */
void hak_follow_overflow(const struct hak_located *at, struct hak_damage *damage) HAK_HIDDEN;
void hak_follow_underflow(const struct hak_located *at, struct hak_damage *damage) HAK_HIDDEN;

/* kinds.c: for each enum hak_given one bit for each enum hak_subkind whose blocks it may give back;
 * all bits where that is not checked. */
HAK_HIDDEN extern uint8_t hak_kinds_allowed[16];
static inline bool hak_kinds_agree(enum hak_record_kind kind, unsigned subkind) {
    return (hak_kinds_allowed[hak_given_of(kind) & 15] >> (subkind & 7) & 1) != 0;
}
/* The same of a large block, which one of the program's own pools may have handed out. */
static inline bool hak_kinds_agree_of_pool(const struct hak_located *at,
                                           enum hak_record_kind kind) {
    return !at->large->is_of_pool || hak_given_of(kind) == HAK_GIVEN_BY_POOL ||
           hak_given_of(kind) == HAK_GIVEN_BY_POOL_END;
}
/* Tells of a live block that `kind` may not give back. */
void hak_report_kinds(const struct hak_located *at, enum hak_record_kind kind) HAK_HIDDEN;
/* True when `pointer`, not the block's start, is what delete or delete[] of the wrong kind comes
 * to. */
bool hak_kinds_explain(const struct hak_located *at, enum hak_record_kind kind,
                       const void *pointer) HAK_HIDDEN;

/* watched_stop.c: judges a SIGTRAP (trace/trace.h, struct hak_trace_checks): not ours, nothing, or
 * a fault, whose facts it fills in. */
enum hak_trapped hak_watched_trapped(const void *siginfo, const struct hak_stopped *stopped,
                                     struct hak_fault_facts *facts) HAK_HIDDEN;
/* watched_path.c: has the short way offer blocks to the watch, if that is on. After hak_path_start
 * and hak_watched_start. */
void hak_watched_path_start(void) HAK_HIDDEN;

/* pieces.c: at start. */
void hak_guarded_pieces_start(void) HAK_HIDDEN;

/* sweep.c: at start. */
void hak_sweep_start(void) HAK_HIDDEN;
void hak_sweep_fork_child(void) HAK_HIDDEN;

/* near.c: has the tracer ask which block an address that may not be touched belongs to. */
void hak_near_start(void) HAK_HIDDEN;
/* The nearest live block that ends at most `reach` bytes in front of `address`. */
bool hak_find_live_in_front(uintptr_t address, uintptr_t reach, struct hak_located *at) HAK_HIDDEN;

#endif

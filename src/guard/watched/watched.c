/* Chooses the blocks that a debug register watches, and when it is put there and taken off. */
#include "guard/watched/watched.h"

#include <time.h>
#include "guard/choose/choose.h"
#include "platform/credit.h"
#include "platform/line.h"
#include "platform/raw_call.h"
#include "watch/watch.h"

enum {
    LOOK_EVERY = 64, /* allocations of a thread, on average half as many, of sites that are known */
    FREED_WORDS = 4, /* of a freed block one of so many is watched */
    IN_FRONT_EVERY = 4,
    INDEX_BITS = 2,
    WAIT_TRIES = 500,
    WAIT_PAUSE_NS = 100000,
    ROTATING = 2, /* registers that blocks of a file's stacks take from each other at once */
    EXPECTED_TRIES = 4,
};
_Static_assert(1 << INDEX_BITS == HAK_WATCH_REGISTERS, "a tag holds the number of a register");

/* Written by the holder of hak_watch_try, the version odd meanwhile; read by the handler of a
 * stop. */
static struct {
    _Atomic uint32_t version;
    _Atomic(struct hak_slot *) slot; /* NULL = a stop means nothing any more */
    struct hak_watched at;           /* without a slot */
} watched[HAK_WATCH_REGISTERS];
static struct hak_watch_turns turns;
struct hak_watch_sites hak_watched_sites;
static unsigned registers; /* that there are, at the last look */
static bool is_refusal_noted;
bool hak_watched_is_on;

/* Registers at the newest guarded blocks, of the holder of hak_watch_try. */
static struct {
    bool is_on;
    struct hak_credit credit; /* of ticks in which registers stand, and for what that takes */
    uint64_t stood_ns;        /* that they have, and that was charged */
    uint64_t stood_since_ns;  /* of these, when the last block came */
    struct hak_run_time ran;
    uint64_t looked_at;                  /* 0 = nothing was earned yet */
    uint8_t passes[HAK_WATCH_REGISTERS]; /* stops where nothing was wrong */
} newest;
enum {
    NEWEST_MOMENT_NS = 2000000, /* for which they stand when no other block comes */
    NEWEST_PASSES = 16,
    STANDING_PART = 3,   /* of the time for which they stand is charged */
    OPEN_TICKS = 130000, /* of opening and closing them */
    MOVE_TICKS = 8000,
    CLEAR_TICKS = 5000,
    STOP_TICKS = 10000,          /* of a signal, and of finding out what it means */
    EARN_EVERY_TICKS = 10000000, /* some milliseconds */
};
/* 1.6 ms; a hundredth of the CPU time that the process takes. */
static const struct hak_credit_terms newest_terms = {
    .most = 1 << 22, .dearest = 1 << 25, .share = 100};

_Thread_local uint32_t hak_watched_to_skip __attribute__((tls_model("initial-exec")));

/* ---- the bytes ------------------------------------------------------------------------------- */

/* The largest piece that begins at `address` and that a register can watch. */
static unsigned piece_bytes(uintptr_t address) {
    unsigned aligned = (unsigned)(address & -address);
    return aligned < HAK_WATCH_WORD_BYTES && aligned != 0 ? aligned : HAK_WATCH_WORD_BYTES;
}

/* The bytes behind a guarded block to watch: those in which an earlier run found damage, if there
 * are so many, else the first. */
static uintptr_t find_behind(const struct hak_located *at) {
    uintptr_t end = (uintptr_t)at->base + at->slot_bytes;
    uintptr_t behind = (uintptr_t)hak_user_in(at) + hak_asked_bytes_of(at);
    size_t from = at->large ? at->large->watch_from : 0;
    return from < end - behind ? behind + from : behind;
}

/* Finds the register's place; false: there is no such place. */
static bool find_piece(const struct hak_located *at, enum hak_watched_side side, unsigned turn,
                       struct hak_watched *to) {
    uintptr_t user = (uintptr_t)hak_user_in(at), end = (uintptr_t)at->base + at->slot_bytes;
    size_t words = hak_asked_bytes_of(at) / HAK_WATCH_WORD_BYTES;
    to->side = side;
    if (side == HAK_WATCHED_IN_FRONT)
        to->address = user - piece_bytes(user);
    else if (side == HAK_WATCHED_BEHIND)
        to->address = find_behind(at);
    else
        to->address =
            user + (turn % FREED_WORDS < words ? turn % FREED_WORDS * HAK_WATCH_WORD_BYTES : 0);
    to->bytes = side == HAK_WATCHED_IN_FRONT ? piece_bytes(user) : piece_bytes(to->address);
    return to->address >= (uintptr_t)at->base && to->address + to->bytes <= end;
}

/* ---- moving ---------------------------------------------------------------------------------- */

/* Once: records why no debug register watches, and at HAKMEM_DEBUG_LEVEL 1 says it on stderr. */
static HAK_COLD void note_refusal(void) {
    struct hak_line line = {.length = 0};
    unsigned why = (unsigned)hak_watch_refusal();
    if (is_refusal_noted)
        return;
    is_refusal_noted = true;
    hak_trace_note_unwatched(why, !newest.is_on);
    if (hak_options.debug_level < 1 || newest.is_on)
        return;
    hak_line_say(&line, "hakmem: HAKMEM_WATCH: no debug register watches (", why,
                 "; docs/specs/ring.md)");
    hak_line_end(&line);
}

/* For good. */
static HAK_COLD void turn_off(void) {
    note_refusal();
    hak_watched_is_on = false;
}

/* Opens the registers, of which `registers` is the number; false: there are none, for good, or in
 * this process. */
static bool open_registers(void) {
    if (!hak_is_own_process())
        return false;
    if (!hak_trace_hears_traps())
        hak_watch_end(HAK_UNWATCHED_NO_HANDLER);
    registers = hak_watch_open((unsigned)hak_options.watch);
    if (registers == 0) {
        turn_off();
        hak_trace_leave_traps(); /* no thread has one */
    }
    return registers != 0;
}

/* True when a register watches a block. */
static bool is_any_set(void) {
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        if (atomic_load(&watched[i].slot))
            return true;
    return false;
}

/* Lets register `index` watch a piece of the block; false: it watches nothing. Only between
 * hak_watch_try and hak_watch_done. */
static bool put_in_register(unsigned index, const struct hak_located *at,
                            enum hak_watched_side side, unsigned turn, uint64_t now) {
    struct hak_watched next = {.base = at->base,
                               .record_count = at->slot->record_count,
                               .lives = at->slot->lives,
                               .epoch = at->epoch};
    if (!find_piece(at, side, turn, &next))
        return false;
    next.held = hak_watched_value(&next);
    uint32_t version = atomic_load_explicit(&watched[index].version, memory_order_relaxed) + 2;
    atomic_store(&watched[index].version, version - 1);
    atomic_store(&watched[index].slot, NULL);
    atomic_thread_fence(memory_order_release); /* as hak_watched_find reads them */
    watched[index].at = next;
    atomic_store(&watched[index].slot, at->slot);
    atomic_store(&watched[index].version, version);
    __atomic_fetch_or(&at->slot->subkind, (uint8_t)HAK_SLOT_WATCHED, __ATOMIC_RELAXED);
    bool is_set =
        hak_watch_set(index, next.address, next.bytes, (uint64_t)version << INDEX_BITS | index);
    if (is_set) {
        hak_watch_note_set(&turns, index, registers, now);
        hak_hop_count(HAK_COUNTED_WATCH, at->class_index, next.bytes);
    } else {
        atomic_store(&watched[index].slot, NULL);
        hak_watch_note_clear(&turns, index);
    }
    return is_set;
}

/* Gives back what a thread has paid for the rest of a moment; where another one ends it, this
 * remains so, since that one was not slowed down. */
static void give_back_rest(unsigned index) {
    uint64_t ns;
    if (turns.set[index] != 0 && hak_watch_stood(index, &ns) && ns < HAK_WATCH_MOMENT_NS)
        hak_sample_not_watched(hak_watch_ticks(HAK_WATCH_MOMENT_NS - ns));
}

/* Clears a register; its time is charged. */
static void clear(unsigned index) {
    struct hak_watch_move move;
    if (!turns.is_slow) /* a tracer's is cleared by its next move */
        hak_watch_begin(&turns, &move);
    if (turns.is_brief && !newest.is_on)
        give_back_rest(index);
    hak_watch_clear(index);
    hak_watch_note_clear(&turns, index);
    if (newest.is_on)
        hak_credit_charge(&newest.credit, &newest_terms, CLEAR_TICKS);
    if (!turns.is_slow)
        hak_watch_charge(&turns, &move);
}

void hak_watched_take_off(const struct hak_slot *slot) {
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++) {
        struct hak_slot *due = (struct hak_slot *)slot;
        if (!atomic_compare_exchange_strong(&watched[i].slot, &due, NULL))
            continue;
        /* The holder of the registers moves this one soon; a stop by it means nothing. */
        if (!hak_watch_try())
            continue;
        if (!atomic_load(&watched[i].slot))
            clear(i);
        hak_watch_done();
    }
}

/* ---- which blocks ---------------------------------------------------------------------------- */

/* Between 1 and LOOK_EVERY. */
static uint32_t draw(uint64_t now) {
    return 1 + (uint32_t)((now * 0x9e3779b97f4a7c15u) >> 40) % LOOK_EVERY;
}

/* Why a block is offered. */
enum chance { HANDED_OUT, RESIZED, FREED_NOW };

/* The side on which the block is watched. */
static enum hak_watched_side choose_side(enum chance chance, unsigned turn,
                                         const struct hak_watch_suspect *suspect) {
    if (chance == FREED_NOW)
        return HAK_WATCHED_FREED;
    if (suspect)
        return suspect->side == HAK_WATCHED_FREED ? HAK_WATCHED_BEHIND : suspect->side;
    bool is_in_front = chance == HANDED_OUT && turn % IN_FRONT_EVERY == IN_FRONT_EVERY - 1;
    return is_in_front ? HAK_WATCHED_IN_FRONT : HAK_WATCHED_BEHIND;
}

/* One that is suspected to be written after its free is watched then. */
static bool is_for_later(const struct hak_watch_suspect *suspect, enum chance chance) {
    return suspect && suspect->side == HAK_WATCHED_FREED && chance != FREED_NOW;
}

/* Offers a block to the registers: chooses one, and watches the block where its site's turn has
 * come. A block suspected for later is only marked. */
static void offer(const struct hak_located *at, enum chance chance) {
    uint32_t stack = at->slot->alloc_stack;
    const struct hak_watch_suspect *suspect = hak_watch_suspect_of(&hak_watched_sites, stack);
    bool is_handed_out = chance == HANDED_OUT;
    bool is_new = is_handed_out && hak_watch_is_new(&hak_watched_sites, stack);
    uint64_t now = hak_ticks();
    hak_watched_to_skip = draw(now);
    if (!hak_watched_is_on)
        return;
    if (is_for_later(suspect, chance)) {
        __atomic_fetch_or(&at->slot->subkind, (uint8_t)HAK_SLOT_WATCHED, __ATOMIC_RELAXED);
        return;
    }
    if (!hak_watch_try())
        return;
    int index = -1;
    bool is_open = hak_watch_may_move(&turns, now) && open_registers();
    now = hak_ticks(); /* registers are opened once */
    if (is_open)
        index = hak_watch_choose(&turns, registers, now, is_new || suspect);
    if (index >= 0 && is_handed_out && !suspect && !hak_watch_is_turn(&hak_watched_sites, stack)) {
        hak_watched_to_skip = 1;
        index = -1;
    }
    if (index >= 0) {
        struct hak_watch_move move;
        hak_watch_begin(&turns, &move);
        unsigned turn =
            is_handed_out ? hak_watch_count_site(&hak_watched_sites, stack) : (unsigned)(now >> 4);
        bool is_set =
            put_in_register((unsigned)index, at, choose_side(chance, turn, suspect), turn, now);
        turns.is_first[index] = suspect != NULL && is_set;
        hak_watch_charge(&turns, &move);
    }
    hak_watch_done();
}

/* Waits a while until the calling thread may move registers; false: it may not. */
static bool wait_for_registers(void) {
    unsigned tries = 0;
    while (!hak_watch_try()) {
        if (++tries > WAIT_TRIES)
            return false;
        struct timespec pause = {.tv_nsec = WAIT_PAUSE_NS};
        (void)hak_raw_call(SYS_nanosleep, &pause, 0);
    }
    return true;
}

/* Watches the rest of a guarded block's page; one that is expected keeps its register. */
static void put_guarded(unsigned index, const struct hak_located *at, bool is_expected,
                        uint64_t now) {
    struct hak_watch_move move;
    bool is_set = false;
    hak_watch_begin(&turns, &move);
    /* A busy machine may not let a tracer have the thread in time. */
    for (unsigned tries = is_expected ? EXPECTED_TRIES : 1; !is_set && tries; tries--)
        is_set = put_in_register(index, at, HAK_WATCHED_BEHIND, 0, now);
    if (is_set && is_expected) {
        turns.is_first[index] = true;
        turns.free[index] = UINT64_MAX;
    }
    hak_watch_charge(&turns, &move);
}

/* Returns how many registers, from the first on, have ROTATING among them that no expected block
 * keeps, or all that there are. */
static unsigned count_rotating(void) {
    unsigned count = 0;
    for (unsigned rotating = 0; count < registers && rotating < ROTATING; count++)
        rotating += !turns.is_first[count];
    return count;
}

/* Offers a block of one of the stacks that a file names (HAKMEM_GUARD=only:) to a register, with
 * bytes in front of the closed page that it does not guard. The one at which damage is expected
 * keeps its register. */
static void offer_guarded(const struct hak_located *at) {
    bool is_expected = at->large->watch == HAK_GUARDED_EXPECTED;
    int index = -1;
    if (!hak_watched_is_on || !(is_expected ? wait_for_registers() : hak_watch_try()))
        return;
    uint64_t now = hak_ticks();
    bool may_move = hak_watch_may_move(&turns, now) || is_expected;
    if (may_move && open_registers())
        index = hak_watch_choose(&turns, registers, now, is_expected);
    if (may_move && index < 0)
        index = hak_watch_choose(&turns, count_rotating(), now, true);
    if (index >= 0)
        put_guarded((unsigned)index, at, is_expected, now);
    hak_watch_done();
}

/* ---- the newest guarded blocks ----------------------------------------------------------------
 *
 * The first block of a site has one register at its slack and one in front: until it is freed or no
 * other block has come for a while, or a later one needs them. The one at the slack is left to
 * blocks whose size is as odd (hak_watch_choose_newest). */

/* Charges the time for which the thread ran, in the kernel as well, while registers stood open: a
 * processor copies and clears memory more slowly then. */
static void charge_standing(void) {
    uint64_t ns;
    if (!hak_watch_stood(0, &ns))
        return;
    if (ns < newest.stood_ns) /* they were opened anew */
        newest.stood_ns = newest.stood_since_ns = 0;
    hak_credit_charge(&newest.credit, &newest_terms,
                      hak_watch_ticks(ns - newest.stood_ns) / STANDING_PART);
    newest.stood_ns = ns;
}

/* True when the budget allows registers to stay open for the newest blocks. */
static bool may_stand(uint64_t now) {
    if (newest.looked_at == 0)
        atomic_store(&newest.credit.left, newest_terms.most);
    charge_standing();
    if (now - newest.looked_at > EARN_EVERY_TICKS) {
        newest.looked_at = now;
        (void)hak_credit_earn(&newest.credit, &newest_terms,
                              hak_ran_ticks(&newest.ran, CLOCK_PROCESS_CPUTIME_ID));
    }
    return hak_credit_left(&newest.credit) > 0;
}

/* Opens registers for the newest blocks on this thread. False: none; if the kernel refuses, it is
 * not tried again. */
static bool open_newest(void) {
    if (!hak_is_own_process())
        return false;
    if (!hak_trace_hears_traps())
        hak_watch_end(HAK_UNWATCHED_NO_HANDLER);
    registers = hak_watch_open(HAK_WATCH_REGISTERS);
    if (registers == 0 && hak_watch_refusal() != 0)
        turn_off();
    return registers != 0;
}

/* Watches one side of the block, if a register may stand there. */
static void put_newest(const struct hak_located *at, enum hak_watched_side side, uint64_t now) {
    struct hak_watched piece;
    unsigned oddness = side == HAK_WATCHED_BEHIND ? hak_watch_oddness(hak_asked_bytes_of(at)) : 0;
    if (!find_piece(at, side, 0, &piece))
        return;
    int index = hak_watch_choose_newest(&turns, registers, oddness);
    if (index < 0)
        return;
    newest.passes[index] = 0;
    hak_credit_charge(&newest.credit, &newest_terms, MOVE_TICKS);
    if (put_in_register((unsigned)index, at, side, 0, now))
        turns.oddness[index] = (uint8_t)oddness;
}

/* Closes the registers of the newest blocks and forgets what they watched. */
static void close_newest(void) {
    newest.stood_ns = newest.stood_since_ns = 0;
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++) {
        atomic_store(&watched[i].slot, NULL);
        hak_watch_note_clear(&turns, i);
    }
    hak_watch_close();
}

/* Watches the end and the start of the block that was just handed out, if the budget allows; else
 * closes the registers. */
static void offer_newest(const struct hak_located *at) {
    if (!hak_watched_is_on || !hak_watch_try())
        return;
    uint64_t now = hak_ticks();
    bool may = may_stand(now), is_open = hak_watch_is_callers();
    if (!may)
        close_newest();
    if (may && !is_open) {
        hak_credit_charge(&newest.credit, &newest_terms, OPEN_TICKS);
        newest.stood_ns = 0;
    }
    if (may && open_newest()) {
        put_newest(at, HAK_WATCHED_BEHIND, now);
        put_newest(at, HAK_WATCHED_IN_FRONT, now);
        newest.stood_since_ns = newest.stood_ns;
    }
    hak_watch_done();
}

/* Charges the time that registers stood open, and closes them after a moment or without budget. */
static void count_beat(void) {
    if (!hak_watch_try()) /* it comes again */
        return;
    charge_standing();
    if (newest.stood_ns - newest.stood_since_ns >= NEWEST_MOMENT_NS ||
        hak_credit_left(&newest.credit) <= 0)
        close_newest();
    hak_watch_done();
}

bool hak_watched_sees_reads(void) {
    return newest.is_on;
}

bool hak_watched_hold(uint64_t tag) {
    unsigned index = (unsigned)(tag & (HAK_WATCH_REGISTERS - 1));
    if (!hak_watch_try())
        return false;
    if (atomic_load(&watched[index].version) == (uint32_t)(tag >> INDEX_BITS)) {
        hak_watch_clear(index);
        return true;
    }
    hak_watch_done();
    return false;
}

/* After a stop: the register watches on, or is given up after NEWEST_PASSES stops or a fault. */
void hak_watched_go_on(uint64_t tag, bool is_fault) {
    unsigned index = (unsigned)(tag & (HAK_WATCH_REGISTERS - 1));
    hak_credit_charge(&newest.credit, &newest_terms, STOP_TICKS);
    if (!is_fault && ++newest.passes[index] < NEWEST_PASSES && atomic_load(&watched[index].slot)) {
        hak_watch_resume(index);
    } else {
        atomic_store(&watched[index].slot, NULL);
        hak_watch_note_clear(&turns, index);
    }
    hak_watch_done();
}

/* Offers a block that is handed out to a register; one that lies alone has closed pages around it,
 * but for those with a note. */
void hak_watched_offer(const struct hak_located *at) {
    if (newest.is_on) {
        if (hak_is_guarded(at) && at->large->watch == HAK_GUARDED_NEWEST)
            offer_newest(at);
        return;
    }
    if (hak_is_guarded(at) && at->large->watch != HAK_GUARDED_UNWATCHED)
        offer_guarded(at);
    else if (!hak_is_guarded(at) && !turns.is_for_suspects)
        offer(at, HANDED_OUT);
}

void hak_watched_offer_briefly(const struct hak_located *at) {
    struct hak_watched piece;
    uint64_t now = hak_ticks();
    if (at->large->watch != HAK_GUARDED_UNWATCHED || !hak_watched_is_on || !hak_watch_try())
        return;
    bool has_slack = find_piece(at, HAK_WATCHED_BEHIND, 0, &piece);
    int index = open_registers() ? hak_watch_choose(&turns, registers, now, false) : -1;
    enum hak_watched_side side = has_slack ? HAK_WATCHED_BEHIND : HAK_WATCHED_IN_FRONT;
    bool is_set = index >= 0 && put_in_register((unsigned)index, at, side, 0, now);
    if (is_set)
        hak_sample_register_set(hak_watch_ticks(HAK_WATCH_MOMENT_NS));
    else if (index >= 0)
        (void)open_registers(); /* where that was for good, it is said */
    hak_watch_done();
}

void hak_watched_end_moment(uint64_t tag) {
    if (newest.is_on) {
        count_beat();
        return;
    }
    unsigned index = (unsigned)(tag & (HAK_WATCH_REGISTERS - 1));
    if (!hak_watch_try()) /* it comes again */
        return;
    if (atomic_load(&watched[index].version) == (uint32_t)(tag >> INDEX_BITS)) {
        atomic_store(&watched[index].slot, NULL);
        clear(index);
    }
    hak_watch_done();
}

void hak_watched_thread_end(void) {
    uint64_t ns;
    if (newest.is_on && hak_watched_is_on && wait_for_registers()) {
        if (hak_watch_is_callers())
            close_newest();
        hak_watch_done();
        return;
    }
    if (!hak_watched_is_on || !is_any_set() || !wait_for_registers())
        return;
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        if (turns.set[i] != 0 && hak_watch_stood(i, &ns)) {
            atomic_store(&watched[i].slot, NULL);
            clear(i);
        }
    hak_watch_done();
}

void hak_watched_offer_freed(const struct hak_located *at) {
    if (!at->large && hak_options.poison)
        offer(at, FREED_NOW);
}

void hak_watched_offer_resized(const struct hak_located *at) {
    offer(at, RESIZED);
}

void hak_watched_suspect(uint32_t alloc_stack, enum hak_watched_side side) {
    if (hak_watched_is_on)
        hak_watch_suspect(&hak_watched_sites, alloc_stack, (uint8_t)side);
}

/* ---- what a register stands at ----------------------------------------------------------------
 */

bool hak_watched_find(uint64_t tag, struct hak_watched *found) {
    unsigned index = (unsigned)(tag & (HAK_WATCH_REGISTERS - 1));
    uint32_t version = (uint32_t)(tag >> INDEX_BITS);
    if (atomic_load(&watched[index].version) != version)
        return false;
    *found = watched[index].at;
    found->slot = atomic_load(&watched[index].slot);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load(&watched[index].version) == version && found->slot != NULL;
}

bool hak_watched_which(struct hak_watched *found, bool (*is_fault)(const struct hak_watched *)) {
    unsigned suspects = 0;
    bool is_found = false;
    struct hak_watch_move move;
    if (!hak_watch_try()) /* the registers are just being moved: it comes again */
        return false;
    hak_watch_begin(&turns, &move);
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        if (hak_watched_find(hak_watch_tag(i), found) && is_fault(found))
            suspects |= 1u << i;
    suspects &= suspects ? hak_watch_ask() : 0;
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS && !is_found; i++)
        is_found = (suspects >> i & 1) && hak_watched_find(hak_watch_tag(i), found);
    if (!is_found)
        hak_watch_settle();
    hak_watch_charge(&turns, &move);
    hak_watch_done();
    return is_found;
}

/* ---- the moments of a process ---------------------------------------------------------------- */

/* Ends all watching, for the reason `why`. */
static void end_for(enum hak_unwatched why) {
    bool is_held = hak_watch_try();
    hak_watch_end(why);
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        atomic_store(&watched[i].slot, NULL);
    if (is_held)
        hak_watch_done();
    turn_off();
}

/* Ends all watching before a sandbox, in which ioctl or the return from a handler may be the
 * program's end. */
static void end_for_sandbox(void) {
    end_for(HAK_UNWATCHED_SANDBOX);
}

/* The program is about to ignore SIGTRAP. */
static void end_for_handler(void) {
    if (hak_watched_is_on)
        end_for(HAK_UNWATCHED_NO_HANDLER);
}

/* Sets the registers of a new thread, where it inherits none. The thread that moves them just now
 * may have met it while it still had all signals blocked. */
static void join_watch(void) {
    if (!hak_watched_is_on || !wait_for_registers())
        return;
    uint64_t now = hak_ticks();
    if (is_any_set() && hak_watch_may_join(&turns, now)) {
        struct hak_watch_move move;
        hak_watch_begin(&turns, &move);
        hak_watch_join();
        hak_watch_charge(&turns, &move);
    }
    hak_watch_done();
}

static HAK_COLD void refuse(enum hak_unwatched why) {
    hak_watch_end(why);
    note_refusal();
}

void hak_watched_start(void) {
    turns.is_brief = hak_options.check == HAK_CHECK_LIGHT;
    if (turns.is_brief)
        hak_watch_start_briefly();
    if (!hak_watch_is_possible()) {
        refuse(HAK_UNWATCHED_PROCESSOR);
        return;
    }
    if (!hak_layout_has_header() || !hak_stops_at_illegal_hop()) {
        refuse(HAK_UNWATCHED_LEVEL);
        return;
    }
    if (!hak_trace_hears_traps()) {
        refuse(HAK_UNWATCHED_NO_HANDLER);
        return;
    }
    hak_watched_is_on = true;
    turns.is_for_suspects = hak_guards_stacks;
    hak_sandbox_steps[HAK_SANDBOX_WATCH] = end_for_sandbox;
    if (!turns.is_brief && hak_watch_start()) {
        turns.is_slow = true;
        hak_trace_keep_traps(end_for_handler);
        hak_trace_at_thread_start(join_watch);
    }
}

void hak_watched_start_newest(void) {
    if (hak_options.check != HAK_CHECK_NORMAL || !hak_trace_hears_traps())
        return;
    hak_watch_start_newest();
    newest.is_on = turns.is_brief = true;
    if (!hak_watch_is_possible()) {
        refuse(HAK_UNWATCHED_PROCESSOR);
        return;
    }
    hak_watched_is_on = true;
    hak_sandbox_steps[HAK_SANDBOX_WATCH] = end_for_sandbox;
}

/* The child has no registers of its own: begins anew, and notes if it cannot. */
void hak_watched_fork_child(void) {
    if (hak_options.watch == 0 && !newest.is_on)
        return;
    newest.ran = (struct hak_run_time){0};
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++) {
        atomic_store(&watched[i].slot, NULL);
        hak_watch_note_clear(&turns, i);
    }
    hak_watch_fork_child();
    is_refusal_noted = false;
    if (!hak_watched_is_on)
        note_refusal();
}

/* Looks at every block: finds them, decides what counts as damage, and reports it (sweep.h). */
#include "guard/sweep.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include "guard/clean_look.h"
#include "guard/guard.h"
#include "guard/pages.h"
#include "guard/pools/pools.h"
#include "guard/slot_bytes.h"
#include "large_map/large_map.h"
#include "light.h"
#include "platform/block_signals.h"
#include "platform/lock.h"
#include "platform/raw_call.h"
#include "platform/readable.h"
#include "platform/tasks.h"

enum {
    KEPT = 64,        /* damaged blocks that are remembered in one go */
    LOCK_TRIES = 200, /* a signal handler that calls exit may have interrupted the lock's holder */
    NAP_NS = 1000000,
    TAIL_BYTES = 8192, /* of a large block's end: the canary is in there */
    HEAD_BYTES = 8192, /* and of a guarded one's start */
};

/* A damaged block as it was seen. */
struct found {
    struct hak_located at;
    struct hak_slot slot;
    struct hak_large large;
    struct hak_slot *real_slot;
    enum hak_fault_code code;
    int64_t offset_bytes;
    struct hak_damage damage;
    uint8_t bytes[sizeof((struct hak_fault_facts *)0)->damage];
};

/* The result of a look at a block. */
struct look {
    unsigned code; /* of the fault; 0: none, or the block was left out */
    struct hak_damage damage;
    int64_t offset_bytes;
    ptrdiff_t distance; /* from where the damage was seen to the block's own bytes */
};

/* One sweep at a time. */
static struct {
    struct hak_lock lock;     /* tried, never waited for */
    bool is_alone;            /* no other thread is there, and no handler interrupts this one */
    size_t found_count;       /* damaged blocks */
    size_t looked_at;         /* blocks */
    size_t closed_count;      /* blocks that were not, since the program has closed pages of them */
    bool is_live_left_out;    /* a block of the program's could not be looked at */
    bool is_freed_left_out;   /* the same of a freed one */
    struct hak_readable page; /* the last one that could be read */
    struct found found[KEPT]; /* the first of them */
    char head[HEAD_BYTES], tail[TAIL_BYTES];
} sweep;

static void leave_out(bool is_live) {
    sweep.is_live_left_out |= is_live;
    sweep.is_freed_left_out |= !is_live;
}

/* A program may close pages of its blocks (mprotect), and a read there would be its end. */
static bool can_read(const void *from, size_t bytes) {
    return hak_may_be_readable(&sweep.page, from, bytes);
}

static void leave_closed_out(bool is_live) {
    sweep.closed_count++;
    leave_out(is_live);
}

/* Copies bytes where the kernel does not: it is asked, and they are read. Another thread may close
 * a page right behind the question: the handler stops such a read, which takes a signal that is not
 * blocked (platform/readable.h). */
static bool copy_by_reading(const char *from, char *to, size_t bytes) {
    const uint64_t faults = (uint64_t)1 << (SIGSEGV - 1) | (uint64_t)1 << (SIGBUS - 1);
    uint64_t before = 0;
    long result = hak_raw_call(SYS_rt_sigprocmask, SIG_UNBLOCK, &faults, &before, sizeof before);
    bool is_copied = hak_copy_readable(&(struct hak_readable){0}, to, from, bytes);
    if (result == 0)
        (void)hak_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof before);
    return is_copied;
}

/* Copies bytes by way of the kernel; false: some of them cannot be read. A kernel may be without
 * the call (CONFIG_CROSS_MEMORY_ATTACH), and qemu-user is. */
static bool copy(const char *from, char *to, size_t bytes) {
    struct iovec local = {to, bytes}, remote = {(void *)(uintptr_t)from, bytes};
    long pid = hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    long result = hak_raw_call(SYS_process_vm_readv, pid, (long)&local, 1, (long)&remote, 1, 0);
    return result == -ENOSYS ? copy_by_reading(from, to, bytes) : result == (long)bytes;
}

/* ---- one block --------------------------------------------------------------------------------
 */

/* A copy of the slot's state, which other threads may be changing. */
static struct hak_slot state_now(const struct hak_slot *slot) {
    struct hak_slot now;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    now = *(const volatile struct hak_slot *)slot;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return now;
}

/* True when the slot still is in the state that was looked at. */
static bool is_same_life(const struct hak_slot *before, const struct hak_slot *now) {
    return !now->is_changing && now->place == before->place && now->subkind == before->subkind &&
           now->record_count == before->record_count && now->asked_bytes == before->asked_bytes &&
           now->user_delta == before->user_delta && now->lives == before->lives;
}

/* True for a live block with a border and a poisoned free one, unless it changes or was reported
 * before. */
static bool is_to_be_looked_at(const struct hak_slot *slot, bool has_border) {
    if (slot->is_changing || (slot->subkind & HAK_SLOT_TOLD))
        return false;
    if (slot->place == HAK_PLACE_LIVE)
        return has_border;
    return hak_options.poison && (slot->subkind & HAK_SLOT_POISONED);
}

/* Copies what was found, with its damaged bytes, to be reported when the locks are open. Only the
 * first KEPT are kept; all are counted. */
static void keep_found(const struct hak_located *at, struct hak_slot *real_slot,
                       const struct look *look) {
    const struct hak_damage *damage = &look->damage;
    struct found *found = &sweep.found[sweep.found_count];
    if (sweep.found_count++ >= KEPT)
        return;
    found->at = *at;
    found->slot = *at->slot;
    found->at.slot = &found->slot;
    if (at->large) {
        found->large = *at->large;
        found->at.large = &found->large;
    }
    found->real_slot = real_slot;
    found->code = (enum hak_fault_code)look->code;
    found->offset_bytes = look->offset_bytes;
    found->damage = *damage;
    size_t bytes = 0;
    for (; bytes < sizeof found->bytes && damage->first + bytes < damage->end; bytes++)
        found->bytes[bytes] = damage->first[bytes];
    found->damage.first = found->bytes;
    found->damage.last = found->bytes + (damage->last - damage->first);
    found->damage.end = found->bytes + bytes;
}

/* Pointers into itself go with it. */
static void move_found(struct found *to, const struct found *from) {
    *to = *from;
    to->at.slot = &to->slot;
    to->at.large = from->at.large ? &to->large : NULL;
    to->damage.first = to->bytes;
    to->damage.last = to->bytes + (from->damage.last - from->damage.first);
    to->damage.end = to->bytes + (from->damage.end - from->damage.first);
}

/* Compares the bytes of the block `at`, whose state is a copy, as they lie at `bytes`. Returns the
 * code of the fault, 0 for none. */
static unsigned find_damage(const struct hak_located *at, const char *header, char *bytes,
                            struct hak_damage *damage, int64_t *offset_bytes) {
    const uint8_t *user = (const uint8_t *)bytes + hak_delta_bytes_of(at);
    if (at->slot->place != HAK_PLACE_LIVE) {
        *damage = hak_poison_damage(at);
        *offset_bytes = damage->first - user;
        return damage->bytes ? HAK_FAULT_WRITE_AFTER_FREE : 0;
    }
    *damage = hak_header_damage_in(at, header);
    *offset_bytes = damage->first - (const uint8_t *)header - HAK_HEADER_BYTES;
    if (damage->bytes)
        return HAK_FAULT_HEAP_BUFFER_UNDERFLOW;
    *damage = hak_canary_damage_in(at, bytes);
    *offset_bytes = damage->first - user;
    damage->is_open = damage->last + 1 == damage->end;
    return damage->bytes ? HAK_FAULT_HEAP_BUFFER_OVERFLOW : 0;
}

/* How many bytes in front of a large block's first are compared. */
static size_t bytes_in_front(const struct hak_large *large) {
    return large->guarded_side == HAK_NOT_GUARDED     ? HAK_HEADER_BYTES
           : large->guarded_side == HAK_GUARDED_AFTER ? large->user_delta
                                                      : 0;
}

static size_t bytes_behind(const struct hak_located *at) {
    size_t bytes = at->slot_bytes - hak_delta_bytes_of(at) - hak_asked_bytes_of(at);
    return at->large && bytes > TAIL_BYTES ? TAIL_BYTES : bytes;
}

/* Whether all that a sweep compares of a block can be read: of a live one the bytes around it, of a
 * freed one the pages that hakmem has not closed. */
static bool is_open(const struct hak_located *at) {
    if (at->slot->place == HAK_PLACE_LIVE) {
        const char *user = hak_user_in(at), *canary = user + hak_asked_bytes_of(at);
        size_t in_front = at->large ? bytes_in_front(at->large) : HAK_HEADER_BYTES;
        return can_read(user - in_front, in_front) && can_read(canary, bytes_behind(at));
    }
    const char *slab = (const char *)((uintptr_t)at->base & ~(uintptr_t)(HAK_SLAB_BYTES - 1));
    for (uint32_t rest = hak_pages_of(at) & ~hak_closed_pages_of(at); rest; rest &= rest - 1)
        if (!can_read(slab + (size_t)__builtin_ctz(rest) * HAK_PAGE_BYTES, 1))
            return false;
    return true;
}

/* A live block as find_damage reads it. */
struct border {
    const char *header;
    char *bytes;
};

/* Beside other threads, of which one may close or unmap pages of its block at any moment, a copy of
 * what lies around one that can have pages of its own. False: some of it cannot be read. */
static bool take_border(const struct hak_located *at, struct border *border) {
    size_t in_front = at->large ? bytes_in_front(at->large) : HAK_HEADER_BYTES;
    size_t header = in_front ? HAK_HEADER_BYTES : 0, behind = bytes_behind(at);
    size_t from = hak_delta_bytes_of(at) + hak_asked_bytes_of(at);
    *border = (struct border){hak_user_in(at) - header, at->base};
    if (sweep.is_alone || at->slot_bytes < HAK_PAGE_BYTES || behind > TAIL_BYTES)
        return true;
    if (!copy(hak_user_in(at) - in_front, sweep.head, in_front) ||
        !copy(at->base + from, sweep.tail, behind))
        return false;
    *border = (struct border){sweep.head + in_front - header, sweep.tail - from};
    return true;
}

/* Compares the block `at`, whose state is a copy, if it can be read. */
static struct look look_at_block(const struct hak_located *at) {
    struct look look = {0};
    struct border border = {.bytes = at->base};
    bool is_live = at->slot->place == HAK_PLACE_LIVE;
    if (!is_open(at)) {
        leave_closed_out(is_live);
    } else if (is_live && !take_border(at, &border)) {
        leave_out(true);
    } else {
        sweep.looked_at++;
        look.code = find_damage(at, border.header, border.bytes, &look.damage, &look.offset_bytes);
        look.distance = at->base - border.bytes;
    }
    return look;
}

/* Damage that was found in a copy, where the block's own bytes lie. */
static void put_in_place(struct look *look) {
    look->damage.first += look->distance;
    look->damage.last += look->distance;
    look->damage.end += look->distance;
}

/* ---- slabs ------------------------------------------------------------------------------------
 */

struct slab_seen {
    struct hak_superslab *superslab;
    unsigned index, class_index;
    uint32_t epoch;
};

/* True when the slab still serves the class, since the same time. */
static bool serves_as_before(const struct slab_seen *seen) {
    const volatile struct hak_superslab *superslab = seen->superslab;
    return superslab->class_of_slab[seen->index] == seen->class_index &&
           superslab->slabs[seen->index].epoch == seen->epoch;
}

/* Looks at a slot's border or poison. If it changed meanwhile or its pages are closed, it is left
 * out, and that is counted. */
static void look_at_slot(const struct slab_seen *seen, struct hak_slot *slot, size_t offset) {
    struct hak_slot before = state_now(slot);
    size_t slot_bytes = hak_class_bytes(seen->class_index);
    if (before.is_changing)
        sweep.is_live_left_out = sweep.is_freed_left_out = true;
    if (!is_to_be_looked_at(&before, hak_layout_has_header()))
        return;
    if ((size_t)before.user_delta * 8 + before.asked_bytes > slot_bytes) {
        leave_out(before.place == HAK_PLACE_LIVE);
        return;
    }
    struct hak_located at = {.slot = &before,
                             .base =
                                 (char *)seen->superslab + seen->index * HAK_SLAB_BYTES + offset,
                             .slot_bytes = slot_bytes,
                             .superslab = seen->superslab,
                             .epoch = seen->epoch,
                             .class_index = seen->class_index};
    /* Pages with live blocks are open. Closed ones were found whole when they were closed. */
    if (before.place != HAK_PLACE_LIVE && hak_closed_pages_of(&at) == hak_pages_of(&at))
        return;
    struct look look = look_at_block(&at);
    if (HAK_LIKELY(!look.code))
        return;
    struct hak_slot now = state_now(slot);
    if (!is_same_life(&before, &now) || !serves_as_before(seen)) {
        sweep.is_live_left_out = sweep.is_freed_left_out = true;
        return;
    }
    if (look.code == HAK_FAULT_HEAP_BUFFER_OVERFLOW) {
        put_in_place(&look);
        hak_follow_overflow(&at, &look.damage);
    }
    keep_found(&at, slot, &look);
}

/* Looks at all carved slots of a slab. */
static void look_at_slab(struct hak_superslab *superslab, unsigned index) {
    struct slab_seen seen = {.superslab = superslab,
                             .index = index,
                             .class_index = superslab->class_of_slab[index],
                             .epoch = superslab->slabs[index].epoch};
    if (seen.class_index >= HAK_CLASSES)
        return;
    size_t slot_bytes = hak_class_bytes(seen.class_index);
    size_t offset = hak_first_slot_offset(seen.class_index);
    struct hak_slot *slot = hak_states_of(superslab, index) + hak_first_state(seen.class_index);
    for (uint32_t left = __atomic_load_n(&superslab->slabs[index].carved, __ATOMIC_RELAXED);
         left && offset + slot_bytes <= HAK_SLAB_BYTES; left--, slot++, offset += slot_bytes)
        look_at_slot(&seen, slot, offset);
}

static void look_at_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    (void)context;
    if (owner == HAK_OWNER_RESERVE || !superslab->slots)
        return;
    for (unsigned index = 1; index < HAK_SLABS; index++)
        look_at_slab(superslab, index);
}

/* ---- large blocks -----------------------------------------------------------------------------
 */

/* Checks a guarded block that a program which goes on after a fault has opened. Another thread may
 * close it at any moment: it is copied. */
static HAK_COLD void look_at_opened(const struct hak_large *large) {
    struct hak_large before = *large;
    struct hak_slot *slot = (struct hak_slot *)(uintptr_t)&large->slot;
    struct hak_located at;
    before.slot = state_now(&large->slot);
    at = hak_located_as_large(&before);
    if (before.slot.place == HAK_PLACE_LIVE ||
        before.user_delta + before.asked_bytes > before.mapped_bytes)
        return;
    struct hak_filled filled = hak_filled_of_opened(&at);
    size_t head = (size_t)(filled.end - filled.start),
           tail = (size_t)(filled.tail_end - filled.tail);
    if (head > sizeof sweep.head || tail > sizeof sweep.tail ||
        !copy(filled.start, sweep.head, head) || !copy(filled.tail, sweep.tail, tail))
        return;
    sweep.looked_at++;
    struct look look = {.code = HAK_FAULT_WRITE_AFTER_FREE,
                        .damage = hak_opened_damage(&at, filled.start, sweep.head, head)};
    look.offset_bytes = (const char *)look.damage.first - sweep.head;
    if (!look.damage.bytes) {
        look.damage = hak_opened_damage(&at, filled.tail, sweep.tail, tail);
        look.offset_bytes =
            filled.tail - filled.start + ((const char *)look.damage.first - sweep.tail);
    }
    struct hak_slot now = state_now(slot);
    if (look.damage.bytes && is_same_life(&before.slot, &now))
        keep_found(&at, slot, &look);
}

/* Checks a large block's header and canary, reading only the pages around it; one that changes
 * meanwhile is left out. */
static void look_at_large(struct hak_large *large, void *context) {
    (void)context;
    struct hak_large before = *large;
    before.slot = state_now(&large->slot);
    struct hak_slot *slot = (struct hak_slot *)(uintptr_t)&large->slot;
    struct hak_located at;
    at = hak_located_as_large(&before);
    size_t in_front = bytes_in_front(&before);
    if (before.slot.place == HAK_PLACE_GUARDED && is_to_be_looked_at(&before.slot, false)) {
        look_at_opened(large);
        return;
    }
    if (before.slot.place != HAK_PLACE_LIVE ||
        !is_to_be_looked_at(&before.slot, hak_has_border(&at)) ||
        before.user_delta + before.asked_bytes > before.mapped_bytes ||
        before.user_delta < in_front || in_front > HEAD_BYTES) {
        sweep.is_live_left_out |= before.slot.is_changing || before.slot.place == HAK_PLACE_LIVE;
        return;
    }
    struct look look = look_at_block(&at);
    if (HAK_LIKELY(!look.code))
        return;
    struct hak_slot now = state_now(slot);
    if (is_same_life(&before.slot, &now) && large->asked_bytes == before.asked_bytes &&
        large->mapped_bytes == before.mapped_bytes && large->base.p == before.base.p)
        keep_found(&at, slot, &look);
    else
        sweep.is_live_left_out = true;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

/* Tries the registry's lock `tries` times with naps between. False: never free. */
static bool lock_patiently(unsigned tries) {
    struct timespec nap = {.tv_nsec = NAP_NS};
    while (!hak_try_lock(&hak_registry_lock)) {
        if (tries-- == 0)
            return false;
        (void)hak_raw_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
    }
    return true;
}

static bool begin(void) {
    return hak_stops_at_illegal_hop() && hak_is_own_process() && hak_try_lock(&sweep.lock);
}

static void end(void) {
    hak_unlock(&sweep.lock);
}

void hak_sweep_fork_child(void) {
    (void)hak_lock_was_left(&sweep.lock);
}

/* Sweeps all slabs with the registry's lock; false: it could not be taken. */
static bool look_at_slabs(unsigned tries) {
    if (!lock_patiently(tries))
        return false;
    hak_pages_hold();
    hak_registry_each(look_at_superslab, NULL);
    hak_pages_release();
    hak_unlock(&hak_registry_lock);
    return true;
}

/* Sweeps all blocks with all signals blocked, as a handler could give back the one that is looked
 * at; in level light only guarded ones. False: the slabs could not be looked at. */
static bool look_at_all(unsigned tries) {
    uint64_t signals;
    hak_block_signals(&signals);
    sweep.found_count = sweep.looked_at = sweep.closed_count = 0;
    sweep.page = (struct hak_readable){0};
    sweep.is_live_left_out = sweep.is_freed_left_out = false;
    sweep.is_alone = hak_is_only_task();
    bool has_looked = hak_light_serves() || look_at_slabs(tries);
    if (has_looked) {
        hak_large_each(look_at_large, NULL);
        hak_hop_count(HAK_COUNTED_SWEEP, HAK_CLASS_NONE, sweep.looked_at);
        if (sweep.closed_count)
            hak_hop_count(HAK_COUNTED_CLOSED_LOOK, HAK_CLASS_NONE, sweep.closed_count);
    }
    hak_restore_signals(&signals);
    return has_looked;
}

/* Puts an underflow before the overflow of the block in front of it where one write did both: a
 * write before a block's start may have gone through its header into the canary of the block in
 * front of it, from the middle of that to its end: then it is not that block which is told. */
static void put_writers_first(size_t kept) {
    for (size_t i = 0; i + 1 < kept; i++) {
        struct found *before = &sweep.found[i], *behind = before + 1;
        const struct hak_located *at = &before->at;
        size_t canary = hak_delta_bytes_of(at) + hak_asked_bytes_of(at);
        size_t first = (size_t)(before->offset_bytes + (int64_t)hak_delta_bytes_of(at));
        size_t last = first + (size_t)(before->damage.last - before->damage.first);
        if (before->code == HAK_FAULT_HEAP_BUFFER_OVERFLOW && first > canary &&
            last == at->slot_bytes - 1 && behind->code == HAK_FAULT_HEAP_BUFFER_UNDERFLOW &&
            behind->at.base == at->base + at->slot_bytes) {
            struct found other = *before;
            move_found(before, behind);
            move_found(behind, &other);
        }
    }
}

/* A finding of what the sweep kept, for the report. */
static struct hak_finding make_sweep_finding(const struct found *found,
                                             enum hak_found_by found_by) {
    return (struct hak_finding){
        .code = found->code,
        .kind = found_by == HAK_FOUND_BY_EXIT ? HAK_PROCESS_END : HAK_FAULT,
        .pointer = hak_user_in(&found->at),
        .offset_bytes = found->offset_bytes,
        .class_found = HAK_CLASS_NONE,
        .found_by = found_by,
        .damage = &found->damage,
        .closed_blocks = sweep.closed_count,
    };
}

/* Reports what a sweep found, and notes it as told. The damage stays as it is, since its block may
 * be another thread's. */
static void report(struct found *found, enum hak_found_by found_by, size_t more) {
    struct hak_finding finding = make_sweep_finding(found, found_by);
    finding.more_damaged = (uint32_t)more;
    __atomic_fetch_or(&found->real_slot->subkind, HAK_SLOT_TOLD, __ATOMIC_RELAXED);
    hak_report_fault(&found->at, &finding);
}

/* Notes that a sweep found nothing: damage that is found later was done since `ticks`. */
static void remember_clean(enum hak_found_by found_by, uint64_t ticks) {
    uint8_t flags = 0;
    uint64_t how = (uint64_t)found_by << 32;
    if (sweep.is_live_left_out && sweep.is_freed_left_out)
        return;
    if (found_by != HAK_FOUND_BY_EXIT) /* nobody of the program's calls it */
        how |= hak_take_call_stack(NULL, &flags);
    if (!sweep.is_live_left_out)
        hak_clean_look_note(false, ticks, how);
    if (!sweep.is_freed_left_out)
        hak_clean_look_note(true, ticks, how);
}

size_t hak_sweep(enum hak_found_by found_by) {
    size_t all = 0;
    if (!begin())
        return 0;
    uintptr_t ear = hak_tags_begin_own();
    uint64_t ticks = hak_ticks();
    bool has_looked;
    while ((has_looked = look_at_all(LOCK_TRIES)) && sweep.found_count) {
        size_t kept = sweep.found_count < KEPT ? sweep.found_count : KEPT;
        put_writers_first(kept);
        for (size_t i = 0; i < kept; i++)
            report(&sweep.found[i], found_by, sweep.found_count - i - 1);
        all += kept;
        if (kept == sweep.found_count)
            break;
    }
    if (has_looked && all == 0)
        remember_clean(found_by, ticks);
    hak_tags_end_own(ear);
    all += hak_redzone_sweep(found_by);
    end();
    return all;
}

size_t hak_sweep_quietly(struct hak_fault_facts *facts) {
    size_t count = 0;
    if (!begin())
        return 0;
    if (look_at_all(0) && (count = sweep.found_count) != 0) {
        put_writers_first(count < KEPT ? count : KEPT);
        struct hak_finding finding = make_sweep_finding(&sweep.found[0], HAK_FOUND_BY_CRASH);
        finding.more_damaged = (uint32_t)count - 1;
        hak_make_facts(facts, &sweep.found[0].at, &finding);
    }
    end();
    return count;
}

size_t hak_check_sweep(void) {
    return hak_sweep(HAK_FOUND_BY_VERIFY);
}

/* ---- the ends of a process --------------------------------------------------------------------
 */

static void sweep_at_end(void) {
    if (hak_options.sweep)
        (void)hak_sweep(HAK_FOUND_BY_EXIT);
}

/* Sweeps at exit, after the program's handlers; destructors with a priority come later (leaks,
 * trace). */
__attribute__((destructor)) static void sweep_at_exit(void) {
    hak_trace_exit_flushes(true);
    sweep_at_end();
    hak_trace_exit_flushes(false);
}

/* glibc keeps the first 32 such handlers without allocating; they run in reverse order. */
void hak_sweep_start(void) {
    if (hak_options.sweep && hak_stops_at_illegal_hop())
        (void)at_quick_exit(sweep_at_end);
}

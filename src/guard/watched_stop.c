/* Judges a stop of a thread by a debug register: a fault of the program, or nothing. */
#include "guard/guard.h"
#include "guard/pages.h"
#include "guard/watched/watched.h"
#include "platform/raw_call.h"

/* Whether the watched block is as `was` says: the same life, open, and not changed since. */
static bool is_as_before(const struct hak_watched *was, const struct hak_located *at) {
    const struct hak_slot *slot = at->slot;
    if (slot->is_changing || slot->lives != was->lives || at->epoch != was->epoch ||
        hak_closed_pages_of(at) || !hak_raw_readable(was->address & ~(uintptr_t)7))
        return false;
    if (was->side != HAK_WATCHED_FREED)
        return slot->place == HAK_PLACE_LIVE && slot->record_count == was->record_count;
    return slot->place != HAK_PLACE_LIVE && (slot->subkind & HAK_SLOT_POISONED) &&
           !(slot->subkind & HAK_SLOT_LINKED);
}

/* Whether the watched bytes hold another value than they did; the first such is `*first`. */
static bool is_written(const struct hak_watched *was, uintptr_t *first) {
    uint64_t differs = hak_watched_value(was) ^ was->held;
    if (differs == 0)
        return false;
    *first = was->address + (unsigned)__builtin_ctzl(differs) / 8;
    return true;
}

/* The fault for the side of a block that was written. */
static enum hak_fault_code code_of(enum hak_watched_side side, bool is_late) {
    switch (side) {
    case HAK_WATCHED_BEHIND:
        return HAK_FAULT_HEAP_BUFFER_OVERFLOW;
    case HAK_WATCHED_IN_FRONT:
        return HAK_FAULT_HEAP_BUFFER_UNDERFLOW;
    default:
        return is_late ? HAK_FAULT_WRITE_AFTER_FREE : HAK_FAULT_USE_AFTER_FREE;
    }
}

/* All of the damage, for a stop that came late. */
static struct hak_damage side_damage_of(const struct hak_located *at, enum hak_watched_side side) {
    return side == HAK_WATCHED_BEHIND     ? hak_canary_damage(at)
           : side == HAK_WATCHED_IN_FRONT ? hak_header_damage(at)
                                          : hak_poison_damage(at);
}

/* Fills in the facts of a fault that a debug register stopped at; a late stop is described by the
 * damage it left. */
static void make_facts(struct hak_fault_facts *facts, const struct hak_located *at,
                       enum hak_watched_side side, uintptr_t first, enum hak_access access,
                       bool is_late) {
    struct hak_damage damage = {0};
    struct hak_finding finding = {
        .code = code_of(side, is_late),
        .kind = HAK_MALLOC, /* no call's */
        .pointer = (const void *)first,
        .offset_bytes = (const char *)first - hak_user_in(at),
        .class_found = HAK_CLASS_NONE,
        .memory = side == HAK_WATCHED_FREED ? HAK_MEMORY_INSIDE_FREE : HAK_MEMORY_UNKNOWN,
        .found_by = is_late ? HAK_FOUND_BY_LATE_WATCH : HAK_FOUND_BY_WATCH,
    };
    if (is_late && (damage = side_damage_of(at, side)).bytes != 0) {
        finding.damage = &damage;
        finding.pointer = hak_user_in(at);
        finding.offset_bytes = (const char *)damage.first - hak_user_in(at);
    }
    hak_make_facts(facts, at, &finding);
    facts->access = access;
}

/* The block is there, as it was. */
static bool find_watched_block(const struct hak_watched *was, struct hak_located *at) {
    return hak_locate(was->base, at) && at->slot == was->slot && is_as_before(was, at);
}

/* True when what the register watched was written wrongly. */
static bool is_fault_at(const struct hak_watched *was) {
    struct hak_located at;
    uintptr_t first;
    return find_watched_block(was, &at) && is_written(was, &first);
}

/* Whether a stop at a register that stops readers as well is a fault, whose facts it fills in.
 * Reads here would cause the next stop if the register were not held. */
static bool is_fault_of_newest(const struct hak_watch_hit *hit, const struct hak_stopped *stopped,
                               struct hak_fault_facts *facts) {
    struct hak_watched was;
    struct hak_located at;
    uintptr_t first = 0;
    if (hit->is_late || stopped->is_own || !hak_watched_find(hit->tag, &was) ||
        !hak_watched_hold(hit->tag))
        return false;
    bool is_there = find_watched_block(&was, &at), is_write = is_there && is_written(&was, &first);
    if (is_there && !is_write)
        first = hak_watched_read(&was, &at, stopped);
    bool is_fault =
        is_there && first != 0 && (!is_write || hak_options.guard_watch == HAK_GUARD_WATCH_ALL);
    if (is_fault)
        make_facts(facts, &at, was.side, first, is_write ? HAK_ACCESS_WRITE : HAK_ACCESS_READ,
                   false);
    is_fault = is_fault && is_as_before(&was, &at);
    if (is_fault && is_write)
        __atomic_fetch_or(&was.slot->subkind, (uint8_t)HAK_SLOT_TOLD, __ATOMIC_RELAXED);
    hak_watched_go_on(hit->tag, is_fault);
    return is_fault;
}

/* True, with the facts: the stop was a wrong write. The block counts as reported, and is watched no
 * more in either case. */
static bool is_fault_of_watched(const struct hak_watch_hit *hit, struct hak_fault_facts *facts) {
    struct hak_watched was;
    struct hak_located at;
    uintptr_t first;
    if (!(hit->is_tag_unknown ? hak_watched_which(&was, is_fault_at)
                              : hak_watched_find(hit->tag, &was)) ||
        !find_watched_block(&was, &at))
        return false;
    bool is_fault = is_written(&was, &first);
    if (is_fault)
        make_facts(facts, &at, was.side, first, HAK_ACCESS_WRITE, hit->is_late);
    is_fault = is_fault && is_as_before(&was, &at);
    if (is_fault) /* who frees it is told of the same bytes no more */
        __atomic_fetch_or(&was.slot->subkind, (uint8_t)HAK_SLOT_TOLD, __ATOMIC_RELAXED);
    hak_watched_take_off(was.slot); /* the next store of the same kind would stop, too */
    return is_fault;
}

enum hak_trapped hak_watched_trapped(const void *siginfo, const struct hak_stopped *stopped,
                                     struct hak_fault_facts *facts) {
    struct hak_watch_hit hit;
    if (!hak_watch_hit_of(siginfo, &hit))
        return HAK_TRAPPED_NOT;
    if (hit.is_trial)
        return HAK_TRAPPED_NOTHING;
    if (hit.is_over) {
        hak_watched_end_moment(hit.tag);
        return HAK_TRAPPED_NOTHING;
    }
    bool is_fault = hak_watched_sees_reads() ? is_fault_of_newest(&hit, stopped, facts)
                                             : is_fault_of_watched(&hit, facts);
    hak_hop_count(is_fault ? HAK_COUNTED_WATCH_STOP : HAK_COUNTED_WATCH_PASS, HAK_CLASS_NONE, 1);
    return !is_fault ? HAK_TRAPPED_NOTHING : hit.is_late ? HAK_TRAPPED_LATE : HAK_TRAPPED_FAULT;
}

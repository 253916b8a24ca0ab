/* A block's way to the program and back where all is well; path.h says when. */
#include "guard/path.h"

#include "guard/pages.h"
#include "guard/quarantine.h"
#include "guard/choose/choose.h"
#include "guard/pools/pools.h"
#include "guard/slot_bytes.h"
#include "guard/tags/tags.h"
#include "metrics/step.h"
#include "trace/threads/threads.h"

struct hak_check_path hak_check_path;

/* The work of a path: constants in each function that is made of take and give. */
struct path {
    bool checks_bytes; /* there is a header, a canary, and poison */
    bool is_recorded;
    bool looks_at_sites; /* HAKMEM_GUARD=sites:N */
    bool is_stopped;     /* recording is: only lives that began before are recorded */
};
#define TRACED              ((struct path){false, true, false, false})
#define RECORDED            ((struct path){true, true, false, false})
#define CHECKED             ((struct path){true, false, false, false})
#define TRACED_SITES        ((struct path){false, true, true, false})
#define RECORDED_SITES      ((struct path){true, true, true, false})
#define CHECKED_SITES       ((struct path){true, false, true, false})
#define TRACE_STOPPED       ((struct path){false, false, false, true})
#define STOPPED             ((struct path){true, false, false, true})
#define TRACE_STOPPED_SITES ((struct path){false, false, true, true})
#define STOPPED_SITES       ((struct path){true, false, true, true})

/* A record of the slot is narrow. */
HAK_IN_PLACE bool is_narrow(struct path path, const struct hak_near_slot *at) {
    return HAK_LIKELY(!path.is_recorded || hak_epoch_near(at) >> HAK_RECORD_EPOCH_BITS == 0);
}

/* The record of a call comes last in trace, so that nothing has to be kept over it. */
HAK_IN_PLACE unsigned record(const struct hak_near_slot *at, enum hak_record_kind kind,
                             size_t asked_bytes, size_t delta_bytes, uint8_t flags, uint32_t stack,
                             uint32_t count, unsigned place, unsigned subkind) {
    return hak_trace_record_call(
        hak_record_head(kind, at->class_index),
        hak_record_address(base_address(base_from(at->base)) + delta_bytes, delta_bytes, flags),
        hak_record_size(asked_bytes, stack),
        hak_record_tail(count, hak_epoch_near(at), place, subkind),
        hak_metric_of_call[kind][place]);
}

/* ---- to the program -------------------------------------------------------------------------- */

/* True when one of the slot's pages is closed. */
HAK_IN_PLACE bool has_closed_pages(const struct hak_near_slot *at) {
    uint32_t closed = at->superslab->closed_pages[at->slab_index];
    if (HAK_LIKELY(closed == 0))
        return false;
    unsigned offset = (unsigned)((uintptr_t)at->base & (HAK_SLAB_BYTES - 1));
    unsigned last = (unsigned)((offset + at->slot_bytes - 1) / HAK_PAGE_BYTES);
    return (closed & ((2u << last) - (1u << offset / HAK_PAGE_BYTES))) != 0;
}

/* By value, so that nobody takes the address of what was located. */
static HAK_COLD bool open_pages(struct hak_near_slot at) {
    struct hak_located located = hak_located_of(&at);
    return hak_pages_open(&located);
}

/* Whether a freed slot that was filled still is. */
HAK_IN_PLACE bool freed_bytes_stand(const struct hak_near_slot *at) {
    if (!(at->slot->subkind & HAK_SLOT_POISONED))
        return true;
    struct hak_filled filled = hak_filled_between(at->base + HAK_HEADER_BYTES,
                                                  at->base + at->slot_bytes, at->slot->asked_bytes);
    return !(at->slot->subkind & (HAK_SLOT_LINKED | HAK_SLOT_WATCHED)) &&
           at->slot->user_delta * 8 == HAK_HEADER_BYTES &&
           hak_freed_bytes_stand(&filled, hak_word_near(at, HAK_PATTERN_FREED));
}

/* Writes the canary from `asked_bytes` to the slot's end, then the header, a pattern of the base.
 * The header comes last because the canary's wide writes may reach over it. */
HAK_IN_PLACE void write_border_near(const struct hak_near_slot *at, size_t asked_bytes) {
    struct hak_header header = hak_header_near(at);
    hak_write_canary_near(at->base + HAK_HEADER_BYTES + asked_bytes, at->base + at->slot_bytes,
                          hak_word_near(at, HAK_PATTERN_CANARY));
    __builtin_memcpy(at->base, &header, sizeof header);
}

typedef uint32_t __attribute__((may_alias)) word_of_slot;
_Static_assert(offsetof(struct hak_slot, place) % sizeof(word_of_slot) == 0 &&
                   offsetof(struct hak_slot, subkind) == offsetof(struct hak_slot, place) + 1 &&
                   offsetof(struct hak_slot, lives) == offsetof(struct hak_slot, place) + 3,
               "the place and what stands behind it are one word");

/* Makes a slot a live block's: its place and all behind it in one store, as another thread, or a
 * signal handler, may look at it from then on. It is no longer changing, and no alignment was
 * asked. */
HAK_IN_PLACE void make_live(struct hak_slot *slot, unsigned subkind, unsigned lives,
                            bool is_left_out) {
    enum { LEFT_OUT = 1 << 23 }; /* the last bit of what stands behind the subkind */
    __atomic_store_n((word_of_slot *)(void *)&slot->place,
                     HAK_PLACE_LIVE | subkind << 8 | lives << 24 | (is_left_out ? LEFT_OUT : 0),
                     __ATOMIC_RELEASE);
}

/* Takes the call's stack; 0 where level trace, which takes stacks for the record alone, does not
 * record. */
HAK_IN_PLACE uint32_t stack_in(struct path path, hak_call_t call, uint8_t *flags) {
    return path.is_stopped && !path.checks_bytes && !path.looks_at_sites
               ? 0
               : hak_take_call_stack(call, flags);
}

/* Hands a block out by the short path. The stack comes first: little has to be kept over its call,
 * and it changes nothing. False: the long path has to do it. */
HAK_IN_PLACE bool take(struct path path, base_t base, unsigned class_index, uint32_t asked_bytes,
                       enum hak_subkind subkind, hak_call_t call) {
    enum hak_record_kind kind = subkind == HAK_BY_REALLOC ? HAK_REALLOC : HAK_MALLOC;
    size_t delta_bytes = path.checks_bytes ? HAK_HEADER_BYTES : 0;
    struct hak_near_slot at;
    uint8_t flags = 0;
    uint32_t stack = stack_in(path, call, &flags);
    if (path.looks_at_sites && !hak_tags_are_given() && HAK_UNLIKELY(!hak_site_is_done(stack))) {
        hak_stack_at_hand = (struct hak_stack_at_hand){call, stack, flags};
        return false;
    }
    if (HAK_UNLIKELY(hak_is_asked() || hak_registry_owner_fast(base.p) == HAK_OWNER_NOBODY) ||
        !hak_locate_start(base, class_index, &at) || !is_narrow(path, &at) ||
        HAK_UNLIKELY(at.superslab->class_of_slab[at.slab_index] != class_index))
        return false;
    struct hak_slot *slot = at.slot;
    unsigned from = slot->place;
    if (HAK_UNLIKELY(from == HAK_PLACE_LIVE || !hak_move_is_allowed(kind, from)))
        return false;
    if (path.checks_bytes) {
        hak_slot_begin_change(slot);
        if (HAK_UNLIKELY(has_closed_pages(&at)) && !open_pages(at))
            return false;
        if (HAK_UNLIKELY(!freed_bytes_stand(&at)))
            return false;
        write_border_near(&at, asked_bytes);
        if (hak_tags_are_known())
            hak_tags_take(at.base, at.slot_bytes, at.base + HAK_HEADER_BYTES, asked_bytes,
                          slot->lives,
                          (struct hak_tags_how){(slot->subkind & HAK_SLOT_LIVED) != 0,
                                                subkind == HAK_BY_CALLOC});
    }
    uint32_t count = slot->record_count + 1;
    slot->record_count = count;
    slot->alloc_stack = stack;
    slot->free_stack = 0;
    slot->asked_bytes = (uint16_t)asked_bytes;
    slot->user_delta = (uint16_t)(delta_bytes / 8);
    make_live(slot, subkind | HAK_SLOT_LIVED, path.checks_bytes ? slot->lives : 0, path.is_stopped);
    if (path.is_stopped)
        hak_hop_count(HAK_COUNTED_UNRECORDED_TAKEN, at.class_index, asked_bytes);
    if (!path.is_recorded)
        return true;
    return record(&at, kind, asked_bytes, delta_bytes, flags, stack, count, from, subkind);
}

/* ---- and back -------------------------------------------------------------------------------- */

/* True when header and canary stand as they were written. */
HAK_IN_PLACE bool is_whole(const struct hak_near_slot *at) {
    size_t asked_bytes = at->slot->asked_bytes;
    struct hak_header due = hak_header_near(at), found;
    __builtin_memcpy(&found, at->base, sizeof found);
    return ((found.first ^ due.first) | (found.second ^ due.second)) == 0 &&
           hak_canary_stands_near(at->base + HAK_HEADER_BYTES + asked_bytes,
                                  at->base + at->slot_bytes, hak_word_near(at, HAK_PATTERN_CANARY));
}

/* True when the block is live, undamaged, not watched, and freed by the right kind of call. */
HAK_IN_PLACE bool may_be_kept(const struct hak_near_slot *at, enum hak_given by) {
    const struct hak_slot *slot = at->slot;
    return HAK_LIKELY(slot->place == HAK_PLACE_LIVE &&
                      !(slot->subkind & (HAK_SLOT_TOLD | HAK_SLOT_WATCHED))) &&
           HAK_LIKELY(is_whole(at)) && HAK_LIKELY(hak_kinds_agree(hak_free_by(by), slot->subkind));
}

/* By value, as above. */
static HAK_COLD void close_pages_of_slot(struct hak_near_slot at) {
    struct hak_located located = hak_located_of(&at);
    hak_pages_close(&hak_page_budget, &located);
}

/* The block that has just left the program goes into `ring`. */
HAK_IN_PLACE enum hak_kept keep_in_ring(struct hak_quarantine *ring,
                                        const struct hak_near_slot *at) {
    struct hak_slot *slot = at->slot;
    struct hak_filled filled = hak_filled_between(at->base + HAK_HEADER_BYTES,
                                                  at->base + at->slot_bytes, slot->asked_bytes);
    hak_fill_freed_bytes(&filled, hak_word_near(at, HAK_PATTERN_FREED));
    __atomic_store_n(&slot->subkind, (uint8_t)(slot->subkind | HAK_SLOT_POISONED),
                     __ATOMIC_RELEASE);
    hak_quarantine_push(ring, at->base, slot);
    ring->bytes += at->slot_bytes;
    ring->holds.slot_bytes += at->slot_bytes;
    if (HAK_UNLIKELY(hak_pages_want_a_look(&hak_page_budget)))
        close_pages_of_slot(*at);
    return HAK_UNLIKELY(hak_quarantine_is_over(ring)) ? HAK_KEPT_OVER : HAK_KEPT;
}

/* Frees a block by the path: state, poison, quarantine, record. HAK_NOT_KEPT: nothing was done, the
 * long way must. */
HAK_IN_PLACE enum hak_kept give(struct path path, base_t base, unsigned class_index,
                                enum hak_given by, enum hak_place to, hak_call_t call) {
    size_t delta_bytes = path.checks_bytes ? HAK_HEADER_BYTES : 0;
    struct hak_quarantine *ring = path.checks_bytes ? hak_quarantine : NULL;
    struct hak_near_slot at;
    uint8_t flags = 0;
    if (path.checks_bytes && HAK_UNLIKELY(!ring))
        return HAK_NOT_KEPT;
    bool is_start = hak_locate_start(base, class_index, &at);
    __builtin_prefetch(at.slot, 1); /* comes to the caches while the stack is found */
    if (path.checks_bytes)
        __builtin_prefetch(base.p, 1);
    if (path.is_stopped && (!is_start || !at.slot->is_left_out))
        return HAK_NOT_KEPT;
    uint32_t stack = stack_in(path, call, &flags);
    if (HAK_UNLIKELY(hak_is_asked()) || !is_start || !is_narrow(path, &at) ||
        HAK_UNLIKELY((size_t)at.slot->user_delta * 8 != delta_bytes) ||
        (path.checks_bytes && !may_be_kept(&at, by)) || HAK_UNLIKELY(!hak_take_live(at.slot, to)))
        return HAK_NOT_KEPT;
    struct hak_slot *slot = at.slot;
    slot->free_stack = stack;
    uint32_t count = ++slot->record_count;
    if (path.checks_bytes)
        slot->lives = hak_pattern_next_life(slot->lives);
    if (path.checks_bytes && hak_tags_are_given())
        hak_tags_give(at.base, at.slot_bytes, at.base + HAK_HEADER_BYTES, slot->asked_bytes,
                      slot->lives);
    unsigned kept = HAK_KEPT;
    if (path.is_stopped)
        hak_hop_count(HAK_COUNTED_UNRECORDED_GIVEN, at.class_index, slot->asked_bytes);
    if (path.is_recorded)
        kept = record(&at, HAK_FREE, slot->asked_bytes, delta_bytes, flags, stack, count, to, by);
    return path.checks_bytes ? keep_in_ring(ring, &at) : (enum hak_kept)kept;
}

/* ---- for each path --------------------------------------------------------------------------- */

#define MAKE_TAKE(name, PATH)                                                                      \
    static HAK_TRACER_TEXT bool take_##name(base_t base, unsigned class_index,                     \
                                            uint32_t asked_bytes, enum hak_subkind subkind,        \
                                            hak_call_t call) {                                     \
        return take(PATH, base, class_index, asked_bytes, subkind, call);                          \
    }
#define MAKE(name, PATH)                                                                           \
    MAKE_TAKE(name, PATH)                                                                          \
    static HAK_TRACER_TEXT enum hak_kept give_##name(base_t base, unsigned class_index,            \
                                                     enum hak_given by, enum hak_place to,         \
                                                     hak_call_t call) {                            \
        return give(PATH, base, class_index, by, to, call);                                        \
    }
MAKE(traced, TRACED)
MAKE(recorded, RECORDED)
MAKE(checked, CHECKED)
MAKE_TAKE(traced_sites, TRACED_SITES)
MAKE_TAKE(recorded_sites, RECORDED_SITES)
MAKE_TAKE(checked_sites, CHECKED_SITES)
MAKE(trace_stopped, TRACE_STOPPED)
MAKE(stopped, STOPPED)
MAKE_TAKE(trace_stopped_sites, TRACE_STOPPED_SITES)
MAKE_TAKE(stopped_sites, STOPPED_SITES)

/* Bytes that a slot holds besides those asked for: the header, and one of the canary. */
enum { AROUND_BYTES = HAK_HEADER_BYTES + 1 };

/* In quarantine.c a block of more than half of its bytes goes past it. */
static bool keeps_all_in_quarantine(void) {
    return hak_options.check == HAK_CHECK_NORMAL && hak_options.poison &&
           hak_options.quarantine_bytes >= 2 * HAK_CLASS_MAX_BYTES && hak_options.inject[0] == '\0';
}

static struct hak_check_path started_path; /* as the options say */

/* Exchanges the path of the checked calls when recording stops or goes on, one field after the
 * other: each path serves any block, beside any other path. */
static void switch_path(bool is_stopped) {
    struct hak_check_path path = started_path;
    if (!path.is_recorded)
        return;
    if (is_stopped) {
        path.take = path.take == take_traced           ? take_trace_stopped
                    : path.take == take_traced_sites   ? take_trace_stopped_sites
                    : path.take == take_recorded_sites ? take_stopped_sites
                                                       : take_stopped;
        path.give = path.give == give_traced ? give_trace_stopped : give_stopped;
        path.is_recorded = false;
    }
    __atomic_store_n(&hak_check_path.take, path.take, __ATOMIC_RELAXED);
    __atomic_store_n(&hak_check_path.give, path.give, __ATOMIC_RELAXED);
    __atomic_store_n(&hak_check_path.is_recorded, path.is_recorded, __ATOMIC_RELAXED);
}

/* A block that holds an alternate signal stack is freed by the long path, which takes the stack
 * away (give_back.h). */
static void mark_signal_stack(const void *stack) {
    struct hak_located at;
    if (hak_locate(stack, &at) && at.slot && at.slot->place == HAK_PLACE_LIVE)
        __atomic_fetch_or(&at.slot->subkind, (uint8_t)HAK_SLOT_WATCHED, __ATOMIC_RELAXED);
}

void hak_path_start(void) {
    bool has_header = hak_options.layout == HAK_LAYOUT_HEADER;
    struct hak_check_path path = {.limit_bytes = 0};
    if (has_header && keeps_all_in_quarantine())
        path = (struct hak_check_path){.take = hak_trace_is_wanted() ? take_recorded : take_checked,
                                       .give = hak_trace_is_wanted() ? give_recorded : give_checked,
                                       .limit_bytes = HAK_CLASS_MAX_BYTES - AROUND_BYTES + 1,
                                       .around_bytes = AROUND_BYTES,
                                       .user_delta = HAK_HEADER_BYTES,
                                       .keeps = true,
                                       .is_recorded = hak_trace_is_wanted()};
    else if (!has_header && hak_options.check == HAK_CHECK_TRACE && hak_trace_is_wanted())
        path = (struct hak_check_path){.take = take_traced,
                                       .give = give_traced,
                                       .limit_bytes = HAK_CLASS_MAX_BYTES + 1,
                                       .is_recorded = true};
    if (hak_guards_sites && path.take)
        path.take = path.take == take_traced     ? take_traced_sites
                    : path.take == take_recorded ? take_recorded_sites
                                                 : take_checked_sites;
    if (!hak_options.junk && (!hak_check_guards || hak_guards_sites))
        hak_check_path = path;
    started_path = hak_check_path;
    hak_control_errands.stop = switch_path;
    if (hak_options.check == HAK_CHECK_NORMAL)
        hak_thread_stack_is_set = mark_signal_stack;
    hak_before_unmap = hak_pieces_unmap;
    if (hak_trace_is_stopped())
        switch_path(true);
}

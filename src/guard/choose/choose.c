/* Chooses the blocks that lie alone between closed pages (HAKMEM_GUARD), and the end that touches
 * one.
 *
 *   off    none
 *   all    every block that there is room for (guarded/guarded.h); the last quarter of that is for
 *          stacks that have none
 *   only   those of allocation stacks that a file names (only.h)
 *   sites  the first blocks of each allocation stack (first_blocks.h)
 *   sample in level light (sample.h), elsewhere none
 *
 * HAKMEM_INJECT turns it off, since its faults lie in lists of free blocks. */
#include "guard/choose/choose.h"

#include "border.h"
#include "guard/choose/only.h"
#include "guarded/guarded.h"
#include "heap_profile/heap_profile.h"
#include "light.h"
#include "platform/platform.h"
#include "platform/tags.h"

bool hak_check_guards, hak_guards_sites, hak_guards_stacks;
bool hak_guards_by_stack;
enum {
    NEW_SHARE = 4, /* of the memory is kept for stacks that have no guarded block */
    TURNS = 4,     /* of so many blocks of a site one begins at a closed page (`sites`) */
    TURN_IN_FRONT = 2,
};
static _Atomic uint32_t taken; /* blocks that were to be guarded */

void hak_guard_start(void) {
    struct hak_variant policy = hak_option_guard();
    hak_check_guards = policy.index != HAK_GUARD_OFF && policy.index != HAK_GUARD_SAMPLE &&
                       hak_options.inject[0] == '\0';
    if (hak_check_guards && policy.index == HAK_GUARD_ONLY)
        hak_check_guards = hak_only_start(policy.text);
    hak_guards_stacks = hak_check_guards && policy.index == HAK_GUARD_ONLY;
    hak_guards_sites = hak_check_guards && policy.index == HAK_GUARD_SITES;
    hak_guards_by_stack = hak_guards_sites || (hak_check_guards && policy.index == HAK_GUARD_ALL);
    if (hak_guards_by_stack)
        hak_sites_start(hak_guards_sites ? (unsigned)policy.number : 1, 0);
    hak_heap_profile_start(hak_light_serves() ? hak_options.heap_profile_rate : 0);
    atomic_store_explicit(&hak_control.heap_profile, hak_heap_profile_table(),
                          memory_order_release);
    hak_sample_start();
}

/* Whether a block begins at a closed page by default; `turn` is its number in its site, from 0 on.
 * With `sites` the third of each four does, with `all` each second one: what happens to all blocks
 * of a site is seen in front of them, too, and what happens to the first behind it, since programs
 * run past an end more often. In each run the same ones do, so that it can be repeated. */
static bool is_seen_in_front(unsigned turn) {
    return hak_guards_sites ? turn % TURNS == TURN_IN_FRONT : turn % 2 == 1;
}

/* With `sites` each site has turns of its own, so that they do not depend on other threads. */
static unsigned next_turn(unsigned number_in_site) {
    if (hak_guards_sites && number_in_site != 0)
        return number_in_site - 1;
    return atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
}

/* 1: the first block of its site; 0: the block is of no site. */
static enum hak_guarded_side side_of_next(unsigned number_in_site) {
    uint64_t side = hak_options.guard_side;
    bool is_before = side == HAK_SIDE_BEFORE;
    if (side == HAK_SIDE_BOTH)
        is_before = next_turn(number_in_site) % 2 != 0;
    else if (side == HAK_SIDE_AUTO)
        is_before = number_in_site != 0 && is_seen_in_front(number_in_site - 1);
    return is_before ? HAK_GUARDED_BEFORE : HAK_GUARDED_AFTER;
}

static struct hak_large *open_block(const struct hak_hand_out *how, unsigned number_in_site) {
    if (HAK_UNLIKELY(how->alignment > HAK_PAGE_BYTES)) {
        hak_hop_count(HAK_COUNTED_GUARD_ALIGNMENT, HAK_CLASS_NONE, how->asked_bytes);
        return NULL;
    }
    enum hak_guarded_side side = side_of_next(number_in_site);
    size_t bytes = hak_guarded_bytes(side, how->asked_bytes, how->alignment);
    return hak_guarded_take(bytes, side, *how->call);
}

/* One of the stacks that a file names. */
HAK_IN_PLACE struct hak_large *open_of_stack(const struct hak_hand_out *how) {
    uint8_t flags = 0;
    struct hak_only_choice choice;
    uint32_t stack = hak_take_call_stack(how->call, &flags);
    if (!hak_only_chooses(stack, (flags & HAK_RECORD_PARTIAL) != 0, how->asked_bytes,
                          hak_trace_thread(), &choice))
        return NULL;
    struct hak_large *large = open_block(how, 0);
    if (!large)
        return NULL;
    large->watch = choice.is_expected ? HAK_GUARDED_EXPECTED : HAK_GUARDED_WATCHED;
    large->watch_from = choice.watch_from;
    return large;
}

static struct hak_large *open_in_time(const struct hak_hand_out *how, unsigned number,
                                      bool is_charged) {
    uint64_t start = hak_ticks();
    struct hak_large *large = open_block(how, number);
    if (!large)
        return NULL;
    *(volatile char *)large->base.p = 0; /* the first touch of a page is a dear part of it */
    if (is_charged)
        hak_sites_charge(hak_ticks() - start);
    return large;
}

/* A guarded block that moves stays one, and is no other block of a site. NULL: there is no time
 * left, or no room. */
HAK_IN_PLACE struct hak_large *open_moved(const struct hak_hand_out *how) {
    if (!how->moved_from.p || !hak_guarded_covers(how->moved_from.p))
        return NULL;
    enum hak_site_move move = hak_sites_take_moved();
    if (move == HAK_SITE_MOVE_NONE)
        return NULL;
    struct hak_large *large = open_in_time(how, 0, move == HAK_SITE_MOVE_CHARGED);
    if (large)
        large->watch = HAK_GUARDED_UNWATCHED;
    return large;
}

HAK_IN_PLACE struct hak_large *open_of_site(const struct hak_hand_out *how) {
    uint8_t flags = 0;
    struct hak_large *large = open_moved(how);
    if (large)
        return large;
    uint32_t stack = hak_take_stack_at_hand(how->call, &flags);
    struct hak_site_turn turn = hak_site_take(stack);
    large = turn.number == 0 ? NULL : open_in_time(how, turn.number, !turn.is_early);
    if (!large)
        return NULL;
    large->watch = turn.number == 1 ? HAK_GUARDED_NEWEST : HAK_GUARDED_UNWATCHED;
    hak_stack_at_hand = (struct hak_stack_at_hand){how->call, stack, flags};
    return large;
}

void hak_guard_give(struct hak_large *large) {
    uint64_t start = hak_ticks();
    hak_guarded_give(large);
    if (hak_guards_sites)
        hak_sites_note_closing(hak_ticks() - start);
}

/* While memory gets short a stack that has a guarded block gets no other. Registers stand at the
 * newest first blocks. */
HAK_IN_PLACE struct hak_large *open_any(const struct hak_hand_out *how) {
    uint8_t flags = 0;
    if (!hak_guards_by_stack)
        return open_block(how, 0);
    uint32_t stack = hak_take_stack_at_hand(how->call, &flags);
    bool is_new = !hak_site_is_done(stack);
    if (!is_new && hak_guarded_left(NEW_SHARE) == 0) {
        hak_hop_count(HAK_COUNTED_GUARD_MEMORY, HAK_CLASS_NONE, how->asked_bytes);
        return NULL;
    }
    struct hak_large *large = open_block(how, hak_site_number(stack));
    if (!large)
        return NULL;
    large->watch = is_new ? HAK_GUARDED_NEWEST : HAK_GUARDED_UNWATCHED;
    hak_stack_at_hand = (struct hak_stack_at_hand){how->call, stack, flags};
    hak_site_note(stack);
    return large;
}

/* The processor compares every access to such a block, of whichever site: it has memory tags. */
static bool has_tags(const struct hak_hand_out *how) {
    return hak_tags_are_given() && how->asked_bytes <= HAK_TAGS_WHOLE_BYTES;
}

HAK_TRACER_TEXT base_t hak_check_take_guarded(const struct hak_hand_out *how) {
    const struct hak_large *large = NULL;
    if (hak_guards_sites && has_tags(how))
        return HAK_NO_BASE;
    if (hak_guards_sites)
        large = open_of_site(how);
    else
        large = hak_guards_stacks ? open_of_stack(how) : open_any(how);
    return large ? large->base : HAK_NO_BASE;
}

/* Counts guarded blocks by site, within what they may cost.
 *
 * The price of a block is what opening and touching it took and what closing takes in the mean, and
 * as much again: the fill of its page and the look at it, the end of its page at exit, and what the
 * program pays for a page of its own (measured as a whole: docs/specs/guarded.md). */
#include "guard/choose/first_blocks.h"

#include "guarded/guarded.h"
#include "platform/credit.h"
#include "platform/platform.h"
#include "platform/run_time.h"

enum {
    DONE = 0x80,
    COUNT = 0x7f,
    NONE_YET = 0x7f, /* of a site that was passed over and has its turn again */
    WHOLE_PRICE = 2,
    MEAN_OF = 16,          /* closings, about */
    REFUSAL_TICKS = 3000,  /* of a call that took the long way for nothing */
    LOOK_TICKS = 10000000, /* between two looks at the clocks: some milliseconds */
    ODDS = 16,
};
#define RENEWAL_TICKS ((uint64_t)1 << 34) /* between two turns of all sites: some seconds */
/* A fortieth of a second; a thirty-third of the CPU time that the process takes. */
static const struct hak_credit_terms first_blocks_terms = {
    .most = HAK_SITES_CREDIT, .dearest = 1000000, .share = 33};

_Atomic int8_t hak_sites[HAK_SITES];
_Thread_local struct hak_stack_at_hand hak_stack_at_hand __attribute__((tls_model("initial-exec")));

static unsigned most_of_site;
static struct hak_credit credit;
static struct hak_run_time looked_at; /* of who has is_looking */
static _Atomic bool is_looking;
static _Atomic uint64_t next_look;
static _Atomic uint32_t last_site, passed_over, drawn;
static _Atomic uint32_t all_taken;     /* as far as HAK_SITES_FIRST_OF_ALL */
static _Atomic uint64_t closing_ticks; /* in the mean */
static _Atomic uint64_t next_renewal;

void hak_sites_start(unsigned most, int64_t credit_ticks) {
    uint32_t last = atomic_load(&last_site);
    for (uint32_t i = 0; i <= last; i++)
        atomic_store_explicit(&hak_sites[i], 0, memory_order_relaxed);
    most_of_site = most;
    atomic_store(&credit.left, credit_ticks);
    atomic_store(&passed_over, 0);
    atomic_store(&all_taken, 0);
    atomic_store(&next_look, 0);
    atomic_store(&next_renewal, 0);
    atomic_store(&closing_ticks, 0);
}

/* Gives sites that were passed over another chance; with `all` those that are done one more block.
 */
static void revive(bool all) {
    uint32_t last = atomic_load(&last_site);
    atomic_store(&passed_over, 0);
    for (uint32_t i = 0; i <= last; i++) {
        int8_t site = atomic_load_explicit(&hak_sites[i], memory_order_relaxed);
        unsigned count = (unsigned)site & COUNT;
        if (site >= 0 || (count >= most_of_site && !all))
            continue;
        if (count >= most_of_site)
            count = most_of_site - 1;
        if (count == 0)
            count = NONE_YET;
        atomic_store_explicit(&hak_sites[i], (int8_t)count, memory_order_relaxed);
    }
}

/* With all of the credit at hand nobody has taken a block for long: what the program does now may
 * be other than what it did when the sites had their turn. */
static bool is_time_to_renew(uint64_t now) {
    if (hak_credit_left(&credit) < first_blocks_terms.most || now < atomic_load(&next_renewal))
        return false;
    bool is_first = atomic_exchange(&next_renewal, now + RENEWAL_TICKS) == 0;
    return !is_first;
}

static HAK_COLD void look_at_clocks(uint64_t now) {
    if (atomic_exchange(&is_looking, true))
        return;
    atomic_store(&next_look, now + LOOK_TICKS);
    (void)hak_credit_earn(&credit, &first_blocks_terms,
                          hak_ran_ticks(&looked_at, CLOCK_PROCESS_CPUTIME_ID));
    if (hak_guarded_left(8) >= 1) {
        if (is_time_to_renew(now))
            revive(true);
        else if (atomic_load(&passed_over) &&
                 hak_credit_left(&credit) > first_blocks_terms.most / 4 * 3)
            revive(false);
    }
    atomic_store(&is_looking, false);
}

/* True when the block is one of the first of all, which cost nothing: a small program has the same
 * blocks guarded on any machine. Most of them are kept for the first blocks of sites. */
static bool is_early(unsigned count) {
    uint32_t most = count == 0 ? HAK_SITES_FIRST_OF_ALL : HAK_SITES_EARLY_OTHERS;
    return atomic_load_explicit(&all_taken, memory_order_relaxed) < most;
}

/* May a site that has `count` have another one? The first of a new site comes before the second of
 * another. */
static bool may_take(unsigned count, bool early) {
    int64_t left = early ? first_blocks_terms.most : hak_credit_left(&credit);
    unsigned eighths = hak_guarded_left(8);
    if (count > 0)
        return count < most_of_site && left > first_blocks_terms.most / 2 && eighths >= 4;
    if (left > first_blocks_terms.most / 8 && eighths >= 1)
        return true;
    return left > 0 && atomic_fetch_add_explicit(&drawn, 1, memory_order_relaxed) % ODDS == 0;
}

static void note_last(uint32_t place) {
    uint32_t last = atomic_load_explicit(&last_site, memory_order_relaxed);
    while (place > last && !atomic_compare_exchange_weak(&last_site, &last, place))
        continue;
}

void hak_sites_look(uint64_t now) {
    if (now >= atomic_load_explicit(&next_look, memory_order_relaxed))
        look_at_clocks(now);
}

struct hak_site_turn hak_site_take(uint32_t stack) {
    uint32_t place = stack % HAK_SITES;
    hak_sites_look(hak_ticks());
    int8_t site = atomic_load_explicit(&hak_sites[place], memory_order_relaxed);
    if (site < 0)
        return (struct hak_site_turn){0, false};
    note_last(place);
    if (site == 0)
        hak_hop_count(HAK_COUNTED_GUARD_STACK, HAK_CLASS_NONE, 0);
    unsigned count = site == NONE_YET ? 0 : (unsigned)site;
    bool early = is_early(count), is_taken = may_take(count, early);
    count += is_taken;
    if (!is_taken) {
        atomic_fetch_add_explicit(&passed_over, 1, memory_order_relaxed);
        hak_credit_charge(&credit, &first_blocks_terms, REFUSAL_TICKS);
        hak_hop_count(HAK_COUNTED_GUARD_TIME, HAK_CLASS_NONE, 0);
    } else if (early) {
        atomic_fetch_add_explicit(&all_taken, 1, memory_order_relaxed);
    }
    if (is_taken && count == 1)
        hak_hop_count(HAK_COUNTED_GUARD_FIRST, HAK_CLASS_NONE, 0);
    bool is_done = !is_taken || count >= most_of_site;
    atomic_store_explicit(&hak_sites[place], (int8_t)(is_done ? count | DONE : count),
                          memory_order_relaxed);
    return (struct hak_site_turn){is_taken ? count : 0, early};
}

static unsigned count_of(uint32_t stack) {
    return (unsigned)atomic_load_explicit(&hak_sites[stack % HAK_SITES], memory_order_relaxed) &
           COUNT;
}

unsigned hak_site_number(uint32_t stack) {
    return count_of(stack) + 1;
}

void hak_site_note(uint32_t stack) {
    unsigned count = count_of(stack);
    count = count == COUNT ? COUNT - 1 : count + 1;
    note_last(stack % HAK_SITES);
    atomic_store_explicit(&hak_sites[stack % HAK_SITES], (int8_t)(DONE | count),
                          memory_order_relaxed);
}

/* A block that is no site's first. */
enum hak_site_move hak_sites_take_moved(void) {
    if (is_early(1)) {
        atomic_fetch_add_explicit(&all_taken, 1, memory_order_relaxed);
        return HAK_SITE_MOVE_FREE;
    }
    return hak_credit_left(&credit) > 0 ? HAK_SITE_MOVE_CHARGED : HAK_SITE_MOVE_NONE;
}

void hak_sites_charge(uint64_t ticks) {
    ticks += atomic_load_explicit(&closing_ticks, memory_order_relaxed);
    hak_credit_charge(&credit, &first_blocks_terms, WHOLE_PRICE * ticks);
}

void hak_sites_note_closing(uint64_t ticks) {
    uint64_t mean = atomic_load_explicit(&closing_ticks, memory_order_relaxed);
    if (ticks > (uint64_t)first_blocks_terms.dearest)
        ticks = (uint64_t)first_blocks_terms.dearest;
    mean = mean == 0 ? ticks : mean - mean / MEAN_OF + ticks / MEAN_OF;
    atomic_store_explicit(&closing_ticks, mean, memory_order_relaxed);
}

/* Counts guarded blocks by site, within what they may cost.
 *
 * The price of a block is what opening and touching it took, times WHOLE_PRICE: its two stacks and
 * records, the fill of its page and the look at it, its closing, the end of its mappings at exit,
 * and what the program pays for a page of its own are in proportion to that (measured as a whole:
 * docs/specs/guarded.md). */
#include "guard/choose/first_blocks.h"

#include "guarded/guarded.h"
#include "platform/credit.h"
#include "platform/platform.h"
#include "platform/run_time.h"

enum {
    DONE = 0x80,
    COUNT = 0x7f,
    WHOLE_PRICE = 12,
    REFUSAL_TICKS = 3000,  /* of a call that took the long way for nothing */
    LOOK_TICKS = 10000000, /* between two looks at the clocks: some milliseconds */
    ODDS = 16,
};
/* A fortieth of a second; a thirty-third of the CPU time that the process takes. */
static const struct hak_credit_terms first_blocks_terms = {
    .most = HAK_DECAY_TICKS / 4, .dearest = 1000000, .share = 33};

_Atomic int8_t hak_sites[HAK_SITES];
_Thread_local struct hak_stack_at_hand hak_stack_at_hand __attribute__((tls_model("initial-exec")));

static unsigned most_of_site;
static struct hak_credit credit;
static struct hak_run_time looked_at; /* of who has is_looking */
static _Atomic bool is_looking;
static _Atomic uint64_t next_look;
static _Atomic uint32_t last_site, passed_over, drawn;
static _Atomic uint32_t all_taken; /* as far as HAK_SITES_FIRST_OF_ALL */

void hak_sites_start(unsigned most) {
    uint32_t last = atomic_load(&last_site);
    for (uint32_t i = 0; i <= last; i++)
        atomic_store_explicit(&hak_sites[i], 0, memory_order_relaxed);
    most_of_site = most;
    atomic_store(&credit.left, first_blocks_terms.most);
    atomic_store(&passed_over, 0);
    atomic_store(&all_taken, 0);
    atomic_store(&next_look, 0);
}

/* Gives sites that were passed over another chance. */
static void revive(void) {
    uint32_t last = atomic_load(&last_site);
    atomic_store(&passed_over, 0);
    for (uint32_t i = 0; i <= last; i++) {
        int8_t site = atomic_load_explicit(&hak_sites[i], memory_order_relaxed);
        if (site < 0 && (unsigned)(site & COUNT) < most_of_site)
            atomic_store_explicit(&hak_sites[i], (int8_t)(site & COUNT), memory_order_relaxed);
    }
}

static HAK_COLD void look_at_clocks(uint64_t now) {
    if (atomic_exchange(&is_looking, true))
        return;
    atomic_store(&next_look, now + LOOK_TICKS);
    (void)hak_credit_earn(&credit, &first_blocks_terms,
                          hak_ran_ticks(&looked_at, CLOCK_PROCESS_CPUTIME_ID));
    if (atomic_load(&passed_over) && hak_credit_left(&credit) > first_blocks_terms.most / 4 * 3 &&
        hak_guarded_left(4) >= 3)
        revive();
    atomic_store(&is_looking, false);
}

/* The number of blocks that a site may have by now. For the first of all the blocks the cost is
 * charged, but sets no limit: a small program has the same blocks guarded on any machine. */
static unsigned most_now(void) {
    bool is_early = atomic_load_explicit(&all_taken, memory_order_relaxed) < HAK_SITES_FIRST_OF_ALL;
    int64_t left = is_early ? first_blocks_terms.most : hak_credit_left(&credit);
    unsigned eighths = hak_guarded_left(8);
    if (left > first_blocks_terms.most / 2 && eighths >= 4)
        return most_of_site;
    if (left > first_blocks_terms.most / 8 && eighths >= 1)
        return 1;
    return left > 0 && atomic_fetch_add_explicit(&drawn, 1, memory_order_relaxed) % ODDS == 0;
}

static void note_last(uint32_t place) {
    uint32_t last = atomic_load_explicit(&last_site, memory_order_relaxed);
    while (place > last && !atomic_compare_exchange_weak(&last_site, &last, place))
        continue;
}

static void note_taken(void) {
    if (atomic_load_explicit(&all_taken, memory_order_relaxed) < HAK_SITES_FIRST_OF_ALL)
        atomic_fetch_add_explicit(&all_taken, 1, memory_order_relaxed);
}

unsigned hak_site_take(uint32_t stack) {
    uint32_t place = stack % HAK_SITES;
    uint64_t now = hak_ticks();
    if (now >= atomic_load_explicit(&next_look, memory_order_relaxed))
        look_at_clocks(now);
    int8_t site = atomic_load_explicit(&hak_sites[place], memory_order_relaxed);
    if (site < 0)
        return 0;
    note_last(place);
    unsigned count = (unsigned)site, most = most_now(), number;
    bool is_taken = count < most;
    count += is_taken;
    if (is_taken) {
        note_taken();
    } else {
        atomic_fetch_add_explicit(&passed_over, 1, memory_order_relaxed);
        hak_credit_charge(&credit, &first_blocks_terms, REFUSAL_TICKS);
    }
    number = is_taken ? count : 0;
    if (!is_taken || count >= most_of_site)
        count |= DONE;
    atomic_store_explicit(&hak_sites[place], (int8_t)count, memory_order_relaxed);
    return number;
}

void hak_sites_charge(uint64_t ticks) {
    hak_credit_charge(&credit, &first_blocks_terms, WHOLE_PRICE * ticks);
}

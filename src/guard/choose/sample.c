/* Chooses the calls of level light that get a guarded block (sample.h has the picture). */
#include "guard/choose/sample.h"

#include "heap_profile/heap_profile.h"
#include "options.h"
#include "platform/credit.h"
#include "platform/platform.h"
#include "platform/run_time.h"
#include "trace/trace.h"

enum {
    SITE_BITS = 11,
    SITES = 1 << SITE_BITS,
    PROBES = 4,
    SELDOM_PART = 4,            /* of the looks of the mean site */
    LOOKS_MOST = 1 << 20,       /* of all sites: then the past counts half */
    EARN_EVERY_TICKS = 1 << 21, /* about a thousandth of a second */
    BUSY_LOOKS = 8,             /* in that: more cannot be paid for, and looks cost, too */
    BUSY_TIMES = 2,             /* the interval: seldom sites are still found */
};

struct site {
    _Atomic uint32_t key; /* 0: nobody's */
    _Atomic uint32_t looks;
    _Atomic int32_t live;    /* guarded blocks that the program has */
    _Atomic bool gives_back; /* one of them was given back */
};
static struct site sites[SITES + 1]; /* the first is none */
static _Atomic uint32_t known_sites, all_looks;
_Atomic uint64_t hak_sample_every;
static bool is_off;

/* Of each credit. A block costs some 40,000 ticks; the shares of both are a hundredth. */
static const struct hak_credit_terms sample_terms = {
    .most = 1 << 22, .dearest = 1 << 20, .share = 200};
/* Of debug registers. */
static const struct hak_credit_terms watch_terms = {
    .most = 1 << 22, .dearest = 1 << 20, .share = 100};
enum { SELDOM, COMMON, CREDITS, OVERDRAWN_MOST = 1 << 22 };

static _Atomic uint64_t next_register_at; /* of calls */

struct sampler {
    struct hak_credit credit[CREDITS], watch_credit;
    struct hak_run_time earned_at;
    uint64_t looked_at; /* ticks of the last look at the clock */
    uint32_t interval;  /* the last one, */
    uint16_t mean;      /* of those that it was drawn from, */
    uint16_t wanted;    /* and of those that guarded blocks want */
    uint16_t looks;     /* since the last look at the clock */
    uint8_t spends;     /* which credit */
    bool is_busy;
};
static __thread struct sampler own __attribute__((tls_model("initial-exec")));

void hak_sample_start(void) {
    struct hak_variant policy = hak_option_guard();
    bool looks_at_all = policy.index == HAK_GUARD_ALL || policy.index == HAK_GUARD_ONLY;
    is_off = policy.index == HAK_GUARD_OFF;
    uint64_t every = is_off                             ? HAK_SAMPLE_NEVER
                     : looks_at_all                     ? 1
                     : policy.index == HAK_GUARD_SAMPLE ? policy.number
                                                        : 0;
    atomic_store_explicit(&hak_sample_every, every, memory_order_relaxed);
}

_Atomic uint64_t hak_sample_ns;

/* As HAKMEM_GUARD, or `ctl PID set` later, says; 0: as it costs. */
static uint64_t fixed_interval(void) {
    return atomic_load_explicit(&hak_sample_every, memory_order_relaxed);
}

/* ---- when ------------------------------------------------------------------------------------ */

/* The mean of the intervals: a heap profile may want shorter ones than `mean`, but not while looks
 * come faster than they could be paid for, unless its own rate asks for that. */
static uint64_t mean_with_profile(uint64_t mean) {
    uint64_t gap = hak_heap_profile_gap();
    if (own.is_busy && gap == HAK_SAMPLE_INTERVAL)
        gap *= BUSY_TIMES;
    return gap && gap < mean ? gap : mean;
}

/* From a half to one and a half, so that the mean is what was asked for; a heap profile needs those
 * of a geometric distribution. */
uint16_t hak_sample_interval(void) {
    uint64_t steered = own.is_busy ? BUSY_TIMES * HAK_SAMPLE_INTERVAL : HAK_SAMPLE_INTERVAL;
    uint64_t fixed = fixed_interval();
    uint64_t mean = is_off ? UINT16_MAX : fixed ? fixed : steered;
    own.wanted = (uint16_t)mean;
    mean = mean_with_profile(mean);
    own.mean = (uint16_t)mean;
    uint64_t next = hak_heap_profile_gap()
                        ? hak_chance_gap(mean, UINT16_MAX, hak_heap_profile_random())
                    : mean == 1 ? 1
                                : mean / 2 + 1 + hak_heap_profile_random() % mean;
    own.interval = next < UINT16_MAX ? (uint32_t)next : UINT16_MAX;
    return (uint16_t)own.interval;
}

uint64_t hak_sample_gap(void) {
    return own.mean;
}

/* Of looks that come more often than guarded blocks want them, so many are theirs as they want. */
static bool is_for_guarded(void) {
    return own.mean == own.wanted || hak_heap_profile_random() % own.wanted < own.mean;
}

/* ---- who ------------------------------------------------------------------------------------- */

/* The address, how deep the stack is, and the caller's address. Of a wrapper that many call, the
 * callers differ in that, also those that the compiler inlined into one function. */
static uint32_t key_of(hak_call_t call, uintptr_t caller) {
    uint64_t hash = ((uintptr_t)*call ^ ((uintptr_t)call & 0xfff0) << 44) * 0x9e3779b97f4a7c15u;
    hash ^= caller * 0xd6e8feb86659fd93u;
    return (uint32_t)(hash >> 32) | 1;
}

/* Place `i` of those that a site may have. By the upper bits, in which each bit of address and
 * depth has a part. */
static struct site *place_of(uint32_t key, uint32_t i) {
    return &sites[1 + ((key >> (32 - SITE_BITS)) + i) % SITES];
}

static struct site *find_site(uint32_t key) {
    for (uint32_t i = 0; i < PROBES; i++) {
        struct site *site = place_of(key, i);
        uint32_t there = atomic_load_explicit(&site->key, memory_order_relaxed);
        if (there == key)
            return site;
        if (there == 0) {
            atomic_store_explicit(&site->key, key, memory_order_relaxed);
            atomic_fetch_add_explicit(&known_sites, 1, memory_order_relaxed);
            return site;
        }
    }
    /* The table is full there: a site of few looks, which comes again seldom, makes room. */
    struct site *least = place_of(key, 0);
    for (uint32_t i = 1; i < PROBES; i++) {
        struct site *site = place_of(key, i);
        if (atomic_load_explicit(&site->looks, memory_order_relaxed) <
            atomic_load_explicit(&least->looks, memory_order_relaxed))
            least = site;
    }
    atomic_store_explicit(&least->key, key, memory_order_relaxed);
    atomic_store_explicit(&least->looks, 0, memory_order_relaxed);
    atomic_store_explicit(&least->live, 0, memory_order_relaxed); /* the former site's */
    atomic_store_explicit(&least->gives_back, false, memory_order_relaxed);
    return least;
}

static HAK_COLD void halve_looks(void) {
    uint32_t sum = 0;
    for (uint32_t i = 1; i <= SITES; i++) {
        uint32_t half = atomic_load_explicit(&sites[i].looks, memory_order_relaxed) / 2;
        atomic_store_explicit(&sites[i].looks, half, memory_order_relaxed);
        sum += half;
    }
    atomic_store_explicit(&all_looks, sum, memory_order_relaxed);
}

/* One more look at the site. True: it has few of them. */
static bool count_look(struct site *site) {
    uint64_t looks = atomic_fetch_add_explicit(&site->looks, 1, memory_order_relaxed);
    uint64_t all = atomic_fetch_add_explicit(&all_looks, 1, memory_order_relaxed);
    uint64_t known = atomic_load_explicit(&known_sites, memory_order_relaxed);
    if (HAK_UNLIKELY(all == LOOKS_MOST))
        halve_looks();
    return looks * known * SELDOM_PART <= all;
}

/* ---- may it? --------------------------------------------------------------------------------- */

static void earn(void) {
    uint64_t now = hak_ticks();
    if (own.looks < BUSY_LOOKS)
        own.looks++;
    if (now - own.looked_at < EARN_EVERY_TICKS)
        return;
    own.is_busy = own.looks == BUSY_LOOKS;
    own.looks = 0;
    own.looked_at = now;
    uint64_t ran = hak_ran_ticks(&own.earned_at, CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < CREDITS; i++)
        (void)hak_credit_earn(&own.credit[i], &sample_terms, ran);
    if (hak_credit_left(&own.credit[SELDOM]) == sample_terms.most)
        (void)hak_credit_earn(&own.credit[COMMON], &sample_terms, ran);
    (void)hak_credit_earn(&own.watch_credit, &watch_terms, ran);
}

/* Blocks that the program keeps for good have their places for good. So that there is a place at
 * any time, also for sites that come late, those of which nothing came back yet have few in all,
 * and more with each doubling of the calls. */
static bool has_place(const struct site *site) {
    int32_t of_site = atomic_load_explicit(&site->live, memory_order_relaxed);
    int32_t all = atomic_load_explicit(&hak_control.live, memory_order_relaxed);
    if (all >= HAK_SAMPLE_LIVE)
        return false;
    if (atomic_load_explicit(&site->gives_back, memory_order_relaxed))
        return of_site < HAK_SAMPLE_SITE_LIVE;
    int doublings = 64 - __builtin_clzll(hak_sample_calls() | 1);
    return of_site == 0 && all < HAK_SAMPLE_EACH_DOUBLING * doublings;
}

static bool may_spend(bool is_seldom) {
    if (hak_credit_left(&own.credit[COMMON]) > 0)
        own.spends = COMMON;
    else if (is_seldom && hak_credit_left(&own.credit[SELDOM]) > -OVERDRAWN_MOST)
        own.spends = SELDOM;
    else
        return false;
    return true;
}

uint32_t hak_sample_look(hak_call_t call, const void *frame) {
    atomic_fetch_add_explicit(&hak_control.calls, own.interval, memory_order_relaxed);
    if (!is_for_guarded())
        return 0;
    struct site *site = find_site(key_of(call, hak_stack_caller(frame, call)));
    bool is_seldom = count_look(site);
    if (is_off)
        return 0;
    if (!fixed_interval()) {
        earn();
        if (!has_place(site) || !may_spend(is_seldom))
            return 0;
    }
    return (uint32_t)(site - sites);
}

void hak_sample_taken(uint32_t site, uint64_t ticks) {
    hak_credit_charge(&own.credit[own.spends], &sample_terms, ticks);
    atomic_fetch_add_explicit(&hak_control.blocks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&hak_control.live, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&sites[site].live, 1, memory_order_relaxed);
}

void hak_sample_given(uint32_t site, uint64_t ticks) {
    hak_credit_charge(&own.credit[own.spends], &sample_terms, ticks);
    atomic_fetch_sub_explicit(&hak_control.live, 1, memory_order_relaxed);
    if (site > SITES)
        return;
    /* A block of a site that had the place before does not count. */
    if (atomic_load_explicit(&sites[site].live, memory_order_relaxed) > 0)
        atomic_fetch_sub_explicit(&sites[site].live, 1, memory_order_relaxed);
    atomic_store_explicit(&sites[site].gives_back, true, memory_order_relaxed);
}

bool hak_sample_may_watch(void) {
    if (fixed_interval())
        return true;
    uint64_t next = atomic_load_explicit(&next_register_at, memory_order_relaxed);
    return hak_sample_calls() >= next && hak_credit_left(&own.watch_credit) > 0;
}

void hak_sample_register_set(uint64_t ticks) {
    atomic_store_explicit(&next_register_at, hak_sample_calls() + HAK_SAMPLE_CALLS_OF_REGISTER,
                          memory_order_relaxed);
    hak_sample_watched(ticks);
}

void hak_sample_watched(uint64_t ticks) {
    hak_credit_charge(&own.watch_credit, &watch_terms, ticks);
}

void hak_sample_not_watched(uint64_t ticks) {
    atomic_fetch_add_explicit(&own.watch_credit.left, (int64_t)ticks, memory_order_relaxed);
}

uint64_t hak_sample_calls(void) {
    return atomic_load_explicit(&hak_control.calls, memory_order_relaxed);
}

uint64_t hak_sample_blocks(void) {
    return atomic_load_explicit(&hak_control.blocks, memory_order_relaxed);
}

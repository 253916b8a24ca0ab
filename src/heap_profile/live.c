/* Weighs blocks for the heap profile, and keeps a number for each sampled one that lives.
 *
 *   live[number] = { weight, bytes, time, site }     free numbers: a stack of indices, whose head
 *                                                    has a count, so that no ABA befalls it */
#include <sys/resource.h>
#include "heap_profile/state.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

enum {
    LIVE = 1 << 20,
    SMALL_LIVE = 1 << 12,
    LIMIT_SHARE = 64,             /* of ulimit -v and -d may be reserved */
    ALWAYS_EXTRA_BYTES = 1 << 20, /* memory that sampled blocks may take, */
    EXTRA_SHARE = 64,             /* and of the live bytes, as estimated, */
    EXTRA_SHARE_MOST = 8,         /* and at most where more are sampled */
    PAGE_SHARE_BYTES = 8192,      /* twice a page: an expected one for each `rate` live bytes */
};
#define CLOSED ((uint32_t)1 << 31) /* in `used`: no number is taken that never was */

struct live {
    double weight;
    size_t bytes;
    uint64_t came_ns;
    uint32_t site, extra_bytes; /* free: the next free one in `site` */
};
static struct live *lives;
static uint32_t capacity;
static _Atomic uint32_t used;   /* numbers ever taken, the 0th one counted */
static _Atomic uint64_t unused; /* count:32, number:32 of the first free one, 0: none */
static _Atomic int64_t live_bytes, extra_bytes; /* estimated; taken by pages of sampled blocks */

/* ---- chances --------------------------------------------------------------------------------- */

/* The rate, which `ctl PID set` may write at any moment: each function reads it once. */
static uint64_t rate_now(void) {
    return __atomic_load_n(&hak_heap_table.rate, __ATOMIC_RELAXED);
}

void hak_heap_profile_start(uint64_t rate) {
    hak_heap_table.rate = rate;
}

const struct hak_heap_profile *hak_heap_profile_table(void) {
    return rate_now() ? &hak_heap_table : NULL;
}

/* So often that the largest block that is sampled at looks is taken at each, but not more often
 * than guarded blocks are looked for, unless the rate asks for that. */
uint64_t hak_heap_profile_gap(void) {
    uint64_t rate = rate_now(), gap = rate / HAK_HEAP_PROFILE_LOOK_BYTES;
    return rate == 0 ? 0 : gap < 1 ? 1 : gap < HAK_HEAP_PROFILE_GAP ? gap : HAK_HEAP_PROFILE_GAP;
}

double hak_heap_profile_weigh_look(size_t bytes, uint64_t gap, uint64_t random) {
    uint64_t rate = rate_now();
    double chance = (double)(bytes ? bytes : 1) * (double)gap / (double)rate;
    if (rate == 0 || (chance < 1 && hak_chance_part(random) >= chance))
        return 0;
    return (double)gap / (chance < 1 ? chance : 1);
}

double hak_heap_profile_weigh_point(size_t bytes, uint64_t rate) {
    return 1 / hak_chance_of_point((double)bytes / (double)rate);
}

int64_t hak_heap_profile_next_point(uint64_t random, uint64_t *rate) {
    *rate = rate_now();
    double bytes = hak_chance_exponential(random) * (double)*rate;
    return *rate == 0 ? INT64_MAX : 1 + (int64_t)bytes;
}

bool hak_heap_profile_has_rate(uint64_t rate) {
    return rate_now() == rate;
}

/* ---- numbers --------------------------------------------------------------------------------- */

bool hak_heap_live_make(void) {
    if (lives)
        return true;
    size_t space = hak_address_space_limit(), data = hak_raw_limit(RLIMIT_DATA);
    bool is_limited = (space < data ? space : data) / LIMIT_SHARE < LIVE * sizeof *lives;
    capacity = is_limited ? SMALL_LIVE : LIVE;
    lives = hak_reserve(capacity * sizeof *lives);
    atomic_store_explicit(&used, 1, memory_order_relaxed);
    return lives != NULL;
}

/* 0: all are taken. */
static uint32_t take_number(void) {
    uint64_t head = atomic_load_explicit(&unused, memory_order_acquire);
    while ((uint32_t)head) {
        uint64_t next = __atomic_load_n(&lives[(uint32_t)head].site, __ATOMIC_RELAXED);
        if (atomic_compare_exchange_weak_explicit(&unused, &head, ((head >> 32) + 1) << 32 | next,
                                                  memory_order_acquire, memory_order_acquire))
            return (uint32_t)head;
    }
    uint32_t number = atomic_load_explicit(&used, memory_order_relaxed);
    while (number < capacity) /* not CLOSED */
        if (atomic_compare_exchange_weak_explicit(&used, &number, number + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return number;
    return 0;
}

static void give_number(uint32_t number) {
    uint64_t head = atomic_load_explicit(&unused, memory_order_relaxed);
    do
        __atomic_store_n(&lives[number].site, (uint32_t)head, __ATOMIC_RELAXED);
    while (!atomic_compare_exchange_weak_explicit(&unused, &head, ((head >> 32) + 1) << 32 | number,
                                                  memory_order_release, memory_order_relaxed));
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static uint64_t rounded(double number) {
    return (uint64_t)(number + 0.5);
}

static uint64_t add(_Atomic uint64_t *sum, uint64_t more) {
    return atomic_fetch_add_explicit(sum, more, memory_order_relaxed);
}

static void miss(const struct hak_heap_sample *sample) {
    (void)add(&hak_heap_table.unsampled, 1);
    (void)add(&hak_heap_table.unsampled_bytes, rounded(sample->weight * (double)sample->bytes));
}

/* Twice the pages that are expected: a sampled block stands for `rate` bytes or more. */
bool hak_heap_profile_has_room(const struct hak_heap_sample *sample) {
    uint64_t share = rate_now() / PAGE_SHARE_BYTES;
    share = share < EXTRA_SHARE_MOST ? EXTRA_SHARE_MOST : share < EXTRA_SHARE ? share : EXTRA_SHARE;
    int64_t live = atomic_load_explicit(&live_bytes, memory_order_relaxed);
    int64_t most = ALWAYS_EXTRA_BYTES + (live > 0 ? live / (int64_t)share : 0);
    int64_t taken = atomic_load_explicit(&extra_bytes, memory_order_relaxed);
    if (taken + (int64_t)sample->extra_bytes <= most)
        return true;
    miss(sample);
    return false;
}

uint32_t hak_heap_profile_came(const struct hak_heap_sample *sample, const uintptr_t *ips,
                               size_t count, uint64_t now_ns) {
    uint32_t number = hak_heap_sites_make(now_ns) ? take_number() : 0;
    if (!number) {
        miss(sample);
        return 0;
    }
    uint64_t bytes = rounded(sample->weight * (double)sample->bytes);
    struct live *live = &lives[number];
    *live = (struct live){.weight = sample->weight,
                          .bytes = sample->bytes,
                          .came_ns = now_ns,
                          .extra_bytes = (uint32_t)sample->extra_bytes};
    uint32_t index = hak_heap_site_of(ips, count);
    __atomic_store_n(&live->site, index, __ATOMIC_RELAXED);
    struct hak_heap_profile_site *site = (void *)(uintptr_t)&hak_heap_table.sites[index];
    (void)add(&site->came_samples, 1);
    (void)add(&site->came_bytes, bytes);
    (void)add(&site->came_blocks, rounded(sample->weight * (1 << HAK_HEAP_PROFILE_FRACTION_BITS)));
    atomic_fetch_add_explicit(&live_bytes, (int64_t)bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&extra_bytes, (int64_t)live->extra_bytes, memory_order_relaxed);
    return number;
}

size_t hak_heap_profile_bytes_of(uint32_t number) {
    return lives[number].bytes;
}

void hak_heap_profile_went(uint32_t number, uint64_t now_ns) {
    enum { NS_IN_US = 1000 };
    struct live was = lives[number];
    uint64_t bytes = rounded(was.weight * (double)was.bytes);
    struct hak_heap_profile_site *site = (void *)(uintptr_t)&hak_heap_table.sites[was.site];
    uint64_t lived_ns = now_ns > was.came_ns ? now_ns - was.came_ns : 0;
    (void)add(&site->went_samples, 1);
    (void)add(&site->went_bytes, bytes);
    (void)add(&site->went_blocks, rounded(was.weight * (1 << HAK_HEAP_PROFILE_FRACTION_BITS)));
    (void)add(&site->lived_us, rounded(was.weight * (double)lived_ns / (double)NS_IN_US));
    atomic_fetch_sub_explicit(&live_bytes, (int64_t)bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(&extra_bytes, (int64_t)was.extra_bytes, memory_order_relaxed);
    give_number(number);
}

int64_t hak_heap_profile_live_bytes(void) {
    return atomic_load_explicit(&live_bytes, memory_order_relaxed);
}

/* Samples that come meanwhile have the numbers of others that went, or are counted as missing. */
static void empty_unused_lives(void) {
    uint32_t count = atomic_fetch_or_explicit(&used, CLOSED, memory_order_relaxed);
    if (count & CLOSED) /* another thread does it */
        return;
    hak_heap_empty_pages(lives + count, lives + capacity);
    atomic_store_explicit(&used, count, memory_order_release);
}

void hak_heap_profile_empty(void) {
    if (atomic_load_explicit(&hak_heap_table.site_count, memory_order_acquire) == 0)
        return;
    hak_heap_sites_empty();
    empty_unused_lives();
}

void hak_heap_live_after_fork(void) {
    atomic_fetch_and_explicit(&used, ~CLOSED, memory_order_relaxed);
}

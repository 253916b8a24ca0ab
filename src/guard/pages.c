/* Closes and opens pages, within what the process can afford (pages.h).
 *
 * How much is closed is decided by time that is measured where it is spent. A thread starts with
 * FIRST_TICKS, so that a small program has all of its pages closed, and gets one part in a hundred
 * of the time in which it runs. Opening is not optional and may overdraw it. A thread's first ticks
 * come from the process, which has enough for FIRST_THREADS, and gets back what a thread leaves or
 * owes: a program of many short threads pays one part in a hundred as well. */
#include "guard/pages.h"
#include "guard/choose/choose.h"
#include "guard/clean_look.h"

#include <sys/resource.h>
#include "guarded/guarded.h"
#include "guarded/mappings.h"
#include "light.h"
#include "newer.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/registry.h"
#include "platform/symbols.h"

enum {
    FIRST_TICKS = 6000000, /* about two milliseconds */
    FIRST_THREADS = 8,     /* that start with as much; the others with what is left by then */
    LOOK_TICKS = 1000000,  /* some tenths of a millisecond */
    MAPS_SHARE = 4,        /* of vm.max_map_count; a run of pages makes two mappings more */
    RUNS_OF_HEAD = 2,      /* a SuperSlab's: that of its last page, and the slabs closed whole */
    SPINS = 1000000,
};
static const struct hak_credit_terms terms = {.most = FIRST_TICKS, .dearest = 100000, .share = 100};

_Thread_local struct hak_page_budget hak_page_budget __attribute__((tls_model("initial-exec")));

static _Atomic int64_t process_ticks = (int64_t)FIRST_THREADS * FIRST_TICKS;
static _Atomic int32_t runs;     /* of closed pages, and large blocks that were dropped */
static _Atomic uint32_t closing; /* threads that are closing a page */
static _Atomic uint32_t held;    /* callers of hak_pages_hold */
/* Nothing is closed any more: a sandbox, or a page that could not be had back. */
static _Atomic bool is_over;

static void charge(struct hak_page_budget *budget, uint64_t start) {
    hak_credit_charge(&budget->credit, &terms, hak_ticks() - start);
}

/* ---- mappings -------------------------------------------------------------------------------- */

static bool has_mappings_left(void) {
    return atomic_load_explicit(&runs, memory_order_relaxed) < hak_most_mappings() / 2 / MAPS_SHARE;
}

/* Slabs closed whole lie side by side, mostly, and are counted with the SuperSlab's head. */
static int32_t runs_in(uint32_t pages) {
    return pages == HAK_ALL_PAGES ? 0 : __builtin_popcount(pages & ~(pages << 1));
}

/* Counts the change of closed pages for the metrics, and of runs for the bound on mappings. */
static void note_pages(const struct hak_located *at, uint32_t before, uint32_t after) {
    uint32_t changed = before ^ after;
    if (!changed)
        return;
    atomic_fetch_add_explicit(&runs, runs_in(after) - runs_in(before), memory_order_relaxed);
    hak_hop_count(changed & after ? HAK_COUNTED_PAGES_CLOSE : HAK_COUNTED_PAGES_OPEN,
                  at->class_index, (uint64_t)__builtin_popcount(changed) * HAK_PAGE_BYTES);
}

static _Atomic uint16_t *closed_word_of(const struct hak_located *at) {
    return &at->superslab->closed_pages[hak_slab_index_of(at->base)];
}

/* Calls `change` for each run of pages in `pages`; returns those for which it gave true. */
static uint32_t each_run(const struct hak_located *at, uint32_t pages,
                         bool (*change)(void *, size_t)) {
    char *slab = (char *)((uintptr_t)at->base & ~(uintptr_t)(HAK_SLAB_BYTES - 1));
    uint32_t changed = 0;
    while (pages) {
        unsigned first = (unsigned)__builtin_ctz(pages), count = 0;
        while (pages >> (first + count) & 1)
            count++;
        uint32_t run = ((1u << count) - 1) << first;
        if (change(slab + first * HAK_PAGE_BYTES, count * HAK_PAGE_BYTES))
            changed |= run;
        pages &= ~run;
    }
    return changed;
}

/* ---- open ------------------------------------------------------------------------------------ */

/* Opens closed pages; the cost of that is paid for by not closing for a while. */
static void open_runs(const struct hak_located *at, uint32_t pages) {
    uint64_t start = hak_ticks();
    uint32_t opened = each_run(at, pages, hak_allow_writes);
    unsigned slab_index = hak_slab_index_of(at->base);
    for (uint32_t rest = opened; rest; rest &= rest - 1)
        atomic_store_explicit(&at->superslab->opened_ticks[slab_index][__builtin_ctz(rest)], start,
                              memory_order_relaxed);
    uint32_t before = atomic_fetch_and(closed_word_of(at), (uint16_t)~opened);
    note_pages(at, before, before & ~opened);
    charge(&hak_page_budget, start);
}

/* Opens all closed pages of the SuperSlab: a hole in a run of closed pages takes a mapping more,
 * all of the run none. */
static void open_all(struct hak_superslab *superslab) {
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        struct hak_located at = {.superslab = superslab,
                                 .base = (char *)superslab + i * HAK_SLAB_BYTES,
                                 .slot_bytes = HAK_SLAB_BYTES,
                                 .class_index = HAK_CLASS_NONE};
        if (hak_closed_pages_of(&at))
            open_runs(&at, hak_closed_pages_of(&at));
    }
}

static long limit_data(const struct rlimit *limit, struct rlimit *before) {
    return hak_raw_call(SYS_prlimit64, 0, RLIMIT_DATA, (long)limit, (long)before, 0, 0);
}

static bool is_data_limited(void) {
    struct rlimit limit;
    return limit_data(NULL, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* Opens pages where the kernel, which counts what is open against RLIMIT_DATA, refuses: raises that
 * for a moment. No more pages are closed from then on. */
static HAK_COLD bool open_with_raised_limit(const struct hak_located *at) {
    struct rlimit before;
    open_all(at->superslab);
    if (!hak_closed_pages_of(at))
        return true;
    atomic_store(&is_over, true);
    if (limit_data(NULL, &before) == 0 && before.rlim_cur != before.rlim_max) {
        struct rlimit raised = {before.rlim_max, before.rlim_max};
        (void)limit_data(&raised, NULL);
        open_all(at->superslab);
        (void)limit_data(&before, NULL);
    }
    return !hak_closed_pages_of(at);
}

/* A fork may come in between: a page that is said to be closed and is open does no harm. */
bool hak_pages_open(const struct hak_located *at) {
    open_runs(at, hak_closed_pages_of(at));
    return HAK_LIKELY(!hak_closed_pages_of(at)) || open_with_raised_limit(at);
}

bool hak_pages_open_at(uintptr_t address) {
    struct hak_located at;
    (void)hak_locate_slot((const void *)address, &at);
    if (!at.superslab)
        return hak_guarded_open_at((const void *)address, hak_poison_opened);
    at.base = (char *)address;
    at.slot_bytes = 1;
    bool was_closed = hak_closed_pages_of(&at) != 0;
    return was_closed && hak_pages_open(&at);
}

/* Writes what lies around live blocks into a page that is a fresh one; what freed ones were filled
 * with is gone. */
static void write_again(char *page) {
    struct hak_located at;
    for (char *p = page; p < page + HAK_PAGE_BYTES; p += HAK_HEADER_BYTES) {
        if (!hak_locate(p, &at))
            continue;
        if (at.slot->place == HAK_PLACE_LIVE && hak_has_border(&at))
            hak_write_around_in(&at, page);
        else
            __atomic_fetch_and(&at.slot->subkind, (uint8_t)~HAK_SLOT_POISONED, __ATOMIC_RELAXED);
        p = at.base + at.slot_bytes - HAK_HEADER_BYTES;
    }
}

/* Maps a page that the program unmapped, and fills it with what should be there. False: the place
 * is taken. */
static bool map_again(char *page) {
    long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    bool is_there = hak_raw_call(SYS_mmap, page, HAK_PAGE_BYTES, PROT_READ | PROT_WRITE, flags, -1,
                                 0) == (long)page;
    if (is_there)
        write_again(page);
    return is_there;
}

/* In level light: of the plain allocator, or a guarded block's that lives (what touches a freed one
 * is not the family alone). */
static bool is_of_light(const char *page, const struct hak_located *at) {
    return at->slot ? at->slot->place == HAK_PLACE_LIVE
                    : light_hak_owner && light_hak_owner(page) != 0;
}

/* A guard that the program has put there (MADV_GUARD_INSTALL) stays when the protection changes,
 * and the page has no memory any more. */
static bool remove_guard(char *page) {
    if (hak_raw_readable((uintptr_t)page) || hak_call_is_forbidden(SYS_rt_sigprocmask))
        return true;
    if (!hak_clear_guards(page, HAK_PAGE_BYTES) || !hak_raw_readable((uintptr_t)page))
        return false;
    write_again(page);
    return true;
}

/* Opens a page that the program has closed, or maps it again. */
static bool open_of_program(char *page) {
    bool is_open = hak_allow_writes(page, HAK_PAGE_BYTES) ? remove_guard(page) : map_again(page);
    if (is_open)
        hak_hop_count(HAK_COUNTED_CLOSED_OPEN, HAK_CLASS_NONE, HAK_PAGE_BYTES);
    return is_open;
}

/* Opens a page that hakmem has closed, or the program, or both. */
static bool open_for_family(char *page) {
    return (hak_pages_open_at((uintptr_t)page) && remove_guard(page)) || open_of_program(page);
}

bool hak_pages_open_closed(uintptr_t address, uintptr_t stack_pointer) {
    struct hak_located at;
    uintptr_t inside = hak_inside.stack_pointer;
    char *page = (char *)(address & ~(uintptr_t)(HAK_PAGE_BYTES - 1));
    bool is_ours = hak_locate(page, &at) || at.superslab;
    bool is_family = inside != 0 && stack_pointer < inside;
    if (hak_light_serves() ? !is_of_light(page, &at) : !is_ours || !is_family)
        return false;
    return open_for_family(page);
}

void hak_pages_open_for_call(const char *start, const char *end, bool writes) {
    uintptr_t page = (uintptr_t)start & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    if (start == end || hak_call_is_forbidden(writes ? SYS_futex : SYS_rt_sigprocmask))
        return;
    for (; page < (uintptr_t)end; page += HAK_PAGE_BYTES)
        if (HAK_UNLIKELY(writes ? !hak_raw_writable(page) : !hak_raw_readable(page)))
            (void)open_for_family((char *)page);
}

void hak_open_border(const struct hak_located *at, bool writes) {
    struct hak_border_bytes border = hak_border_bytes_of(at);
    const char *behind = border.behind, *last = border.user - 1;
    const char *open_to = last + HAK_PAGE_BYTES - (uintptr_t)last % HAK_PAGE_BYTES;
    hak_pages_open_for_call(border.front, border.user, writes);
    if (border.front != border.user && behind < open_to) /* its page is open */
        behind = open_to < border.end ? open_to : border.end;
    hak_pages_open_for_call(behind, border.end, writes);
}

/* ---- close ----------------------------------------------------------------------------------- */

/* Whether nobody will touch the slot's bytes before its owner's thread has said so, and its pages
 * may be closed. */
static inline bool is_at_rest(const struct hak_slot *slot) {
    unsigned place = __atomic_load_n(&slot->place, __ATOMIC_ACQUIRE);
    unsigned flags = __atomic_load_n(&slot->subkind, __ATOMIC_ACQUIRE);
    if (place == HAK_PLACE_LIVE || (HAK_PLACES_OF_LISTS >> place & 1) || slot->is_changing)
        return false;
    return !(flags & HAK_SLOT_LIVED) || (flags & HAK_SLOT_POISONED);
}

/* The slots that touch a page of the slab, by the numbers of their states. */
struct slots {
    const struct hak_slot *states;
    unsigned first, last;
};

/* The slots that touch this page of the slab. */
static struct slots slots_of(const struct hak_located *at, unsigned page) {
    size_t first_byte = page * HAK_PAGE_BYTES, last_byte = first_byte + HAK_PAGE_BYTES - 1;
    size_t from = hak_first_slot_offset(at->class_index);
    return (struct slots){
        .states = hak_states_of(at->superslab, hak_slab_index_of(at->base)),
        .first = hak_slot_index(at->class_index, first_byte < from ? from : first_byte),
        .last = hak_slot_index(at->class_index, last_byte),
    };
}

/* Whether all slots that touch this page of the slab are at rest. */
static bool can_close(const struct hak_located *at, unsigned page) {
    struct slots slots = slots_of(at, page);
    for (unsigned i = slots.first; i <= slots.last; i++)
        if (!is_at_rest(&slots.states[i]))
            return false;
    return true;
}

/* Checks the freed blocks of a page that is closed next, which nobody can write into from here on:
 * what is closed of them already was looked at before. */
static void check_page_poison(const struct hak_located *at, unsigned page) {
    struct slots slots = slots_of(at, page);
    char *slab = (char *)((uintptr_t)at->base & ~(uintptr_t)(HAK_SLAB_BYTES - 1));
    for (unsigned i = slots.first; i <= slots.last; i++) {
        struct hak_located other = {.superslab = at->superslab};
        if ((slots.states[i].subkind & HAK_SLOT_POISONED) &&
            hak_locate_in_slab(slab + i * at->slot_bytes, at->class_index, &other))
            hak_check_poison(&other, HAK_QUARANTINE_LEAVE);
    }
}

/* Closes pages of the slab (PROT_NONE). Pages that the kernel refuses to close stay open. */
static void bar_pages(const struct hak_located *at, uint32_t pages) {
    _Atomic uint16_t *word = closed_word_of(at);
    if (!*hak_is_single_threaded)
        atomic_store_explicit(&hak_closed_beside_others, true, memory_order_relaxed);
    uint32_t before = atomic_fetch_or(word, (uint16_t)pages); /* first, as in open */
    uint32_t closed = each_run(at, pages, hak_bar_access);
    if (HAK_UNLIKELY(closed != pages)) {
        (void)each_run(at, pages & ~closed, hak_allow_writes);
        atomic_fetch_and(word, (uint16_t)(closed | ~pages));
    }
    note_pages(at, before, before | closed);
}

/* Closes the pages of a freed block in which nothing lives, after a look at their poison. */
static void close_block(const struct hak_located *at) {
    uint32_t wanted = hak_pages_of(at) & ~hak_closed_pages_of(at), pages = 0;
    for (uint32_t rest = wanted; rest; rest &= rest - 1)
        if (can_close(at, (unsigned)__builtin_ctz(rest)))
            pages |= rest & -rest;
    for (uint32_t rest = pages; rest; rest &= rest - 1)
        check_page_poison(at, (unsigned)__builtin_ctz(rest));
    if (pages)
        bar_pages(at, pages);
}

/* Lets nobody close a page from here on until the release; waits for those who just do. */
void hak_pages_hold(void) {
    atomic_fetch_add(&held, 1);
    for (unsigned i = 0; atomic_load(&closing) != 0 && i < SPINS; i++)
        hak_spin_hint();
}

void hak_pages_release(void) {
    atomic_fetch_sub(&held, 1);
}

/* True: pages may be closed until end_closing. False: they are held open, for good, or too many
 * mappings exist. */
static bool begin_closing(void) {
    if (atomic_load_explicit(&held, memory_order_relaxed) ||
        atomic_load_explicit(&is_over, memory_order_relaxed) || !has_mappings_left())
        return false;
    atomic_fetch_add(&closing, 1);
    if (HAK_LIKELY(atomic_load(&held) == 0 && !atomic_load(&is_over)))
        return true;
    atomic_fetch_sub(&closing, 1);
    return false;
}

static void end_closing(void) {
    atomic_fetch_sub(&closing, 1);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* The ticks that a thread starts with. */
static int64_t take_first_ticks(void) {
    int64_t left = atomic_load(&process_ticks), taken;
    do
        taken = left <= 0 ? 0 : left < FIRST_TICKS ? left : FIRST_TICKS;
    while (!atomic_compare_exchange_weak(&process_ticks, &left, left - taken));
    return taken;
}

/* Adds to the thread's budget a share of the time in which it ran since the last look: it could
 * wait for others most of the time, and its calls are not to pay for that. Looks at most once in
 * LOOK_TICKS. */
static HAK_COLD void refill(struct hak_page_budget *budget) {
    if (!hak_options.close_pages || atomic_load_explicit(&is_over, memory_order_relaxed) ||
        (budget->is_started && hak_ticks() - budget->earned_at.ticks < LOOK_TICKS) ||
        is_data_limited())
        return;
    uint64_t ran = hak_ran_ticks(&budget->earned_at, CLOCK_THREAD_CPUTIME_ID);
    if (budget->is_started)
        (void)hak_credit_earn(&budget->credit, &terms, ran);
    else
        atomic_fetch_add(&budget->credit.left, take_first_ticks());
    budget->is_started = true;
    if (hak_guards_sites)
        hak_sites_look(budget->earned_at.ticks);
}

void hak_pages_thread_end(struct hak_page_budget *budget) {
    if (budget->is_started)
        refill(budget);
    atomic_fetch_add(&process_ticks, atomic_exchange(&budget->credit.left, 0));
}

/* Closes the block's pages, and charges the time to the thread's budget. */
static HAK_COLD void close_in_time(struct hak_page_budget *budget, const struct hak_located *at) {
    uint64_t start = hak_ticks();
    if (!begin_closing())
        return;
    close_block(at);
    end_closing();
    charge(budget, start);
}

/* True when the budget has time left; it looks at the clock on each HAK_PAGES_LOOK_EVERY-th call.
 */
static inline bool has_time(struct hak_page_budget *budget) {
    if (HAK_LIKELY(hak_credit_left(&budget->credit) > 0))
        return true;
    if (HAK_LIKELY(++budget->calls % HAK_PAGES_LOOK_EVERY != 1))
        return false;
    refill(budget);
    return hak_credit_left(&budget->credit) > 0;
}

void hak_pages_close(struct hak_page_budget *budget, const struct hak_located *at) {
    if (has_time(budget))
        close_in_time(budget, at);
}

/* A slab as one slot, to open or ask about all its pages. */
static struct hak_located whole_slab(struct hak_superslab *superslab, unsigned slab_index) {
    return (struct hak_located){.superslab = superslab,
                                .base = (char *)superslab + slab_index * HAK_SLAB_BYTES,
                                .slot_bytes = HAK_SLAB_BYTES,
                                .class_index = HAK_CLASS_NONE};
}

void hak_pages_open_fresh(struct hak_superslab *superslab, unsigned slab_index) {
    struct hak_located at = whole_slab(superslab, slab_index);
    if (hak_closed_pages_of(&at) == HAK_ALL_PAGES)
        (void)hak_pages_open(&at);
}

void hak_pages_close_fresh(struct hak_superslab *superslab, unsigned slab_index) {
    struct hak_located at = whole_slab(superslab, slab_index);
    uint64_t start = hak_ticks();
    if (!has_time(&hak_page_budget) || !begin_closing()) {
        hak_pages_open_fresh(superslab, slab_index); /* in one call, not page by page */
        return;
    }
    bar_pages(&at, HAK_ALL_PAGES & ~hak_closed_pages_of(&at));
    end_closing();
    charge(&hak_page_budget, start);
}

/* Closes the slabs of a new SuperSlab that serve no class yet, and the last page of its head, which
 * needs only the first pages of slab 0. */
void hak_pages_close_unserved(struct hak_superslab *superslab) {
    /* With large pages it needs that one, too. */
    const size_t last_page = HAK_SLAB_BYTES / HAK_PAGE_BYTES - 1;
    const bool is_used = sizeof *superslab > last_page * HAK_PAGE_BYTES;
    size_t used = (last_page + is_used) * HAK_PAGE_BYTES, bytes = HAK_SUPERSLAB_BYTES - used;
    if (!hak_options.close_pages || is_data_limited() || !begin_closing())
        return;
    if (HAK_LIKELY(hak_bar_access((char *)superslab + used, bytes))) {
        if (!is_used)
            atomic_store(&superslab->closed_pages[0], (uint16_t)(1u << last_page));
        for (unsigned i = 1; i < HAK_SLABS; i++)
            atomic_store(&superslab->closed_pages[i], (uint16_t)HAK_ALL_PAGES);
        atomic_fetch_add_explicit(&runs, is_used ? 0 : RUNS_OF_HEAD, memory_order_relaxed);
        hak_hop_count(HAK_COUNTED_PAGES_CLOSE, HAK_CLASS_NONE, bytes);
    }
    end_closing();
}

void hak_pages_forget_superslab(const struct hak_superslab *superslab) {
    if (!hak_options.close_pages)
        return;
    bool has_closed_head = atomic_load_explicit(&superslab->closed_pages[0], memory_order_relaxed);
    int32_t gone = has_closed_head ? RUNS_OF_HEAD : 0;
    for (unsigned i = 1; i < HAK_SLABS; i++)
        gone += runs_in(atomic_load_explicit(&superslab->closed_pages[i], memory_order_relaxed));
    atomic_fetch_sub_explicit(&runs, gone, memory_order_relaxed);
}

/* ---- large blocks ---------------------------------------------------------------------------- */

void hak_pages_drop_large(const struct hak_located *at) {
    if (!hak_options.close_pages || at->large->chunk || !begin_closing())
        return;
    if (hak_drop_pages(at->base, at->slot_bytes)) {
        at->slot->subkind |= HAK_SLOT_POISONED;
        atomic_fetch_add_explicit(&runs, 1, memory_order_relaxed);
        hak_hop_count(HAK_COUNTED_PAGES_CLOSE, at->class_index, at->slot_bytes);
    }
    end_closing();
}

void hak_pages_forget_large(const struct hak_located *at) {
    if (at->slot->subkind & HAK_SLOT_POISONED)
        atomic_fetch_sub_explicit(&runs, 1, memory_order_relaxed);
    at->slot->subkind &= (uint8_t)~HAK_SLOT_POISONED;
}

/* ---- the moments of a process ---------------------------------------------------------------- */

static void open_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    (void)owner;
    (void)context;
    open_all(superslab);
}

/* Opens all pages of all SuperSlabs. The registry is whole also where this thread holds its lock
 * already, and a signal handler came between: each change of it is one store. */
static void open_each_superslab(void) {
    bool is_mine = hak_lock_is_mine(&hak_registry_lock);
    if (!is_mine)
        hak_lock(&hak_registry_lock);
    hak_pages_hold();
    hak_registry_each(open_superslab, NULL);
    hak_pages_release();
    if (!is_mine)
        hak_unlock(&hak_registry_lock);
}

bool hak_check_open_pages(void) {
    int32_t before = atomic_load_explicit(&runs, memory_order_relaxed);
    if (before <= 0)
        return false;
    open_each_superslab();
    return atomic_load_explicit(&runs, memory_order_relaxed) < before;
}

/* Opens all pages and closes none any more: the program enters a sandbox, in which mprotect may be
 * its end. */
static void open_for_good(void) {
    atomic_store(&is_over, true);
    hak_guarded_stop();
    open_each_superslab();
}

static const char is_unknown;
const char *hak_is_single_threaded = &is_unknown;

void hak_pages_start(void) {
    const char *known = hak_symbol_first("__libc_single_threaded");
    if (known)
        hak_is_single_threaded = known;
    hak_sandbox_steps[HAK_SANDBOX_PAGES] = open_for_good;
}

void hak_pages_fork_child(void) {
    atomic_store(&closing, 0);
    atomic_store(&held, 0);
}

/* Closing of pages: when a page is closed, who opens it, and what it may cost. */
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include "guard/pages.h"
#include "platform/objects.h"
#include "platform/raw_call.h"
#include "platform/symbols.h"
#include "world.h"

enum { HEAP = 7, MUCH = 1 << 30 };

static struct hak_page_budget budget;

static void begin(unsigned layout) {
    make_world(HAK_CHECK_NORMAL, layout);
    heap->owner = HEAP;
    hak_options.quarantine_bytes = 64 << 20;
    hak_options.quarantine_blocks = 10000;
    hak_options.poison = 1;
    hak_options.close_pages = 1;
    budget = (struct hak_page_budget){.credit.left = MUCH, .is_started = true};
}

static struct hak_located located(base_t block) {
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    return at;
}

static void give_back(base_t block) {
    ck_assert_int_ne(hak_check_quarantine(block, HAK_FREE, HEAP), HAK_NOT_KEPT);
}

static bool can_be_read(const void *p) {
    return hak_raw_readable((uintptr_t)p & ~(uintptr_t)7);
}

/* Sixty-four slots of 64 bytes are a page. */
TEST(a_page_is_closed_when_its_last_live_block_goes, EACH_LAYOUT) {
    begin(_i);
    user_t user[64];
    for (unsigned i = 0; i < 64; i++)
        user[i] = hand_out(slot_at(2, i), 30, 0);
    for (unsigned i = 0; i < 64; i++) {
        ck_assert(can_be_read(user[0].p));
        give_back(slot_at(2, (i * 7 + 3) % 64));
    }
    ck_assert(!can_be_read(user[0].p));
    ck_assert(!can_be_read(user[63].p));
    ck_assert(can_be_read(slot_at(2, 64).p));
    ck_assert_uint_eq(heap->closed_pages[2], 1);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(a_slot_of_several_pages_is_closed_with_those_it_has_alone) {
    begin(HAK_LAYOUT_HEADER);
    hak_options.close_pages = 0;
    acquire_slab(6, hak_class_of_bytes(5120));
    hak_options.close_pages = 1;
    hak_page_budget = budget;
    user_t first = hand_out(slot_at(6, 0), 5000, 0), second = hand_out(slot_at(6, 1), 5000, 0);
    give_back(slot_at(6, 0));
    ck_assert(!can_be_read(first.p));
    ck_assert(can_be_read(second.p));
    ck_assert_uint_eq(heap->closed_pages[6], 1);
    give_back(slot_at(6, 1));
    ck_assert(!can_be_read(second.p));
    ck_assert_uint_eq(heap->closed_pages[6], 7);
    hak_check_leaving(true);
    hak_check_freed(slot_at(6, 0), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT);
    first = hand_out(slot_at(6, 0), 5000, 0);
    memset(first.p, 1, 5000);
    ck_assert_uint_eq(heap->closed_pages[6], 4);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(a_hand_out_opens_and_finds_the_poison_whole, EACH_LAYOUT) {
    begin(_i);
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    give_back(slot_at(2, 0));
    ck_assert(!can_be_read(user.p));
    user_t other = hand_out(slot_at(2, 5), 30, 0);
    ck_assert(can_be_read(user.p));
    ck_assert_int_eq(other.p - user.p, slot_at(2, 5).p - slot_at(2, 0).p);
    ck_assert_ptr_nonnull(hak_check_leaving(true).p);
    hak_check_freed(slot_at(2, 0), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT);
    (void)hand_out(slot_at(2, 0), 30, 0);
    ck_assert_uint_eq(fault_count, 0);
}

TEST(a_block_in_a_list_keeps_its_page_open) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    give_back(slot_at(2, 0));
    ck_assert(!can_be_read(user.p));
    (void)hak_check_leaving(true);
    hak_check_freed(slot_at(2, 0), HAK_QUARANTINE_LEAVE, HAK_PLACE_MAGAZINE);
    ck_assert(!can_be_read(user.p));
    ck_assert(hak_hop_block(HAK_SLL_PUSH, slot_at(2, 0), HAK_CLASS_OF_64));
    ck_assert(can_be_read(user.p));
    *hak_check_link_of(slot_at(2, 0)) = NULL;
    (void)hand_out(slot_at(2, 1), 30, 0);
    give_back(slot_at(2, 1));
    ck_assert(can_be_read(user.p));
    ck_assert(hak_check_pop(HAK_SLL_POP, HAK_PLACE_SLL, slot_at(2, 0), HAK_CLASS_OF_64));
    ck_assert(hak_hop_block(HAK_SLL_POP, slot_at(2, 0), HAK_CLASS_OF_64));
    (void)hand_out(slot_at(2, 1), 30, 0);
    give_back(slot_at(2, 1));
    ck_assert(!can_be_read(user.p));
    ck_assert_uint_eq(fault_count, 0);
}

/* Another thread freed it, and is not through with its bytes. */
TEST(a_block_that_is_looked_at_keeps_its_page_open) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    (void)hand_out(slot_at(2, 1), 30, 0);
    struct hak_slot *slot = state_of(slot_at(2, 1));
    slot->place = HAK_PLACE_QUARANTINE;
    give_back(slot_at(2, 0));
    ck_assert(can_be_read(user.p));
    slot->subkind |= HAK_SLOT_POISONED;
    slot->is_changing = 1;
    struct hak_located at = located(slot_at(2, 0));
    hak_pages_close(&budget, &at);
    ck_assert(can_be_read(user.p));
    slot->is_changing = 0;
    hak_pages_close(&budget, &at);
    ck_assert(!can_be_read(user.p));
}

TEST(only_the_owner_of_the_heap_closes) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    ck_assert_int_eq(hak_check_quarantine(slot_at(2, 0), HAK_FREE, HEAP + 1), HAK_KEPT);
    ck_assert(can_be_read(user.p));
    ck_assert_uint_eq((uint8_t)user.p[0], pattern_at(user.p, HAK_PATTERN_FREED));
    user.p[0] = 1; /* not looked at, either: the owner might close the page meanwhile */
    (void)hak_check_leaving(true);
    ck_assert_uint_eq(fault_count, 0);
    hak_check_freed(slot_at(2, 0), HAK_QUARANTINE_LEAVE, HAK_PLACE_REMOTE);
    (void)hand_out(slot_at(2, 0), 30, 0);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRITE_AFTER_FREE);
}

TEST(nothing_is_closed_while_a_sweep_reads) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    hak_pages_hold();
    give_back(slot_at(2, 0));
    ck_assert(can_be_read(user.p));
    hak_pages_release();
    struct hak_located at = located(slot_at(2, 0));
    hak_pages_close(&budget, &at);
    ck_assert(!can_be_read(user.p));
}

TEST(nothing_is_closed_without_a_budget_or_where_it_is_off) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    struct hak_located at = located(slot_at(2, 0));
    hak_options.close_pages = 0;
    give_back(slot_at(2, 0));
    ck_assert(can_be_read(user.p));
    hak_options.close_pages = 1;
    budget = (struct hak_page_budget){.credit.left = -1, .is_started = true, .calls = 5};
    hak_pages_close(&budget, &at);
    ck_assert(can_be_read(user.p));
    budget.credit.left = MUCH;
    hak_pages_close(&budget, &at);
    ck_assert(!can_be_read(user.p));
    ck_assert_int_lt(budget.credit.left, MUCH);
}

static uint64_t ran_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Enough calls for a look at the clock. */
static int64_t earned(const struct hak_located *at) {
    budget.credit.left = -MUCH;
    for (unsigned i = 0; i < 2 * HAK_PAGES_LOOK_EVERY; i++)
        hak_pages_close(&budget, at);
    return budget.credit.left + MUCH;
}

/* A thread that waits for others gets nothing for that, however long it was. */
TEST(the_budget_grows_while_the_thread_runs_and_not_while_it_waits) {
    enum { WAITED_NS = 200000000, RAN_NS = 50000000 };
    begin(HAK_LAYOUT_HEADER);
    (void)hand_out(slot_at(2, 0), 30, 0);
    struct hak_located at = located(slot_at(2, 0));
    budget = (struct hak_page_budget){0};
    hak_pages_close(&budget, &at); /* begins it */
    ck_assert_int_gt(budget.credit.left, 0);
    uint64_t ran = ran_ns(), start = hak_ticks();
    struct timespec nap = {.tv_nsec = WAITED_NS};
    while (nanosleep(&nap, &nap) != 0)
        continue;
    uint64_t waited = hak_ticks() - start;
    double share = (double)earned(&at) / (double)waited; /* 0.01: as if it had run all the time */
    ran = ran_ns() - ran;
    ck_assert_msg(share < 0.002 + 0.02 * (double)ran / WAITED_NS, "%f", share);

    for (ran = ran_ns(); ran_ns() - ran < RAN_NS;)
        continue;
    ck_assert_int_gt(earned(&at), 0);
}

/* The ticks of a thread that begins, closes a page and ends with nothing left of them. */
static int64_t first_ticks_of_a_thread(const struct hak_located *at) {
    budget = (struct hak_page_budget){0};
    hak_pages_close(&budget, at);
    int64_t ticks = budget.credit.left;
    budget.credit.left = 0;
    hak_pages_thread_end(&budget);
    return ticks;
}

TEST(many_short_threads_share_what_few_may_spend) {
    begin(HAK_LAYOUT_SAME);
    base_t block = slot_at(2, 0);
    hand_out(block, 30, 0);
    give_back(block);
    struct hak_located at = located(block);
    int64_t all = 0, first = first_ticks_of_a_thread(&at);
    ck_assert_int_gt(first, 1000000);
    for (unsigned i = 1; i < 200; i++)
        all += first_ticks_of_a_thread(&at);
    ck_assert_int_lt(all, 20 * first);
    budget =
        (struct hak_page_budget){.credit.left = 10 * first}; /* one leaves much: the next has it */
    hak_pages_thread_end(&budget);
    ck_assert_int_gt(first_ticks_of_a_thread(&at), first / 2);
}

TEST(under_a_limit_of_data_nothing_is_closed_and_what_is_can_be_opened) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(2, 0), 30, 0), other = hand_out(slot_at(3, 0), 900, 0);
    give_back(slot_at(2, 0));
    ck_assert(!can_be_read(user.p));
    struct rlimit unlimited, low = {4096, RLIM_INFINITY};
    getrlimit(RLIMIT_DATA, &unlimited);
    low.rlim_max = unlimited.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &low), 0);
    struct hak_located at = located(slot_at(2, 0));
    bool is_open = hak_pages_open(&at);
    struct hak_page_budget fresh = {0};
    state_of(slot_at(3, 0))->place = HAK_PLACE_FRONT;
    state_of(slot_at(3, 0))->subkind |= HAK_SLOT_POISONED;
    at = located(slot_at(3, 0));
    hak_pages_close(&fresh, &at);
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &unlimited), 0);
    ck_assert(is_open);
    ck_assert(can_be_read(user.p));
    ck_assert(can_be_read(other.p));
}

TEST(an_address_can_be_opened_and_all_of_them) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(2, 0), 30, 0), other = hand_out(slot_at(3, 0), 900, 0);
    give_back(slot_at(2, 0));
    give_back(slot_at(3, 0));
    ck_assert(!can_be_read(user.p) && !can_be_read(other.p));
    ck_assert(hak_pages_open_at((uintptr_t)user.p + 100));
    ck_assert(can_be_read(user.p) && !can_be_read(other.p));
    ck_assert(!hak_pages_open_at((uintptr_t)user.p));
    ck_assert(!hak_pages_open_at((uintptr_t)&user));
    ck_assert(hak_check_open_pages());
    ck_assert(can_be_read(other.p));
    ck_assert(!hak_check_open_pages());
}

TEST(before_a_sandbox_everything_is_open_for_good) {
    begin(HAK_LAYOUT_HEADER);
    hak_pages_start();
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    give_back(slot_at(2, 0));
    ck_assert(!can_be_read(user.p));
    hak_prepare_for_sandbox();
    ck_assert(can_be_read(user.p));
    struct hak_located at = located(slot_at(2, 0));
    hak_pages_close(&budget, &at);
    ck_assert(can_be_read(user.p));
}

/* A slab that serves another class next is not opened for it; each hand-out opens what it needs. */
TEST(a_slab_may_change_its_class_while_pages_are_closed) {
    begin(HAK_LAYOUT_HEADER);
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    give_back(slot_at(2, 0));
    (void)hak_check_leaving(true);
    hak_check_freed(slot_at(2, 0), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT);
    hak_hop_block(HAK_FRONT_SPILL, slot_at(2, 0), HAK_CLASS_OF_64);
    hak_hop_note(HAK_SLAB_RELEASE, HAK_CLASS_OF_64, slab_at(2), 0);
    acquire_slab(2, HAK_CLASS_OF_1024);
    ck_assert(!can_be_read(user.p));
    user_t large = hand_out(slot_at(2, 5), 900, 0);
    memset(large.p, 1, 900);
    ck_assert(!can_be_read(user.p));
    ck_assert_uint_eq(fault_count, 0);
}

TEST(a_fresh_slab_is_closed_but_for_what_is_handed_out, EACH_LAYOUT) {
    begin(_i);
    acquire_slab(6, HAK_CLASS_OF_1024);
    ck_assert_uint_eq(heap->closed_pages[6], 0xffff);
    user_t user = hand_out(slot_at(6, 7), 900, 0);
    memset(user.p, 1, 900);
    ck_assert_uint_eq(heap->closed_pages[6], 0xffff & ~2u);
    ck_assert(can_be_read(slab_at(6) + 8191));
    ck_assert(!can_be_read(slab_at(6) + 8192));
    ck_assert(!can_be_read(slab_at(6) + 4095));
    heap->owner = HAK_OWNER_SHARED;
    acquire_slab(7, HAK_CLASS_OF_1024);
    ck_assert_uint_eq(heap->closed_pages[7], 0);
}

TEST(what_has_served_nothing_yet_is_closed) {
    begin(HAK_LAYOUT_HEADER);
    hak_hop_note(HAK_SUPERSLAB_MAP, HAK_CLASS_NONE, heap, HAK_SUPERSLAB_BYTES);
    ck_assert(!can_be_read(slab_at(1) - 8));
    ck_assert(can_be_read(slab_at(1) - 4096 - 8));
    for (unsigned i = 1; i < HAK_SLABS; i++)
        ck_assert(!can_be_read(slab_at(i)));
    ck_assert(!can_be_read(slab_at(HAK_SLABS - 1) + HAK_SLAB_BYTES - 1));
    /* A slab that begins to serve is opened in one go where there is no time to go by pages. */
    hak_page_budget.is_started = true;
    hak_page_budget.credit.left = -1;
    hak_page_budget.earned_at.ticks = hak_ticks();
    hak_page_budget.calls = 1;
    acquire_slab(6, HAK_CLASS_OF_1024);
    ck_assert_uint_eq(heap->closed_pages[6], 0);
    ck_assert(can_be_read(slab_at(6) + HAK_SLAB_BYTES - 1));
    ck_assert(!can_be_read(slab_at(7)));
    heap->owner = HAK_OWNER_SHARED;
    acquire_slab(7, HAK_CLASS_OF_1024);
    ck_assert_uint_eq(heap->closed_pages[7], 0);
}

/* A run of closed pages takes mappings, of which a process has so many: those of a SuperSlab go
 * with it. */
TEST(superslabs_that_come_and_go_use_no_mappings_up) {
    begin(HAK_LAYOUT_HEADER);
    for (unsigned i = 0; i < 40000; i++) {
        hak_hop_note(HAK_SUPERSLAB_MAP, HAK_CLASS_NONE, heap, HAK_SUPERSLAB_BYTES);
        ck_assert_msg(!can_be_read(slab_at(1)), "SuperSlab %u is open", i);
        hak_hop_note(HAK_SUPERSLAB_UNMAP, HAK_CLASS_NONE, heap, HAK_SUPERSLAB_BYTES);
        memset((void *)heap->closed_pages, 0, sizeof heap->closed_pages);
        ck_assert(hak_allow_writes(heap, HAK_SUPERSLAB_BYTES));
    }
    acquire_slab(2, HAK_CLASS_OF_64);
    (void)hand_out(slot_at(2, 0), 30, 0);
    give_back(slot_at(2, 0));
    ck_assert(!can_be_read(slot_at(2, 0).p));
}

/* A block of the closed page was written into while a neighbour kept the page open. */
TEST(what_was_written_before_a_page_is_closed_is_told, EACH_LAYOUT) {
    begin(_i);
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    (void)hand_out(slot_at(2, 1), 30, 0);
    give_back(slot_at(2, 0));
    user.p[4] = 1;
    ck_assert_uint_eq(fault_count, 0);
    give_back(slot_at(2, 1));
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRITE_AFTER_FREE);
    ck_assert_uint_eq(last_fault()->base, base_address(slot_at(2, 0)));
    ck_assert_int_eq(last_fault()->offset, 4);
    ck_assert(!can_be_read(user.p));
}

/* A slot with a closed page: what of it is open is looked at, by a sweep and when the rest is
 * closed.
 */
TEST(what_is_written_beside_a_closed_page_is_found, .until = 2) {
    begin(HAK_LAYOUT_HEADER);
    hak_options.close_pages = 0;
    acquire_slab(6, hak_class_of_bytes(5120));
    heap->slabs[6].carved = heap->slabs[6].capacity;
    hak_options.close_pages = 1;
    hak_page_budget = budget;
    user_t first = hand_out(slot_at(6, 0), 5000, 0);
    (void)hand_out(slot_at(6, 1), 5000, 0);
    give_back(slot_at(6, 0));
    ck_assert_uint_eq(heap->closed_pages[6], 1);
    if (_i == 0)
        ck_assert_uint_eq(hak_check_sweep(), 0);
    first.p[4990] = 1;
    if (_i == 0)
        ck_assert_uint_eq(hak_check_sweep(), 1);
    else
        give_back(slot_at(6, 1));
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRITE_AFTER_FREE);
    ck_assert_uint_eq(last_fault()->base, base_address(slot_at(6, 0)));
    ck_assert_int_eq(last_fault()->offset, 4990);
    ck_assert_uint_eq(last_fault()->damaged_bytes, 1);
    ck_assert_int_eq(last_fault()->clean_ticks != 0, _i == 0);
}

/* The page of a freed block is opened for its neighbour: what is written there was written since.
 */
TEST(damage_in_an_opened_page_was_done_after_the_opening) {
    begin(HAK_LAYOUT_HEADER);
    hak_pages_start(); /* finds out that there is no other thread */
    hak_page_budget = budget;
    heap->slabs[2].carved = heap->slabs[2].capacity;
    user_t user = hand_out(slot_at(2, 0), 30, 0);
    (void)hand_out(slot_at(2, 1), 30, 0);
    give_back(slot_at(2, 0));
    give_back(slot_at(2, 1));
    ck_assert(!can_be_read(user.p));
    uint64_t before = hak_ticks();
    hak_check_leaving(true);
    hak_check_leaving(true);
    hak_check_freed(slot_at(2, 1), HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT);
    (void)hand_out(slot_at(2, 1), 30, 0);
    uint64_t after = hak_ticks();
    ck_assert(can_be_read(user.p));
    user.p[4] = 1;
    ck_assert_uint_eq(hak_check_sweep(), 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_WRITE_AFTER_FREE);
    if (!hak_symbol_first("__libc_single_threaded")) { /* before glibc 2.32 another may have */
        ck_assert_uint_ne(last_fault()->clean_by, HAK_FOUND_BY_OPENING);
        return;
    }
    ck_assert_uint_eq(last_fault()->clean_by, HAK_FOUND_BY_OPENING);
    ck_assert_uint_ge(last_fault()->clean_ticks, before);
    ck_assert_uint_le(last_fault()->clean_ticks, after);
}

RUN_TESTS(.prepare = hak_objects_start)

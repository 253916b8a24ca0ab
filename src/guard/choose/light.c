/* Level light, the checks' half: guarded blocks for the plain allocator's program, and reports of
 * what that allocator finds itself (light.h). */
#include "guard/guard.h"
#include "guard/choose/sample.h"
#include "guard/watched.h"
#include "guarded/guarded.h"
#include "light.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

uint16_t hak_light_first_look(void) {
    return hak_sample_interval();
}

/* ---- whose calls they were --------------------------------------------------------------------
 */

enum { TIDS = 1024 };
static _Atomic int32_t tids[TIDS]; /* kernel's ids of threads, by their numbers */

static uint32_t number_of_caller(void) {
    uint32_t number = hak_trace_thread();
    if (number < TIDS && !atomic_load_explicit(&tids[number], memory_order_relaxed))
        atomic_store_explicit(&tids[number], (int32_t)hak_raw_call(SYS_gettid),
                              memory_order_relaxed);
    return number;
}

static int32_t tid_of(uint32_t number) {
    return number < TIDS ? atomic_load_explicit(&tids[number], memory_order_relaxed) : 0;
}

/* ---- to the program ---------------------------------------------------------------------------
 */

/* The block remembers its site in a field that only blocks of the BigCache need. */
static void *take(struct hak_hand_out *how, uint32_t site) {
    base_t base = hak_check_take_guarded(how);
    struct hak_large *large = base.p ? hak_large_find(base.p) : NULL;
    if (!large)
        return NULL;
    how->class_index = HAK_CLASS_NONE;
    large->look = site;
    void *user = hak_check_hand_out(base, how).p;
    if (!user)
        hak_guarded_give(large);
    else
        large->life =
            (struct hak_large_life){.born_ticks = hak_ticks(), .born_thread = number_of_caller()};
    return user;
}

static void watch(const void *user) {
    uint64_t start = hak_ticks();
    struct hak_located at;
    if (hak_locate(user, &at))
        hak_watched_offer_briefly(&at);
    hak_sample_watched(hak_ticks() - start);
}

void *hak_light_take(struct hak_hand_out *how, uint16_t *until_look) {
    uint32_t site = hak_sample_look(how->call);
    *until_look = hak_sample_interval();
    if (site == 0 || how->asked_bytes > PTRDIFF_MAX)
        return NULL;
    uint64_t start = hak_ticks();
    void *user = take(how, site);
    if (!user)
        return NULL;
    hak_sample_taken(site, hak_ticks() - start);
    if (hak_watched_is_on && hak_sample_may_watch())
        watch(user);
    return user;
}

/* ---- and back ---------------------------------------------------------------------------------
 */

bool hak_light_covers(const void *pointer) {
    return hak_guarded_covers(pointer);
}

void hak_light_give(void *pointer) {
    enum hak_record_kind kind = hak_free_by(HAK_GIVEN_BY_FREE);
    uint64_t start = hak_ticks();
    base_t base;
    if (hak_check_take_back(user_from(pointer), kind, &base) != HAK_TAKE)
        return;
    struct hak_large *large = hak_large_find(base.p);
    uint32_t site = large->look;
    large->life.freed_ticks = start;
    large->life.freed_thread = number_of_caller();
    (void)hak_check_freed(base, kind, HAK_PLACE_GUARDED);
    hak_sample_given(site, hak_ticks() - start);
}

bool hak_light_resizes(void *pointer, size_t *asked_bytes) {
    base_t base;
    if (hak_check_take_back(user_from(pointer), HAK_REALLOC, &base) != HAK_TAKE)
        return false;
    *asked_bytes = hak_light_usable(pointer);
    return true;
}

size_t hak_light_usable(const void *pointer) {
    struct hak_located at;
    bool is_block = hak_locate(pointer, &at) && at.slot->place == HAK_PLACE_LIVE;
    return is_block ? hak_asked_bytes_of(&at) : 0;
}

void hak_light_thread_end(void) {
    hak_check_thread_end();
}

/* ---- the lives that are still known -----------------------------------------------------------
 */

/* In the number of a thread: what it did was visited. */
#define VISITED 0x80000000u

struct visit {
    void (*call)(void *, const struct hak_guarded_life *);
    void *context;
    bool again;
};

/* The thread whose call it was; 0: there was none, it was visited, or the block has changed hands
 * since `seen` was read. */
static uint32_t visit_once(uint32_t *word, uint32_t seen, bool again) {
    uint32_t before = seen, after = seen | VISITED;
    if (seen == 0 || ((seen & VISITED) && !again) ||
        !__atomic_compare_exchange_n(word, &before, after, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return 0;
    return seen & ~VISITED;
}

/* Other threads take and give meanwhile: a block that changes is left out, and visited the next
 * time. */
static void visit_large(struct hak_large *large, void *context) {
    const struct visit *visit = context;
    struct hak_located at;
    if (!(large->slot.subkind & HAK_SLOT_LIVED))
        return;
    uint32_t count = __atomic_load_n(&large->slot.record_count, __ATOMIC_ACQUIRE);
    struct hak_large_life seen = large->life;
    hak_locate_as_large(large, &at);
    bool lives = at.slot->place == HAK_PLACE_LIVE;
    struct hak_guarded_life life = {
        .user = (uintptr_t)hak_user_in(&at),
        .delta_bytes = hak_delta_bytes_of(&at),
        .asked_bytes = hak_asked_bytes_of(&at),
        .born_ticks = seen.born_ticks,
        .freed_ticks = seen.freed_ticks,
        .alloc_stack = at.slot->alloc_stack,
        .free_stack = at.slot->free_stack,
        .record_count = lives ? count : count - 1,
        .epoch = at.epoch,
        .taken_by = at.slot->subkind & HAK_SLOT_TAKEN,
    };
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (at.slot->is_changing || (at.slot->place == HAK_PLACE_LIVE) != lives ||
        __atomic_load_n(&large->slot.record_count, __ATOMIC_RELAXED) != count)
        return;
    life.born_thread = visit_once(&large->life.born_thread, seen.born_thread, visit->again);
    if (!lives)
        life.freed_thread = visit_once(&large->life.freed_thread, seen.freed_thread, visit->again);
    life.born_tid = tid_of(life.born_thread);
    life.freed_tid = tid_of(life.freed_thread);
    if (life.born_thread || life.freed_thread)
        visit->call(visit->context, &life);
}

void hak_light_each_life(bool again, void (*call)(void *, const struct hak_guarded_life *),
                         void *context) {
    struct visit visit = {call, context, again};
    hak_guarded_each(visit_large, &visit);
}

/* ---- what the plain allocator finds itself ----------------------------------------------------
 */

/* What is surely no block is told as everywhere; of a block of the plain allocator's there is no
 * more to say than what it found. */
void hak_light_blame(const char *what, const void *pointer) {
    enum hak_record_kind kind = hak_free_by(HAK_GIVEN_BY_FREE);
    bool is_double = what[0] == 'd';
    struct hak_located at;
    base_t base;
    if (!is_double &&
        hak_check_take_back(user_from((void *)(uintptr_t)pointer), kind, &base) != HAK_FOREIGN)
        return;
    (void)hak_locate(pointer, &at);
    struct hak_finding finding = {
        .code = is_double ? HAK_FAULT_DOUBLE_FREE : HAK_FAULT_BAD_FREE,
        .kind = kind,
        .pointer = pointer,
        .class_found = HAK_CLASS_NONE,
        .memory = is_double ? HAK_MEMORY_SLOT_START : HAK_MEMORY_OTHER,
    };
    hak_report_fault(&at, &finding);
}

/* What the thread that forked has done is the child's; other threads of the parent have no number
 * here. */
static void inherit(uint32_t *thread, uint32_t forking) {
    *thread = (*thread & ~VISITED) == forking ? 1 : 0;
}

static void inherit_life(struct hak_large *large, void *context) {
    const uint32_t *forking = context;
    inherit(&large->life.born_thread, *forking);
    inherit(&large->life.freed_thread, *forking);
}

void hak_light_fork_child(uint32_t forking) {
    __builtin_memset((void *)tids, 0, sizeof tids);
    hak_guarded_each(inherit_life, &forking);
}

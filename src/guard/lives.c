/* Level light: the times and threads of the allocations and frees of guarded blocks, for the store
 * of a report (trace/crash/lives.c). */
#include "guard/guard.h"
#include "guarded/guarded.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

enum { TIDS = 1024 };
static _Atomic int32_t tids[TIDS]; /* kernel's ids of threads, by their numbers */

/* Returns the calling thread's number, and keeps the kernel's id of it for tid_of. */
static uint32_t note_calling_thread(void) {
    uint32_t number = hak_trace_thread();
    if (number < TIDS && !atomic_load_explicit(&tids[number], memory_order_relaxed))
        atomic_store_explicit(&tids[number], (int32_t)hak_raw_call(SYS_gettid),
                              memory_order_relaxed);
    return number;
}

static int32_t tid_of(uint32_t number) {
    return number < TIDS ? atomic_load_explicit(&tids[number], memory_order_relaxed) : 0;
}

void hak_life_begins(struct hak_large *large) {
    large->life.born_ticks = hak_ticks();
    __atomic_store_n(&large->life.born_thread, note_calling_thread(), __ATOMIC_RELEASE);
}

void hak_life_ends(struct hak_large *large) {
    large->life.freed_ticks = hak_ticks();
    __atomic_store_n(&large->life.freed_thread, note_calling_thread(), __ATOMIC_RELEASE);
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

/* Marks `*word` as visited and returns the thread in it; 0: there is none, it was visited before
 * (and not `again`), or the block has changed hands since `seen` was read. */
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
    /* The threads first: then the times are not those of the life before. */
    struct hak_large_life seen = {
        .born_thread = __atomic_load_n(&large->life.born_thread, __ATOMIC_ACQUIRE),
        .freed_thread = __atomic_load_n(&large->life.freed_thread, __ATOMIC_ACQUIRE)};
    seen.born_ticks = large->life.born_ticks;
    seen.freed_ticks = large->life.freed_ticks;
    at = hak_located_as_large(large);
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

/* The forking thread's allocations and frees become the child's; other threads of the parent have
 * no number here. */
static void inherit(uint32_t *thread, uint32_t forking) {
    *thread = (*thread & ~VISITED) == forking ? 1 : 0;
}

/* In a fork's child: a large block of the forking thread becomes one of the child's thread 1; other
 * threads of the parent are forgotten. */
static void inherit_life(struct hak_large *large, void *context) {
    const uint32_t *forking = context;
    inherit(&large->life.born_thread, *forking);
    inherit(&large->life.freed_thread, *forking);
}

void hak_light_fork_child(uint32_t forking) {
    __builtin_memset((void *)tids, 0, sizeof tids);
    hak_guarded_each(inherit_life, &forking);
}

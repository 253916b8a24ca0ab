/* The run of hak_verify: takes the locks, looks at everything, looks again where a thread may have
 * been in the middle of a change, prints. */
#include "verify/verify.h"

#include <time.h>

#include "front/remote.h"
#include "front/thread_block.h"
#include "platform/raw_call.h"
#include "platform/registry.h"
#include "pool/pool.h"

enum {
    LOOKS = 3,           /* what is wrong must be so as often, with nothing changed in between */
    PAUSE_NS = 20000000, /* between two of them */
};

/* ---- who is at work -------------------------------------------------------------------------- */

static void mix(uint64_t *sum, uint64_t value) {
    *sum = (*sum ^ value) * 0x100000001b3ull; /* FNV-1a, by words */
}

uint64_t hak_verify_sum(const struct hak_verify *v, struct hak_heap *heap) {
    uint64_t sum = 0xcbf29ce484222325ull;
    const struct hak_thread *thread = hak_verify_thread_of(heap);
    const struct hak_front *front = heap->front_block;
    for (unsigned c = 0; thread && c < HAK_CLASSES; c++) {
        const base_t *top = __atomic_load_n(&thread->top[c], __ATOMIC_RELAXED);
        mix(&sum, (uintptr_t)top);
        for (unsigned i = 0; i < HAK_SLAB_LISTS; i++)
            mix(&sum, (uintptr_t)heap->classes[c].lists[i]);
    }
    for (unsigned i = 0; front && front->caches && i < hak_plan_cache_count; i++)
        mix(&sum, front->caches[i].count);
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        mix(&sum, heap->mail[c].blocks);
    const struct hak_remote *remote = heap->remote;
    for (unsigned i = 0; remote && i < HAK_REMOTE_SLOTS; i++) {
        const struct hak_chunk *chunk = __atomic_load_n(&remote->slots[i], __ATOMIC_RELAXED);
        mix(&sum, (uintptr_t)chunk);
        mix(&sum, chunk ? chunk->count : 0);
    }
    mix(&sum, (uintptr_t)heap->room);
    mix(&sum, (uintptr_t)heap->full);
    mix(&sum, (uintptr_t)heap->cooled);
    mix(&sum, (uintptr_t)heap->draining);
    for (size_t i = 0; i < v->entry_count; i++)
        for (unsigned s = 1; v->entries[i].owner == heap->id && s < HAK_SLABS; s++)
            mix(&sum, v->entries[i].superslab->slabs[s].used);
    return sum;
}

/* Threads that are neither the calling one nor gone. */
static bool is_of_another(struct hak_heap *heap) {
    return heap != hak_thread.heap &&
           atomic_load_explicit(&heap->state, memory_order_relaxed) == HAK_HEAP_OWNED;
}

typedef void heap_function(struct hak_verify *, struct hak_heap *);

/* Calls the function for each heap there is. */
static void each_heap(struct hak_verify *v, heap_function *function) {
    for (unsigned id = HAK_SHARED_HEAP_ID; id <= HAK_HEAP_ID_MAX; id++) {
        struct hak_heap *heap = hak_heap_of((hak_owner_t)id);
        if (heap)
            function(v, heap);
        else if (id > HAK_SHARED_HEAP_ID)
            break; /* ids are given out in order */
    }
}

static void note_sum(struct hak_verify *v, struct hak_heap *heap) {
    if (is_of_another(heap))
        v->sums[heap->id] = hak_verify_sum(v, heap);
}

/* Marks another thread's heap as at work if its sum has changed since it was first taken. */
static void compare_sum(struct hak_verify *v, struct hak_heap *heap) {
    bool is_quiet = !is_of_another(heap) || v->sums[heap->id] == hak_verify_sum(v, heap);
    v->is_at_work[heap->id] |= !is_quiet;
    v->some_at_work |= !is_quiet;
}

/* ---- one look -------------------------------------------------------------------------------- */

/* Mends a heap that a fork left behind: its counts are not expected to agree before. */
static void mend_left_heaps(struct hak_verify *v, struct hak_heap *heap) {
    v->some_lost |= heap->is_left || heap->was_left;
    if (!heap->is_left)
        return;
    if (heap->id == HAK_SHARED_HEAP_ID) {
        hak_lock(&hak_shared_heap_lock);
        hak_front_mend(heap);
        hak_unlock(&hak_shared_heap_lock);
        return;
    }
    struct hak_heap *idle = hak_heap_help(heap->id);
    if (!idle)
        return;
    hak_front_mend(idle);
    hak_heap_release(idle);
    hak_remote_after_release(heap->id);
}

/* Takes the locks of shared heap, heaps and registry, in their order. */
static void lock_all(void) {
    hak_lock(&hak_shared_heap_lock);
    hak_lock(&hak_heaps_lock);
    hak_lock(&hak_registry_lock);
}

static void unlock_all(void) {
    hak_unlock(&hak_registry_lock);
    hak_unlock(&hak_heaps_lock);
    hak_unlock(&hak_shared_heap_lock);
}

/* Locks everything and compares all heaps, caches and slabs once; sums of counters that moved
 * meanwhile mark a heap as at work. False: no memory. */
static bool look(struct hak_verify *v, bool is_first) {
    v->disagreements = v->not_shown = 0;
    v->some_at_work = v->large_at_work = v->reserve_at_work = false;
    lock_all();
    v->moves_before = hak_pool_moves_ended();
    bool can_look = hak_verify_make_index(v);
    if (can_look) {
        if (is_first)
            each_heap(v, note_sum);
        each_heap(v, compare_sum);
        hak_verify_slabs(v);
        hak_verify_reserve(v);
        each_heap(v, hak_verify_heap);
        each_heap(v, hak_verify_caches);
        each_heap(v, compare_sum);
        hak_verify_states(v, hak_verify_large(v));
        each_heap(v, compare_sum);
    }
    bool sees_caches = v->seen_bits != NULL;
    hak_verify_drop_index(v);
    v->some_wait = hak_lock_has_sleepers(&hak_registry_lock);
    unlock_all();
    if (can_look && !sees_caches)
        hak_verify_note("no memory to see whether a block lies in two caches", HAK_OWNER_NOBODY,
                        "");
    return can_look;
}

/* ---- the run --------------------------------------------------------------------------------- */

/* A thread that waits for a lock does not move, and may have given up a slab half. */
static void mark_as_waiting(struct hak_verify *v, struct hak_heap *heap) {
    v->is_at_work[heap->id] |= is_of_another(heap);
}

static void note_at_work(struct hak_verify *v, struct hak_heap *heap) {
    if (v->is_at_work[heap->id])
        hak_verify_note("left out heap ", heap->id, ": its thread is at work");
}

#define HEAP_IDS     ((size_t)HAK_HEAP_ID_MAX + 1)
#define VERIFY_BYTES HAK_PAGES_OF(sizeof(struct hak_verify))
#define SUMS_BYTES   HAK_PAGES_OF(HEAP_IDS * sizeof(uint64_t))
#define FLAGS_BYTES  HAK_PAGES_OF(HEAP_IDS)

/* Compares all structures, again after a pause while any disagree, as a thread at work makes them
 * do. Prints the disagreements that stayed and returns their number; without memory, 0 and a note.
 */
static size_t verify_until_quiet(struct hak_verify *v) {
    bool can_look = look(v, true);
    for (unsigned i = 1; can_look && (v->disagreements || v->reserve_at_work) && i < LOOKS; i++) {
        struct timespec pause = {.tv_nsec = PAUSE_NS};
        (void)hak_raw_call(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
        can_look = look(v, false);
    }
    if (!can_look) {
        hak_verify_note("nothing was looked at: no memory for it", HAK_OWNER_NOBODY, "");
        return 0;
    }
    if (v->disagreements && v->some_wait)
        each_heap(v, mark_as_waiting);
    each_heap(v, note_at_work);
    if (v->reserve_at_work)
        hak_verify_note("left out the reserve: a thread is at work on it", HAK_OWNER_NOBODY, "");
    if (v->large_at_work)
        hak_verify_note("left out large blocks: a thread is at work on them", HAK_OWNER_NOBODY, "");
    return hak_verify_print(v);
}

size_t hak_verify_all(void) {
    size_t bytes = VERIFY_BYTES + SUMS_BYTES + FLAGS_BYTES, disagreements = 0;
    if (hak_thread.state == HAK_THREAD_NEW)
        return 0; /* no call of malloc yet */
    char *memory = hak_reserve(bytes);
    struct hak_verify *v = (struct hak_verify *)(void *)memory;
    if (!v) {
        hak_verify_note("nothing was looked at: no memory for it", HAK_OWNER_NOBODY, "");
        return 0;
    }
    v->sums = (uint64_t *)(void *)(memory + VERIFY_BYTES);
    v->is_at_work = (bool *)(memory + VERIFY_BYTES + SUMS_BYTES);
    each_heap(v, mend_left_heaps);
    disagreements = verify_until_quiet(v);
    (void)hak_unmap(memory, bytes);
    return disagreements;
}

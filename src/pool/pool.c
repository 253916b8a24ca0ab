/* SuperSlabs between the kernel and the heaps, with a small reserve of empty ones. */
#include "pool/pool.h"

#include <string.h>
#include "hop.h"
#include "options.h"
#include "platform/arena.h"
#include "platform/discard.h"
#include "platform/tags.h"
#include "pool/background.h"
#include "pool/reserve.h"
#include "pool/log.h"

#define SLOT_STATES_BYTES HAK_PAGES_OF(HAK_SLOT_STATES_BYTES)

static struct hak_reserve reserve;
static _Atomic uint64_t decayed_at;
_Atomic bool hak_pool_has_left;
static _Atomic uint64_t old_before; /* ticks: what was kept before is to go because of its age */

/* A SuperSlab that is left over goes in steps: the pages of so many slabs, and itself when it has
 * pages in no more than UNMAPPED_WITH. So many with more wait, whoever calls next. */
enum { SLABS_OF_STEP = 4, UNMAPPED_WITH = 1, MOST_WAIT = 2 };

/* SuperSlabs that the background thread unmaps together. */
enum { UNMAPPED_TOGETHER = 8 };
static _Atomic bool is_unmapping; /* within a move of its own */
static _Atomic unsigned waiting;  /* of these */

/* Moves from and to the reserve. Unequal: a SuperSlab is on its way, and the registry may not say
 * where it is. */
static _Atomic uint64_t moves_begun, moves_ended;

static void begin_move(void) {
    atomic_fetch_add(&moves_begun, 1);
}

static void end_move(void) {
    atomic_fetch_add(&moves_ended, 1);
}

uint64_t hak_pool_moves_begun(void) {
    return atomic_load(&moves_begun);
}

uint64_t hak_pool_moves_ended(void) {
    return atomic_load(&moves_ended);
}

/* How many places of the reserve may be filled: as many as HAKMEM_SUPERSLAB_PREWARM asks for, at
 * least HAK_POOL_RESERVE where SuperSlabs are reused. */
static unsigned count_places(void) {
    unsigned places = hak_options.superslab_reuse ? HAK_POOL_RESERVE : 0;
    return hak_options.superslab_prewarm > places ? (unsigned)hak_options.superslab_prewarm
                                                  : places;
}

/* ---- from and to the kernel ------------------------------------------------------------------ */

/* Unmaps a SuperSlab that the registry does not know (any more), and records that. */
static void unmap(struct hak_superslab *superslab) {
    hop_note(HAK_SUPERSLAB_UNMAP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    hak_pool_log("unmapped", superslab, HAK_OWNER_NOBODY);
    if (superslab->slots)
        hak_unmap(superslab->slots, SLOT_STATES_BYTES);
    hak_arena_give(superslab);
}

/* Removes the SuperSlab from the registry, then gives it back to the kernel. */
static void forget_and_unmap(struct hak_superslab *superslab) {
    hak_lock(&hak_registry_lock);
    (void)hak_registry_set(superslab, HAK_OWNER_NOBODY);
    hak_unlock(&hak_registry_lock);
    unmap(superslab);
}

/* A new SuperSlab with all slabs free and, in the debug build, its slot states; NULL without
 * memory. */
static struct hak_superslab *map(void) {
    struct hak_superslab *superslab = hak_arena_take();
    if (!superslab)
        return NULL;
    hak_tags_fit(superslab, HAK_SUPERSLAB_BYTES);
    if (hak_is_debug_build) {
        superslab->slots = hak_reserve(SLOT_STATES_BYTES);
        if (!superslab->slots) {
            hak_arena_give(superslab);
            return NULL;
        }
    }
    memset(superslab->class_of_slab, HAK_CLASS_NONE, sizeof superslab->class_of_slab);
    superslab->free_slabs = HAK_ALL_SLABS_FREE;
    hop_note(HAK_SUPERSLAB_MAP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    return superslab;
}

struct hak_superslab *hak_pool_map(hak_owner_t owner) {
    struct hak_superslab *superslab = map();
    if (!superslab)
        return NULL;
    atomic_store_explicit(&superslab->owner, owner, memory_order_relaxed);
    hak_lock(&hak_registry_lock);
    bool entered = hak_registry_set(superslab, owner);
    hak_unlock(&hak_registry_lock);
    if (!entered) {
        unmap(superslab);
        return NULL;
    }
    hak_pool_log("mapped", superslab, owner);
    return superslab;
}

/* ---- from and to the reserve ----------------------------------------------------------------- */

static void lower_waiting(void) {
    unsigned seen = atomic_load_explicit(&waiting, memory_order_relaxed);
    while (seen > 0 && /* 0: counted anew after a fork by a handler of this thread */
           !atomic_compare_exchange_weak_explicit(&waiting, &seen, seen - 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

/* A SuperSlab came out of the reserve. */
static void note_out(struct hak_superslab *superslab) {
    if (superslab->waits)
        lower_waiting();
    superslab->waits = false;
}

struct hak_superslab *hak_pool_claim(hak_owner_t owner) {
    begin_move();
    struct hak_superslab *superslab = hak_reserve_claim(&reserve);
    if (superslab) {
        note_out(superslab);
        hak_registry_change(superslab, owner);
        atomic_store_explicit(&superslab->owner, owner, memory_order_relaxed);
    }
    end_move();
    if (!superslab)
        return NULL;
    hop_note(HAK_SUPERSLAB_TAKE, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    hak_pool_log("taken", superslab, owner);
    return superslab;
}

/* Puts a SuperSlab into the reserve; false: it is full. It is recorded before, as it may be claimed
 * at once. */
static bool keep(struct hak_superslab *superslab, unsigned places) {
    if (!hak_reserve_has_place(&reserve, places))
        return false;
    hop_note(HAK_SUPERSLAB_KEEP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    hak_pool_log("kept", superslab, HAK_OWNER_RESERVE);
    hak_registry_change(superslab, HAK_OWNER_RESERVE);
    return hak_reserve_keep(&reserve, places, superslab, hak_ticks());
}

static unsigned count_dirty(const struct hak_superslab *superslab) {
    return (unsigned)__builtin_popcount(superslab->dirty_slabs);
}

/* Keeps a SuperSlab beyond the places of the reserve, to go by and by. Where the background thread
 * is there, any number with pages may wait. */
static bool leave_over(struct hak_superslab *superslab) {
    if (hak_is_debug_build)
        return false;
    if (!hak_background_is_there() && count_dirty(superslab) > UNMAPPED_WITH) {
        if (atomic_fetch_add_explicit(&waiting, 1, memory_order_relaxed) >= MOST_WAIT) {
            lower_waiting();
            return false;
        }
        superslab->waits = true;
    }
    if (!keep(superslab, HAK_RESERVE_PLACES)) {
        note_out(superslab);
        return false;
    }
    atomic_store(&hak_pool_has_left, true);
    return true;
}

/* Without HAKMEM_SUPERSLAB_REUSE it is unmapped, here or by the background thread. */
static bool keep_for_next(struct hak_superslab *superslab) {
    if (!hak_options.superslab_reuse)
        return hak_background_is_there() && leave_over(superslab);
    return keep(superslab, count_places()) || leave_over(superslab);
}

void hak_pool_release(struct hak_superslab *superslab) {
    begin_move();
    bool is_kept = keep_for_next(superslab);
    if (!is_kept)
        forget_and_unmap(superslab);
    end_move();
    if (is_kept)
        hak_background_call();
}

/* Maps one SuperSlab into the reserve; false: no memory, or no place. */
static bool add(unsigned places) {
    begin_move();
    struct hak_superslab *superslab = hak_pool_map(HAK_OWNER_RESERVE);
    bool is_kept = superslab && keep(superslab, places);
    if (superslab && !is_kept)
        forget_and_unmap(superslab);
    end_move();
    return is_kept;
}

void hak_pool_prewarm(void) {
    for (uint64_t i = 0; i < hak_options.superslab_prewarm; i++)
        if (!add(count_places()))
            return;
}

void hak_pool_stock(void) {
    for (unsigned i = 0; i < HAK_RESERVE_PLACES; i++)
        if (atomic_load_explicit(&reserve.places[i], memory_order_relaxed))
            return;
    (void)add(count_places() ? count_places() : 1);
}

size_t hak_pool_trim(void) {
    size_t bytes = 0;
    struct hak_superslab *superslab;
    begin_move();
    while ((superslab = hak_reserve_claim(&reserve)) != NULL) {
        note_out(superslab);
        forget_and_unmap(superslab);
        bytes += HAK_SUPERSLAB_BYTES;
    }
    end_move();
    return bytes;
}

void hak_pool_decay(uint64_t now, uint64_t delay) {
    uint64_t before = atomic_load_explicit(&decayed_at, memory_order_relaxed);
    if (now - before < delay ||
        !atomic_compare_exchange_strong_explicit(&decayed_at, &before, now, memory_order_relaxed,
                                                 memory_order_relaxed))
        return;
    atomic_store_explicit(&old_before, now - delay, memory_order_relaxed);
    atomic_store(&hak_pool_has_left, true);
}

/* Puts a SuperSlab back that is to go on waiting: one in a place that releases fill does not
 * count as such. */
static bool put_back(struct hak_superslab *superslab, uint64_t kept_at) {
    if (hak_reserve_keep_from(&reserve, count_places(), HAK_RESERVE_PLACES, superslab, kept_at))
        return true;
    note_out(superslab);
    return hak_reserve_keep(&reserve, count_places(), superslab, kept_at);
}

/* Gives back the pages of a few slabs of a SuperSlab that came out of the reserve, and puts it
 * back; with its last pages it goes itself. */
static void shrink(struct hak_superslab *superslab, uint64_t kept_at) {
    if (count_dirty(superslab) <= UNMAPPED_WITH) {
        note_out(superslab);
        forget_and_unmap(superslab);
        return;
    }
    struct hak_ranges ranges;
    hak_ranges_begin(&ranges);
    uint32_t dirty = superslab->dirty_slabs;
    for (unsigned i = 0; i < SLABS_OF_STEP && dirty; i++, dirty &= dirty - 1)
        hak_ranges_add(&ranges, (char *)superslab + __builtin_ctz(dirty) * HAK_SLAB_BYTES,
                       HAK_SLAB_BYTES);
    superslab->dirty_slabs = dirty;
    (void)hak_ranges_discard(&ranges);
    if (!put_back(superslab, kept_at))
        forget_and_unmap(superslab);
}

/* Takes one that is to go out of the reserve, and *kept_at gets since when it is there; NULL: none
 * is. As many stay as HAKMEM_SUPERSLAB_PREWARM asks for. */
static struct hak_superslab *claim_left(uint64_t *kept_at) {
    *kept_at = hak_ticks();
    struct hak_superslab *superslab = hak_reserve_claim_from(&reserve, count_places());
    if (superslab)
        return superslab;
    *kept_at = atomic_load_explicit(&old_before, memory_order_relaxed);
    return hak_reserve_claim_old(&reserve, (unsigned)hak_options.superslab_prewarm, *kept_at, 0);
}

/* Takes one that is to go and does a part of that; false: there is none. */
static bool unmap_part(void) {
    uint64_t kept_at;
    struct hak_superslab *superslab = claim_left(&kept_at);
    if (!superslab)
        return false;
    atomic_store(&hak_pool_has_left, true);
    shrink(superslab, kept_at);
    return true;
}

/* The word is lowered before the places are looked at: who keeps one meanwhile raises it again. */
bool hak_pool_unmap_some(void) {
    if (!atomic_load_explicit(&hak_pool_has_left, memory_order_relaxed) ||
        !atomic_exchange(&hak_pool_has_left, false))
        return false;
    begin_move();
    bool is_one = unmap_part();
    end_move();
    return is_one;
}

/* Unmaps some of those that are to go, their pages before in one call of the kernel. Returns the
 * bytes. */
static size_t unmap_batch(void) {
    struct hak_superslab *superslabs[UNMAPPED_TOGETHER];
    struct hak_ranges ranges;
    uint64_t kept_at;
    unsigned count = 0;
    hak_ranges_begin(&ranges);
    while (count < UNMAPPED_TOGETHER && (superslabs[count] = claim_left(&kept_at)) != NULL) {
        struct hak_superslab *superslab = superslabs[count++];
        note_out(superslab);
        for (uint32_t dirty = superslab->dirty_slabs; dirty; dirty &= dirty - 1)
            hak_ranges_add(&ranges, (char *)superslab + __builtin_ctz(dirty) * HAK_SLAB_BYTES,
                           HAK_SLAB_BYTES);
    }
    (void)hak_ranges_discard(&ranges);
    for (unsigned i = 0; i < count; i++)
        forget_and_unmap(superslabs[i]);
    return count * HAK_SUPERSLAB_BYTES;
}

size_t hak_pool_unmap_left(void) {
    size_t bytes = 0, more;
    atomic_store(&hak_pool_has_left, false);
    begin_move();
    atomic_store(&is_unmapping, true);
    while ((more = unmap_batch()) > 0)
        bytes += more;
    atomic_store(&is_unmapping, false);
    end_move();
    return bytes;
}

bool hak_pool_has_aging(void) {
    for (unsigned i = (unsigned)hak_options.superslab_prewarm; i < HAK_RESERVE_PLACES; i++)
        if (atomic_load_explicit(&reserve.places[i], memory_order_relaxed))
            return true;
    return false;
}

void hak_pool_set_huge_pages(bool huge) {
    hak_arena_set_huge(huge);
}

void hak_pool_each_reserved(void (*visit)(struct hak_superslab *, void *), void *context) {
    for (unsigned i = 0; i < HAK_RESERVE_PLACES; i++) {
        struct hak_superslab *superslab =
            atomic_load_explicit(&reserve.places[i], memory_order_acquire);
        if (superslab)
            visit(superslab, context);
    }
}

static void count_waiting(struct hak_superslab *superslab, void *count) {
    *(unsigned *)count += superslab->waits;
}

struct in_hand {
    struct hak_superslab *superslabs[UNMAPPED_TOGETHER];
    unsigned count;
};

/* Adds a SuperSlab that the registry says is in the reserve, and that has no place there. */
static void add_in_hand(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct in_hand *in_hand = context;
    if (owner != HAK_OWNER_RESERVE || in_hand->count == UNMAPPED_TOGETHER)
        return;
    for (unsigned i = 0; i < HAK_RESERVE_PLACES; i++)
        if (atomic_load_explicit(&reserve.places[i], memory_order_relaxed) == superslab)
            return;
    in_hand->superslabs[in_hand->count++] = superslab;
}

/* In a fork's child: puts back what the background thread, which is not there, had taken out. */
static void take_from_background(void) {
    struct in_hand in_hand;
    in_hand.count = 0;
    hak_lock(&hak_registry_lock);
    hak_registry_each(add_in_hand, &in_hand);
    hak_unlock(&hak_registry_lock);
    for (unsigned i = 0; i < in_hand.count; i++) {
        in_hand.superslabs[i]->waits = false;
        if (!hak_reserve_keep(&reserve, HAK_RESERVE_PLACES, in_hand.superslabs[i], hak_ticks()))
            forget_and_unmap(in_hand.superslabs[i]);
    }
    atomic_store(&hak_pool_has_left, true);
}

/* Another move that is under way may be one of this thread, whose signal handler forked: it keeps
 * what it has in its hands. */
void hak_pool_after_fork(void) {
    uint64_t begun = atomic_load(&moves_begun);
    bool has_taken = atomic_exchange(&is_unmapping, false);
    bool is_known = begun - atomic_load(&moves_ended) == 1 && !hak_lock_is_mine(&hak_registry_lock);
    if (has_taken && is_known)
        take_from_background();
    unsigned count = 0;
    hak_pool_each_reserved(count_waiting, &count);
    atomic_store(&waiting, count);
    atomic_store(&moves_ended, has_taken && !is_known ? begun - 1 : begun);
}

void hak_pool_empty_registry(void) {
    if (hak_lock_is_mine(&hak_registry_lock)) /* a signal handler's call: it stays filled */
        return;
    hak_lock(&hak_registry_lock);
    hak_registry_empty();
    hak_unlock(&hak_registry_lock);
}

/* The way of a large block: BigCache, L2.5, a mapping of its own, and back. */
#include "large/large.h"

#include <string.h>
#include <sys/syscall.h>
#include "check.h"
#include "large_map/address_map.h"
#include "large/bigcache.h"
#include "large/held.h"
#include "large/l25.h"
#include "large_map/memory.h"
#include "large/spare.h"
#include "large/tags.h"
#include "options.h"
#include "platform/raw_call.h"

/* A block freed in level normal is inaccessible at once. A nested call stays away from the thread's
 * BigCache. */
static inline bool keeps_blocks(void) {
    return !hak_is_debug_build || (hak_options.check == HAK_CHECK_TRACE && !check_is_nested());
}

/* It has a place of its own in its pages, which it keeps. */
static inline bool is_guarded(const struct hak_large *large) {
    return hak_is_debug_build && large->guarded_side != HAK_NOT_GUARDED;
}

/* ---- taking --------------------------------------------------------------------------------- */

/* A signal handler may come at any instruction in between, and fork. */
static void begin_in_hand(void) {
    hak_l25_in_hand++;
    atomic_signal_fence(memory_order_seq_cst);
}
static void end_in_hand(void) {
    atomic_signal_fence(memory_order_seq_cst);
    hak_l25_in_hand--;
}

/* Takes a block out of L2.5; NULL without memory. It is in the address map before its move is
 * recorded: the record looks it up there. */
static __attribute__((noinline)) struct hak_large *take_from_l25(size_t bytes, const void *caller) {
    begin_in_hand();
    struct hak_large *large = hak_l25_take(bytes);
    if (large && !hak_address_map_prepare(large->base.p, bytes)) {
        hak_l25_give(large);
        large = NULL;
    }
    if (large) {
        large->caller = caller;
        hak_address_map_set(large);
    }
    end_in_hand();
    if (large)
        hop(HAK_L25_TAKE, large->base, HAK_CLASS_NONE);
    return large;
}

/* In mappings that are blocks, in use or kept by a BigCache: so much may be spare beside them. */
static _Atomic size_t used_bytes;

static size_t add_used(size_t more_bytes) {
    return atomic_fetch_add_explicit(&used_bytes, more_bytes, memory_order_relaxed) + more_bytes;
}

size_t hak_large_used_bytes(void) {
    return atomic_load_explicit(&used_bytes, memory_order_relaxed) + hak_l25_used_bytes();
}

/* Maps the bytes; where the kernel refuses, spare mappings are given up first. NULL without
 * memory. */
static void *map_block(size_t bytes, size_t alignment) {
    void *start = alignment ? hak_map_aligned(bytes, alignment) : hak_map(bytes);
    if (!start && hak_spare_trim() > 0)
        return map_block(bytes, alignment);
    if (start)
        hop_count(HAK_COUNTED_LARGE_MAP, HAK_CLASS_NONE, bytes);
    return start;
}

/* Pages of a block and closed ones behind it. NULL: no memory, or too many mappings. */
static void *map_with_room(size_t bytes, size_t room_bytes) {
    char *start = hak_hold(bytes + room_bytes, HAK_PAGE_BYTES);
    if (!start)
        return NULL;
    if (!hak_open_untouched(start, bytes)) {
        hak_unmap(start, bytes + room_bytes);
        return NULL;
    }
    hop_count(HAK_COUNTED_LARGE_MAP, HAK_CLASS_NONE, bytes);
    return start;
}

/* Lets go of the room behind a block. Refused: the kernel has no mapping left for it; the pages
 * stay closed, and lost. */
static void give_up_room(struct hak_large *large) {
    if (!hak_is_debug_build || HAK_LIKELY(large->room_bytes == 0))
        return;
    (void)hak_unmap((char *)large->base.p + large->mapped_bytes, large->room_bytes);
    large->room_bytes = 0;
}

/* Makes the mapping a block: a struct, its place in the address map, its bytes in the sum in use.
 * NULL without memory for these. */
static struct hak_large *enter(void *start, size_t bytes, const void *caller) {
    struct hak_large *large =
        hak_address_map_prepare(start, bytes) ? hak_large_struct_take() : NULL;
    if (!large)
        return NULL;
    *large = (struct hak_large){.base = base_from(start),
                                .mapped_bytes = bytes,
                                .caller = caller,
                                .is_fresh = true,
                                .slot = {.place = HAK_PLACE_LARGE}};
    hak_address_map_set(large);
    (void)add_used(bytes);
    return large;
}

/* A block with a mapping of its own: a held one, else a spare one, else a new one. NULL without
 * memory. */
static HAK_COLD struct hak_large *take_mapping(size_t bytes, size_t most_bytes, size_t alignment,
                                               const void *caller) {
    bool is_wide = alignment > HAK_PAGE_BYTES;
    size_t mapped_bytes = bytes;
    uint16_t origin = 0;
    void *start = is_wide ? NULL : hak_held_take(bytes, &mapped_bytes);
    bool is_fresh = start != NULL;
    if (!start) {
        mapped_bytes = bytes;
        start = is_wide ? NULL : hak_spare_take(&mapped_bytes, most_bytes, &origin);
    }
    if (!start) {
        mapped_bytes = bytes;
        start = map_block(bytes, is_wide ? alignment : 0);
        is_fresh = true;
    }
    struct hak_large *large = start ? enter(start, mapped_bytes, caller) : NULL;
    if (start && !large)
        hak_held_unmap(start, mapped_bytes);
    if (large) {
        large->is_fresh = is_fresh;
        large->origin = origin;
    }
    return large;
}

base_t hak_large_take(size_t bytes, size_t alignment, const void *caller) {
    if (HAK_UNLIKELY(bytes > PTRDIFF_MAX))
        return HAK_NO_BASE;
    size_t page_bytes = bytes ? HAK_PAGES_OF(bytes) : HAK_PAGE_BYTES;
    struct hak_large *large = NULL;
    if (HAK_LIKELY(alignment <= HAK_PAGE_BYTES && keeps_blocks())) {
        large = hak_bigcache_take(page_bytes, caller);
        if (!large && page_bytes <= HAK_L25_MAX_BYTES)
            large = take_from_l25(page_bytes, caller);
    }
    if (HAK_UNLIKELY(!large))
        large = take_mapping(page_bytes, 0, alignment, caller);
    return large ? large->base : HAK_NO_BASE;
}

base_t hak_large_take_with_room(size_t bytes, size_t room_bytes, const void *caller) {
    if (HAK_UNLIKELY(bytes > PTRDIFF_MAX / 2 || room_bytes > PTRDIFF_MAX / 2))
        return HAK_NO_BASE;
    size_t page_bytes = HAK_PAGES_OF(bytes);
    if (keeps_blocks() && page_bytes <= HAK_L25_MAX_BYTES)
        return hak_large_take(bytes, 0, caller);
    room_bytes = HAK_PAGES_OF(room_bytes);
    void *start = map_with_room(page_bytes, room_bytes);
    if (!start)
        return hak_large_take(bytes, 0, caller);
    struct hak_large *large = enter(start, page_bytes, caller);
    if (!large) {
        hak_unmap(start, page_bytes + room_bytes);
        return HAK_NO_BASE;
    }
    large->room_bytes = room_bytes;
    return large->base;
}

/* ---- looking -------------------------------------------------------------------------------- */

bool hak_large_is_fresh(base_t base) {
    const struct hak_large *large = hak_large_find(base.p);
    return large && large->is_fresh;
}

bool hak_large_keeps(const void *p) {
    const struct hak_large *large = hak_large_containing(p);
    if (large)
        return !hak_large_is_live(large);
    return hak_l25_covers(p) || hak_spare_holds(p) || hak_held_holds(p);
}

/* ---- the heap profile ------------------------------------------------------------------------ */

void (*hak_large_sample_ends)(uint32_t sample);

static inline bool is_sampled(const struct hak_large *large) {
    return !hak_is_debug_build &&
           atomic_load_explicit(&large->state, memory_order_relaxed) == HAK_LARGE_SAMPLED;
}

void hak_large_set_sample(base_t base, uint32_t sample) {
    struct hak_large *large = hak_large_find(base.p);
    atomic_store_explicit(&large->sample, sample, memory_order_relaxed);
    atomic_store_explicit(&large->state, HAK_LARGE_SAMPLED, memory_order_relaxed);
}

/* Of two threads that free a block at once, one gets the number. */
static uint32_t take_sample(struct hak_large *large) {
    uint32_t sample = atomic_exchange_explicit(&large->sample, 0, memory_order_relaxed);
    atomic_store_explicit(&large->state, HAK_LARGE_LIVE, memory_order_relaxed);
    return sample;
}

uint32_t hak_large_sample(base_t base) {
    const struct hak_large *large = hak_large_find(base.p);
    return large && is_sampled(large) ? atomic_load_explicit(&large->sample, memory_order_relaxed)
                                      : 0;
}

uint32_t hak_large_take_sample(base_t base) {
    struct hak_large *large = hak_large_find(base.p);
    return large && is_sampled(large) ? take_sample(large) : 0;
}

/* ---- giving --------------------------------------------------------------------------------- */

/* Gives a block of an L25 chunk back to its shard, out of the address map. */
static void release_to_l25(struct hak_large *large) {
    hop(HAK_L25_PUT, large->base, HAK_CLASS_NONE);
    begin_in_hand();
    hak_address_map_clear(large);
    hak_l25_give(large);
    end_in_hand();
}

/* Leaves a block's mapping to the spare ones, or unmaps it, and gives its struct back; returns the
 * bytes unmapped. Out of the map first: once it is unmapped, or spare, the address may be another
 * thread's block. */
static size_t release_mapping(struct hak_large *large) {
    hak_address_map_clear(large);
    size_t bytes = large->mapped_bytes, left_bytes = add_used(0 - bytes);
    bool is_spare = hak_spare_give(large->base.p, bytes, large->origin, left_bytes);
    if (!is_spare)
        hak_held_unmap(large->base.p, bytes);
    hak_large_struct_give(large);
    return is_spare ? 0 : bytes;
}

size_t hak_large_release(struct hak_large *large) {
    if (large->chunk) {
        release_to_l25(large);
        return 0;
    }
    hop(HAK_BIGCACHE_DROP, large->base, HAK_CLASS_NONE);
    return release_mapping(large);
}

/* Gives a block's memory to L2.5 or unmaps it. */
static __attribute__((noinline)) void release_memory(struct hak_large *large) {
    if (large->chunk)
        release_to_l25(large);
    else
        (void)release_mapping(large);
}

/* Frees a large block into the BigCache, else to where its memory came from; an outgrown one of
 * L2.5 always to that. False: it is no live large block. */
static bool give(base_t base, bool is_outgrown) {
    struct hak_large *large = hak_large_find(base.p);
    if (HAK_UNLIKELY(!large || !hak_large_is_live(large)))
        return false;
    give_up_room(large);
    if (HAK_UNLIKELY(is_sampled(large))) {
        uint32_t sample = take_sample(large);
        if (sample)
            hak_large_sample_ends(sample);
    }
    atomic_store_explicit(&large->state, HAK_LARGE_KEPT, memory_order_relaxed);
    if (keeps_blocks() && !(is_outgrown && large->chunk) && hak_bigcache_give(large))
        return true;
    release_memory(large);
    return true;
}

bool hak_large_give(base_t base) {
    return give(base, false);
}

bool hak_large_give_outgrown(base_t base) {
    return give(base, true);
}

/* ---- resizing ------------------------------------------------------------------------------- */

/* Grows a block into the room that is held behind it; false: it does not fit. The address map never
 * claims more pages than the block has: it grows after the mapping, and shrinks before it, since
 * the pages behind may be another thread's block at once. */
static bool grow_into_room(struct hak_large *large, size_t wanted_bytes) {
    size_t more_bytes = wanted_bytes - large->mapped_bytes;
    if (more_bytes > large->room_bytes || !hak_address_map_prepare(large->base.p, wanted_bytes) ||
        !hak_open_untouched((char *)large->base.p + large->mapped_bytes, more_bytes) ||
        !hak_address_map_resize(large, wanted_bytes))
        return false;
    large->room_bytes -= more_bytes;
    return true;
}

/* Grows the block where it lies. False: no room there; nothing has changed. */
static bool grow_mapping(struct hak_large *large, size_t wanted_bytes) {
    if (hak_is_debug_build && large->room_bytes != 0)
        return grow_into_room(large, wanted_bytes);
    return hak_address_map_prepare(large->base.p, wanted_bytes) &&
           hak_remap_in_place(large->base.p, large->mapped_bytes, wanted_bytes) &&
           hak_address_map_resize(large, wanted_bytes);
}

/* Shrinks the block where it lies and gives the rest to the kernel. False: the kernel refused, all
 * is as before. */
static bool shrink_mapping(struct hak_large *large, size_t wanted_bytes) {
    size_t old_bytes = large->mapped_bytes;
    give_up_room(large);
    if (!hak_address_map_resize(large, wanted_bytes))
        return false;
    if (hak_remap_in_place(large->base.p, old_bytes, wanted_bytes))
        return true;
    return !hak_address_map_resize(large, old_bytes); /* the way back is prepared: false */
}

/* Grows or shrinks the block where it lies, and corrects the sum of bytes in use. */
static bool resize_mapping(struct hak_large *large, size_t wanted_bytes) {
    size_t bytes_before = large->mapped_bytes;
    bool fits = wanted_bytes > bytes_before ? grow_mapping(large, wanted_bytes)
                                            : shrink_mapping(large, wanted_bytes);
    (void)add_used(large->mapped_bytes - bytes_before);
    return fits;
}

bool hak_large_resize(base_t base, size_t bytes) {
    struct hak_large *large = hak_large_find(base.p);
    if (!large || !hak_large_is_live(large) || bytes > PTRDIFF_MAX || is_guarded(large))
        return false;
    size_t wanted_bytes = HAK_PAGES_OF(bytes);
    size_t slack_bytes = keeps_blocks() ? wanted_bytes / 8 : 0;
    if (wanted_bytes <= large->mapped_bytes && large->mapped_bytes <= wanted_bytes + slack_bytes)
        return true;
    if (hak_light_has_tags() && wanted_bytes < large->mapped_bytes)
        hak_large_tag_cut(large, wanted_bytes);
    if (large->chunk ? hak_l25_resize(large, wanted_bytes) : resize_mapping(large, wanted_bytes))
        return true;
    /* A block that is too large and cannot be cut off (held.h) serves as it is. */
    return wanted_bytes < large->mapped_bytes;
}

/* Moves whole pages from one block to another. The kernel moves those of one mapping at a time, and
 * a block that has moved before consists of several: halves are tried, down to what is copied. */
static void move_to(char *to, char *from, size_t bytes) {
    enum { COPIED_BYTES = 1 << 20 };
    size_t half_bytes = bytes / 2 & ~(size_t)(HAK_PAGE_BYTES - 1);
    if (bytes < COPIED_BYTES) {
        memcpy(to, from, bytes);
    } else if (!hak_move_pages_to(from, bytes, to)) {
        move_to(to, from, half_bytes);
        move_to(to + half_bytes, from + half_bytes, bytes - half_bytes);
    }
}

void hak_large_copy(char *to, char *from, size_t bytes) {
    size_t head_bytes = -(uintptr_t)from % HAK_PAGE_BYTES;
    if (bytes <= head_bytes || ((to - from) & (HAK_PAGE_BYTES - 1)) != 0 ||
        hak_call_is_forbidden(SYS_mremap)) {
        memcpy(to, from, bytes);
        return;
    }
    size_t tail_bytes = (bytes - head_bytes) % HAK_PAGE_BYTES;
    memcpy(to, from, head_bytes);
    move_to(to + head_bytes, from + head_bytes, bytes - head_bytes - tail_bytes);
    memcpy(to + bytes - tail_bytes, from + bytes - tail_bytes, tail_bytes);
}

/* Has the kernel move a block's pages to a wider place; NULL: refused. The new address is known
 * only when it is too late to do without an entry for it, so that the memory for one is there
 * before. */
static char *remap(struct hak_large *large, size_t wanted_bytes) {
    char *moved = NULL;
    hak_lock(&hak_large_memory_lock);
    if (hak_address_map_reserve_locked())
        moved = hak_remap(large->base.p, large->mapped_bytes, wanted_bytes);
    if (moved)
        (void)hak_address_map_prepare_locked(moved, wanted_bytes);
    hak_unlock(&hak_large_memory_lock);
    return moved;
}

/* The pages of a block of L2.5 at another address; NULL: they are where they were. */
static struct hak_large *move_pages(const struct hak_large *large, size_t wanted_bytes) {
    size_t bytes = large->mapped_bytes;
    char *pages = hak_move_pages(large->base.p, bytes);
    if (hak_light_has_tags() && pages)
        hak_large_tag_moved(large, pages);
    char *start = pages ? hak_remap(pages, bytes, wanted_bytes) : NULL;
    struct hak_large *longer = start ? enter(start, wanted_bytes, large->caller) : NULL;
    if (pages && !longer) { /* the old addresses are still mapped: the way back needs nothing */
        memcpy(large->base.p, start ? start : pages, bytes);
        hak_held_unmap(start ? start : pages, start ? wanted_bytes : bytes);
    }
    return longer;
}

/* Moves a block that becomes too long for L2.5 to a mapping of its own; NULL: refused, and all is
 * as before. The pages that it leaves in the pool could not serve it again, and would stay resident
 * for a while beside the copy. */
static struct hak_large *move_out_of_pool(struct hak_large *large, size_t wanted_bytes) {
    struct hak_large *longer = move_pages(large, wanted_bytes);
    if (!longer)
        return NULL;
    longer->is_fresh = false;
    atomic_store_explicit(&large->state, HAK_LARGE_KEPT, memory_order_relaxed);
    release_to_l25(large);
    return longer;
}

/* Has the kernel move the block's pages to a wider place. NULL: refused, the block stays as it is.
 */
static struct hak_large *move_mapping(struct hak_large *large, size_t wanted_bytes) {
    /* As above: the old address may be another thread's block at once, so that no live one may have
     * it here. */
    uint8_t state = atomic_load_explicit(&large->state, memory_order_relaxed);
    hak_address_map_clear(large);
    atomic_store_explicit(&large->state, HAK_LARGE_KEPT, memory_order_relaxed);
    char *moved = remap(large, wanted_bytes);
    if (moved) {
        (void)add_used(wanted_bytes - large->mapped_bytes);
        large->base = base_from(moved);
        large->mapped_bytes = wanted_bytes;
    }
    atomic_store_explicit(&large->state, state, memory_order_release);
    hak_address_map_set(large);
    return moved ? large : NULL;
}

/* Copies the block into one whose pages are there already, if it grows by half or more: that costs
 * less than the first touch of as many pages. NULL: there is none. */
static struct hak_large *take_warm(const struct hak_large *large, size_t wanted_bytes) {
    if (wanted_bytes < large->mapped_bytes + large->mapped_bytes / 2)
        return NULL;
    struct hak_large *warm =
        hak_bigcache_take_longer(wanted_bytes, 2 * wanted_bytes, large->caller);
    if (!warm && hak_spare_has(wanted_bytes))
        warm = take_mapping(wanted_bytes, 2 * wanted_bytes, 0, large->caller);
    if (warm)
        memcpy(warm->base.p, large->base.p, large->mapped_bytes);
    return warm;
}

base_t hak_large_move(base_t base, size_t bytes) {
    struct hak_large *large = hak_large_find(base.p);
    if (!large || !hak_large_is_live(large) || bytes > PTRDIFF_MAX)
        return HAK_NO_BASE;
    size_t wanted_bytes = HAK_PAGES_OF(bytes);
    if (large->chunk && wanted_bytes <= HAK_L25_MAX_BYTES)
        return HAK_NO_BASE;
    struct hak_large *moved = take_warm(large, wanted_bytes);
    if (hak_light_has_tags() && moved)
        hak_large_tag_next(large);
    if (moved)
        (void)hak_large_give_outgrown(base);
    else
        moved = large->chunk ? move_out_of_pool(large, wanted_bytes)
                             : move_mapping(large, wanted_bytes);
    return moved ? moved->base : HAK_NO_BASE;
}

/* ---- the moments of a process --------------------------------------------------------------- */

/* The spare mappings first, so that those of the BigCache push none out, which nobody would count.
 */
size_t hak_large_trim(void) {
    size_t bytes = hak_spare_trim();
    bytes += hak_bigcache_trim();
    return bytes + hak_l25_trim() + hak_spare_trim();
}

void hak_large_tend(void) {
    if (!keeps_blocks())
        return;
    hak_bigcache_tend();
    hak_l25_tend();
    (void)hak_spare_tend();
}

void hak_large_thread_end(void) {
    hak_bigcache_thread_end();
}

/* Frees or rebuilds, in the child of a fork, all that large blocks have: the memory first, and what
 * munmap refuses, as the others use them. */
void hak_large_after_fork(void) {
    size_t lost_bytes = hak_large_memory_after_fork();
    if (lost_bytes)
        hop_count(HAK_COUNTED_FORK_LEFT, HAK_CLASS_NONE, lost_bytes);
    hak_held_after_fork();
    hak_spare_after_fork();
    hak_l25_after_fork();
    hak_bigcache_after_fork();
}

/* Finds the block for an address at which the processor stopped the program, in a closed page, in
 * the pages of a freed large block, or right beside a live one.
 *
 *   in a slot that is not live, or a freed large block     use-after-free
 *   within a page behind the end of a live block           heap-buffer-overflow
 *   the same behind a freed one                            use-after-free
 *   within a page in front of a live one                   heap-buffer-underflow
 *   in a live block                                        no fault: the program barred it itself
 *   in the closed page between two guarded blocks          of the live one, or of the nearer
 *
 * Of a block that was freed and of a live one in front of it the freed one is named, when the
 * address lies in the bytes that the program had there; in its header, right behind the live one,
 * that one. Of two blocks in front of the address the nearer one is named. Runs in the handler of a
 * crash: no lock, no allocation. */
#include "guard/pages.h"
#include "guard/choose/choose.h"
#include "guard/sweep.h"
#include "guard/tags/tags.h"
#include "guard/watched/watched.h"
#include "guard/word.h"
#include "guarded/guarded.h"
#include "light.h"

enum { REACH_BYTES = 4096, NEIGHBOUR_BYTES = 64, SMALLEST_BLOCK_BYTES = 8 };

static bool has_lived(const struct hak_located *at) {
    return (at->slot->subkind & HAK_SLOT_LIVED) != 0;
}

static bool is_in_use(const struct hak_located *at) {
    return at->slot && at->slot->place == HAK_PLACE_LIVE;
}

/* Finds the block that covers `address`, or covered it until its pages went back to the kernel; not
 * one in whose place another lies by now, or grew into. */
static bool find_block_around(uintptr_t address, bool is_barred, struct hak_large *former,
                              struct hak_located *at) {
    const void *p = (const void *)address;
    if (hak_locate(p, at))
        return true;
    if (at->superslab)
        return hak_locate_former_slot(p, at);
    if (!is_barred || !hak_recall_large_around(address, former) || hak_locate(former->base.p, at))
        return false;
    *at = hak_located_as_large(former);
    return true;
}

static bool is_or_was_live(const struct hak_located *at) {
    return at->slot && (is_in_use(at) || has_lived(at));
}

/* Finds the nearest block that ends, or (step 1) begins, at most `reach` bytes away, of those for
 * which `is_wanted`. */
static bool find_neighbour(uintptr_t address, int step, uintptr_t reach,
                           bool (*is_wanted)(const struct hak_located *), struct hak_located *at) {
    /* No block is smaller than a step. */
    for (uintptr_t distance = 1; distance <= reach; distance += SMALLEST_BLOCK_BYTES) {
        uintptr_t there = step > 0 ? address + distance : address - distance;
        if (!hak_locate((const void *)there, at) || !is_wanted(at))
            continue;
        uintptr_t start = (uintptr_t)hak_user_in(at), end = start + hak_asked_bytes_of(at);
        if (step > 0 ? start > address && start - address <= reach
                     : end <= address && address - end < reach)
            return true;
    }
    return false;
}

bool hak_find_live_in_front(uintptr_t address, uintptr_t reach, struct hak_located *at) {
    return find_neighbour(address, -1, reach, is_in_use, at);
}

/* Adds the bytes overwritten between the block and the address at which the processor stopped the
 * program: a write that comes from there begins where they do. */
static void add_border_damage(struct hak_fault_facts *facts, const struct hak_located *at) {
    if (!hak_has_border(at) || facts->access != HAK_ACCESS_WRITE || !hak_can_read_border(at))
        return;
    struct hak_damage damage = facts->fault == HAK_FAULT_HEAP_BUFFER_OVERFLOW
                                   ? hak_canary_damage(at)
                                   : hak_header_damage(at);
    if (!damage.bytes)
        return;
    hak_copy_damage(facts, &damage);
    facts->offset = (const char *)damage.first - hak_user_in(at);
}

/* Writes the block and the kind of fault into the facts of an access. */
static void name_block(struct hak_fault_facts *facts, const struct hak_located *at, uint32_t fault,
                       enum hak_memory memory) {
    hak_describe_located(at, facts);
    facts->fault = fault;
    facts->memory = memory;
    facts->found_by = HAK_FOUND_BY_ACCESS;
    facts->offset = (int64_t)(facts->found_address - (uintptr_t)hak_user_in(at));
    /* A vector read that begins in front of the block and reaches it, as strlen's, is of the block.
     */
    if (fault == HAK_FAULT_USE_AFTER_FREE && facts->offset < 0 &&
        -facts->offset < (int64_t)facts->access_bytes)
        facts->offset = 0;
    if (fault == HAK_FAULT_HEAP_BUFFER_OVERFLOW || fault == HAK_FAULT_HEAP_BUFFER_UNDERFLOW)
        add_border_damage(facts, at);
}

/* Whether the page of an address is one that we have closed ourselves. */
static bool is_closed(uintptr_t address) {
    struct hak_located at;
    (void)hak_locate_slot((const void *)address, &at);
    at.base = (char *)address;
    at.slot_bytes = 1;
    return hak_closed_pages_of(&at) != 0;
}

/* True when `address` is one of the bytes that the program had asked for: not in what lies around
 * them, where it comes by running off the end of the block in front. */
static bool is_inside(const struct hak_located *at, uintptr_t address) {
    return has_lived(at) && address - (uintptr_t)hak_user_in(at) < hak_asked_bytes_of(at);
}

/* How far a live or freed block lies from the address, which is in none; SIZE_MAX: it is no block
 * that the program ever had. */
static uintptr_t distance_of(const struct hak_large *large, uintptr_t address,
                             struct hak_located *at) {
    if (!large)
        return UINTPTR_MAX;
    *at = hak_located_as_large((struct hak_large *)(uintptr_t)large);
    uintptr_t start = (uintptr_t)hak_user_in(at), end = start + hak_asked_bytes_of(at);
    if (!is_or_was_live(at))
        return UINTPTR_MAX;
    return address < start ? start - address : address - end;
}

/* Names, in the facts, the guarded block beside the closed page of an access. A freed block was
 * closed itself, so that a loop that runs out of it was stopped before: a live one comes first,
 * else the nearer. */
static bool name_guarded(struct hak_fault_facts *facts) {
    uintptr_t address = facts->found_address, page = address & ~(HAK_PAGE_BYTES - 1);
    struct hak_located front, behind;
    if (!hak_guarded_covers((const void *)address))
        return false;
    uintptr_t to_front =
        distance_of(hak_large_containing((const void *)(page - 1)), address, &front);
    uintptr_t to_behind =
        distance_of(hak_large_find((const void *)(page + HAK_PAGE_BYTES)), address, &behind);
    bool front_lives = to_front != UINTPTR_MAX && is_in_use(&front);
    bool behind_lives = to_behind != UINTPTR_MAX && is_in_use(&behind);
    if (behind_lives && (!front_lives || to_behind < to_front))
        name_block(facts, &behind, HAK_FAULT_HEAP_BUFFER_UNDERFLOW, HAK_MEMORY_UNKNOWN);
    else if (front_lives)
        name_block(facts, &front, HAK_FAULT_HEAP_BUFFER_OVERFLOW, HAK_MEMORY_UNKNOWN);
    else if (to_front != UINTPTR_MAX || to_behind != UINTPTR_MAX)
        name_block(facts, to_behind < to_front ? &behind : &front, HAK_FAULT_USE_AFTER_FREE,
                   HAK_MEMORY_INSIDE_FREE);
    else
        facts->memory = HAK_MEMORY_HEAP_INTERNAL;
    return true;
}

static bool is_ours(const void *p) {
    return hak_registry_owner(p) != HAK_OWNER_NOBODY || hak_is_kept(p);
}

static void add_tags(struct hak_fault_facts *facts, uint8_t tag, unsigned frees_ago) {
    facts->pointer_tag = tag;
    unsigned of_memory = hak_tag_if_open(facts->found_address, tag) % HAK_TAGS;
    facts->memory_tag = (uint8_t)(of_memory | frees_ago * HAK_TAGS);
}

/* The same in level light: the block of the plain allocator, of which no stack is known. */
static void describe_tagged_in_light(struct hak_fault_facts *facts, uint8_t tag) {
    if (!light_hak_light_find)
        return;
    struct hak_light_found found = light_hak_light_find(facts->found_address, tag % HAK_TAGS);
    facts->fault = found.fault;
    facts->found_by = HAK_FOUND_BY_ACCESS;
    facts->memory = found.is_free ? HAK_MEMORY_INSIDE_FREE : HAK_MEMORY_UNKNOWN;
    facts->class_due = found.class_index;
    facts->superslab = found.superslab;
    facts->slab = found.slab;
    facts->slot = found.slot;
    facts->base = facts->user = found.base;
    facts->asked_bytes = facts->slot_bytes = found.bytes;
    facts->offset = found.base ? (int64_t)(facts->found_address - found.base) : 0;
    add_tags(facts, tag, found.frees_ago);
}

/* The same of an access by a wrong memory tag, which stands above the address. */
HAK_COLD void hak_describe_tagged(struct hak_fault_facts *facts) {
    struct hak_located at;
    struct hak_large former;
    uint8_t tag = (uint8_t)(facts->found_address >> HAK_TAG_SHIFT);
    facts->found_address &= ((uint64_t)1 << HAK_TAG_SHIFT) - 1;
    if (hak_light_serves() && !hak_guarded_covers((const void *)facts->found_address)) {
        describe_tagged_in_light(facts, tag);
        return;
    }
    enum hak_fault_code fault = hak_tags_find(facts->found_address, tag % HAK_TAGS, &former, &at);
    if (fault == 0)
        return;
    name_block(facts, &at, fault,
               fault != HAK_FAULT_USE_AFTER_FREE ? HAK_MEMORY_UNKNOWN
               : is_in_use(&at)                  ? HAK_MEMORY_INSIDE_LIVE
                                                 : HAK_MEMORY_INSIDE_FREE);
    unsigned ago = 0;
    if (at.superslab && fault == HAK_FAULT_USE_AFTER_FREE) {
        unsigned lives = hak_tags_lives_ago(&at, tag % HAK_TAGS);
        ago = lives != 0 ? lives : HAK_FACTS_NO_LIFE;
    }
    add_tags(facts, tag, ago);
}

/* Finds the block that an access meant and the kind of fault: inside, behind, in front, or after
 * its free. Unknown memory changes nothing. */
static void describe_address(struct hak_fault_facts *facts, bool is_barred) {
    struct hak_located at, beside;
    struct hak_large former;
    if (hak_tags_are_known() && facts->found_address >> HAK_TAG_SHIFT != 0) {
        hak_describe_tagged(facts);
        return;
    }
    uintptr_t address = facts->found_address;
    is_barred = is_barred || is_closed(address);
    bool found = find_block_around(address, is_barred, &former, &at);
    /* A large block's pages end where the next one's begin. */
    uintptr_t beside_bytes = found && at.large ? REACH_BYTES : NEIGHBOUR_BYTES;
    if (!found && name_guarded(facts))
        return;
    if (found && is_in_use(&at))
        name_block(facts, &at, 0, HAK_MEMORY_INSIDE_LIVE);
    else if (found && !is_inside(&at, address) &&
             find_neighbour(address, -1, beside_bytes, is_in_use, &beside))
        name_block(facts, &beside, HAK_FAULT_HEAP_BUFFER_OVERFLOW, HAK_MEMORY_UNKNOWN);
    else if (found && has_lived(&at))
        name_block(facts, &at, HAK_FAULT_USE_AFTER_FREE, HAK_MEMORY_INSIDE_FREE);
    else if (is_barred && find_neighbour(address, -1, REACH_BYTES, is_or_was_live, &at))
        name_block(facts, &at,
                   is_in_use(&at) ? HAK_FAULT_HEAP_BUFFER_OVERFLOW : HAK_FAULT_USE_AFTER_FREE,
                   is_in_use(&at) ? HAK_MEMORY_UNKNOWN : HAK_MEMORY_INSIDE_FREE);
    else if (is_barred && find_neighbour(address, 1, REACH_BYTES, is_in_use, &at))
        name_block(facts, &at, HAK_FAULT_HEAP_BUFFER_UNDERFLOW, HAK_MEMORY_UNKNOWN);
    else if (is_ours((const void *)address))
        facts->memory = HAK_MEMORY_HEAP_INTERNAL;
}

static void count_guarded(uint64_t *calls, uint64_t *blocks) {
    *calls = hak_sample_calls();
    *blocks = hak_sample_blocks();
}

static const struct hak_trace_checks checks = {
    .describe = describe_address,
    .reopen = hak_pages_open_at,
    .allows_tag = hak_tags_allow,
    .open_closed = hak_pages_open_closed,
    .is_less_aligned = hak_place_is_less_aligned,
    .look_at_all = hak_sweep_quietly,
    .find_named = hak_find_named,
    .find_before = hak_find_before,
    .word_in = hak_word_in,
    .trapped = hak_watched_trapped,
    .count_guarded = count_guarded,
    .each_life = hak_light_each_life,
};

void hak_near_start(void) {
    hak_trace_set_checks(&checks);
}

/* Which block an address belongs to at which the processor stopped the program, in a closed page,
 * in the pages of a freed large block, or right beside a live one.
 *
 *   in a slot that is not live, or a freed large block     use-after-free
 *   within a page behind the end of a live block           heap-buffer-overflow
 *   within a page in front of one                          heap-buffer-underflow
 *   in a live block                                        no fault: the program barred it itself
 *
 * Of a block that was freed and of a live one in front of it the freed one is named, when the
 * address lies in the bytes that the program had there; in its header, right behind the live one,
 * that one. Runs in the handler of a crash: no lock, no allocation, no system call. */
#include "guard/pages.h"
#include "guard/sweep.h"

enum { REACH_BYTES = 4096, BESIDE_BYTES = 64, SMALLEST_BLOCK_BYTES = 8 };

static bool has_lived(const struct hak_located *at) {
    return (at->slot->subkind & HAK_SLOT_LIVED) != 0;
}

static bool is_live(const struct hak_located *at) {
    return at->slot && at->slot->place == HAK_PLACE_LIVE;
}

/* The block that covers `address`, or covered it until its pages went back to the kernel. */
static bool find_block(uintptr_t address, bool is_barred, struct hak_large *former,
                       struct hak_located *at) {
    const void *p = (const void *)address;
    if (hak_locate(p, at))
        return true;
    if (at->superslab)
        return hak_locate_former_slot(p, at);
    if (!is_barred || !hak_recall_large_around(address, former))
        return false;
    hak_locate_as_large(former, at);
    return true;
}

/* A live block that ends, or (step 1) begins, at most `reach` bytes away. */
static bool find_neighbour(uintptr_t address, int step, uintptr_t reach, struct hak_located *at) {
    /* The nearest of them: no block is smaller than a step. */
    for (uintptr_t distance = 1; distance <= reach; distance += SMALLEST_BLOCK_BYTES) {
        uintptr_t there = step > 0 ? address + distance : address - distance;
        if (!hak_locate((const void *)there, at) || !is_live(at))
            continue;
        uintptr_t start = (uintptr_t)hak_user_in(at), end = start + hak_asked_bytes_of(at);
        if (step > 0 ? start > address && start - address <= reach
                     : end <= address && address - end < reach)
            return true;
    }
    return false;
}

static void name(struct hak_fault_facts *facts, const struct hak_located *at, uint32_t fault,
                 enum hak_memory memory) {
    hak_describe_located(at, facts);
    facts->fault = fault;
    facts->memory = memory;
    facts->found_by = HAK_FOUND_BY_ACCESS;
    facts->offset = (int64_t)(facts->found_address - (uintptr_t)hak_user_in(at));
}

/* A page that we have closed ourselves. */
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

static void describe(struct hak_fault_facts *facts, bool is_barred) {
    struct hak_located at, beside;
    struct hak_large former;
    uintptr_t address = facts->found_address;
    is_barred = is_barred || is_closed(address);
    bool found = find_block(address, is_barred, &former, &at);
    if (found && is_live(&at))
        name(facts, &at, 0, HAK_MEMORY_INSIDE_LIVE);
    else if (found && !is_inside(&at, address) &&
             find_neighbour(address, -1, BESIDE_BYTES, &beside))
        name(facts, &beside, HAK_FAULT_HEAP_BUFFER_OVERFLOW, HAK_MEMORY_UNKNOWN);
    else if (found && has_lived(&at))
        name(facts, &at, HAK_FAULT_USE_AFTER_FREE, HAK_MEMORY_INSIDE_FREE);
    else if (is_barred && find_neighbour(address, -1, REACH_BYTES, &at))
        name(facts, &at, HAK_FAULT_HEAP_BUFFER_OVERFLOW, HAK_MEMORY_UNKNOWN);
    else if (is_barred && find_neighbour(address, 1, REACH_BYTES, &at))
        name(facts, &at, HAK_FAULT_HEAP_BUFFER_UNDERFLOW, HAK_MEMORY_UNKNOWN);
}

static const struct hak_trace_checks checks = {
    .describe = describe, .reopen = hak_pages_open_at, .look_at_all = hak_sweep_quietly};

void hak_near_start(void) {
    hak_trace_ask(&checks);
}

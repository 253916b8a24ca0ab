/* Names the fault of a call that touches bytes outside of its block.
 *
 *   the pointer lies                               it is
 *   in a live block, or behind it in its slot      heap-buffer-overflow of that block
 *   in a header, and the touch reaches the block   heap-buffer-underflow of the block behind
 *   in a header, and the touch ends in it          of the block in front or behind: the nearer one
 *   in the bytes that a freed block had            use-after-free
 *   in another slot that is not live               overflow of a live block shortly in front,
 *                                                  else use-after-free of the one that was there
 *   in a slot that never was a block               the first of the two, or nothing is said */
#include "guard/touch.h"

#include <string.h>
#include "guard/around.h"
#include "guard/guard.h"
#include "guard/pages.h"
#include "platform/objects.h"
#include "platform/readable.h"

enum { TOUCH_REACH_BYTES = 64 };

/* The first bytes of its canary, or of those behind a block without a header. */
static bool canary_stands(const struct hak_located *at, const char *canary) {
    const char *end = at->base + at->slot_bytes;
    uint64_t due = hak_word_of(at, HAK_PATTERN_CANARY);
    for (unsigned i = 0; i < 2 * sizeof due && canary + i < end; i++)
        if ((uint8_t)canary[i] != hak_pattern_byte(due, (uintptr_t)(canary + i) & 7))
            return false;
    return true;
}

/* A block of less than a page has no page that the program could close for itself. */
static bool border_stands(const struct hak_located *at, bool asks) {
    const char *user = hak_user_in(at), *canary = user + hak_asked_bytes_of(at);
    bool has_header = !hak_has_no_header(at), is_small = hak_asked_bytes_of(at) < HAK_PAGE_BYTES;
    struct hak_header due = hak_header_due(at), header = due;
    if (!hak_has_border(at) || (!is_small && !asks))
        return true;
    if (!is_small && !hak_can_read_border(at))
        return true;
    if (has_header)
        __builtin_memcpy(&header, user - sizeof header, sizeof header);
    return header.first == due.first && header.second == due.second && canary_stands(at, canary);
}

bool hak_border_stands_at(const void *p, bool asks) {
    struct hak_located at;
    return !hak_locate(p, &at) || border_stands(&at, asks);
}

/* The loader's mappings are asked first: most pointers that are not ours lie there. */
size_t hak_room_elsewhere(const void *p, bool asks, bool *is_whole) {
    struct hak_object object;
    struct hak_located at;
    uintptr_t stack = (uintptr_t)__builtin_frame_address(0);
    if ((uintptr_t)p - stack < HAK_STACK_REACH_BYTES || hak_object_find((uintptr_t)p, &object))
        return SIZE_MAX;
    struct hak_large *large = hak_large_containing(p);
    if (!large)
        return SIZE_MAX;
    hak_locate_as_large(large, &at);
    size_t room = hak_room_in(&at, p);
    if (is_whole && room - 1 < SIZE_MAX - 1)
        *is_whole = border_stands(&at, asks);
    return room;
}

static bool is_live_at_rest(const struct hak_located *at) {
    return at->slot && at->slot->place == HAK_PLACE_LIVE && !at->slot->is_changing;
}

static bool find(const void *p, struct hak_located *at) {
    return hak_locate(p, at) || (at->superslab && hak_locate_former_slot(p, at));
}

/* The fault of an access in front of the live block `at`: an overflow of the block before, which
 * `at` gets, if that is as near; else an underflow. */
static unsigned name_in_front(const struct hak_touch *touch, struct hak_located *at) {
    struct hak_located front;
    uintptr_t p = (uintptr_t)touch->pointer;
    size_t distance = (uintptr_t)hak_user_in(at) - p;
    if (touch->bytes > distance || !hak_find_live_in_front(p, distance - 1, &front))
        return HAK_FAULT_HEAP_BUFFER_UNDERFLOW;
    *at = front;
    return HAK_FAULT_HEAP_BUFFER_OVERFLOW;
}

/* Finds the block whose bytes are touched, and the fault; 0: nothing can be said. */
static unsigned name_touched(const struct hak_touch *touch, struct hak_located *at) {
    struct hak_located front;
    const char *p = touch->pointer;
    if (!find(p, at) || at->slot->is_changing)
        return 0;
    if (is_live_at_rest(at))
        return p >= hak_user_in(at) ? HAK_FAULT_HEAP_BUFFER_OVERFLOW : name_in_front(touch, at);
    bool has_lived = (at->slot->subkind & HAK_SLOT_LIVED) != 0;
    if (has_lived && (size_t)(p - hak_user_in(at)) < hak_touchable_bytes(at))
        return HAK_FAULT_USE_AFTER_FREE;
    if (hak_find_live_in_front((uintptr_t)p, TOUCH_REACH_BYTES, &front)) {
        *at = front;
        return HAK_FAULT_HEAP_BUFFER_OVERFLOW;
    }
    return has_lived ? HAK_FAULT_USE_AFTER_FREE : 0;
}

bool hak_touch_is_after_free(const void *p) {
    struct hak_located at;
    struct hak_touch touch = {.pointer = p, .bytes = 1};
    return name_touched(&touch, &at) == HAK_FAULT_USE_AFTER_FREE;
}

void hak_touch_open(const void *p, size_t bytes) {
    uintptr_t page = (uintptr_t)p & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    uintptr_t end = (uintptr_t)p + (bytes < HAK_SUPERSLAB_BYTES ? bytes : HAK_SUPERSLAB_BYTES);
    for (; page < end; page += HAK_PAGE_BYTES)
        (void)hak_pages_open_at(page);
}

/* Lets the program go on after a report and do the access: the damage counts as told, and no closed
 * page stops it. A string that has no end in its block may have one in the next page. */
static void let_pass(const struct hak_touch *touch, const struct hak_located *at) {
    if (touch->is_write)
        __atomic_fetch_or(&at->slot->subkind, HAK_SLOT_TOLD, __ATOMIC_RELAXED);
    hak_touch_open(touch->pointer,
                   touch->is_at_least ? touch->bytes + HAK_PAGE_BYTES : touch->bytes);
}

/* Is damage behind the block what the call has written itself, or a call before it that was told?
 */
static bool is_own_damage(const struct hak_touch *touch, const struct hak_located *at) {
    return touch->is_write && (touch->is_done || (at->slot->subkind & HAK_SLOT_TOLD));
}

void hak_touch_tell(const struct hak_touch *touch, const struct hak_located *at, unsigned fault) {
    struct hak_fault_facts facts = {
        .fault = fault,
        .found_address = (uintptr_t)touch->pointer,
        .class_found = HAK_CLASS_NONE,
        .found_by = HAK_FOUND_BY_FUNCTION,
        .access = touch->is_write ? HAK_ACCESS_WRITE : HAK_ACCESS_READ,
        .call_bytes = touch->bytes,
        .call_flags = (uint16_t)((touch->is_at_least ? HAK_TOUCH_AT_LEAST : 0u) |
                                 (touch->is_done ? HAK_TOUCH_DONE : 0u) |
                                 (touch->is_question ? HAK_TOUCH_ASKS : 0u)),
    };
    if (fault == HAK_FAULT_USE_AFTER_FREE)
        facts.memory = HAK_MEMORY_INSIDE_FREE;
    hak_copy_call(&facts, touch->call);
    hak_describe_located(at, &facts);
    facts.offset = (int64_t)(facts.found_address - facts.user);
    if (fault == HAK_FAULT_HEAP_BUFFER_OVERFLOW && is_live_at_rest(at) &&
        !is_own_damage(touch, at) && hak_can_read_border(at)) {
        /* Bytes that something wrote before: the touch may follow from that. */
        struct hak_damage damage = hak_canary_damage(at);
        if (damage.bytes)
            hak_copy_damage(&facts, &damage);
    }
    hak_trace_fault(&facts);
}

void hak_touch_report(const struct hak_touch *touch) {
    struct hak_located at;
    unsigned fault = name_touched(touch, &at);
    if (!fault)
        return;
    hak_touch_tell(touch, &at, fault);
    let_pass(touch, &at);
}

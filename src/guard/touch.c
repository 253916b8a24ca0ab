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

#include "guard/tags/tags.h"

#include <string.h>
#include "guard/around.h"
#include "guard/guard.h"
#include "guard/pages.h"
#include "guarded/guarded.h"
#include "light.h"
#include "platform/objects.h"
#include "platform/readable.h"

enum { TOUCH_REACH_BYTES = 64 };

/* The large block that has `p`; NULL: none. The loader's mappings are asked before, where it is
 * surely no guarded one: most pointers that are not ours lie there, and it takes longest to find
 * that there is no block. */
static struct hak_large *find_elsewhere(const void *p) {
    struct hak_object object;
    if (!hak_guarded_covers(p) && hak_object_find((uintptr_t)p, &object))
        return NULL;
    return hak_large_containing(p);
}

size_t hak_room_elsewhere(const void *p) {
    struct hak_located at;
    struct hak_large *large = find_elsewhere(p);
    if (!large)
        return SIZE_MAX;
    at = hak_located_as_large(large);
    return hak_room_in(&at, p);
}

/* ---- the bytes around a block ------------------------------------------------------------------
 */

struct hak_due_border hak_due_borders[HAK_DUE_BORDERS];

HAK_IN_PLACE struct hak_due_border due_of(const struct hak_located *at) {
    return (struct hak_due_border){hak_due_border_key(at), hak_header_due(at),
                                   hak_word_of(at, HAK_PATTERN_CANARY)};
}

/* Compares the bytes around the block with what its slot's state says, and keeps that at hand; of a
 * slot above a page it does not, since hak_room_near asks nobody about pages. A signal handler or
 * another thread may look at other slots in between and leave words of two slots here: no border
 * agrees with those, and this function is asked. */
HAK_IN_PLACE bool border_stands(const struct hak_located *at) {
    struct hak_due_border *known = hak_due_border_of(at);
    struct hak_due_border due = hak_due_border_read(known);
    if (HAK_LIKELY(due.of == hak_due_border_key(at)) && HAK_LIKELY(hak_border_is(at, &due)))
        return true;
    due = due_of(at);
    if (at->large || at->slot_bytes <= HAK_PAGE_BYTES)
        hak_due_border_write(known, due);
    return hak_border_is(at, &due);
}

static bool copy_if_there(struct hak_readable *known, void *to, const void *from, size_t bytes) {
    return hak_copy_if_may(known, to, from, bytes);
}

/* The same of a block of a page or more, whose pages the program may close at any moment. */
static __attribute__((noinline)) bool far_border_stands(struct hak_located at) {
    const struct hak_due_border due = due_of(&at);
    return hak_border_is_by(&at, &due, copy_if_there);
}

/* Looks at `p` in the block, and around that as far as it has a border which can be read. */
HAK_IN_PLACE struct hak_look look_in(const struct hak_located *at, const void *p, bool asks) {
    size_t room = hak_room_in(at, p);
    if (HAK_UNLIKELY(room - 1 >= SIZE_MAX - 1) || !hak_has_border(at))
        return (struct hak_look){room, true};
    if (HAK_LIKELY(hak_asked_bytes_of(at) < HAK_PAGE_BYTES))
        return (struct hak_look){room, border_stands(at)};
    return (struct hak_look){room, !asks || far_border_stands(*at)};
}

/* Only what is in no slot may be taken for the stack: a coroutine's stack is a block of ours, and
 * others lie behind it. */
static __attribute__((noinline)) struct hak_look look_elsewhere(const void *p, bool asks) {
    struct hak_large *large = hak_is_on_stack(p) ? NULL : find_elsewhere(p);
    if (!large)
        return (struct hak_look){SIZE_MAX, true};
    const struct hak_located at = hak_located_as_large(large);
    return look_in(&at, p, asks);
}

static __attribute__((noinline)) struct hak_look look_in_slot(const void *p, bool asks) {
    struct hak_located at;
    if (hak_locate_slot(p, &at))
        return look_in(&at, p, asks);
    return at.superslab ? (struct hak_look){0, true} : look_elsewhere(p, asks);
}

struct hak_look hak_look_at(const void *p, bool asks) {
    p = hak_untagged(p);
    bool is_elsewhere = hak_registry.entries != 0 && hak_registry_owner_fast(p) == HAK_OWNER_NOBODY;
    return HAK_LIKELY(is_elsewhere) ? look_elsewhere(p, asks) : look_in_slot(p, asks);
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
    struct hak_touch touch = {.pointer = hak_untagged(p), .bytes = 1};
    return name_touched(&touch, &at) == HAK_FAULT_USE_AFTER_FREE;
}

void hak_touch_open(const void *p, size_t bytes) {
    p = hak_untagged(p);
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
                                 (touch->is_question ? HAK_TOUCH_ASKS : 0u) |
                                 (touch->is_refused ? HAK_TOUCH_REFUSED : 0u)),
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

/* ---- calls of the kernel -----------------------------------------------------------------------
 */

void hak_check_tags_stopped(void) {
    static _Thread_local bool has_stopped __attribute__((tls_model("initial-exec")));
    if (!has_stopped)
        hak_tags_stop();
    has_stopped = true;
}

/* Tells of an access by the kernel at `p`, whose memory has another tag than the pointer's.
 * `flags`: HAK_TOUCH_*. */
static HAK_COLD void tell_of_tag(const char *p, const struct hak_kernel_touch *touch, size_t bytes,
                                 unsigned flags) {
    uint64_t tag = HAK_FACTS_TAG | hak_tag_of_pointer(touch->pointer);
    struct hak_fault_facts facts = {
        .found_address = (uintptr_t)p | tag << HAK_TAG_SHIFT,
        .class_found = HAK_CLASS_NONE,
        .class_due = HAK_CLASS_NONE,
        .access = touch->receives ? HAK_ACCESS_WRITE : HAK_ACCESS_READ,
        .call_bytes = bytes,
        .call_flags = (uint16_t)flags,
    };
    hak_describe_tagged(&facts);
    if (facts.fault == 0)
        return;
    facts.found_by = HAK_FOUND_BY_FUNCTION;
    hak_copy_call(&facts, touch->call);
    hak_trace_fault(&facts);
}

/* Whether nothing speaks against the kernel's access to the block's memory at `p`: it has the
 * pointer's tag, or nothing is compared any more. Or the program has dropped the page of its live
 * block, which gets the tag again where it can be written, or has mapped another. Two threads may
 * come here at once. */
static bool has_tag(const char *p, const struct hak_kernel_touch *touch) {
    unsigned tag = hak_tag_of_pointer(touch->pointer), of_memory = hak_tag_at(p);
    if (HAK_LIKELY(of_memory == tag))
        return true;
    const uint64_t pointer = (uintptr_t)touch->pointer;
    return hak_tags_allow((uintptr_t)p, tag, &pointer, 1) || hak_tag_at(p) == tag;
}

/* A block whose tags are known, and the bytes that it has from a pointer on; `start` NULL: none. */
struct tagged_block {
    const char *start;
    size_t bytes, room;
};

/* In level light also one that was freed, which has the next life's tag. */
static struct tagged_block find_tagged(const char *p) {
    struct tagged_block block = {0};
    struct hak_located at;
    if (hak_light_serves() && !hak_guarded_covers(p)) {
        block.room = light_hak_light_room ? light_hak_light_room((uintptr_t)p, &block.bytes) : 0;
        block.start = block.room != 0 ? p + block.room - block.bytes : NULL;
    } else if (hak_locate(p, &at) && is_live_at_rest(&at) && (!at.large || at.large->tag != 0)) {
        block.start = hak_user_in(&at);
        block.bytes = hak_asked_bytes_of(&at);
        size_t offset = (size_t)(p - block.start);
        block.room = offset < block.bytes ? block.bytes - offset : 0;
    }
    return block;
}

/* A page has the tag in all of its granules, or was dropped as a whole: so one of each is looked
 * at. One that the program has closed is left to the kernel. */
void hak_touch_for_kernel(const struct hak_kernel_touch *touch) {
    const char *p = hak_untagged(touch->pointer);
    if (!hak_tags_are_given()) {
        hak_check_tags_stopped();
        return;
    }
    const struct tagged_block block = find_tagged(p);
    const unsigned tag = hak_tag_of_pointer(touch->pointer);
    size_t room = block.room;
    const char *end = p + (touch->bytes < room ? touch->bytes : room);
    while (p < end) {
        if (block.bytes >= HAK_PAGE_BYTES_LEAST && hak_tag_if_open((uintptr_t)p, tag) == HAK_TAGS)
            return;
        if (!has_tag(p, touch)) {
            tell_of_tag(p, touch, 1, HAK_TOUCH_AT_LEAST);
            return;
        }
        p += HAK_PAGE_BYTES_LEAST - (uintptr_t)p % HAK_PAGE_BYTES_LEAST;
    }
    /* Without anything between blocks nothing else finds that it leaves its own. */
    if (!hak_light_serves() || room == 0 || touch->receives || touch->bytes <= room)
        return;
    unsigned behind = hak_tag_if_open((uintptr_t)end, tag);
    if (behind != HAK_TAGS && behind != tag)
        tell_of_tag(end, touch, 1, HAK_TOUCH_AT_LEAST);
}

size_t hak_touch_kernel_room(const void *p) {
    size_t room = hak_tags_are_given() ? find_tagged(hak_untagged(p)).room : 0;
    return room != 0 ? room : SIZE_MAX;
}

bool hak_touch_is_of_block(const void *p) {
    const char *plain = hak_untagged(p);
    const struct tagged_block block = find_tagged(plain);
    struct hak_located at;
    if (block.start)
        return hak_can_read(block.start, 1) &&
               hak_tag_of_live(block.start, block.bytes) == hak_tag_of_pointer(p);
    /* A longer block has tags at its borders alone. */
    return hak_tag_of_pointer(p) == 0 && hak_locate(plain, &at) && at.large && is_live_at_rest(&at);
}

void hak_touch_has_received(const struct hak_kernel_touch *touch) {
    const char *p = hak_untagged(touch->pointer);
    size_t room = hak_touch_kernel_room(p);
    if (touch->bytes <= room)
        return;
    if (hak_guarded_covers(p))
        hak_touch_report(&(struct hak_touch){.pointer = p,
                                             .bytes = touch->bytes,
                                             .call = touch->call,
                                             .is_write = true,
                                             .is_done = true});
    else if (hak_tag_at(p + room) != hak_tag_of_pointer(touch->pointer))
        tell_of_tag(p + room, touch, touch->bytes - room, HAK_TOUCH_DONE);
}

void hak_touch_report(const struct hak_touch *touch) {
    struct hak_located at;
    struct hak_touch plain;
    if (hak_tags_are_known()) {
        plain = *touch;
        plain.pointer = hak_untagged(touch->pointer);
        touch = &plain;
    }
    unsigned fault = name_touched(touch, &at);
    if (!fault)
        return;
    hak_touch_tell(touch, &at, fault);
    let_pass(touch, &at);
}

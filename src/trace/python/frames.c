/* Reads CPython's frames: thread state -> innermost frame -> previous -> ... */
#include "trace/python/frames.h"

#include "memory_tags.h"
#include "platform/raw_call.h"

enum { PAGE_SHIFT = 12, PAGES = 1024 };
enum { REFERENCE_TAG = 1 }; /* a reference of a frame that is not counted (3.14) */

/* Pages that the kernel said can be read: page number + 1. A live frame's page is never unmapped,
 * so what is remembered of pages that went matters only where a pointer is wrong. */
static _Atomic uintptr_t known_page[PAGES];

/* True when the page with the number `page` can be read; a page that could once counts as readable
 * from then on. `at`: an address in it, with the tag of the memory there, since the kernel
 * compares. */
static bool page_can_be_read(uintptr_t page, uintptr_t at) {
    _Atomic uintptr_t *place = &known_page[(page ^ page >> 10) % PAGES];
    if (HAK_LIKELY(atomic_load_explicit(place, memory_order_relaxed) == page + 1))
        return true;
    if (page == 0 || page >> (HAK_ADDRESS_BITS - PAGE_SHIFT) != 0 ||
        !hak_raw_readable(at & ~(uintptr_t)7))
        return false;
    atomic_store_explicit(place, page + 1, memory_order_relaxed);
    return true;
}

bool hak_python_can_read(uintptr_t address, size_t bytes) {
    uintptr_t plain = (uintptr_t)hak_untagged((const void *)address); /* an object in a block */
    uintptr_t first = plain >> PAGE_SHIFT, last = (plain + bytes - 1) >> PAGE_SHIFT;
    return page_can_be_read(first, address) &&
           (first == last || page_can_be_read(last, address + bytes - 1));
}

static bool is_object(uintptr_t address, size_t bytes) {
    return (address & 7) == 0 && hak_python_can_read(address, bytes);
}

/* The thread's innermost frame object; 0: it runs no Python. */
static uintptr_t innermost(const struct hak_python *python) {
    const struct hak_python_layout *at = python->layout;
    uintptr_t thread = (uintptr_t)python->this_thread();
    if (!thread || !is_object(thread, HAK_PYTHON_THREAD_BYTES))
        return 0;
    uintptr_t frame = hak_python_word(thread + at->thread_frame);
    if (!at->has_control_frame)
        return frame;
    return is_object(frame, 16) ? hak_python_word(frame + at->control_frame) : 0;
}

/* Adds the length of an object and some of its bytes: the last 16 up to the end of those from
 * `head` on, and the first 16 of a table that has as many. */
static uint64_t add_contents(uint64_t key, uintptr_t object, size_t head, bool is_table) {
    key = hak_python_mix(key, object);
    if (!is_object(object, HAK_PYTHON_SIZE + 8))
        return key;
    uintptr_t bytes = hak_python_word(object + HAK_PYTHON_SIZE), end = object + head + bytes;
    key = hak_python_mix(key, bytes);
    if (bytes >> 32 == 0 && hak_python_can_read(end - 16, 16))
        key = hak_python_mix(hak_python_mix(key, hak_python_bytes(end - 16)),
                             hak_python_bytes(end - 8));
    if (is_table && bytes >= 16 && hak_python_can_read(object + head, 16))
        key = hak_python_mix(hak_python_mix(key, hak_python_word(object + head)),
                             hak_python_word(object + head + 8));
    return key;
}

/* The key of a code object: other code may lie at the same address later, with names at the same
 * addresses: its version tells, where it has one (3.12), else what it says. */
static uint64_t key_of(const struct hak_python *python, uintptr_t code) {
    const struct hak_python_layout *at = python->layout;
    uint32_t version = at->version ? hak_python_half(code + at->version) : 0;
    uint64_t key =
        hak_python_mix(code, (uint64_t)version << 32 | hak_python_half(code + at->first_line));
    if (version)
        return key;
    key = add_contents(key, hak_python_word(code + at->file), at->text_bytes, false);
    key = add_contents(key, hak_python_word(code + at->name), at->text_bytes, false);
    key = add_contents(key, hak_python_word(code + at->lines), HAK_PYTHON_BYTES, true);
    return hak_python_mix(key, hak_python_word(code + HAK_PYTHON_SIZE));
}

/* Reads the Python frame at `from`. False: it is none of code. */
static bool read_frame(const struct hak_python *python, uintptr_t from,
                       struct hak_python_frame *frame) {
    const struct hak_python_layout *at = python->layout;
    uintptr_t code = hak_python_word(from + at->code) & ~(uintptr_t)REFERENCE_TAG;
    if (!is_object(code, at->instructions))
        return false;
    uintptr_t begin = code + at->instructions;
    uintptr_t distance = (hak_python_word(from + at->instruction) - begin) / 2;
    frame->code = code;
    frame->key = key_of(python, code);
    frame->instruction = distance < UINT32_MAX / 4 ? (uint32_t)distance : 0; /* not begun: -1 */
    frame->is_entry = at->has_entry_mark && hak_python_byte(from + at->mark) != 0;
    return true;
}

/* The interpreter's own piece of code, which calls __init__ and is named after it (3.13). */
static bool is_shim(const struct hak_python *python, const struct hak_python_frame *frame) {
    return hak_python_word(frame->code + python->layout->file) ==
           hak_python_word(frame->code + python->layout->name);
}

size_t hak_python_frames(const struct hak_python *python, struct hak_python_frame *frames,
                         size_t max) {
    const struct hak_python_layout *at = python->layout;
    size_t count = 0;
    for (uintptr_t from = innermost(python), steps = 0;
         from && count < max && steps < 2 * max && is_object(from, HAK_PYTHON_FRAME_BYTES);
         from = hak_python_word(from + at->previous), steps++) {
        if (!at->has_entry_mark && hak_python_byte(from + at->mark) >= HAK_PYTHON_OWNER_C_STACK) {
            if (count > 0)
                frames[count - 1].is_entry = true;
        } else if (!read_frame(python, from, &frames[count])) {
            break;
        } else {
            count += !is_shim(python, &frames[count]);
        }
    }
    return count;
}

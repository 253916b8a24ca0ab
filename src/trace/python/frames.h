/* The calling thread's Python frames, as they are now. */
#ifndef HAK_TRACE_PYTHON_FRAMES_H
#define HAK_TRACE_PYTHON_FRAMES_H

#include <stddef.h>
#include "trace/python/layout.h"

struct hak_python_frame {
    uintptr_t code;       /* the code object */
    uint64_t key;         /* of the code: its address, and what it points to */
    uint32_t instruction; /* index in the code */
    bool is_entry;        /* the interpreter's C function was called for this one */
};

/* Innermost first, at most `max`; how many. 0 where the thread runs no Python, or where something
 * cannot be read. */
HAK_HIDDEN size_t hak_python_frames(const struct hak_python *python,
                                    struct hak_python_frame *frames, size_t max);

/* Can `bytes` bytes (at most a page) be read there? The kernel's answer for a page is remembered.
 */
HAK_HIDDEN bool hak_python_can_read(uintptr_t address, size_t bytes);

static inline uintptr_t hak_python_word(uintptr_t address) {
    return *(const volatile uintptr_t *)address;
}

/* Reads a word at an address that need not be aligned. */
static inline uint64_t hak_python_bytes(uintptr_t address) {
    uint64_t value;
    __builtin_memcpy(&value, (const void *)address, sizeof value);
    return value;
}
static inline uint8_t hak_python_byte(uintptr_t address) {
    return *(const volatile uint8_t *)address;
}
static inline uint32_t hak_python_half(uintptr_t address) {
    return *(const volatile uint32_t *)address;
}

static inline uint64_t hak_python_mix(uint64_t key, uint64_t value) {
    key = (key ^ value) * 0x9e3779b97f4a7c15u;
    return key ^ key >> 29;
}

#endif

/* Reads numbers of DWARF from a bounded piece of memory. A read past the end sets `bad` and gives
 * 0, so that a parser checks once at its end. */
#ifndef HAK_UNWIND_CFI_CURSOR_H
#define HAK_UNWIND_CFI_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static inline uint64_t cursor_left(const struct cursor *c) {
    return (uint64_t)(c->end - c->at);
}

/* Moves on by `bytes`; if fewer are left, moves to the end and makes the cursor bad. */
static inline void cursor_skip(struct cursor *c, uint64_t bytes) {
    if (bytes > cursor_left(c)) {
        c->bad = true;
        c->at = c->end;
    } else {
        c->at += bytes;
    }
}

/* A little-endian number of 1, 2, 4 or 8 bytes. */
static inline uint64_t cursor_fixed(struct cursor *c, unsigned bytes) {
    uint64_t value = 0;
    if (cursor_left(c) < bytes) {
        c->bad = true;
        c->at = c->end;
        return 0;
    }
    memcpy(&value, c->at, bytes);
    c->at += bytes;
    return value;
}

static inline int64_t cursor_fixed_signed(struct cursor *c, unsigned bytes) {
    unsigned unused_bits = 64 - 8 * bytes;
    return (int64_t)(cursor_fixed(c, bytes) << unused_bits) >> unused_bits;
}

/* Reads an unsigned LEB128 number; bits beyond 64 are dropped. */
static inline uint64_t cursor_uleb(struct cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = cursor_fixed(c, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
}

/* Reads a signed LEB128 number; bits beyond 64 are dropped. */
static inline int64_t cursor_sleb(struct cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0;;) {
        uint64_t byte = cursor_fixed(c, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        shift += 7;
        if ((byte & 0x80) == 0) {
            if ((byte & 0x40) != 0 && shift < 64)
                value |= ~(uint64_t)0 << shift;
            return (int64_t)value;
        }
    }
}

/* Encodings of pointers in .eh_frame (Linux Standard Base). */
enum {
    POINTER_OMITTED = 0xff,
    POINTER_FORMAT = 0x0f,
    POINTER_APPLICATION = 0x70,
    POINTER_PC_RELATIVE = 0x10,
    POINTER_DATA_RELATIVE = 0x30,
    POINTER_INDIRECT = 0x80
};

/* A pointer encoded as `encoding` says, not followed when it is indirect. `data_base` is what
 * data-relative ones are relative to. */
static inline uintptr_t cursor_pointer(struct cursor *c, uint8_t encoding, uintptr_t data_base) {
    uintptr_t here = (uintptr_t)c->at;
    uintptr_t value;
    switch (encoding & POINTER_FORMAT) {
    case 0x00:
        value = cursor_fixed(c, 8);
        break;
    case 0x01:
        value = cursor_uleb(c);
        break;
    case 0x02:
        value = cursor_fixed(c, 2);
        break;
    case 0x03:
        value = cursor_fixed(c, 4);
        break;
    case 0x04:
        value = cursor_fixed(c, 8);
        break;
    case 0x09:
        value = (uintptr_t)cursor_sleb(c);
        break;
    case 0x0a:
        value = (uintptr_t)cursor_fixed_signed(c, 2);
        break;
    case 0x0b:
        value = (uintptr_t)cursor_fixed_signed(c, 4);
        break;
    case 0x0c:
        value = cursor_fixed(c, 8);
        break;
    default:
        c->bad = true;
        return 0;
    }
    switch (encoding & POINTER_APPLICATION) {
    case 0:
        break;
    case POINTER_PC_RELATIVE:
        value += here;
        break;
    case POINTER_DATA_RELATIVE:
        value += data_base;
        break;
    default:
        c->bad = true;
        return 0;
    }
    return value;
}

#endif

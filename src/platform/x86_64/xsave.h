/* Asks an x86-64 processor for the places of what XSAVE writes (Intel's manual, volume 1, 13.4). */
#ifndef HAK_PLATFORM_X86_64_XSAVE_H
#define HAK_PLATFORM_X86_64_XSAVE_H

#include <cpuid.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    HAK_XSAVE_IN_USE =
        512,               /* where the mask of the parts that differ from their first state lies */
    HAK_XSAVE_LEAST = 576, /* bytes: x87, SSE and the header */
    HAK_XSAVE_PARTS = 63,
};

/* Where a part lies differs among processors. Says its bytes, too. */
static inline unsigned hak_xsave_place_of(unsigned part, unsigned *bytes) {
    enum { STATE_LEAF = 13 };
    unsigned offset = 0, c, d;
    __cpuid_count(STATE_LEAF, part, *bytes, offset, c, d);
    (void)c;
    (void)d;
    return offset;
}

static inline unsigned hak_xsave_offset_of(unsigned part) {
    unsigned bytes;
    return hak_xsave_place_of(part, &bytes);
}

/* The bytes up to the end of the last of these parts. */
static inline size_t hak_xsave_bytes_of(uint64_t parts) {
    size_t most = HAK_XSAVE_LEAST;
    for (unsigned part = 2; part < HAK_XSAVE_PARTS; part++) {
        unsigned bytes = 0;
        size_t end = parts >> part & 1 ? hak_xsave_place_of(part, &bytes) : 0;
        if (end + bytes > most)
            most = end + bytes;
    }
    return most;
}

/* The parts of an area that are in use. `area` has at least HAK_XSAVE_LEAST bytes. */
static inline uint64_t hak_xsave_in_use(const unsigned char *area) {
    uint64_t parts;
    memcpy(&parts, area + HAK_XSAVE_IN_USE, sizeof parts);
    return parts;
}

/* Those of `parts` that lie whole within so many bytes of an area. */
static inline uint64_t hak_xsave_within(uint64_t parts, size_t bytes) {
    for (unsigned part = 2; part < HAK_XSAVE_PARTS; part++)
        if (hak_xsave_bytes_of(parts & (uint64_t)1 << part) > bytes)
            parts &= ~((uint64_t)1 << part);
    return parts;
}

#endif

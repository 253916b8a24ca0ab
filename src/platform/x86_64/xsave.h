/* Asks an x86-64 processor for the places of what XSAVE writes (Intel's manual, volume 1, 13.4). */
#ifndef HAK_PLATFORM_X86_64_XSAVE_H
#define HAK_PLATFORM_X86_64_XSAVE_H

#include <cpuid.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    HAK_XSAVE_IN_USE = 512, /* offset of the mask of the parts that are not in their first state */
    HAK_XSAVE_LEAST = 576,  /* bytes: x87, SSE and the header */
};

/* All parts but x87 and SSE, which lie in the first HAK_XSAVE_LEAST bytes; bit 63 is of no part. */
#define HAK_XSAVE_PLACED (~(UINT64_C(3) | UINT64_C(1) << 63))

/* Where a part lies differs among processors: its first byte, and the one behind its last. */
struct hak_xsave_place {
    unsigned start, end;
};

static inline struct hak_xsave_place hak_xsave_place_of(unsigned part) {
    enum { STATE_LEAF = 13 };
    unsigned bytes = 0, start = 0, c, d;
    __cpuid_count(STATE_LEAF, part, bytes, start, c, d);
    (void)c;
    (void)d;
    return (struct hak_xsave_place){start, start + bytes};
}

/* The bytes up to the end of the last of these parts. */
static inline size_t hak_xsave_bytes_of(uint64_t parts) {
    size_t most = HAK_XSAVE_LEAST;
    for (uint64_t rest = parts & HAK_XSAVE_PLACED; rest; rest &= rest - 1) {
        size_t end = hak_xsave_place_of((unsigned)__builtin_ctzll(rest)).end;
        most = end > most ? end : most;
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
    for (uint64_t rest = parts & HAK_XSAVE_PLACED; rest; rest &= rest - 1)
        if (hak_xsave_place_of((unsigned)__builtin_ctzll(rest)).end > bytes)
            parts &= ~(rest & -rest);
    return parts;
}

#endif

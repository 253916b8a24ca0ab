/* Asks an x86-64 processor for the places and sizes of what XSAVE writes. */
#ifndef HAK_PLATFORM_X86_64_XSAVE_H
#define HAK_PLATFORM_X86_64_XSAVE_H

#include <cpuid.h>

/* Where a part lies differs among processors. Its bytes come in `bytes`. */
static inline unsigned hak_xsave_place_of(unsigned part, unsigned *bytes) {
    enum { STATE_LEAF = 13 };
    unsigned offset = 0, c, d;
    *bytes = 0;
    __cpuid_count(STATE_LEAF, part, *bytes, offset, c, d);
    (void)c;
    (void)d;
    return offset;
}

static inline unsigned hak_xsave_offset_of(unsigned part) {
    unsigned bytes;
    return hak_xsave_place_of(part, &bytes);
}

#endif

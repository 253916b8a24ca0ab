/* Asks an x86-64 processor for the places of what XSAVE writes. */
#ifndef HAK_PLATFORM_X86_64_XSAVE_H
#define HAK_PLATFORM_X86_64_XSAVE_H

#include <cpuid.h>

/* Where a part lies differs among processors. */
static inline unsigned hak_xsave_offset_of(unsigned part) {
    enum { STATE_LEAF = 13 };
    unsigned bytes = 0, offset = 0, c, d;
    __cpuid_count(STATE_LEAF, part, bytes, offset, c, d);
    (void)bytes;
    (void)c;
    (void)d;
    return offset;
}

#endif

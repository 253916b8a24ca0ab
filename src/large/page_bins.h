/* Numbers of pages in bins: eight to each doubling, so that what lies in one bin differs by at most
 * an eighth. Exact up to 16 pages. */
#ifndef HAK_LARGE_PAGE_BINS_H
#define HAK_LARGE_PAGE_BINS_H

#include <stddef.h>

#define HAK_PAGE_BINS 256 /* of mappings; a larger number, which none has, is in none */

/* The bin of `pages`; it never falls when `pages` grows. */
static inline unsigned hak_page_bin(size_t pages) {
    if (pages < 8)
        return (unsigned)pages;
    unsigned log2 = 63 - (unsigned)__builtin_clzll(pages);
    return (log2 - 2) * 8 + (unsigned)(pages >> (log2 - 3) & 7);
}

#endif

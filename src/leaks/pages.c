/* Finds the pages that hold anything, by /proc/self/pagemap, so that huge sparse mappings cost only
 * their touched pages, and no page of a file is read that lies behind its end. */
#include "leaks/leaks.h"

#include <sys/ioctl.h>
#include "platform/platform.h"
#include "platform/raw_call.h"

#define PAGE_PRESENT ((uint64_t)1 << 63)
#define PAGE_SWAPPED ((uint64_t)1 << 62)
#define PAGE_OF_FILE ((uint64_t)1 << 61) /* or shared */

enum {
    ENTRIES = 512,
    FEW_PAGES = 8,               /* are read without a question */
    BLIND_BYTES_MAX = 256 << 20, /* without the file: larger areas are left out */
};

/* True when the page was touched and, where only changed ones count, is not the file's as it is. */
static bool holds_anything(uint64_t entry, enum hak_leak_pages which) {
    if (entry & PAGE_SWAPPED)
        return true;
    return (entry & PAGE_PRESENT) && !(which == HAK_PAGES_CHANGED && (entry & PAGE_OF_FILE));
}

/* Reads entries of /proc/self/pagemap. Returns how many, or a negative error. */
static long read_entries(long file, uintptr_t page, uint64_t *entries, size_t count) {
    return hak_raw_call(SYS_pread64, file, (long)entries, (long)(count * sizeof *entries),
                        (long)(page * sizeof *entries), 0, 0) /
           (long)sizeof *entries;
}

/* PAGEMAP_SCAN of Linux 6.7; PAGE_IS_GUARD came with 6.15, and older kernels refuse it. */
struct scan_arguments {
    uint64_t bytes, flags, start, end, walked_to, found, most_found, most_pages;
    uint64_t inverted, all_of, any_of, asked_for;
};
struct scan_region {
    uint64_t start, end, categories;
};
#define SCAN_CALL     _IOWR('f', 16, struct scan_arguments)
#define PAGE_IS_GUARD ((uint64_t)1 << 8)

size_t hak_leak_find_guards(const struct hak_leak_scan *scan, struct hak_mark_range range,
                            struct hak_mark_range *guards, size_t most) {
    struct scan_region regions[32];
    size_t room = sizeof regions / sizeof *regions;
    struct scan_arguments arguments = {.bytes = sizeof arguments,
                                       .start = range.start,
                                       .end = range.end,
                                       .found = (uintptr_t)regions,
                                       .most_found = most < room ? most : room,
                                       .all_of = PAGE_IS_GUARD,
                                       .asked_for = PAGE_IS_GUARD};
    if (scan->pages_file < 0 || range.start >= range.end)
        return 0;
    long count =
        hak_raw_call(SYS_ioctl, scan->pages_file, (long)SCAN_CALL, (long)&arguments, 0, 0, 0);
    for (long i = 0; i < count; i++)
        guards[i] = (struct hak_mark_range){regions[i].start, regions[i].end};
    return count < 0 ? 0 : (size_t)count;
}

static uintptr_t clamp(uintptr_t address, struct hak_mark_range range) {
    return address < range.start ? range.start : address > range.end ? range.end : address;
}

void hak_leak_each_touched(struct hak_leak_scan *scan, struct hak_mark_range range,
                           enum hak_leak_pages which,
                           void (*visit)(struct hak_leak_scan *, uintptr_t, uintptr_t)) {
    uint64_t entries[ENTRIES];
    uintptr_t page = range.start / HAK_PAGE_BYTES;
    uintptr_t end = (range.end + HAK_PAGE_BYTES - 1) / HAK_PAGE_BYTES;
    if (end - page <= FEW_PAGES && which == HAK_PAGES_OF_MEMORY) {
        visit(scan, range.start, range.end);
        return;
    }
    while (page < end) {
        size_t wanted = end - page < ENTRIES ? end - page : ENTRIES;
        long got =
            scan->pages_file < 0 ? -1 : read_entries(scan->pages_file, page, entries, wanted);
        if (got <= 0) {
            uintptr_t rest = clamp(page * HAK_PAGE_BYTES, range);
            if (range.end - rest > BLIND_BYTES_MAX)
                scan->partial |= HAK_PARTIAL_PAGES;
            else
                visit(scan, rest, range.end);
            return;
        }
        for (long i = 0; i < got;) {
            long from = i;
            while (i < got && holds_anything(entries[i], which))
                i++;
            if (i > from)
                visit(scan, clamp((page + (uintptr_t)from) * HAK_PAGE_BYTES, range),
                      clamp((page + (uintptr_t)i) * HAK_PAGE_BYTES, range));
            else
                i++;
        }
        page += (uintptr_t)got;
    }
}

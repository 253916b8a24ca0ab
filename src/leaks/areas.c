/* Reads what is mapped, by the list of platform/maps.h while all threads stand. */
#include "leaks/leaks.h"

#include <string.h>
#include <sys/mman.h>
#include "platform/maps.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

/* ---- areas ----------------------------------------------------------------------------------- */

static bool begins(const struct hak_mapping *mapping, const char *with) {
    return strncmp(mapping->path, with, strlen(with)) == 0;
}

/* Appends a mapping, unless it is empty; without room the scan is partial. */
static void add_area(struct hak_leak_scan *scan, const struct hak_leak_area *area) {
    if (area->start >= area->end)
        return;
    if (scan->area_count == HAK_LEAK_AREAS)
        scan->partial |= HAK_PARTIAL_MEMORY;
    else
        scan->areas[scan->area_count++] = *area;
}

/* Adds an area in parts: guard pages that are no mappings of their own (MADV_GUARD_INSTALL, which
 * glibc 2.42 closes the end of a thread's stack with) become areas that cannot be read, as those of
 * mprotect are. */
static void add_parts(struct hak_leak_scan *scan, struct hak_leak_area area) {
    struct hak_mark_range guards[32];
    const size_t most = sizeof guards / sizeof *guards;
    size_t count = most;
    for (uintptr_t from = area.start; count == most; from = area.start) {
        count = hak_leak_find_guards(scan, (struct hak_mark_range){from, area.end}, guards, most);
        for (size_t i = 0; i < count; i++) {
            struct hak_leak_area open = area, closed = area;
            open.end = closed.start = guards[i].start;
            closed.end = area.start = guards[i].end;
            closed.readable = closed.writable = 0;
            add_area(scan, &open);
            add_area(scan, &closed);
        }
    }
    add_area(scan, &area);
}

/* Adds a line of /proc/self/maps; writable memory that is no device's is split at what the scan
 * leaves out. */
static void add_mapping(struct hak_leak_scan *scan, const struct hak_mapping *mapping) {
    const struct hak_leak_area area = {
        .start = mapping->start,
        .end = mapping->end,
        .readable = (mapping->protection & PROT_READ) != 0,
        .writable = (mapping->protection & PROT_WRITE) != 0,
        .is_private = (mapping->protection & HAK_MAPPING_SHARED) == 0,
        .has_file = mapping->path[0] && mapping->path[0] != '[',
        .is_stack = hak_mapping_is(mapping, "stack"),
        .is_special =
            begins(mapping, "[v") || (begins(mapping, "/dev/") && !begins(mapping, "/dev/zero") &&
                                      !begins(mapping, "/dev/shm"))};
    if (area.readable && area.writable && !area.is_special)
        add_parts(scan, area);
    else
        add_area(scan, &area);
}

bool hak_leak_read_areas(struct hak_leak_scan *scan) {
    static struct hak_maps maps; /* no mapping, which would be in the list and then be gone */
    struct hak_mapping mapping;
    if (scan->maps_file < 0)
        return false;
    hak_maps_begin_at(&maps, scan->maps_file);
    while (hak_maps_next(&maps, &mapping))
        add_mapping(scan, &mapping);
    return scan->area_count > 0;
}

/* The area that holds the address, else the next above it; NULL: none. */
const struct hak_leak_area *hak_leak_area_of(const struct hak_leak_scan *scan, uintptr_t address) {
    size_t low = 0, high = scan->area_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (scan->areas[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < scan->area_count ? &scan->areas[low] : NULL;
}

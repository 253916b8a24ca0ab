/* Finds and opens the regions of a thread that region.h has the picture of. */
#include "unwind/region.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

enum { PAGES_MAX = 24 };

static size_t bytes_of_one(const struct hak_thread_stacks *all) {
    return HAK_LAST_STACK_BYTES * (size_t)(all->capacity + 1);
}
static size_t bytes_of_all(const struct hak_thread_stacks *all) {
    return HAK_REGIONS * (sizeof(struct hak_region) + bytes_of_one(all));
}

/* Maps the memory of all regions at once and places each one's last stack in it. False: no
 * memory. */
static bool map_regions(struct hak_thread_stacks *all) {
    struct hak_region *region = hak_raw_map_joined(bytes_of_all(all));
    if (!region)
        return false;
    char *memory = (char *)(region + HAK_REGIONS);
    for (unsigned i = 0; i < HAK_REGIONS; i++)
        hak_last_stack_place(&region[i].last, memory + i * bytes_of_one(all), all->capacity);
    all->region = region;
    return true;
}

void hak_regions_unmap(struct hak_thread_stacks *all) {
    if (all->region)
        hak_raw_unmap(all->region, bytes_of_all(all));
    all->region = NULL;
}

static void forget(struct hak_region *region) {
    region->last.count = 0;
    region->last.is_whole = false;
}

void hak_regions_forget(struct hak_thread_stacks *all) {
    for (unsigned i = 0; i < HAK_REGIONS && all->region; i++)
        forget(&all->region[i]);
}

struct hak_region *hak_region_make(struct hak_thread_stacks *all, uintptr_t stack_pointer) {
    if (!all->region && !map_regions(all))
        return NULL;
    struct hak_region *oldest = all->region;
    for (unsigned i = 1; i < HAK_REGIONS; i++)
        if (all->region_clock - all->region[i].used > all->region_clock - oldest->used)
            oldest = &all->region[i];
    forget(oldest);
    oldest->low = hak_page_of(stack_pointer);
    oldest->high = oldest->low + HAK_PAGE_BYTES;
    oldest->rests = 0;
    return oldest;
}

/* Drops frames of the last stack that do not lie in `bounds`. */
static void trim(struct hak_last_stack *last, const struct hak_stack_bounds *bounds) {
    uint32_t count = last->count;
    while (count > 0 && last->found[count - 1].address < bounds->low)
        count--;
    uint32_t extra = count ? last->frame[count - 1].extra : 0;
    if (count > 0 && last->found[0].address >= bounds->high)
        count = 0;
    for (uint32_t i = 0; i < extra; i++)
        if (!hak_is_in_stack_bounds(bounds, last->extra[i].address))
            count = 0;
    last->count = count;
    last->found[count] = (struct hak_found_word){0, 0};
}

struct hak_stack_bounds hak_region_open(struct hak_region *region, uintptr_t stack_pointer,
                                        unsigned pages_more) {
    uintptr_t low = hak_page_of(stack_pointer), high = low + HAK_PAGE_BYTES;
    uintptr_t wanted = region->high + pages_more * HAK_PAGE_BYTES;
    if (wanted > low + PAGES_MAX * HAK_PAGE_BYTES)
        wanted = low + PAGES_MAX * HAK_PAGE_BYTES;
    while (high < wanted && hak_raw_readable(high))
        high += HAK_PAGE_BYTES;
    struct hak_stack_bounds bounds = {.low = low, .high = high};
    trim(&region->last, &bounds);
    return bounds;
}

void hak_region_settle(struct hak_thread_stacks *all, struct hak_region *region,
                       uintptr_t stack_pointer) {
    const struct hak_last_stack *last = &region->last;
    if (last->count == 0)
        return;
    uintptr_t outermost = last->found[0].address, low = hak_page_of(stack_pointer);
    if (last->kept == 0 || low < region->low)
        region->low = low;
    region->high = hak_page_of(outermost) + HAK_PAGE_BYTES;
    for (unsigned i = 0; i < HAK_REGIONS; i++) {
        struct hak_region *other = &all->region[i];
        if (other == region || other->last.count == 0 || other->last.found[0].address != outermost)
            continue;
        if (other->low < region->low)
            region->low = other->low;
        forget(other);
        other->low = other->high = 0;
    }
}

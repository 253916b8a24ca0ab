/* The overflow list of the mid layer: pushed by a full ring, popped by an empty one. */
#include "mid/segments.h"

#include <stdatomic.h>
#include "hop.h"
#include "platform/platform.h"

#define SEGMENTS_MAP_BYTES ((size_t)16 << 10)

enum { SPILLED_AT_ONCE = 16 };

bool hak_mid_serves[HAK_CLASSES];

/* ---- segments ------------------------------------------------------------------------------- */

/* Maps a thread's lists and, behind them, the piece that segments are cut from, in one mapping.
 * NULL without memory. */
static struct hak_mid *make_mid(void) {
    char *start = hak_map(SEGMENTS_MAP_BYTES);
    struct hak_mid *mid = (struct hak_mid *)(void *)start;
    if (mid) {
        mid->fresh = start + (sizeof *mid + 63) / 64 * 64;
        mid->fresh_end = start + SEGMENTS_MAP_BYTES;
    }
    return mid;
}

/* An unused segment, else one cut from the mapped piece or a new one. NULL without memory. */
static struct hak_mid_segment *take_segment(struct hak_mid *mid) {
    struct hak_mid_segment *segment = mid->unused;
    if (segment) {
        mid->unused = segment->older;
        return segment;
    }
    if ((size_t)(mid->fresh_end - mid->fresh) < sizeof *segment) {
        char *start = hak_map(SEGMENTS_MAP_BYTES);
        if (!start)
            return NULL;
        mid->fresh = start;
        mid->fresh_end = start + SEGMENTS_MAP_BYTES;
    }
    segment = (struct hak_mid_segment *)(void *)mid->fresh;
    mid->fresh += sizeof *segment;
    return segment;
}

static void drop_segment(struct hak_mid *mid, struct hak_mid_segment *segment) {
    segment->older = mid->unused;
    mid->unused = segment;
}

/* Makes a place for one more block in the list; false without memory. */
static bool make_room(struct hak_mid *mid, struct hak_mid_list *list) {
    if (list->newest && list->newest->count < HAK_MID_SEGMENT_PLACES)
        return true;
    struct hak_mid_segment *segment = take_segment(mid);
    if (!segment)
        return false;
    segment->older = list->newest;
    segment->count = 0;
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    list->newest = segment;
    return true;
}

/* ---- the moves ------------------------------------------------------------------------------ */

/* Puts a block on the class's list, as HAK_MID_OVERFLOW. There is room in the newest segment. */
static void push(struct hak_mid *mid, unsigned class_index, base_t block) {
    struct hak_mid_list *list = &mid->lists[class_index];
    hop(HAK_MID_OVERFLOW, block, class_index);
    list->newest->blocks[list->newest->count] = block;
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    list->newest->count++;
    list->count++;
    mid->bytes += hak_class_bytes(class_index);
}

/* Takes the newest block out of a list that has one; its hop is the caller's. */
static base_t remove_newest(struct hak_mid *mid, unsigned class_index) {
    struct hak_mid_list *list = &mid->lists[class_index];
    struct hak_mid_segment *segment = list->newest;
    base_t block = segment->blocks[--segment->count];
    list->count--;
    if (list->low > list->count)
        list->low = list->count;
    mid->bytes -= hak_class_bytes(class_index);
    if (segment->count == 0) {
        list->newest = segment->older;
        atomic_signal_fence(memory_order_release);
        drop_segment(mid, segment);
    }
    return block;
}

/* Takes the newest block off the class's list, which must not be empty, and records it as
 * HAK_MID_RETURN. */
static base_t pop(struct hak_mid *mid, unsigned class_index) {
    base_t block = remove_newest(mid, class_index);
    hop(HAK_MID_RETURN, block, class_index);
    return block;
}

void hak_mid_spill(struct hak_heap *heap, unsigned class_index, const base_t *blocks,
                   unsigned count) {
    hop_all(HAK_MID_SPILL, blocks, count, class_index);
    hak_slab_give_all(heap, blocks, count);
}

/* Takes up to `wanted` blocks of the heap's slabs, each recorded as HAK_MID_REFILL. Returns how
 * many. */
static unsigned take_from_slabs(struct hak_heap *heap, unsigned class_index, base_t *blocks,
                                unsigned wanted) {
    unsigned taken = hak_slab_take_some(heap, class_index, blocks, wanted);
    hop_all(HAK_MID_REFILL, blocks, taken, class_index);
    return taken;
}

unsigned hak_mid_take(struct hak_heap *heap, struct hak_mid *mid, unsigned class_index,
                      base_t *blocks, unsigned wanted) {
    unsigned taken = 0;
    while (taken < wanted && mid && mid->lists[class_index].count > 0)
        blocks[taken++] = pop(mid, class_index);
    return taken > 0 ? taken : take_from_slabs(heap, class_index, blocks, wanted);
}

void hak_mid_give(struct hak_heap *heap, struct hak_mid **mid, unsigned class_index,
                  const base_t *blocks, unsigned count) {
    if (!*mid)
        *mid = make_mid();
    size_t slot_bytes = hak_class_bytes(class_index);
    unsigned pushed = 0;
    while (pushed < count && *mid && (*mid)->bytes + slot_bytes <= HAK_MID_LIFO_BYTES &&
           make_room(*mid, &(*mid)->lists[class_index]))
        push(*mid, class_index, blocks[pushed++]);
    hak_mid_spill(heap, class_index, blocks + pushed, count - pushed);
}

/* Moves `count` blocks of the list, the newest first, into the slabs. */
static void spill_list(struct hak_heap *heap, struct hak_mid *mid, unsigned class_index,
                       uint32_t count) {
    base_t blocks[SPILLED_AT_ONCE];
    while (count > 0) {
        unsigned taken = 0;
        while (taken < SPILLED_AT_ONCE && taken < count)
            blocks[taken++] = remove_newest(mid, class_index);
        hak_mid_spill(heap, class_index, blocks, taken);
        count -= taken;
    }
}

void hak_mid_empty_some(struct hak_heap *heap, struct hak_mid *mid, uint32_t most) {
    for (unsigned c = 0; mid && c < HAK_CLASSES && most > 0; c++) {
        uint32_t count = mid->lists[c].count < most ? mid->lists[c].count : most;
        spill_list(heap, mid, c, count);
        most -= count;
    }
}

void hak_mid_empty(struct hak_heap *heap, struct hak_mid *mid) {
    hak_mid_empty_some(heap, mid, UINT32_MAX);
}

void hak_mid_decay(struct hak_heap *heap, struct hak_mid *mid) {
    for (unsigned c = 0; mid && c < HAK_CLASSES; c++) {
        spill_list(heap, mid, c, (mid->lists[c].low + 1) / 2);
        mid->lists[c].low = mid->lists[c].count;
    }
}

/* Takes a segment out of its list if it has become empty. */
static void drop_if_empty(struct hak_mid *mid, struct hak_mid_segment **link) {
    struct hak_mid_segment *segment = *link;
    if (segment->count > 0)
        return;
    *link = segment->older;
    atomic_signal_fence(memory_order_release);
    drop_segment(mid, segment);
}

/* Gives those blocks of a segment to the slabs that are not to stay (hak_slab_part); returns how
 * many. Each is in the slabs before its place is overwritten (a fork may come in between). */
static unsigned part_segment(struct hak_heap *heap, struct hak_mid_segment *segment,
                             unsigned class_index, const struct hak_staying *staying) {
    base_t going[HAK_MID_SEGMENT_PLACES], kept[HAK_MID_SEGMENT_PLACES];
    unsigned count = (unsigned)segment->count;
    unsigned goes = hak_slab_part(staying, segment->blocks, count, going, kept);
    if (goes > 0)
        hak_mid_spill(heap, class_index, going, goes);
    atomic_signal_fence(memory_order_release);
    __builtin_memcpy(segment->blocks, kept, (count - goes) * sizeof *kept);
    atomic_signal_fence(memory_order_release);
    segment->count = count - goes;
    return goes;
}

void hak_mid_spill_draining(struct hak_heap *heap, struct hak_mid *mid,
                            const struct hak_staying *staying) {
    for (unsigned c = 0; mid && c < HAK_CLASSES; c++) {
        struct hak_mid_list *list = &mid->lists[c];
        struct hak_mid_segment **link = &list->newest;
        while (*link) {
            struct hak_mid_segment *segment = *link;
            unsigned goes = part_segment(heap, segment, c, staying);
            list->count -= goes;
            mid->bytes -= goes * hak_class_bytes(c);
            drop_if_empty(mid, link);
            if (*link == segment)
                link = &segment->older;
        }
        if (list->low > list->count)
            list->low = list->count;
    }
}

/* Gives all blocks of a heap that a fork left behind to the slabs. Counts are made anew: the fork
 * may have come between a block and its count. */
void hak_mid_empty_left(struct hak_heap *heap, struct hak_mid *mid) {
    for (unsigned c = 0; mid && c < HAK_CLASSES; c++) {
        struct hak_mid_segment *segment = mid->lists[c].newest, *older;
        for (; segment; segment = older) {
            older = segment->older;
            for (uint64_t i = 0; i < segment->count && i < HAK_MID_SEGMENT_PLACES; i++)
                hak_slab_give_left(heap, segment->blocks[i], c);
            drop_segment(mid, segment);
        }
        mid->lists[c] = (struct hak_mid_list){0};
    }
    if (mid)
        mid->bytes = 0;
}

size_t hak_mid_count(const struct hak_mid *mid, unsigned class_index) {
    return mid ? __atomic_load_n(&mid->lists[class_index].count, __ATOMIC_RELAXED) : 0;
}

size_t hak_mid_each(const struct hak_mid *mid, unsigned class_index,
                    void (*visit)(base_t block, void *context), void *context) {
    size_t count = hak_mid_count(mid, class_index), visited = 0;
    const struct hak_mid_segment *segment = count ? mid->lists[class_index].newest : NULL;
    for (; segment && visited < count; segment = segment->older)
        for (uint64_t i = 0; i < segment->count && i < HAK_MID_SEGMENT_PLACES; i++, visited++)
            visit(segment->blocks[i], context);
    return count;
}

/* Cuts, splits and joins the ranges of a process. */
#include "store/history/ranges.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "base/sorted.h"
#include "trace/record.h"

/* The first range that ends behind `address`. */
static uint32_t first_behind(const struct hak_ranges *r, uint64_t address) {
    return (uint32_t)HAK_FIRST_ABOVE(r->range, r->count, end, address);
}

const struct hak_range *hak_ranges_at(const struct hak_ranges *r, uint64_t address) {
    uint32_t at = first_behind(r, address);
    return at < r->count && r->range[at].start <= address ? &r->range[at] : NULL;
}

static bool is_given_up(const struct hak_range *range, const struct hak_ranges_call *call) {
    return !call || range->thread == call->thread || range->ns <= call->began_ns;
}

bool hak_ranges_remove(struct hak_ranges *r, uint64_t start, uint64_t end,
                       const struct hak_ranges_call *call, const struct hak_ranges_gone *gone) {
    uint32_t from = first_behind(r, start), to = from, kept = from;
    struct hak_range behind = {0};
    if (start >= end)
        return true;
    if (!hak_growing_make_room(&r->range, r->count, &r->room, sizeof *r->range))
        return false;
    for (; to < r->count && r->range[to].start < end; to++) {
        struct hak_range range = r->range[to], piece = range;
        if (!is_given_up(&range, call)) {
            r->range[kept++] = range;
            continue;
        }
        piece.start = range.start > start ? range.start : start;
        piece.end = range.end < end ? range.end : end;
        if (gone)
            gone->each(gone->context, &piece);
        if (range.end > end) {
            behind = range; /* it is the last one */
            behind.start = end;
        }
        range.end = start;
        if (range.start < start)
            r->range[kept++] = range;
    }
    uint32_t extra = behind.end != 0;
    memmove(r->range + kept + extra, r->range + to, (r->count - to) * sizeof *r->range);
    if (extra)
        r->range[kept] = behind;
    r->count = r->count - (to - kept) + extra;
    return true;
}

bool hak_ranges_add(struct hak_ranges *r, const struct hak_range *range) {
    if (range->start >= range->end)
        return true;
    if (!hak_growing_make_room(&r->range, r->count, &r->room, sizeof *r->range))
        return false;
    uint32_t at = first_behind(r, range->start);
    memmove(r->range + at + 1, r->range + at, (r->count - at) * sizeof *r->range);
    r->range[at] = *range;
    r->count++;
    return true;
}

/* ---- opened and closed -----------------------------------------------------------------------
 */

struct pieces {
    struct hak_range *piece;
    uint32_t count, room;
    bool failed;
};

/* Keeps a copy of the piece. */
static void keep_piece(void *context, const struct hak_range *piece) {
    struct pieces *p = context;
    p->failed =
        p->failed || !hak_growing_make_room(&p->piece, p->count, &p->room, sizeof *p->piece);
    if (!p->failed)
        p->piece[p->count++] = *piece;
}

/* Neighbours of one call that can be told apart no more. */
static void join(struct hak_ranges *r, uint64_t start, uint64_t end) {
    uint32_t kept = first_behind(r, start ? start - 1 : 0), at = kept + 1;
    for (; at < r->count && r->range[at].start <= end; at++) {
        struct hak_range *last = &r->range[kept], *next = &r->range[at];
        if (last->end == next->start && last->event == next->event && last->way == next->way)
            last->end = next->end;
        else
            r->range[++kept] = *next;
    }
    if (at > r->count)
        return;
    memmove(r->range + kept + 1, r->range + at, (r->count - at) * sizeof *r->range);
    r->count -= at - (kept + 1);
}

static bool is_closed(const struct hak_range *range) {
    return range->way & HAK_MAPPED_CLOSED;
}

/* Copies the ranges in [start, end), cut at its ends. False without memory. */
static bool copy_pieces(const struct hak_ranges *r, uint64_t start, uint64_t end,
                        struct pieces *out) {
    uint32_t at = start < end ? first_behind(r, start) : r->count;
    for (; at < r->count && r->range[at].start < end; at++) {
        struct hak_range piece = r->range[at];
        piece.start = piece.start > start ? piece.start : start;
        piece.end = piece.end < end ? piece.end : end;
        keep_piece(out, &piece);
    }
    return !out->failed;
}

bool hak_ranges_protect(struct hak_ranges *r, uint64_t start, uint64_t end,
                        const struct hak_range *now, const struct hak_ranges_gone *gone,
                        const struct hak_ranges_gone *came) {
    struct pieces there = {0};
    bool has_memory = copy_pieces(r, start, end, &there);
    for (uint32_t i = 0; i < there.count && has_memory; i++) {
        const struct hak_range *old = &there.piece[i];
        struct hak_range piece = *now;
        if (is_closed(old) == is_closed(now))
            continue;
        piece.start = old->start;
        piece.end = old->end;
        has_memory =
            hak_ranges_remove(r, old->start, old->end, NULL, gone) && hak_ranges_add(r, &piece);
        if (has_memory && came)
            came->each(came->context, &piece);
    }
    if (has_memory && there.count)
        join(r, start, end);
    free(there.piece);
    return has_memory;
}

/* ---- shared lists ----------------------------------------------------------------------------
 */

/* Copies the ranges. False without memory. */
static bool copy_ranges(struct hak_ranges *to, const struct hak_ranges *from) {
    to->range = malloc(from->count * sizeof *to->range);
    if (!to->range)
        return false;
    memcpy(to->range, from->range, from->count * sizeof *to->range);
    to->count = to->room = from->count;
    return true;
}

struct hak_ranges *hak_ranges_own(struct hak_ranges **list) {
    struct hak_ranges *old = *list;
    if (old && old->users == 1)
        return old;
    struct hak_ranges *own = calloc(1, sizeof *own);
    if (!own)
        return NULL;
    own->users = 1;
    if (old && old->count && !copy_ranges(own, old)) {
        free(own);
        return NULL;
    }
    hak_ranges_leave(old);
    *list = own;
    return own;
}

void hak_ranges_leave(struct hak_ranges *list) {
    if (!list || --list->users)
        return;
    free(list->range);
    free(list);
}

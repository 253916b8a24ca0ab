/* The ranges of addresses that one process has mapped itself, each with the call that made it.
 *
 *   | commit        | reserve (closed)      |   gap   | sbrk |
 *   start           end = start             end
 *
 * Sorted by address, without overlaps. A range is what is left in one piece of one call; a forked
 * child shares its parent's list until one of them changes. For one thread. */
#ifndef HAK_STORE_HISTORY_RANGES_H
#define HAK_STORE_HISTORY_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct hak_range {
    uint64_t start, end;
    uint64_t event, ns; /* of the call */
    uint32_t thread, stack;
    uint8_t way; /* enum hak_mapped */
};

struct hak_ranges {
    struct hak_range *range;
    uint32_t count, room;
    uint32_t users; /* processes that have this list */
};

/* Calls `each` for every piece that goes, or comes. */
struct hak_ranges_gone {
    void (*each)(void *context, const struct hak_range *piece);
    void *context;
};

/* Ranges older than the call that gives them up: the thread's own, and those that others mapped up
 * to `began_ns`. NULL = all. */
struct hak_ranges_call {
    uint32_t thread;
    uint64_t began_ns;
};

/* Takes [start, end) out, as far as it is there and belongs to the call. False: no memory, and all
 * is as it was. */
bool hak_ranges_remove(struct hak_ranges *r, uint64_t start, uint64_t end,
                       const struct hak_ranges_call *call, const struct hak_ranges_gone *gone);
/* Puts a range in where nothing is; an empty one is passed over. False without memory. */
bool hak_ranges_add(struct hak_ranges *r, const struct hak_range *range);
/* Opens or closes the ranges in [start, end): those that were otherwise go, and stand there as
 * `now` says, but for their addresses. False: no memory, and the ranges that went are gone. */
bool hak_ranges_protect(struct hak_ranges *r, uint64_t start, uint64_t end,
                        const struct hak_range *now, const struct hak_ranges_gone *gone,
                        const struct hak_ranges_gone *came);
/* The range that holds `address`, NULL = none. */
const struct hak_range *hak_ranges_at(const struct hak_ranges *r, uint64_t address);

/* The list, to be changed: a copy where others have it, too. `*list` NULL: an empty one. NULL: no
 * memory. */
struct hak_ranges *hak_ranges_own(struct hak_ranges **list);

/* Gives up one use of the list; the last one frees it. */
void hak_ranges_leave(struct hak_ranges *list);

#endif

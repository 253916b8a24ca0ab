/* `core FILE --leaks`: finds live blocks that no pointer of the core leads to.
 *
 *   own.c     leaves out hakmem's memory
 *   mark.c    live blocks by address; ranges, threads and stacks of the core --> marker.h
 *   leaks.c   rows by stack or class, as text and JSON
 *
 * For one thread. */
#ifndef HAK_VIEWER_COREFILE_LEAKS_H
#define HAK_VIEWER_COREFILE_LEAKS_H

#include "marking.h"
#include "viewer/corefile/parts.h"

/* A live block. */
struct core_leak_block {
    uint64_t base, user, end; /* `end`: behind the last byte asked for, or of its slot */
    uint32_t alloc_stack;
    uint8_t class_index;
    uint8_t mark; /* enum hak_mark */
    bool is_large, is_new_array, has_size;
};

struct core_leaks {
    struct hak_marking marking; /* its numbers are places of blocks; `work` may be used again */
    struct core_blocks *blocks;
    struct core_leak_block *block; /* by address; none overlaps */
    size_t count;
    uint32_t room, left_out_room;
    uint64_t steps_left; /* through the allocator's lists, as far as there is memory for them */
    bool is_damaged;     /* they wanted more, or blocks overlapped */
    bool no_memory;
};

/* Finds the blocks and marks them. Free the lists in any case. (mark.c) */
void core_leaks_scan(struct core_leaks *leaks);

/* Leaves a range out of the roots. (mark.c) */
void core_leaks_leave_out(struct core_leaks *leaks, uint64_t start, uint64_t end);
/* Leaves out of the marking all that is hakmem's: its modules, its threads' variables and its own
 * pages. (own.c) */
void core_leaks_leave_out_own(struct core_leaks *leaks);
/* Whether `ip` is in hakmem's code. (own.c) */
bool core_leaks_is_own_code(const struct core_leaks *leaks, uint64_t ip);

#endif

/* `core FILE --leaks`: finds live blocks that no pointer of the core leads to. The rules are those
 * of the scan inside the program (docs/specs/leaks.md).
 *
 *   roots.c   hakmem's memory, dead stacks --left out--> the rest, words --> core_leaks_see
 *   mark.c    live blocks by address; from roots through blocks; then what hangs on what is lost
 *   leaks.c   rows by stack or class, as text and JSON
 *
 * For one thread. */
#ifndef HAK_VIEWER_COREFILE_LEAKS_H
#define HAK_VIEWER_COREFILE_LEAKS_H

#include "viewer/corefile/parts.h"

enum core_mark { CORE_UNSEEN, CORE_REACHED, CORE_INDIRECT, CORE_DIRECT };

/* A live block. */
struct core_leak_block {
    uint64_t base, user, end; /* `end`: behind the last byte asked for, or of its slot */
    uint32_t alloc_stack;
    uint8_t class_index;
    uint8_t mark; /* enum core_mark */
    bool is_large, is_new_array, has_size;
};

struct core_leaks_range {
    uint64_t start, end;
};

struct core_leaks {
    struct core_blocks *blocks;
    struct core_leak_block *block; /* by address; none overlaps */
    size_t count;
    uint32_t room;
    uint32_t *work, *heads; /* places of blocks; as many as there are blocks; free after the scan */
    size_t work_count, head_count;
    struct core_leaks_range *left_out; /* by address */
    size_t left_out_count;
    uint32_t left_out_room;
    enum core_mark found_as;
    uint64_t missing_bytes; /* of writable memory of the program, which the core leaves out */
    uint64_t steps_left;    /* through the allocator's lists, as far as there is memory for them */
    bool is_damaged;        /* they wanted more, or blocks overlapped */
    bool no_memory;
};

/* Finds the blocks and marks them. Free the lists in any case. (mark.c) */
void core_leaks_scan(struct core_leaks *leaks);

/* A word of the program; `from_base`: of hakmem's own code, which has blocks' bases in its hands.
 * (mark.c) */
void core_leaks_see(struct core_leaks *leaks, uint64_t word, bool from_base);

/* Marks what pointers in the program's memory and registers lead to. (roots.c) */
void core_leaks_roots(struct core_leaks *leaks);

#endif

/* The alignments that a program asked for, which the log does not say: the addresses of blocks that
 * one stack took at an alignment have it in common. */
#ifndef HAK_VIEWER_REPLAY_ALIGNMENTS_H
#define HAK_VIEWER_REPLAY_ALIGNMENTS_H

#include <stdbool.h>
#include "base/index.h"

struct alignments {
    struct alignment_site *site; /* by number */
    uint32_t sites, room;
    struct hak_index by_stack;
};

/* Notes the address that a call with this stack gave, and gives the stack's number. False: no
 * memory. */
bool alignments_note(struct alignments *alignments, uint32_t stack, uint64_t address,
                     uint32_t *number);
/* The alignment of the stack with this number, as a power of two. */
uint8_t alignments_log2(const struct alignments *alignments, uint32_t number);
void alignments_free(struct alignments *alignments);

#endif

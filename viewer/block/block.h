/* One address: the commands `why` and `block`.
 *
 *   ADDR --> capture --> the store's story of a block (store/history)
 *                            |
 *   why.c   --> why_rows.c --> why_text.c, why_json.c       the last owners and what went wrong
 *   block.c --> block_totals.c, block_rows.c, block_json.c  every life, as it is read
 *               position.c: the block that is meant, its place   beside.c: the blocks next to it
 *
 * Calls capture and cli. */
#ifndef HAK_VIEWER_BLOCK_BLOCK_H
#define HAK_VIEWER_BLOCK_BLOCK_H

#include "viewer/cli/cli.h"

/* Appends the page of `why` of a block in `process` (row id) whose allocation was event `birth` (0
 * = not known), with whole stacks or not. 0, or an exit status. */
int block_add_why(struct hak_text *text, struct view *view, uint64_t address, uint32_t process,
                  uint64_t birth, bool has_stacks);
/* "20 bytes into a block", one of `bytes` from `user` on. */
void block_add_distance(struct hak_text *text, uint64_t address, uint64_t user, uint64_t bytes);

/* Runs `why`: prints the owners of the block at an address, and the step that was wrong. Returns
 * the exit status. */
int command_why(struct view *view);

/* Runs `block`: prints all lives of the block at an address, or those that the options choose.
 * Returns the exit status. */
int command_block(struct view *view);

#endif

/* Functions that the files of this room share. */
#ifndef HAK_VIEWER_COREFILE_PARTS_H
#define HAK_VIEWER_COREFILE_PARTS_H

#include "base/json.h"
#include "viewer/cli/cli.h"
#include "viewer/corefile/blocks.h"

/* The half that serves the program: of hakmem-debug.so as its level says, else the first; and the
 * checks' half, NULL: there is none. (figures.c) */
const struct core_table *core_find_serving(const struct core_tables *tables,
                                           const struct core_table **checks);

/* Reads its SuperSlabs and large blocks, in no order, and no list of blocks. False: out of memory.
 * (walk.c) */
bool core_walk_memory(struct core_half *half);
/* Reads the lists of a half. False: out of memory. (walk.c) */
bool core_walk(struct core_half *half);
/* The offset of the link in a free block of a linked list. */
uint64_t core_link_offset(const struct core_half *half);

/* "normal"; "none": the plain library. (document.c) */
const char *core_level_word(const struct core_blocks *blocks);

/* The document that every answer begins with: process and allocator. (document.c) */
json_t *core_document(const struct view *view, const struct core_blocks *blocks);
/* Says in it whether anything was missing for the answer, and prints it. False: it could not be
 * printed. (document.c) */
bool core_print_json(const struct core_blocks *blocks, json_t *document);

/* Why the answer may be wrong, as far as it is worked out: what the core lacks, or lists that are
 * damaged; NULL: nothing. (document.c) */
const char *core_lack(const struct core_blocks *blocks);

/* The answers (command.c has the table): printed, and the exit status. */
int core_why(struct view *view, struct core_blocks *blocks, uint64_t address);
int core_owner(struct view *view, struct core_blocks *blocks, uint64_t address);
int core_block_lives(struct view *view, struct core_blocks *blocks, uint64_t address);
int core_block_history(struct view *view, struct core_blocks *blocks, uint64_t address);

/* `core --layers`: prints how many blocks of each class lie in each place. An exit status. */
int core_layers(struct view *view, struct core_blocks *blocks, uint64_t address);

/* `core --top`: prints live blocks by their stacks, most bytes first. An exit status. */
int core_top(struct view *view, struct core_blocks *blocks, uint64_t address);

/* `core --leaks`: prints blocks that nothing in the core points to. An exit status; a process that
 * is there is refused. */
int core_leaks(struct view *view, struct core_blocks *blocks, uint64_t address);

/* `core --check`: compares bytes and books of all blocks with what they should be, and prints the
 * findings. An exit status. */
int core_check(struct view *view, struct core_blocks *blocks, uint64_t address);

/* "live: the program has it", "free in a thread's magazine"; the line `place` about where it lies;
 * all that is known of a block. (why.c) */
const char *core_state_sentence(const struct core_block *block);

/* Appends where the block lies: its slot and heap, or its own pages. */
void core_add_place(struct hak_text *text, const struct core_block *block);

/* A block as JSON; values that only slots or cached blocks have are null for others. */
json_t *core_block_json(const struct core_block *block);

#endif
